//! `GET /tickets/{ticketId}`: the ticket object.

use dispatch_domain::ToolName;

use super::Endpoint;
use crate::answer::Answer;
use crate::failure::Failure;
use crate::read::ReadCall;
use crate::wire::TicketDocument;

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint::read(ToolName::TicketGet, |call| Box::pin(run(call)));

async fn run(call: &ReadCall) -> Result<Answer, Failure> {
    let ticket = call.only_ticket().await?;
    Ok(Answer {
        version: Some(ticket.version),
        ..Answer::json(200, &TicketDocument::shown(&ticket, call.projects()))
    })
}
