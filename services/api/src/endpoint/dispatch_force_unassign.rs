//! `POST /tickets/{ticketId}/dispatch/force-unassign`: takes the technician off; the ticket waits as SCHEDULED.

use dispatch_domain::{TicketState, ToolName};

use super::Endpoint;
use crate::command::{Command, Effect};
use crate::failure::Failure;

/// The endpoint.
pub const ENDPOINT: Endpoint =
    Endpoint::command(ToolName::DispatchForceUnassign, |command| Box::pin(run(command)));

async fn run(command: &mut Command) -> Result<Effect, Failure> {
    let mut ticket = command.ticket()?;
    let fields = command.fields();
    let reason = fields.optional_text("reason")?.map(str::to_owned);
    let reassign_type = fields.optional_text("reassign_type")?.map(str::to_owned);
    let before = ticket.state;
    ticket.state = TicketState::Scheduled;
    ticket.assigned_tech_id = None;
    ticket.assigned_provider_id = None;
    let ticket = command.save(&ticket).await?;
    let effect = Effect::ticket(200, &ticket).with("reason", reason).with("reassign_type", reassign_type);
    // On a ticket that is SCHEDULED already only the assignment changes.
    Ok(if before == ticket.state { effect } else { effect.moved(&[before, ticket.state]) })
}
