//! `GET /tickets/{ticketId}/audit-chain`: whether the ticket's audit trail is as it was written.

use dispatch_domain::ToolName;
use dispatch_store::audit_chain::{self, BrokenLink};
use serde_json::{Value, json};

use super::{Endpoint, View, closeout_packet};
use crate::answer::Answer;
use crate::failure::Failure;
use crate::read::ReadCall;

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint::view(
    ToolName::TicketTimeline,
    View { route: "/tickets/{ticketId}/audit-chain", roles: closeout_packet::STAFF, query: &[] },
    |call| Box::pin(run(call)),
);

/// Most broken places that are listed.
const SHOWN: i64 = 20;

async fn run(call: &ReadCall) -> Result<Answer, Failure> {
    let (mut connection, ticket) = call.ticket().await?;
    let facts = audit_chain::inspect(&mut connection, Some(ticket.id)).await?;
    let broken = match facts.broken {
        0 => Vec::new(),
        _ => audit_chain::broken(&mut connection, Some(ticket.id), SHOWN).await?,
    };
    let body = json!({
        "ticket_id": ticket.id,
        "intact": facts.broken == 0,
        "events": facts.events,
        "head": facts.head,
        "broken": broken.iter().map(link).collect::<Vec<_>>(),
    });
    Ok(Answer::json(200, &body))
}

/// A broken place as answers and the verb show it.
pub fn link(broken: &BrokenLink) -> Value {
    json!({
        "ticket_id": broken.ticket_id,
        "event_id": broken.event_id,
        "ticket_seq": broken.ticket_seq,
        "kind": broken.kind,
    })
}
