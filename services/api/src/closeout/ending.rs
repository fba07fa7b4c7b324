//! What close and forced close do alike: judge once more, freeze the evidence, store the packet.

use dispatch_domain::TicketState;
use dispatch_domain::closeout::Audience;
use dispatch_store::evidence;
use dispatch_store::transitions::TransitionRow;
use serde_json::json;

use super::packet::{self, ARTIFACT_TYPE, Closing, Overrides};
use super::{completion, judge};
use crate::command::{Command, Effect};
use crate::failure::Failure;
use crate::wire::TicketDocument;

/// Ends the command's ticket; `reason` and `overrides` go into the packet and the audit event.
///
/// # Errors
/// 409 when the gate does not pass: an override replaces the verification, never the evidence.
pub async fn end(
    command: &mut Command,
    reason: Option<String>,
    overrides: Overrides,
) -> Result<Effect, Failure> {
    let mut ticket = command.ticket()?;
    let (completion, request) = completion(command, &ticket, false, Audience::Close).await?;
    // References named at completion were judged at verification; a close looks at every item.
    let judged = judge(command, &ticket, &completion, &[], Audience::Close).await?;
    let (actor_id, request_id) = (command.actor.id.clone(), command.request_id);
    let items = evidence::mark_immutable(command.db(), ticket.id, &actor_id, request_id).await?;
    let before = ticket.state;
    ticket.state = TicketState::Closed;
    let ticket = command.save(&ticket).await?;
    let policy_override = overrides.policy_override;
    let closing = Closing {
        ticket: &ticket,
        close: TransitionRow {
            from_state: Some(before),
            to_state: ticket.state,
            created_at: ticket.updated_at,
        },
        judged: &judged,
        items: &items,
        completion: &completion,
        completion_request: &request,
        reason: reason.as_deref(),
        overrides,
    };
    let name = packet::store(command, &closing).await?;
    let body = json!({
        "ticket": TicketDocument::of(&ticket),
        "closeout_packet": { "artifact_type": ARTIFACT_TYPE, "artifact_name": name },
    });
    Ok(Effect::answer(200, &body)
        .at(&ticket)
        .moved(&[before, ticket.state])
        .with("reason", reason)
        .with("policy_override", policy_override)
        .with("closeout_check", json!(judged.passed.evaluation))
        .with("immutable_evidence_count", items.len())
        .with("closeout_packet_artifact_type", ARTIFACT_TYPE))
}
