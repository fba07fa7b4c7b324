//! `GET /tickets/{ticketId}/closeout-packet`: the document that was stored when the ticket was closed, and its hash;
//! with `version` an earlier one.

use dispatch_domain::{ErrorCode, Refusal, Role, ToolName};
use dispatch_store::artifacts;
use serde_json::json;

use super::{Endpoint, View};
use crate::answer::Answer;
use crate::clock;
use crate::closeout::ARTIFACT_TYPE;
use crate::failure::Failure;
use crate::read::ReadCall;

/// Everyone who may read a ticket's history, except its customer: packets name people and references.
pub(super) const STAFF: &[Role] =
    &[Role::Dispatcher, Role::Agent, Role::Technician, Role::Qa, Role::Approver, Role::Finance];

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint::view(
    ToolName::TicketTimeline,
    View { route: "/tickets/{ticketId}/closeout-packet", roles: STAFF, query: &["version"] },
    |call| Box::pin(run(call)),
);

async fn run(call: &ReadCall) -> Result<Answer, Failure> {
    let (mut connection, ticket) = call.ticket().await?;
    let packet = artifacts::find(&mut connection, ticket.id, ARTIFACT_TYPE, version(call)?)
        .await?
        .ok_or_else(|| Refusal::new(ErrorCode::NotFound, "The ticket has no closeout packet yet"))?;
    let body = json!({
        "ticket_id": ticket.id,
        "artifact_type": packet.artifact_type,
        "artifact_name": packet.artifact_name,
        "artifact_hash": packet.artifact_hash,
        "created_at": clock::text(packet.created_at),
        "version": packet.version,
        "versions": packet.versions,
        "payload": packet.artifact_payload,
    });
    Ok(Answer::json(200, &body))
}

fn version(call: &ReadCall) -> Result<Option<i32>, Refusal> {
    let read = |text: &str| text.parse().ok().filter(|version| *version > 0);
    call.parameter("version")
        .map(|text| {
            let message = "Query parameter 'version' must be a whole number above 0";
            read(text).ok_or_else(|| Refusal::new(ErrorCode::InvalidQuery, message))
        })
        .transpose()
}
