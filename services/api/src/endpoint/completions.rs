//! `GET /tickets/{ticketId}/completions`: every attempt to call the work done, refused ones included; oldest first.

use dispatch_domain::ToolName;
use dispatch_store::completions::{self, AttemptRow};
use serde_json::{Value, json};

use super::{Endpoint, View, closeout_packet};
use crate::answer::Answer;
use crate::clock;
use crate::failure::Failure;
use crate::read::ReadCall;

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint::view(
    ToolName::TicketTimeline,
    View { route: "/tickets/{ticketId}/completions", roles: closeout_packet::STAFF, query: &[] },
    |call| Box::pin(run(call)),
);

async fn run(call: &ReadCall) -> Result<Answer, Failure> {
    let (mut connection, ticket) = call.ticket().await?;
    let rows = completions::list(&mut connection, ticket.id).await?;
    let documents: Vec<Value> = rows.iter().map(document).collect();
    Ok(Answer::json(200, &json!({ "ticket_id": ticket.id, "completions": documents })))
}

fn document(row: &AttemptRow) -> Value {
    json!({
        "attempt": row.attempt,
        "actor_id": row.actor_id,
        "actor_role": row.actor_role,
        "tool_name": row.tool_name,
        "checklist": row.checklist,
        "no_signature_reason": row.no_signature_reason,
        "evidence_refs": row.evidence_refs,
        "outcome": row.outcome,
        "requirement_code": row.requirement_code,
        "judged_by": row.judged_by,
        "judged_at": row.judged_at.map(clock::text),
        "judge_notes": row.judge_notes,
        "created_at": clock::text(row.created_at),
    })
}
