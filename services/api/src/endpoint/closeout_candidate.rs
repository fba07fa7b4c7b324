//! `POST /tickets/{ticketId}/closeout/candidate`: a completion that automation may make, unless the work is risky.

use dispatch_domain::closeout::{Audience, RiskLevel, risk_block, risk_profile};
use dispatch_domain::{TicketState, ToolName};
use serde_json::json;

use super::{Endpoint, Probing, tech_complete};
use crate::closeout;
use crate::command::{Command, Effect};
use crate::failure::Failure;

/// The endpoint.
pub const ENDPOINT: Endpoint =
    Endpoint::judging(ToolName::CloseoutCandidate, Probing::Stored, |command| Box::pin(run(command)));

async fn run(command: &mut Command) -> Result<Effect, Failure> {
    let mut ticket = command.ticket()?;
    let completion = tech_complete::completion(command)?;
    if let Some(refusal) = closeout::autonomy_block(command.db(), &ticket).await? {
        return Err(refusal.into());
    }
    let judged =
        closeout::judge(command, &ticket, &completion, &completion.references, Audience::Completion).await?;
    let items = closeout::items(&judged.rows);
    let profile = risk_profile(&judged.passed.evaluation.incident_type, &items);
    if profile.level == RiskLevel::High {
        return Err(risk_block(&judged.passed.evaluation, &profile).into());
    }
    closeout::keep_completion(command, &ticket, &completion).await?;
    let before = ticket.state;
    ticket.state = TicketState::CompletedPendingVerification;
    let ticket = command.save(&ticket).await?;
    Ok(Effect::ticket(200, &ticket)
        .moved(&[before, ticket.state])
        .with("closeout_check", json!(judged.passed.evaluation))
        .with("no_signature_reason", completion.no_signature_reason)
        .with(
            "evidence_scope",
            json!({
                "evidence_items": judged.rows.len(),
                "evidence_keys": profile.evidence_keys,
                "evidence_refs": completion.references,
            }),
        )
        .with("evidence_refs", completion.references)
        .with_any("waived", judged.waived.clone())
        .with("persisted_evidence_count", judged.rows.len())
        .with("risk_profile", json!(profile)))
}
