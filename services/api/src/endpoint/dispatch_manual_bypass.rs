//! `POST /tickets/{ticketId}/dispatch/manual-bypass`: a dispatcher declares the work done, without the gate.

use dispatch_domain::transition::derived_names;
use dispatch_domain::{TicketState, ToolName};

use super::Endpoint;
use crate::command::{Command, Effect};
use crate::failure::Failure;

/// The endpoint.
pub const ENDPOINT: Endpoint =
    Endpoint::command(ToolName::DispatchManualBypass, |command| Box::pin(run(command)));

async fn run(command: &mut Command) -> Result<Effect, Failure> {
    let mut ticket = command.ticket()?;
    let fields = command.fields();
    let rationale = fields.text("bypass_rationale")?.to_owned();
    let target_tool = fields.optional_text("target_tool")?.map(str::to_owned);
    let before = ticket.state;
    ticket.state = TicketState::CompletedPendingVerification;
    let ticket = command.save(&ticket).await?;
    let effect =
        Effect::ticket(200, &ticket).with("bypass_rationale", rationale).with("target_tool", target_tool);
    if before == ticket.state {
        return Ok(effect);
    }
    let path = [before, ticket.state];
    Ok(effect.moved(&path).with("derived_transitions", derived_names(&path)))
}
