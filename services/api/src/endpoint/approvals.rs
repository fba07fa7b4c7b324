//! `GET /tickets/{ticketId}/approvals`: what was asked for, by whom, and how it was decided, and what the
//! ticket was allowed to cost since; oldest first.

use dispatch_domain::ToolName;
use dispatch_store::approvals::{self, ApprovalRow, NteRow};
use serde_json::{Value, json};

use super::{Endpoint, View, closeout_packet};
use crate::answer::Answer;
use crate::clock;
use crate::failure::Failure;
use crate::read::ReadCall;

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint::view(
    ToolName::TicketTimeline,
    View { route: "/tickets/{ticketId}/approvals", roles: closeout_packet::STAFF, query: &[] },
    |call| Box::pin(run(call)),
);

async fn run(call: &ReadCall) -> Result<Answer, Failure> {
    let (mut connection, ticket) = call.ticket().await?;
    let rows = approvals::list(&mut connection, ticket.id).await?;
    let documents: Vec<Value> = rows.iter().map(document).collect();
    let ledger = approvals::nte_ledger(&mut connection, ticket.id).await?;
    let ledger: Vec<Value> = ledger.iter().map(entry).collect();
    let body = json!({ "ticket_id": ticket.id, "approvals": documents, "nte_ledger": ledger });
    Ok(Answer::json(200, &body))
}

fn document(row: &ApprovalRow) -> Value {
    json!({
        "id": row.id,
        "status": row.status,
        "approval_type": row.approval_type,
        "amount_delta_cents": row.amount_delta_cents,
        "reason": row.reason,
        "evidence": row.evidence,
        "requested_by": row.requested_by,
        "requested_at": clock::text(row.requested_at),
        "decided_by": row.decided_by,
        "decided_at": row.decided_at.map(clock::text),
        "decision_notes": row.decision_notes,
    })
}

fn entry(row: &NteRow) -> Value {
    json!({
        "approval_id": row.approval_id,
        "tool_name": row.tool_name,
        "before_cents": row.before_cents,
        "delta_cents": row.delta_cents,
        "after_cents": row.after_cents,
        "actor_id": row.actor_id,
        "created_at": clock::text(row.created_at),
    })
}
