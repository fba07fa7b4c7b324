//! `POST /tickets/{ticketId}/dispatch/resume`: work goes on after a hold, where it was held or somewhere else.

use dispatch_domain::{TicketState, ToolName};
use dispatch_store::transitions;

use super::Endpoint;
use crate::command::{Command, Effect};
use crate::failure::Failure;

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint::command(ToolName::DispatchResume, |command| Box::pin(run(command)));

async fn run(command: &mut Command) -> Result<Effect, Failure> {
    let mut ticket = command.ticket()?;
    let fields = command.fields();
    let asked: Option<TicketState> = fields.optional_word("resume_to")?;
    let reason = fields.optional_text("reason")?.map(str::to_owned);
    let before = ticket.state;
    ticket.state = match asked {
        Some(state) => state,
        None => held_from(command, ticket.id).await?,
    };
    if ticket.state == TicketState::ReadyToSchedule {
        // Scheduled anew from the start: nobody is on the way, and no window is agreed.
        ticket.assigned_tech_id = None;
        ticket.assigned_provider_id = None;
        ticket.scheduled_start = None;
        ticket.scheduled_end = None;
    }
    let ticket = command.save(&ticket).await?;
    Ok(Effect::ticket(200, &ticket)
        .moved(&[before, ticket.state])
        .with("resumed_to", ticket.state.as_str())
        .with("reason", reason))
}

/// The state that the newest hold took the ticket from; work on site that never came to a rest there goes on as such.
async fn held_from(command: &mut Command, ticket_id: uuid::Uuid) -> Result<TicketState, Failure> {
    let history = transitions::list(command.db(), ticket_id).await?;
    let held = history.iter().rev().find(|row| row.to_state == TicketState::OnHold);
    Ok(match held.and_then(|row| row.from_state) {
        Some(TicketState::Dispatched) => TicketState::Dispatched,
        _ => TicketState::InProgress,
    })
}
