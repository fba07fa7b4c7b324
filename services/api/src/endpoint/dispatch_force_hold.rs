//! `POST /tickets/{ticketId}/dispatch/force-hold`: stops the work; the assignment stays.

use dispatch_domain::vocabulary::HoldReason;
use dispatch_domain::{TicketState, ToolName};

use super::Endpoint;
use crate::command::{Command, Effect};
use crate::failure::Failure;

/// The endpoint.
pub const ENDPOINT: Endpoint =
    Endpoint::command(ToolName::DispatchForceHold, |command| Box::pin(run(command)));

async fn run(command: &mut Command) -> Result<Effect, Failure> {
    let mut ticket = command.ticket()?;
    let fields = command.fields();
    let hold_reason: Option<HoldReason> = fields.optional_word("hold_reason")?;
    let reason = fields.optional_text("reason")?.map(str::to_owned);
    let before = ticket.state;
    ticket.state = TicketState::OnHold;
    let ticket = command.save(&ticket).await?;
    Ok(Effect::ticket(200, &ticket)
        .moved(&[before, ticket.state])
        .with("reason", reason)
        .with("hold_reason", hold_reason.map(HoldReason::as_str)))
}
