//! `POST /tickets/{ticketId}/tech/complete`: the work is done, and the evidence says so.

use dispatch_domain::closeout::{Audience, CompletionContext};
use dispatch_domain::{TicketState, ToolName};
use serde_json::json;

use super::{Endpoint, Probing};
use crate::closeout;
use crate::command::{Command, Effect};
use crate::failure::Failure;

/// The endpoint.
pub const ENDPOINT: Endpoint =
    Endpoint::judging(ToolName::TechComplete, Probing::Stored, |command| Box::pin(run(command)));

async fn run(command: &mut Command) -> Result<Effect, Failure> {
    let mut ticket = command.ticket()?;
    let completion = completion(command)?;
    if let Some(refusal) = closeout::autonomy_block(command.db(), &ticket).await? {
        return Err(refusal.into());
    }
    let judged =
        closeout::judge(command, &ticket, &completion, &completion.references, Audience::Completion).await?;
    closeout::keep_completion(command, &ticket, &completion).await?;
    let before = ticket.state;
    ticket.state = TicketState::CompletedPendingVerification;
    let ticket = command.save(&ticket).await?;
    Ok(Effect::ticket(200, &ticket)
        .moved(&[before, ticket.state])
        .with("closeout_check", json!(judged.passed.evaluation))
        .with("no_signature_reason", completion.no_signature_reason)
        .with("evidence_refs", completion.references)
        .with_any("waived", judged.waived.clone())
        .with("persisted_evidence_count", judged.rows.len()))
}

/// What the request says about the completion.
pub(super) fn completion(command: &Command) -> Result<CompletionContext, Failure> {
    let fields = command.fields();
    let checklist = fields.get("checklist_status").and_then(serde_json::Value::as_object);
    Ok(CompletionContext {
        checklist: checklist
            .cloned()
            .ok_or_else(|| Failure::invalid("Field 'checklist_status' must be a JSON object"))?,
        no_signature_reason: fields.optional_text("no_signature_reason")?.map(str::to_owned),
        references: fields.texts("evidence_refs")?,
    })
}
