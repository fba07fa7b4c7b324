//! `POST /tickets/{ticketId}/cancel`: the ticket ends without being done; its assignment is cleared, open approvals
//! are withdrawn and an invoice is voided.

use dispatch_domain::{TicketState, ToolName};
use dispatch_store::{approvals, invoices};

use super::Endpoint;
use crate::command::{Command, Effect};
use crate::failure::Failure;

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint::command(ToolName::TicketCancel, |command| Box::pin(run(command)));

async fn run(command: &mut Command) -> Result<Effect, Failure> {
    let mut ticket = command.ticket()?;
    let fields = command.fields();
    let reason = fields.text("reason")?.to_owned();
    let code = fields.optional_text("cancellation_code")?.map(str::to_owned);
    let before = ticket.state;
    let actor_id = command.actor.id.clone();
    let withdrawn = approvals::cancel_pending(command.db(), ticket.id, None, &actor_id).await?;
    let withdrawn: Vec<String> = withdrawn.iter().map(ToString::to_string).collect();
    let voided = invoices::void(command.db(), ticket.id, &actor_id, &reason).await?;
    ticket.state = TicketState::Cancelled;
    ticket.assigned_tech_id = None;
    ticket.assigned_provider_id = None;
    let ticket = command.save(&ticket).await?;
    Ok(Effect::ticket(200, &ticket)
        .moved(&[before, ticket.state])
        .with("reason", reason)
        .with_any("cancelled_approvals", withdrawn)
        .with_some("voided_invoice", voided)
        .with("cancellation_code", code))
}
