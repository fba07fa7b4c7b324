//! `POST /tickets/{ticketId}/evidence`: a reference to a photo, note or signature.

use dispatch_domain::template::RequirementCode;
use dispatch_domain::{ErrorCode, Refusal, TicketState, ToolName};
use dispatch_store::evidence::{self, NewEvidence};
use dispatch_store::tickets::TicketRow;
use serde_json::{Value, json};

use super::{Endpoint, Probing};
use crate::command::{Command, Effect, Fields};
use crate::evidence_probe::{self, ProbeFailure};
use crate::failure::Failure;
use crate::wire::EvidenceDocument;

/// The endpoint.
pub const ENDPOINT: Endpoint =
    Endpoint::judging(ToolName::CloseoutAddEvidence, Probing::Submitted, |command| Box::pin(run(command)));

/// What is submitted.
struct Submission {
    kind: String,
    uri: String,
    checksum: Option<String>,
    metadata: Value,
}

impl Submission {
    fn read(fields: Fields<'_>) -> Result<Self, Failure> {
        let mut metadata = fields.get("metadata").cloned().unwrap_or_else(|| json!({}));
        // The key may be given beside the metadata; it is kept inside, where the closeout gate reads it.
        if let Some(key) = fields.optional_text("evidence_key")? {
            metadata["evidence_key"] = key.into();
        }
        Ok(Self {
            kind: fields.text("kind")?.to_owned(),
            uri: fields.text("uri")?.to_owned(),
            checksum: fields.optional_text("checksum")?.map(str::to_owned),
            metadata,
        })
    }
}

async fn run(command: &mut Command) -> Result<Effect, Failure> {
    let submission = Submission::read(command.fields())?;
    let ticket = command.lock_ticket().await?;
    if command.app.config.policy.evidence_open_only && ticket.state.is_final() {
        return Err(finished(command, &ticket).into());
    }
    check_object(command, &submission, ticket.incident_type.as_deref()).await?;
    let created_by = command.actor.id.clone();
    let new = NewEvidence {
        ticket_id: ticket.id,
        kind: &submission.kind,
        uri: &submission.uri,
        checksum: submission.checksum.as_deref(),
        metadata: &submission.metadata,
        created_by: &created_by,
    };
    let item = evidence::insert(command.db(), &new).await?;
    Ok(Effect::answer(201, &EvidenceDocument::of(&item))
        .at(&ticket)
        .with("evidence_item_id", item.id.to_string()))
}

/// The refusal of a closed or cancelled ticket, where those take no more evidence.
fn finished(command: &Command, ticket: &TicketRow) -> Refusal {
    let open = TicketState::ALL.iter().filter(|state| !state.is_final()).map(|state| state.as_str());
    Refusal::state(command.tool, ticket.state).with("allowed_from_states", open.collect::<Vec<_>>())
}

/// With probing on, the object has to be there; with it off any text is accepted.
async fn check_object(
    command: &mut Command,
    submission: &Submission,
    incident_type: Option<&str>,
) -> Result<(), Refusal> {
    let app = command.app.clone();
    if !app.config.evidence.require_head {
        return Ok(());
    }
    if !evidence_probe::schemes(&app).is_resolvable(&submission.uri) {
        let failure = ProbeFailure { reason: "UNSUPPORTED_SCHEME", message: None };
        return Err(refusal(submission, incident_type, &failure));
    }
    match command.probes.of(&app, &submission.uri, submission.checksum.as_deref()).await {
        None => Ok(()),
        Some(failure) => Err(refusal(submission, incident_type, &failure)
            .with("head_check_message", failure.message.as_deref())
            .with("checksum_enforced", app.config.evidence.require_checksum)),
    }
}

fn refusal(submission: &Submission, incident_type: Option<&str>, failure: &ProbeFailure) -> Refusal {
    let incident_type = incident_type.map(|text| text.trim().to_uppercase());
    Refusal::new(ErrorCode::CloseoutRequirementsIncomplete, "Evidence reference could not be confirmed")
        .with("requirement_code", RequirementCode::InvalidEvidenceReference.as_str())
        .with("incident_type", incident_type)
        .with("template_version", Value::Null)
        .with("missing_evidence_keys", json!([]))
        .with("missing_checklist_keys", json!([]))
        .with("invalid_evidence_refs", json!([submission.uri]))
        .with("head_check_failure", failure.reason)
}
