//! `GET /ops/autonomy/state`: every switch and, for one ticket, which of them decides.

use dispatch_domain::{ErrorCode, Refusal, ToolName, parse_uuid};
use dispatch_store::autonomy::controls::{self, ControlRow};
use dispatch_store::tickets;
use serde_json::json;
use uuid::Uuid;

use super::Endpoint;
use crate::answer::Answer;
use crate::clock;
use crate::failure::Failure;
use crate::read::ReadCall;
use crate::wire::{DecisionDocument, switch_chain, switches};

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint::read(ToolName::OpsAutonomyState, |call| Box::pin(run(call)));

async fn run(call: &ReadCall) -> Result<Answer, Failure> {
    let ticket_id = ticket_id(call)?;
    let incident_type = parameter(call, "incident_type").map(str::to_uppercase);
    let applying = match ticket_id {
        // Without a ticket nothing is decided, not even for a named incident type.
        None => Vec::new(),
        Some(id) => applying(call, id, incident_type.as_deref()).await?,
    };
    let mut connection = call.connection().await?;
    let all = controls::list(&mut connection).await?;
    let body = json!({
        "generated_at": clock::text(call.now),
        "controls": switches(&all),
        "decision": DecisionDocument::of(&applying),
        "chain": switch_chain(&applying),
        "query": { "ticket_id": ticket_id, "incident_type": incident_type },
    });
    Ok(Answer::json(200, &body))
}

/// A named incident type replaces the ticket's own.
async fn applying(
    call: &ReadCall,
    id: Uuid,
    incident_type: Option<&str>,
) -> Result<Vec<ControlRow>, Failure> {
    let mut connection = call.connection().await?;
    let ticket = tickets::find(&mut connection, id).await?.ok_or_else(Refusal::ticket_not_found)?;
    call.actor.scope.check(ticket.account_id, ticket.site_id)?;
    let incident_type = incident_type.or(ticket.incident_type.as_deref());
    Ok(controls::applying(&mut connection, ticket.id, incident_type).await?)
}

/// The last value of a parameter, trimmed; blank counts as absent.
fn parameter<'a>(call: &'a ReadCall, name: &str) -> Option<&'a str> {
    let value = call.query.iter().rev().find(|(given, _)| given == name).map(|(_, value)| value.trim());
    value.filter(|value| !value.is_empty())
}

fn ticket_id(call: &ReadCall) -> Result<Option<Uuid>, Refusal> {
    parameter(call, "ticket_id")
        .map(|text| {
            parse_uuid(text).ok_or_else(|| {
                Refusal::new(ErrorCode::InvalidTicketId, "Query parameter 'ticket_id' must be a valid UUID")
            })
        })
        .transpose()
}
