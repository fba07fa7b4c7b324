//! `POST /tickets/{ticketId}/request-info`: a new ticket waits until somebody says what is missing.

use dispatch_domain::{TicketState, ToolName};

use super::Endpoint;
use crate::command::{Command, Effect};
use crate::failure::Failure;

/// The endpoint.
pub const ENDPOINT: Endpoint =
    Endpoint::command(ToolName::TicketRequestInfo, |command| Box::pin(run(command)));

async fn run(command: &mut Command) -> Result<Effect, Failure> {
    let mut ticket = command.ticket()?;
    let fields = command.fields();
    let reason = fields.text("reason")?.to_owned();
    let questions = fields.texts("questions")?;
    let before = ticket.state;
    ticket.state = TicketState::NeedsInfo;
    let ticket = command.save(&ticket).await?;
    Ok(Effect::ticket(200, &ticket)
        .moved(&[before, ticket.state])
        .with("reason", reason)
        .with("questions", questions))
}
