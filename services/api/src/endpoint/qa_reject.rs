//! `POST /tickets/{ticketId}/qa/reject`: the check found the work incomplete; it goes on.

use dispatch_domain::vocabulary::QaResult;
use dispatch_domain::{TicketState, ToolName};
use dispatch_store::completions;

use super::Endpoint;
use crate::clock;
use crate::command::{Command, Effect};
use crate::failure::Failure;

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint::command(ToolName::QaReject, |command| Box::pin(run(command)));

async fn run(command: &mut Command) -> Result<Effect, Failure> {
    let mut ticket = command.ticket()?;
    let fields = command.fields();
    let checked_at = fields.instant("timestamp")?;
    let reason = fields.text("reason")?.to_owned();
    let notes = fields.optional_text("notes")?.map(str::to_owned);
    let refs = fields.texts("evidence_refs")?;
    let actor_id = command.actor.id.clone();
    completions::judge(command.db(), ticket.id, "REJECTED", &actor_id, Some(&reason)).await?;
    let before = ticket.state;
    ticket.state = TicketState::InProgress;
    let ticket = command.save(&ticket).await?;
    Ok(Effect::ticket(200, &ticket)
        .moved(&[before, ticket.state])
        .with("verification_result", QaResult::Fail.as_str())
        .with("verified_at", clock::text(checked_at))
        .with("reason", reason)
        .with("notes", notes)
        .with("evidence_refs", refs))
}
