//! The payload schema of each mutating tool.

mod directory;

use super::MAX_AMOUNT;
use crate::state::TicketState;
use crate::tool::ToolName;
use crate::vocabulary::{
    ApprovalDecision, ApprovalType, DispatchMode, HoldReason, Priority, QaResult, TriageOutcome,
};
use serde_json::{Map, Value, json};

/// A member of a payload: name, whether it may be absent, schema.
type Member = (&'static str, bool, Value);

fn required(name: &'static str, schema: Value) -> Member {
    (name, true, schema)
}

fn optional(name: &'static str, schema: Value) -> Member {
    (name, false, schema)
}

fn object(members: Vec<Member>) -> Value {
    let required: Vec<&str> =
        members.iter().filter_map(|(name, needed, _)| needed.then_some(*name)).collect();
    let properties: Map<String, Value> =
        members.into_iter().map(|(name, _, schema)| (name.to_owned(), schema)).collect();
    let mut schema = json!({ "type": "object", "properties": properties });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn closed(members: Vec<Member>) -> Value {
    let mut schema = object(members);
    schema["additionalProperties"] = false.into();
    schema
}

fn uuid() -> Value {
    json!({ "type": "string", "minLength": 36, "maxLength": 36, "format": "uuid" })
}

/// A date-time of at least 20 characters, which excludes forms without seconds.
fn instant() -> Value {
    json!({ "type": "string", "minLength": 20, "format": "date-time" })
}

fn text(min_length: u32) -> Value {
    json!({ "type": "string", "minLength": min_length })
}

fn amount() -> Value {
    json!({ "type": "integer", "minimum": 0, "maximum": MAX_AMOUNT })
}

fn percent() -> Value {
    json!({ "type": "number", "minimum": 0, "maximum": 100 })
}

fn flag() -> Value {
    json!({ "type": "boolean" })
}

fn free_object() -> Value {
    json!({ "type": "object" })
}

fn texts() -> Value {
    json!({ "type": "array", "items": text(1) })
}

fn window() -> Value {
    object(vec![required("start", instant()), required("end", instant())])
}

fn one_of<T: Copy + serde::Serialize>(words: &[T]) -> Value {
    json!({ "type": "string", "enum": words })
}

/// Where work may go on from a hold.
const RESUMABLE: &[TicketState] =
    &[TicketState::InProgress, TicketState::Dispatched, TicketState::ReadyToSchedule];

fn invoice_line() -> Value {
    object(vec![
        required("description", text(1)),
        optional("quantity", json!({ "type": "integer", "minimum": 1, "maximum": 1_000_000 })),
        required("unit_price_cents", json!({ "type": "integer", "minimum": 0, "maximum": 1_000_000_000 })),
    ])
}

/// The schema, or none for a read.
pub(super) fn schema(name: ToolName) -> Option<Value> {
    let members = ticket_members(name)
        .or_else(|| schedule_members(name))
        .or_else(|| work_members(name))
        .or_else(|| closing_members(name))
        .or_else(|| directory::members(name));
    let mut schema = match (members, name) {
        (Some(members), _) => object(members),
        (None, ToolName::OpsAutonomyPause | ToolName::OpsAutonomyRollback) => autonomy_scope(),
        (None, _) => return None,
    };
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    Some(schema)
}

fn ticket_members(name: ToolName) -> Option<Vec<Member>> {
    Some(match name {
        ToolName::TicketCreate => vec![
            required("account_id", uuid()),
            required("site_id", uuid()),
            required("summary", text(1)),
            optional("description", text(1)),
            optional("asset_id", uuid()),
            optional("nte_cents", amount()),
        ],
        ToolName::TicketBlindIntake => vec![
            required("account_id", uuid()),
            required("site_id", uuid()),
            required("summary", text(1)),
            required("incident_type", text(1)),
            required("customer_name", text(1)),
            optional("contact_phone", text(7)),
            optional("contact_email", json!({ "type": "string", "format": "email" })),
            required("priority", one_of(Priority::ALL)),
            optional("description", text(1)),
            optional("nte_cents", amount()),
            required("identity_confidence", percent()),
            required("classification_confidence", percent()),
            optional("sop_handoff_acknowledged", flag()),
            optional("sop_handoff_prompt", text(1)),
        ],
        ToolName::TicketTriage => vec![
            required("priority", one_of(Priority::ALL)),
            required("incident_type", text(1)),
            optional("nte_cents", amount()),
            optional("workflow_outcome", one_of(TriageOutcome::ALL)),
            optional("ready_to_schedule", flag()),
            optional("requires_approval", flag()),
            optional("approval_reason", text(1)),
            optional("approval_amount_delta_cents", amount()),
            optional("sop_handoff_acknowledged", flag()),
        ],
        ToolName::TicketCancel => {
            vec![required("reason", text(1)), optional("cancellation_code", text(1))]
        }
        ToolName::TicketRequestInfo => vec![required("reason", text(1)), optional("questions", texts())],
        _ => return None,
    })
}

fn schedule_members(name: ToolName) -> Option<Vec<Member>> {
    Some(match name {
        ToolName::SchedulePropose => {
            vec![required("options", json!({ "type": "array", "minItems": 1, "items": window() }))]
        }
        ToolName::ScheduleConfirm => vec![required("start", instant()), required("end", instant())],
        ToolName::ScheduleHold => {
            vec![required("hold_reason", one_of(HoldReason::ALL)), required("confirmation_window", window())]
        }
        ToolName::ScheduleRelease => vec![required("customer_confirmation_id", uuid())],
        ToolName::ScheduleRollback => {
            vec![required("confirmation_id", uuid()), optional("reason", text(1))]
        }
        ToolName::AssignmentRecommend => vec![
            required("service_type", text(1)),
            optional("recommendation_limit", json!({ "type": "integer", "minimum": 1, "maximum": 20 })),
            optional("preferred_window", window()),
        ],
        ToolName::AssignmentDispatch => vec![
            required("tech_id", uuid()),
            optional("provider_id", uuid()),
            optional("dispatch_mode", one_of(DispatchMode::ALL)),
            optional("dispatch_rationale", text(1)),
            optional("dispatch_confirmation", flag()),
            optional("recommendation_snapshot_id", uuid()),
            optional("selection_reason", text(1)),
        ],
        ToolName::DispatchResume => {
            vec![optional("resume_to", one_of(RESUMABLE)), optional("reason", text(1))]
        }
        ToolName::DispatchForceHold => {
            vec![optional("hold_reason", one_of(HoldReason::ALL)), optional("reason", text(1))]
        }
        ToolName::DispatchForceUnassign => {
            vec![optional("reason", text(1)), optional("reassign_type", text(1))]
        }
        ToolName::DispatchManualBypass => {
            vec![required("bypass_rationale", text(1)), optional("target_tool", text(1))]
        }
        _ => return None,
    })
}

fn work_members(name: ToolName) -> Option<Vec<Member>> {
    Some(match name {
        ToolName::TechCheckIn => {
            vec![required("timestamp", instant()), optional("location", free_object())]
        }
        ToolName::TechRequestChange => vec![
            required("approval_type", one_of(ApprovalType::ALL)),
            required("reason", text(1)),
            optional("amount_delta_cents", amount()),
            optional("evidence_refs", texts()),
        ],
        ToolName::ApprovalDecide => vec![
            required("approval_id", uuid()),
            required("decision", one_of(ApprovalDecision::ALL)),
            optional("notes", text(1)),
        ],
        ToolName::CloseoutAddEvidence => vec![
            required("kind", text(1)),
            required("uri", text(1)),
            optional("checksum", text(1)),
            optional("evidence_key", text(1)),
            optional("metadata", free_object()),
        ],
        ToolName::CloseoutCandidate | ToolName::TechComplete => vec![
            required("checklist_status", free_object()),
            optional("no_signature_reason", text(1)),
            optional("evidence_refs", texts()),
        ],
        _ => return None,
    })
}

fn closing_members(name: ToolName) -> Option<Vec<Member>> {
    Some(match name {
        ToolName::QaVerify => vec![
            required("timestamp", instant()),
            required("result", one_of(QaResult::ALL)),
            optional("notes", text(1)),
        ],
        ToolName::QaReject => vec![
            required("timestamp", instant()),
            required("reason", text(1)),
            optional("notes", text(1)),
            optional("evidence_refs", texts()),
        ],
        ToolName::BillingGenerateInvoice => vec![
            optional("currency", json!({ "type": "string", "pattern": "^[A-Z]{3}$" })),
            optional(
                "lines",
                json!({ "type": "array", "minItems": 1, "maxItems": 200, "items": invoice_line() }),
            ),
        ],
        ToolName::TicketClose => {
            vec![optional("reason", text(1)), optional("closeout_override_code", text(1))]
        }
        ToolName::TicketForceClose => vec![
            required("override_code", text(5)),
            required("override_reason", text(20)),
            required("approver_role", text(1)),
        ],
        ToolName::ReopenAfterVerification => {
            vec![required("reason", text(1)), optional("reopen_scope", text(1))]
        }
        ToolName::CloseoutEvidenceException => vec![
            required("exception_reason", text(1)),
            optional("evidence_refs", texts()),
            optional("expires_at", json!({ "type": "string", "format": "date-time" })),
        ],
        ToolName::OutboxReplay => vec![required("outbox_id", uuid())],
        _ => return None,
    })
}

/// One of three closed shapes, by what the control covers.
fn autonomy_scope() -> Value {
    let scope = |word: &str| json!({ "type": "string", "const": word });
    json!({
        "type": "object",
        "anyOf": [
            closed(vec![optional("scope_type", scope("GLOBAL")), optional("reason", text(1))]),
            closed(vec![
                required("scope_type", scope("INCIDENT")),
                required("incident_type", text(1)),
                optional("reason", text(1)),
            ]),
            closed(vec![
                required("scope_type", scope("TICKET")),
                required("ticket_id", uuid()),
                optional("reason", text(1)),
            ]),
        ],
    })
}
