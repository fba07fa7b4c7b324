//! `POST /tickets/intake`: a report by a customer whom nobody has checked yet. The same report is one ticket.

use dispatch_domain::intake::{
    DEFAULT_SOP_PROMPT, Identity, normalise_email, normalise_phone, readiness_reasons,
};
use dispatch_domain::{ErrorCode, FieldCode, Priority, Refusal, TicketState, ToolName, audit};
use dispatch_store::intake::{self, NewIntake, OriginalRow, Signature};
use dispatch_store::journal::AuditDraft;
use dispatch_store::tickets::{self, NewTicket};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::Endpoint;
use crate::clock;
use crate::command::{Command, Effect, Fields};
use crate::failure::Failure;
use crate::request_log::life_cycle;

/// The endpoint.
pub const ENDPOINT: Endpoint =
    Endpoint::command(ToolName::TicketBlindIntake, |command| Box::pin(run(command)));

/// What is reported.
struct Report {
    account_id: Uuid,
    site_id: Uuid,
    summary: String,
    incident_type: String,
    customer_name: String,
    /// Digits only.
    phone: Option<String>,
    /// Lower case.
    email: Option<String>,
    priority: Priority,
    description: Option<String>,
    nte_cents: i64,
    identity_confidence: i32,
    classification_confidence: i32,
    acknowledged: bool,
    prompt: Option<String>,
}

impl Report {
    fn read(fields: Fields<'_>) -> Result<Self, Failure> {
        let report = Self {
            account_id: fields.uuid("account_id")?,
            site_id: fields.uuid("site_id")?,
            summary: fields.text("summary")?.to_owned(),
            incident_type: fields.text("incident_type")?.to_owned(),
            customer_name: fields.text("customer_name")?.to_owned(),
            phone: channel(fields, "contact_phone", normalise_phone)?,
            email: channel(fields, "contact_email", normalise_email)?,
            priority: fields.word("priority")?,
            description: fields.optional_text("description")?.map(str::to_owned),
            nte_cents: fields.optional_cents("nte_cents")?.unwrap_or(0),
            identity_confidence: percent(fields, "identity_confidence"),
            classification_confidence: percent(fields, "classification_confidence"),
            acknowledged: fields.optional_bool("sop_handoff_acknowledged")?.unwrap_or(false),
            prompt: fields.optional_text("sop_handoff_prompt")?.map(str::to_owned),
        };
        if report.phone.is_none() && report.email.is_none() {
            let message = "One of 'contact_phone' and 'contact_email' is required";
            return Err(Refusal::new(ErrorCode::BlindIntakeValidationFailed, message)
                .with("missing_contact_channel", true)
                .into());
        }
        Ok(report)
    }

    fn signature(&self) -> String {
        Identity {
            account_id: self.account_id,
            site_id: self.site_id,
            incident_type: &self.incident_type,
            summary: &self.summary,
            customer_name: &self.customer_name,
            phone: self.phone.as_deref(),
            email: self.email.as_deref(),
        }
        .signature()
    }

    /// The hand-off that is still to be made by a ticket that is not ready.
    fn prompt(&self, ready: bool) -> Option<&str> {
        (!ready).then_some(self.prompt.as_deref().unwrap_or(DEFAULT_SOP_PROMPT))
    }
}

async fn run(command: &mut Command) -> Result<Effect, Failure> {
    let report = Report::read(command.fields())?;
    command.actor.scope.check(report.account_id, report.site_id)?;
    let hash = report.signature();
    let signature = Signature { account_id: report.account_id, site_id: report.site_id, hash: &hash };
    intake::serialise(command.db(), signature).await?;
    let within_minutes = command.app.config.intake.duplicate_window_minutes;
    if let Some(original) = intake::original(command.db(), signature, within_minutes).await? {
        link(command, &original, &hash).await;
        return Err(duplicate(&original, &hash, within_minutes).into());
    }
    accept(command, &report, &hash).await
}

