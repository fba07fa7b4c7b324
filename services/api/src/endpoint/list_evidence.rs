//! `GET /tickets/{ticketId}/evidence`: the evidence items of a ticket, oldest first; all of them unless a page is asked for.

use dispatch_domain::ToolName;
use dispatch_store::evidence;
use dispatch_store::page::Place;
use serde_json::json;

use super::Endpoint;
use crate::answer::Answer;
use crate::failure::Failure;
use crate::page;
use crate::read::ReadCall;
use crate::wire::documents;

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint::read(ToolName::CloseoutListEvidence, |call| Box::pin(run(call)));

async fn run(call: &ReadCall) -> Result<Answer, Failure> {
    let (mut connection, ticket) = call.ticket().await?;
    if let Some(page) = page::asked(&call.query)? {
        let mut items = evidence::list_page(&mut connection, ticket.id, &page::and_one(&page)).await?;
        let next = page::cut(&mut items, &page, |item| Place { at: item.created_at, id: item.id });
        let body = json!({ "ticket_id": ticket.id, "evidence": documents(&items), "next_cursor": next });
        return Ok(Answer::json(200, &body));
    }
    let items = evidence::list(&mut connection, ticket.id).await?;
    Ok(Answer::json(200, &json!({ "ticket_id": ticket.id, "evidence": documents(&items) })))
}
