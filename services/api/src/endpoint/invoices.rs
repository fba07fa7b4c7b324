//! `GET /tickets/{ticketId}/invoices`: what was charged, voided invoices included; oldest first.

use dispatch_domain::{Role, ToolName};
use dispatch_store::invoices::{self, InvoiceRow};
use serde_json::{Value, json};

use super::{Endpoint, View};
use crate::answer::Answer;
use crate::clock;
use crate::failure::Failure;
use crate::read::ReadCall;

/// Those who deal with money, and the dispatcher who answers the customer.
const READERS: &[Role] = &[Role::Dispatcher, Role::Approver, Role::Finance];

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint::view(
    ToolName::TicketTimeline,
    View { route: "/tickets/{ticketId}/invoices", roles: READERS, query: &[] },
    |call| Box::pin(run(call)),
);

async fn run(call: &ReadCall) -> Result<Answer, Failure> {
    let (mut connection, ticket) = call.ticket().await?;
    let rows = invoices::list(&mut connection, ticket.id).await?;
    let documents: Vec<Value> = rows.iter().map(document).collect();
    Ok(Answer::json(200, &json!({ "ticket_id": ticket.id, "invoices": documents })))
}

fn document(row: &InvoiceRow) -> Value {
    json!({
        "id": row.id,
        "number": row.number,
        "status": row.status,
        "currency": row.currency,
        "lines": row.lines,
        "total_cents": row.total_cents,
        "issued_by": row.issued_by,
        "issued_at": clock::text(row.issued_at),
        "voided_by": row.voided_by,
        "voided_at": row.voided_at.map(clock::text),
        "void_reason": row.void_reason,
    })
}
