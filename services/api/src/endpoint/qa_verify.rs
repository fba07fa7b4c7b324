//! `POST /tickets/{ticketId}/qa/verify`: the completion is checked once more and its evidence frozen.

use dispatch_domain::closeout::Audience;
use dispatch_domain::vocabulary::QaResult;
use dispatch_domain::{ErrorCode, Refusal, TicketState, ToolName};
use dispatch_store::{completions, evidence};
use serde_json::json;

use super::{Endpoint, Probing};
use crate::command::{Command, Effect};
use crate::failure::Failure;
use crate::{clock, closeout};

/// The endpoint.
pub const ENDPOINT: Endpoint =
    Endpoint::judging(ToolName::QaVerify, Probing::Stored, |command| Box::pin(run(command)));

async fn run(command: &mut Command) -> Result<Effect, Failure> {
    let mut ticket = command.ticket()?;
    let fields = command.fields();
    let verified_at = fields.instant("timestamp")?;
    let result: QaResult = fields.word("result")?;
    let notes = fields.optional_text("notes")?.map(str::to_owned);
    if result == QaResult::Fail {
        return Err(Refusal::new(ErrorCode::QaVerificationFailed, "Verification found the work incomplete")
            .with("ticket_id", ticket.id.to_string())
            .with("notes", notes)
            .into());
    }
    let (completion, _) = closeout::completion(command, &ticket, true, Audience::Verification).await?;
    let judged =
        closeout::judge(command, &ticket, &completion, &completion.references, Audience::Verification)
            .await?;
    let (actor_id, request_id) = (command.actor.id.clone(), command.request_id);
    let frozen = evidence::mark_immutable(command.db(), ticket.id, &actor_id, request_id).await?;
    completions::judge(command.db(), ticket.id, "VERIFIED", &actor_id, notes.as_deref()).await?;
    let before = ticket.state;
    ticket.state = TicketState::Verified;
    let ticket = command.save(&ticket).await?;
    Ok(Effect::ticket(200, &ticket)
        .moved(&[before, ticket.state])
        .with("verification_result", result.as_str())
        .with("verified_at", clock::text(verified_at))
        .with("notes", notes)
        .with("verification_closeout_check", json!(judged.passed.evaluation))
        .with("verification_evidence_refs", completion.references)
        .with_any("waived", judged.waived)
        .with("immutable_evidence_count", frozen.len()))
}
