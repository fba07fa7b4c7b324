//! The closeout gate over what is stored: evidence items, probes, waivers, and the completion.

mod ending;
mod packet;

use dispatch_domain::closeout::{Audience, CompletionContext, Failed, Gate, Item, Passed, evidence_key};
use dispatch_domain::{ErrorCode, Refusal, TicketState, ToolName};
use dispatch_store::autonomy::{self, AutonomyDecision};
use dispatch_store::completions::{self, CompletionDraft};
use dispatch_store::evidence::{self, EvidenceRow};
use dispatch_store::tickets::TicketRow;
use dispatch_store::{PgConnection, StoreError, audit, waivers};
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

pub use ending::end;
pub use packet::{ARTIFACT_TYPE, Overrides};

use crate::app::App;
use crate::command::Command;
use crate::evidence_probe;
use crate::failure::Failure;

/// Tools whose success counts as a completion.
const COMPLETIONS: [&str; 2] = [ToolName::TechComplete.as_str(), ToolName::CloseoutCandidate.as_str()];

/// What a passed gate looked at.
#[derive(Debug)]
pub struct Judged {
    /// The gate's result.
    pub passed: Passed,
    /// The ticket's items, oldest first.
    pub rows: Vec<EvidenceRow>,
    /// What waivers in force let pass.
    pub waived: Vec<String>,
}

/// What the gate needs of a stored item.
pub fn items(rows: &[EvidenceRow]) -> Vec<Item> {
    rows.iter()
        .map(|row| Item {
            id: row.id,
            kind: row.kind.clone(),
            uri: row.uri.clone(),
            evidence_key: evidence_key(&row.metadata).map(str::to_owned),
        })
        .collect()
}

/// Runs the gate for a command; `references` are those the completion names.
///
/// # Errors
/// 409 with what is missing, in the shape the audience is shown.
pub async fn judge(
    command: &mut Command,
    ticket: &TicketRow,
    completion: &CompletionContext,
    references: &[String],
    audience: Audience,
) -> Result<Judged, Failure> {
    let rows = evidence::list(command.db(), ticket.id).await?;
    let app = command.app.clone();
    let failing_uris = command.probes.failing(&app, &rows).await;
    let waived = waived(&app, command.now, command.db(), ticket.id).await?;
    let items = items(&rows);
    let passed = Gate {
        incident_type: ticket.incident_type.as_deref(),
        items: &items,
        checklist: &Value::Object(completion.checklist.clone()),
        no_signature_reason: completion.no_signature_reason.as_deref(),
        references,
        schemes: &evidence_probe::schemes(&app),
        failing_uris: &failing_uris,
        waived: &waived.iter().cloned().collect(),
    }
    .check()
    .map_err(|failed| failed.refusal(audience))?;
    Ok(Judged { passed, rows, waived })
}

/// What waivers let pass now; nothing where they are not configured.
///
/// # Errors
/// When the database does not answer.
pub async fn waived(
    app: &App,
    now: OffsetDateTime,
    db: &mut PgConnection,
    ticket_id: Uuid,
) -> Result<Vec<String>, StoreError> {
    if app.config.policy.waiver_hours == 0 {
        Ok(Vec::new())
    } else {
        waivers::current(db, ticket_id, now).await
    }
}

/// Keeps an attempt that the gate let through.
///
/// # Errors
/// When the database refuses the row.
pub async fn keep_completion(
    command: &mut Command,
    ticket: &TicketRow,
    completion: &CompletionContext,
) -> Result<(), Failure> {
    let (checklist, refs) = (Value::Object(completion.checklist.clone()), json!(completion.references));
    let actor_id = command.actor.id.clone();
    let draft = CompletionDraft {
        ticket_id: ticket.id,
        actor_type: command.actor.actor_type,
        actor_id: &actor_id,
        actor_role: command.actor.role.as_str(),
        tool_name: command.tool.name.as_str(),
        request_id: command.request_id,
        audit_event_id: Some(command.audit_id),
        checklist: &checklist,
        no_signature_reason: completion.no_signature_reason.as_deref(),
        evidence_refs: &refs,
        refused: None,
    };
    Ok(completions::insert(command.db(), &draft).await?)
}

/// The newest completion of a ticket that has to have one.
///
/// `completed` asks for a completion that left the ticket waiting for verification.
///
/// # Errors
/// 409 `MISSING_COMPLETION_CONTEXT` when there is none.
pub async fn completion(
    command: &mut Command,
    ticket: &TicketRow,
    completed: bool,
    audience: Audience,
) -> Result<(CompletionContext, Value), Failure> {
    if ticket.incident_type.as_deref().is_none_or(|text| text.trim().is_empty()) {
        // The gate's first step; without a type nothing else is looked at.
        return Ok((CompletionContext::default(), Value::Null));
    }
    let Some((said, request)) = completion_said(command.db(), ticket, completed).await? else {
        let failed = Failed::missing_completion_context(ticket.incident_type.as_deref());
        return Err(failed.refusal(audience).into());
    };
    let context = CompletionContext::from_request(&said).map_err(Refusal::from)?;
    Ok((context, request))
}

/// What the newest completion said, in the shape of a request, and its request as kept in the audit trail.
///
/// Completions from before they were kept in a table of their own are read back from the audit trail.
///
/// # Errors
/// When the database does not answer.
pub async fn completion_said(
    db: &mut PgConnection,
    ticket: &TicketRow,
    completed: bool,
) -> Result<Option<(Value, Value)>, StoreError> {
    if let Some(row) = completions::latest(db, ticket.id).await? {
        let said = json!({
            "checklist_status": row.checklist,
            "no_signature_reason": row.no_signature_reason,
            "evidence_refs": row.evidence_refs,
        });
        let request = row.request.unwrap_or_else(|| said.clone());
        return Ok(Some((said, request)));
    }
    let after = completed.then_some(TicketState::CompletedPendingVerification);
    let payload = audit::latest_payload(db, ticket.id, &COMPLETIONS, after).await?;
    let request = payload.map(|payload| payload.get("request").cloned().unwrap_or(Value::Null));
    Ok(request.map(|request| (request.clone(), request)))
}

/// The refusal of a paused decision, if autonomy is paused for the ticket.
///
/// # Errors
/// When the database does not answer.
pub async fn autonomy_block(
    db: &mut PgConnection,
    ticket: &TicketRow,
) -> Result<Option<Refusal>, StoreError> {
    let decision = autonomy::decision(db, ticket.id, ticket.incident_type.as_deref()).await?;
    Ok(decision.filter(|decision| decision.is_paused).map(|decision| paused(&decision, ticket)))
}

fn paused(decision: &AutonomyDecision, ticket: &TicketRow) -> Refusal {
    let scope_id = match decision.scope_type.as_str() {
        "TICKET" => ticket.id.to_string(),
        "INCIDENT" => decision.incident_type.clone().unwrap_or_default(),
        _ => "GLOBAL".to_owned(),
    };
    Refusal::new(ErrorCode::AutonomyDisabled, "Autonomous completion is paused")
        .with("dimension", "policy")
        .with("scope_type", decision.scope_type.as_str())
        .with("scope_id", scope_id)
        .with("reason", decision.reason.as_deref())
        .with("incident_type", ticket.incident_type.as_deref())
        .with("ticket_id", ticket.id.to_string())
}
