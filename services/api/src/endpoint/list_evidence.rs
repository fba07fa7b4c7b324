//! `GET /tickets/{ticketId}/evidence`: the evidence items of a ticket, oldest first; all of them unless a page is asked for.

use std::time::Duration;

use dispatch_domain::{ErrorCode, Refusal, ToolName};
use dispatch_store::evidence::{self, EvidenceRow};
use dispatch_store::page::Place;
use serde_json::{Value, json};

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
    let links = wants_links(call)?;
    if let Some(page) = page::asked(&call.query)? {
        let mut items = evidence::list_page(&mut connection, ticket.id, &page::and_one(&page)).await?;
        let next = page::cut(&mut items, &page, |item| Place { at: item.created_at, id: item.id });
        drop(connection);
        let mut body = json!({ "ticket_id": ticket.id, "evidence": documents(&items), "next_cursor": next });
        add_links(call, links, &items, &mut body).await?;
        return Ok(Answer::json(200, &body));
    }
    let items = evidence::list(&mut connection, ticket.id).await?;
    drop(connection);
    let mut body = json!({ "ticket_id": ticket.id, "evidence": documents(&items) });
    add_links(call, links, &items, &mut body).await?;
    Ok(Answer::json(200, &body))
}

fn wants_links(call: &ReadCall) -> Result<bool, Refusal> {
    match call.parameter("links") {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => {
            let message = "Query parameter 'links' must be true or false";
            Err(Refusal::new(ErrorCode::InvalidQuery, message))
        }
    }
}

/// Adds `download_url` to every item: a link that works for a while, or null where none can be made.
async fn add_links(
    call: &ReadCall,
    wanted: bool,
    items: &[EvidenceRow],
    body: &mut Value,
) -> Result<(), Failure> {
    if !wanted {
        return Ok(());
    }
    let lifetime = Duration::from_secs(call.app.config.policy.link_seconds);
    for (index, item) in items.iter().enumerate() {
        let link = call.app.objects.download_link(&item.uri, lifetime).await;
        let link = link.map_err(|error| Failure::internal(error.to_string()))?;
        body["evidence"][index]["download_url"] = json!(link);
    }
    Ok(())
}
