//! The ticket, its history, its evidence and the queue.

use dispatch_domain::sla::{DelayAttribution, SlaStatus};
use dispatch_domain::vocabulary::ApprovalStatus;
use dispatch_domain::{ActorType, ErrorCode, Method, Priority, Role, TicketState};
use serde_json::Value;

use super::shape::{closed, closed_with, flag, free, instant, integer, is, list, or_null, text, uuid, word};

pub(super) fn schemas() -> Vec<(&'static str, Value)> {
    let next = || ("next_cursor", or_null(text()));
    vec![
        ("Ticket", ticket()),
        ("TicketPage", closed(&[("tickets", list(is("Ticket"))), next()])),
        ("EvidenceItem", evidence_item()),
        (
            "EvidenceList",
            closed_with(&[("ticket_id", uuid()), ("evidence", list(is("EvidenceItem")))], &[next()]),
        ),
        ("AuditEvent", audit_event()),
        ("Timeline", closed_with(&[("ticket_id", uuid()), ("events", list(is("AuditEvent")))], &[next()])),
        ("Approval", approval()),
        (
            "ApprovalList",
            closed(&[
                ("ticket_id", uuid()),
                ("approvals", list(is("Approval"))),
                ("nte_ledger", list(nte_entry())),
            ]),
        ),
        ("CloseoutPacket", closeout_packet()),
        ("Action", action()),
        ("Actor", actor()),
        ("QueueRow", queue_row()),
        ("Cockpit", cockpit(next())),
    ]
}

fn ticket() -> Value {
    closed(&[
        ("id", uuid()),
        ("account_id", uuid()),
        ("site_id", uuid()),
        ("asset_id", or_null(uuid())),
        ("state", word(TicketState::ALL)),
        ("priority", word(Priority::ALL)),
        ("incident_type", or_null(text())),
        ("summary", text()),
        ("description", or_null(text())),
        ("customer_name", or_null(text())),
        ("customer_phone", or_null(text())),
        ("customer_email", or_null(text())),
        ("nte_cents", integer()),
        ("scheduled_start", or_null(instant())),
        ("scheduled_end", or_null(instant())),
        ("identity_signature", or_null(text())),
        ("identity_confidence", integer()),
        ("classification_confidence", integer()),
        ("sop_handoff_required", flag()),
        ("sop_handoff_acknowledged", flag()),
        ("sop_handoff_prompt", or_null(text())),
        ("assigned_provider_id", or_null(uuid())),
        ("assigned_tech_id", or_null(uuid())),
        ("version", integer()),
        ("created_at", instant()),
        ("updated_at", instant()),
    ])
}

fn evidence_item() -> Value {
    let members = [
        ("id", uuid()),
        ("ticket_id", uuid()),
        ("kind", text()),
        ("uri", text()),
        ("checksum", or_null(text())),
        ("is_immutable", flag()),
        ("immutable_reason", or_null(text())),
        ("immutable_by", or_null(text())),
        ("immutable_at", or_null(instant())),
        ("metadata", free()),
        ("created_by", or_null(text())),
        ("created_at", instant()),
    ];
    closed_with(&members, &[("download_url", or_null(text()))])
}

fn audit_event() -> Value {
    closed(&[
        ("id", uuid()),
        ("ticket_id", or_null(uuid())),
        ("actor_type", word(ActorType::ALL)),
        ("actor_id", text()),
        ("actor_role", or_null(text())),
        ("tool_name", text()),
        ("request_id", uuid()),
        ("correlation_id", or_null(text())),
        ("trace_id", or_null(text())),
        ("before_state", or_null(word(TicketState::ALL))),
        ("after_state", or_null(word(TicketState::ALL))),
        ("payload", free()),
        ("created_at", instant()),
    ])
}

fn approval() -> Value {
    closed(&[
        ("id", uuid()),
        ("status", word(ApprovalStatus::ALL)),
        ("approval_type", text()),
        ("amount_delta_cents", or_null(integer())),
        ("reason", or_null(text())),
        ("evidence", free()),
        ("requested_by", text()),
        ("requested_at", instant()),
        ("decided_by", or_null(text())),
        ("decided_at", or_null(instant())),
        ("decision_notes", or_null(text())),
    ])
}

fn nte_entry() -> Value {
    closed(&[
        ("approval_id", or_null(uuid())),
        ("tool_name", text()),
        ("before_cents", integer()),
        ("delta_cents", integer()),
        ("after_cents", integer()),
        ("actor_id", text()),
        ("created_at", instant()),
    ])
}

fn closeout_packet() -> Value {
    closed(&[
        ("ticket_id", uuid()),
        ("artifact_type", text()),
        ("artifact_name", or_null(text())),
        ("artifact_hash", or_null(text())),
        ("created_at", instant()),
        ("version", integer()),
        ("versions", integer()),
        ("payload", free()),
    ])
}

/// Details of the refusal stand beside its code.
fn action() -> Value {
    let error = serde_json::json!({
        "type": "object",
        "required": ["code", "message"],
        "properties": { "code": word(ErrorCode::ALL), "message": text() },
    });
    closed(&[
        ("action_id", text()),
        ("tool_name", text()),
        ("endpoint", text()),
        ("method", word(Method::ALL)),
        ("mutating", flag()),
        ("enabled", flag()),
        ("policy_error", or_null(error)),
    ])
}

fn actor() -> Value {
    closed(&[
        ("actor_id", text()),
        ("actor_role", word(Role::ALL)),
        ("actor_type", word(ActorType::ALL)),
        ("tool_name", text()),
    ])
}

fn queue_row() -> Value {
    let site = closed(&[("id", uuid()), ("name", text()), ("city", text()), ("region", or_null(text()))]);
    closed(&[
        ("ticket_id", uuid()),
        ("state", word(TicketState::ALL)),
        ("priority", word(Priority::ALL)),
        ("incident_type", or_null(text())),
        ("site_region", or_null(text())),
        ("site", site),
        ("assigned_tech", or_null(uuid())),
        ("scheduled_start", or_null(instant())),
        ("last_update_at", instant()),
        ("last_transition_at", instant()),
        ("region_weight", integer()),
        ("sla_target_minutes", integer()),
        ("sla_deadline_at", instant()),
        ("sla_timer_remaining_minutes", integer()),
        ("sla_timer_remaining", text()),
        ("sla_status", word(SlaStatus::ALL)),
        ("sla_delay_attribution", word(DelayAttribution::ALL)),
        ("actions", list(is("Action"))),
    ])
}

fn cockpit(next: (&str, Value)) -> Value {
    let filters = closed(&[
        ("state", list(word(TicketState::ALL))),
        ("priority", list(word(Priority::ALL))),
        ("sla_status", list(word(SlaStatus::ALL))),
        ("account_id", list(uuid())),
        ("site_id", list(uuid())),
        ("assigned_tech_id", list(uuid())),
        ("incident_type", list(text())),
        ("ticket_id", or_null(uuid())),
    ]);
    let selected = closed(&[
        ("ticket", is("Ticket")),
        ("timeline", is("Timeline")),
        ("evidence_summary", closed(&[("total_items", integer())])),
    ]);
    closed_with(
        &[
            ("generated_at", instant()),
            ("actor", is("Actor")),
            ("filters_applied", filters),
            ("queue", list(is("QueueRow"))),
            ("selected_ticket", or_null(selected)),
        ],
        &[next],
    )
}