async fn accept(command: &mut Command, report: &Report, hash: &str) -> Result<Effect, Failure> {
    let policy = command.app.config.intake;
    let thresholds = (policy.identity_threshold, policy.classification_threshold);
    let reasons = readiness_reasons(
        report.identity_confidence,
        report.classification_confidence,
        report.acknowledged,
        thresholds,
    );
    let ready = reasons.is_empty();
    let new = NewIntake {
        ticket: NewTicket {
            id: Uuid::now_v7(),
            account_id: report.account_id,
            site_id: report.site_id,
            asset_id: None,
            state: if ready { TicketState::ReadyToSchedule } else { TicketState::Triaged },
            summary: report.summary.clone(),
            description: report.description.clone(),
            nte_cents: report.nte_cents,
        },
        priority: report.priority,
        incident_type: &report.incident_type,
        customer_name: &report.customer_name,
        customer_phone: report.phone.as_deref(),
        customer_email: report.email.as_deref(),
        identity_signature: hash,
        identity_confidence: report.identity_confidence,
        classification_confidence: report.classification_confidence,
        sop_handoff_prompt: report.prompt(ready),
    };
    let Some(ticket) = intake::insert(command.db(), &new).await? else {
        return Err(Failure::missing(tickets::missing_reference(command.db(), &new.ticket).await?));
    };
    Ok(Effect::ticket(201, &ticket)
        .created(ticket.state)
        .with("state_recommendation", ticket.state.as_str())
        .with("readiness", json!({ "ready": ready, "readiness_reasons": reasons }))
        .with("identity_signature", hash)
        .with(
            "policy",
            json!({
                "identity_confidence_threshold": policy.identity_threshold,
                "classification_confidence_threshold": policy.classification_threshold,
            }),
        )
        .with("sop_handoff_required", ticket.sop_handoff_required)
        .with("sop_handoff_acknowledged", report.acknowledged))
}

/// A contact channel in its normal form; blank or unusable text is a mistake, not an absent channel.
fn channel(
    fields: Fields<'_>,
    name: &str,
    normalise: impl Fn(&str) -> Option<String>,
) -> Result<Option<String>, Failure> {
    fields
        .optional_text(name)?
        .map(|text| {
            normalise(text)
                .ok_or_else(|| Failure::field(name, FieldCode::Format, format!("Field '{name}' is invalid")))
        })
        .transpose()
}

/// A number from 0 to 100, as the schema has checked, without its fraction.
fn percent(fields: Fields<'_>, name: &str) -> i32 {
    #[expect(clippy::cast_possible_truncation, reason = "cutting the fraction off is the rule")]
    let percent = fields.get(name).and_then(Value::as_f64).unwrap_or_default() as i32;
    percent
}

fn duplicate(original: &OriginalRow, hash: &str, within_minutes: u32) -> Refusal {
    Refusal::new(ErrorCode::DuplicateIntake, "The same report is an open ticket already")
        .with("duplicate_ticket_id", original.id.to_string())
        .with("duplicate_ticket_state", original.state.as_str())
        .with("duplicate_created_at", clock::text(original.created_at))
        .with("identity_signature", hash)
        .with("duplicate_within_minutes", within_minutes)
}

/// Leaves word on the original. An event that cannot be written is logged; the answer stays as it is.
async fn link(command: &Command, original: &OriginalRow, hash: &str) {
    let members: Map<String, Value> = [
        ("endpoint", command.tool.route.into()),
        ("requested_at", clock::text(command.now).into()),
        ("error_code", ErrorCode::DuplicateIntake.as_str().into()),
        ("duplicate_window_minutes", command.app.config.intake.duplicate_window_minutes.into()),
        ("identity_signature", hash.into()),
        ("request", command.request.clone()),
        ("duplicate_ticket_id", original.id.to_string().into()),
    ]
    .map(|(name, value): (_, Value)| (name.to_owned(), value))
    .into_iter()
    .collect();
    let payload = audit::payload(&members);
    let event = AuditDraft {
        id: command.audit_id,
        ticket_id: Some(original.id),
        actor_type: command.actor.actor_type,
        actor_id: &command.actor.id,
        actor_role: command.actor.role.as_str(),
        tool_name: command.tool.name.as_str(),
        request_id: command.request_id,
        correlation_id: &command.correlation.id,
        trace_id: command.correlation.trace.trace_id.as_deref(),
        before_state: Some(original.state),
        after_state: Some(original.state),
        payload: &payload,
    };
    if let Err(error) = intake::link(&command.app.pool, &event).await {
        life_cycle(
            true,
            json!({ "message": "a duplicate intake could not be linked", "error": error.to_string() }),
        );
    }
}
