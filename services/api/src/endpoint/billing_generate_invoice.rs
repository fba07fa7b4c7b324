//! `POST /tickets/{ticketId}/billing/generate-invoice`: marks the work as invoiced.

use dispatch_domain::{TicketState, ToolName};

use super::Endpoint;
use crate::command::{Command, Effect};
use crate::failure::Failure;

/// The endpoint.
pub const ENDPOINT: Endpoint =
    Endpoint::command(ToolName::BillingGenerateInvoice, |command| Box::pin(run(command)));

async fn run(command: &mut Command) -> Result<Effect, Failure> {
    let mut ticket = command.ticket()?;
    let before = ticket.state;
    ticket.state = TicketState::Invoiced;
    let ticket = command.save(&ticket).await?;
    Ok(Effect::ticket(200, &ticket).moved(&[before, ticket.state]).with("invoice_generated", true))
}
