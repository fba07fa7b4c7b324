//! `GET /tickets/{ticketId}/timeline`: every audit event of a ticket, oldest first.

use dispatch_domain::ToolName;
use dispatch_store::audit;

use super::Endpoint;
use crate::answer::Answer;
use crate::failure::Failure;
use crate::read::ReadCall;
use crate::wire::TimelineDocument;

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint::read(ToolName::TicketTimeline, |call| Box::pin(run(call)));

async fn run(call: &ReadCall) -> Result<Answer, Failure> {
    let (mut connection, ticket) = call.ticket().await?;
    let events = audit::timeline(&mut connection, ticket.id).await?;
    Ok(Answer::json(200, &TimelineDocument::of(ticket.id, &events)))
}
