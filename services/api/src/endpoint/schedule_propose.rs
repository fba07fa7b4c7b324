//! `POST /tickets/{ticketId}/schedule/propose`: windows for the customer; the first one is shown on the ticket.

use dispatch_domain::schedule::Window;
use dispatch_domain::{TicketState, ToolName};
use dispatch_store::tickets::TicketRow;
use serde_json::Value;

use super::Endpoint;
use crate::command::{Command, Effect, Fields};
use crate::failure::Failure;
use crate::schedule_rules;

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint::command(ToolName::SchedulePropose, |command| Box::pin(run(command)));

async fn run(command: &mut Command) -> Result<Effect, Failure> {
    let mut ticket = command.ticket()?;
    let options = options(command.fields())?;
    check_options(command, &ticket, &options).await?;
    let first = *options.first().ok_or_else(|| Failure::invalid("Field 'options' must be an array"))?;
    let before = ticket.state;
    ticket.state = TicketState::ScheduleProposed;
    ticket.scheduled_start = Some(first.start);
    ticket.scheduled_end = Some(first.end);
    let ticket = command.save(&ticket).await?;
    let options: Vec<Value> = options.into_iter().map(Window::to_json).collect();
    Ok(Effect::ticket(200, &ticket)
        .moved(&[before, ticket.state])
        .with("options", options)
        .with("selected_window_hint", first.to_json()))
}

async fn check_options(command: &mut Command, ticket: &TicketRow, options: &[Window]) -> Result<(), Failure> {
    schedule_rules::check_apart(command, options)?;
    for (index, window) in options.iter().enumerate() {
        schedule_rules::check_window(command, ticket, *window, &format!("options[{index}]")).await?;
    }
    Ok(())
}

fn options(fields: Fields<'_>) -> Result<Vec<Window>, Failure> {
    let listed = fields.get("options").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    listed
        .iter()
        .enumerate()
        .map(|(index, option)| {
            let reversed = format!("Field 'options[{index}]' end must be after start");
            Fields::window(option, &format!("options[{index}]."), &reversed)
        })
        .collect()
}
