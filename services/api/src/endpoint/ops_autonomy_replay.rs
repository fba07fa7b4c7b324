//! `GET /ops/autonomy/replay/{ticketId}`: why autonomy is as it is for a ticket, and how it came to be.

use dispatch_domain::ToolName;
use dispatch_store::autonomy::controls;
use serde_json::json;

use super::{Endpoint, ReadEndpoint};
use crate::answer::Answer;
use crate::clock;
use crate::failure::Failure;
use crate::read::ReadCall;
use crate::wire::{DecisionDocument, switch_chain, switch_history, switches};

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint::Read(ReadEndpoint {
    tool: ToolName::OpsAutonomyReplay,
    view: None,
    uuid_route: true,
    run: |call| Box::pin(run(call)),
});

async fn run(call: &ReadCall) -> Result<Answer, Failure> {
    let (mut connection, ticket) = call.ticket().await?;
    let incident_type = ticket.incident_type.as_deref();
    let applying = controls::applying(&mut connection, ticket.id, incident_type).await?;
    let entries = controls::history(&mut connection, ticket.id, incident_type).await?;
    let body = json!({
        "generated_at": clock::text(call.now),
        "ticket_id": ticket.id,
        "incident_type": ticket.incident_type,
        "decision": DecisionDocument::of(&applying),
        "chain": switch_chain(&applying),
        "controls": switches(&applying),
        "history": switch_history(&entries),
    });
    Ok(Answer::json(200, &body))
}
