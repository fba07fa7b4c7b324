//! `POST /tickets/{ticketId}/billing/generate-invoice`: writes the invoice of verified work.

use dispatch_domain::invoice::{Line, total};
use dispatch_domain::{TicketState, ToolName};
use dispatch_store::invoices::{self, InvoiceDraft};
use serde_json::json;

use super::Endpoint;
use crate::command::{Command, Effect};
use crate::failure::Failure;

/// The endpoint.
pub const ENDPOINT: Endpoint =
    Endpoint::command(ToolName::BillingGenerateInvoice, |command| Box::pin(run(command)));

async fn run(command: &mut Command) -> Result<Effect, Failure> {
    let mut ticket = command.ticket()?;
    let fields = command.fields();
    let lines = match fields.get("lines") {
        Some(lines) => Line::read_all(lines),
        // Without lines of its own the work is charged as agreed.
        None => vec![Line::new(&ticket.summary, 1, ticket.nte_cents)],
    };
    let currency = fields.optional_text("currency")?.map(str::to_owned);
    let issued_by = command.actor.id.clone();
    let draft = InvoiceDraft {
        ticket_id: ticket.id,
        currency: currency.as_deref(),
        lines: &json!(lines),
        total_cents: total(&lines),
        issued_by: &issued_by,
        request_id: command.request_id,
    };
    let invoice = invoices::insert(command.db(), &draft).await?;
    let before = ticket.state;
    ticket.state = TicketState::Invoiced;
    let ticket = command.save(&ticket).await?;
    Ok(Effect::ticket(200, &ticket)
        .moved(&[before, ticket.state])
        .with("invoice_generated", true)
        .with("invoice_id", invoice.id.to_string())
        .with("invoice_number", invoice.number)
        .with("invoice_total_cents", invoice.total_cents))
}
