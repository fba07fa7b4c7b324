//! `GET /tickets/{ticketId}/evidence`: every evidence item of a ticket, oldest first.

use dispatch_domain::ToolName;
use dispatch_store::evidence;
use serde_json::json;

use super::Endpoint;
use crate::answer::Answer;
use crate::failure::Failure;
use crate::read::ReadCall;
use crate::wire::documents;

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint::read(ToolName::CloseoutListEvidence, |call| Box::pin(run(call)));

async fn run(call: &ReadCall) -> Result<Answer, Failure> {
    let (mut connection, ticket) = call.ticket().await?;
    let items = evidence::list(&mut connection, ticket.id).await?;
    Ok(Answer::json(200, &json!({ "ticket_id": ticket.id, "evidence": documents(&items) })))
}
