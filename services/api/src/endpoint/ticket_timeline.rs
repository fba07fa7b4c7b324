//! `GET /tickets/{ticketId}/timeline`: the audit events of a ticket, oldest first; all of them unless a page is asked for.

use dispatch_domain::ToolName;
use dispatch_store::audit;
use dispatch_store::page::Place;
use serde_json::json;

use super::Endpoint;
use crate::answer::Answer;
use crate::failure::Failure;
use crate::page;
use crate::read::ReadCall;
use crate::wire::TimelineDocument;

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint::read(ToolName::TicketTimeline, |call| Box::pin(run(call)));

async fn run(call: &ReadCall) -> Result<Answer, Failure> {
    let (mut connection, ticket) = call.ticket().await?;
    if let Some(page) = page::asked(&call.query)? {
        let mut events = audit::timeline_page(&mut connection, ticket.id, &page::and_one(&page)).await?;
        let next = page::cut(&mut events, &page, |event| Place { at: event.created_at, id: event.id });
        let mut body = json!(TimelineDocument::shown(ticket.id, &events, call.projects()));
        body["next_cursor"] = json!(next);
        return Ok(Answer::json(200, &body));
    }
    let events = audit::timeline(&mut connection, ticket.id).await?;
    Ok(Answer::json(200, &TimelineDocument::shown(ticket.id, &events, call.projects())))
}
