//! `POST /tickets/{ticketId}/schedule/confirm`: the agreed window, and a message to the customer.

use dispatch_domain::outbox::Message;
use dispatch_domain::{TicketState, ToolName};

use super::Endpoint;
use crate::command::{Command, Effect, Fields};
use crate::failure::Failure;

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint::command(ToolName::ScheduleConfirm, |command| Box::pin(run(command)));

async fn run(command: &mut Command) -> Result<Effect, Failure> {
    let mut ticket = command.ticket()?;
    let window = Fields::window(&command.request, "", "Field 'end' must be after 'start'")?;
    let before = ticket.state;
    ticket.state = TicketState::Scheduled;
    ticket.scheduled_start = Some(window.start);
    ticket.scheduled_end = Some(window.end);
    let ticket = command.save(&ticket).await?;
    let message = Message::confirm(&ticket.id.to_string(), before, window);
    let draft = command.draft(&message, ticket.customer_phone.as_deref());
    Ok(Effect::ticket(200, &ticket).moved(&[before, ticket.state]).message(draft))
}
