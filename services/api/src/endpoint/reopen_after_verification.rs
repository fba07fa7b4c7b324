//! `POST /tickets/{ticketId}/closeout/reopen-after-verification`: verified work turns out to be unfinished.

use dispatch_domain::{TicketState, ToolName};
use dispatch_store::invoices;

use super::Endpoint;
use crate::command::{Command, Effect};
use crate::failure::Failure;

/// The endpoint.
pub const ENDPOINT: Endpoint =
    Endpoint::command(ToolName::ReopenAfterVerification, |command| Box::pin(run(command)));

async fn run(command: &mut Command) -> Result<Effect, Failure> {
    let mut ticket = command.ticket()?;
    let fields = command.fields();
    let reason = fields.text("reason")?.to_owned();
    let scope = fields.optional_text("reopen_scope")?.map(str::to_owned);
    let before = ticket.state;
    let actor_id = command.actor.id.clone();
    let voided = invoices::void(command.db(), ticket.id, &actor_id, &reason).await?;
    ticket.state = TicketState::InProgress;
    let ticket = command.save(&ticket).await?;
    Ok(Effect::ticket(200, &ticket)
        .moved(&[before, ticket.state])
        .with("reason", reason)
        .with_some("voided_invoice", voided)
        .with("reopen_scope", scope)
        .with("invoice_reversal", before == TicketState::Invoiced))
}
