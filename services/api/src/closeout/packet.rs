//! The closeout packet: everything that was true of a ticket when it was closed, in one document with a hash.

use dispatch_domain::canonical;
use dispatch_domain::closeout::{CompletionContext, evidence_key};
use dispatch_domain::template::{self, SIGNATURE_KEY};
use dispatch_store::artifacts::{self, ArtifactDraft};
use dispatch_store::evidence::EvidenceRow;
use dispatch_store::tickets::TicketRow;
use dispatch_store::transitions::{self, TransitionRow};
use serde_json::{Value, json};

use super::Judged;
use crate::clock;
use crate::command::Command;
use crate::failure::Failure;

/// Type of the artifact; a ticket has one.
pub const ARTIFACT_TYPE: &str = "closeout_packet";

/// What was overridden, if anything.
#[derive(Debug, Default)]
pub struct Overrides {
    /// Code given on an ordinary close.
    pub closeout_override_code: Option<String>,
    /// Code given on a forced close.
    pub override_code: Option<String>,
    /// Role that approved a forced close.
    pub approver_role: Option<String>,
    /// Why it was forced.
    pub override_reason: Option<String>,
    /// It was forced.
    pub policy_override: bool,
}

/// What a packet is made of.
#[derive(Debug)]
pub struct Closing<'a> {
    /// The ticket after the close.
    pub ticket: &'a TicketRow,
    /// The state change of the close, which is not in the history yet.
    pub close: TransitionRow,
    /// The passed gate.
    pub judged: &'a Judged,
    /// The ticket's items after they were flagged.
    pub items: &'a [EvidenceRow],
    /// The completion.
    pub completion: &'a CompletionContext,
    /// The completion's request as kept in the audit trail.
    pub completion_request: &'a Value,
    /// Why the ticket was closed.
    pub reason: Option<&'a str>,
    /// What was overridden.
    pub overrides: Overrides,
}

/// Builds and stores the packet; returns its name.
///
/// # Errors
/// When the database does not answer.
pub async fn store(command: &mut Command, closing: &Closing<'_>) -> Result<String, Failure> {
    let ticket_id = closing.ticket.id;
    let mut history = transitions::list(command.db(), ticket_id).await?;
    history.push(closing.close.clone());
    let payload = packet(command, closing, &history);
    let name = format!("closeout-{ticket_id}.json");
    let hash = canonical::hash(&payload);
    let (created_by, correlation) = (command.actor.id.clone(), command.correlation.clone());
    let draft = ArtifactDraft {
        ticket_id,
        artifact_type: ARTIFACT_TYPE,
        artifact_name: &name,
        artifact_hash: &hash,
        payload: &payload,
        created_by: &created_by,
        request_id: command.request_id,
        correlation_id: &correlation.id,
        trace_id: correlation.trace.trace_id.as_deref(),
    };
    artifacts::put(command.db(), &draft).await?;
    Ok(name)
}

fn packet(command: &Command, closing: &Closing<'_>, history: &[TransitionRow]) -> Value {
    let Closing { ticket, overrides, items, judged, .. } = closing;
    let generated_at = clock::text(command.now);
    json!({
        "ticket_id": ticket.id,
        "ticket_state": ticket.state,
        "actor_ids": {
            "actor_id": command.actor.id,
            "actor_type": command.actor.actor_type,
            "actor_role": command.actor.role,
        },
        "override_flags": {
            "closeout_override_code": overrides.closeout_override_code,
            "override_code": overrides.override_code,
            "approver_role": overrides.approver_role,
            "override_reason": overrides.override_reason,
            "policy_override": overrides.policy_override,
        },
        "timestamps": {
            "generated_at": generated_at,
            "ticket_created_at": clock::text(ticket.created_at),
            "ticket_updated_at": clock::text(ticket.updated_at),
            "close_transition_at": history.last().map(|row| clock::text(row.created_at)),
        },
        "correlation_id": command.correlation.id,
        "closure_reason": closing.reason,
        "generated_at": generated_at,
        "evidence_summary": evidence_summary(closing),
        "required_evidence_checklist_status": checklist_status(closing),
        "closeout_check": judged.passed.evaluation,
        "closeout_context": closing.completion_request,
        "evidence_validation": { "signature_satisfied": true, "invalid_evidence_refs": [] },
        "evidence_items": items.len(),
        "evidence_waived": judged.waived,
        "state_history_summary": {
            "ticket_id": ticket.id,
            "transition_count": history.len(),
            "transitions": history.iter().map(|row| json!({
                "from_state": row.from_state,
                "to_state": row.to_state,
                "occurred_at": clock::text(row.created_at),
            })).collect::<Vec<_>>(),
        },
        "evidence": items.iter().map(|item| json!({
            "id": item.id,
            "kind": item.kind,
            "uri": item.uri,
            "checksum": item.checksum,
            "evidence_key": evidence_key(&item.metadata),
            "immutable": item.is_immutable,
        })).collect::<Vec<_>>(),
    })
}

fn evidence_summary(closing: &Closing<'_>) -> Value {
    let mut provided: Vec<&str> =
        closing.items.iter().filter_map(|item| evidence_key(&item.metadata)).collect();
    provided.sort_unstable();
    provided.dedup();
    json!({
        "total_items": closing.items.len(),
        "immutable_items": closing.items.iter().filter(|item| item.is_immutable).count(),
        "required_evidence": required_evidence(closing),
        "required_checklist": required_checklist(closing),
        "evidence_items": closing.items.len(),
        "provided_evidence_keys": provided,
    })
}

fn checklist_status(closing: &Closing<'_>) -> Value {
    let evaluation = &closing.judged.passed.evaluation;
    json!({
        "template_version": evaluation.template_version,
        "ready": evaluation.ready,
        "code": evaluation.code,
        "incident_type": evaluation.incident_type,
        "missing_evidence_keys": evaluation.missing_evidence_keys,
        "missing_checklist_keys": evaluation.missing_checklist_keys,
        "invalid_evidence_refs": [],
        "signature_satisfied": true,
        "no_signature_reason": closing.completion.no_signature_reason,
        "required_evidence": required_evidence(closing),
        "required_checklist": required_checklist(closing),
    })
}

/// The gate was passed, so the signature key counts as present even when only a reason was given.
fn required_evidence(closing: &Closing<'_>) -> Vec<Value> {
    let template = template::lookup(&closing.judged.passed.evaluation.incident_type);
    let present = |key: &str| {
        key == SIGNATURE_KEY || closing.items.iter().any(|item| evidence_key(&item.metadata) == Some(key))
    };
    template
        .map_or(&[][..], |template| template.evidence_keys)
        .iter()
        .map(|key| json!({ "key": key, "present": present(key) }))
        .collect()
}

fn required_checklist(closing: &Closing<'_>) -> Vec<Value> {
    let template = template::lookup(&closing.judged.passed.evaluation.incident_type);
    let checked = |key: &str| closing.completion.checklist.get(key) == Some(&Value::Bool(true));
    template
        .map_or(&[][..], |template| template.checklist_keys)
        .iter()
        .map(|key| json!({ "key": key, "present": checked(key) }))
        .collect()
}
