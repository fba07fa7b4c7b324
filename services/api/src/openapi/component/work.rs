//! What scheduling, assignment, changes, closing and the technician's packet answer.

use dispatch_domain::sla::SlaStatus;
use dispatch_domain::template::RequirementCode;
use dispatch_domain::vocabulary::{ApprovalStatus, OutboxStatus};
use dispatch_domain::{Priority, TicketState};
use serde_json::Value;

use super::shape::{closed, flag, instant, integer, is, list, or_null, text, uuid, word};

pub(super) fn schemas() -> Vec<(&'static str, Value)> {
    let ticket = || ("ticket", is("Ticket"));
    let hold = || [ticket(), ("hold_id", uuid()), ("snapshot_id", uuid())];
    let restored = || [("restored_state", word(TicketState::ALL)), ("restored_window", is("OpenWindow"))];
    let with = |parts: &[&[(&'static str, Value)]]| closed(&parts.concat());
    vec![
        ("Window", closed(&[("start", instant()), ("end", instant())])),
        ("OpenWindow", closed(&[("start", or_null(instant())), ("end", or_null(instant()))])),
        (
            "ScheduleHold",
            with(&[
                &hold(),
                &[("hold_state", word(TicketState::ALL)), ("confirmation_window", is("Window"))],
            ]),
        ),
        ("ScheduleRelease", with(&[&hold(), &restored()])),
        ("ScheduleRollback", with(&[&hold(), &[("reason", or_null(text()))], &restored()])),
        ("Recommendation", recommendation()),
        ("ChangeRequest", change_request()),
        (
            "Closing",
            closed(&[
                ticket(),
                ("closeout_packet", closed(&[("artifact_type", text()), ("artifact_name", text())])),
            ]),
        ),
        (
            "EvidenceException",
            closed(&[
                ticket(),
                ("expires_at", or_null(instant())),
                ("evidence_refs", list(text())),
                ("exception_reason", text()),
            ]),
        ),
        (
            "OutboxReplay",
            closed(&[
                ("id", uuid()),
                ("status", word(OutboxStatus::ALL)),
                ("aggregate_type", text()),
                ("aggregate_id", text()),
            ]),
        ),
        ("JobPacket", job_packet()),
    ]
}

fn recommendation() -> Value {
    let matches = closed(&[
        ("capability", flag()),
        ("zone", flag()),
        ("active_load", integer()),
        ("distance_bucket", integer()),
    ]);
    let points = ["plain", "travel", "working_hours", "overlap", "rating"].map(|name| (name, integer()));
    let number = || serde_json::json!({ "type": "number" });
    let details = closed(&[
        ("distance_km", or_null(number())),
        ("travel_minutes", or_null(integer())),
        ("within_working_hours", or_null(flag())),
        ("overlapping_tickets", integer()),
        ("rating", or_null(number())),
        ("weighted_score", integer()),
        ("points", closed(&points)),
    ]);
    let candidate = closed(&[
        ("tech_id", uuid()),
        ("tech_name", text()),
        ("score", integer()),
        ("matches", matches),
        ("details", details),
    ]);
    closed(&[
        ("recommendations", list(candidate)),
        ("snapshot_id", uuid()),
        ("evaluated_at", instant()),
        ("expires_at", or_null(instant())),
    ])
}

fn change_request() -> Value {
    let approval = closed(&[
        ("id", uuid()),
        ("status", word(ApprovalStatus::ALL)),
        ("approval_type", text()),
        ("amount_delta_cents", or_null(integer())),
        ("reason", or_null(text())),
        ("requested_at", instant()),
    ]);
    closed(&[("ticket", is("Ticket")), ("approval", approval)])
}

fn job_packet() -> Value {
    let packet = closed(&[
        ("header", packet_header()),
        ("site_and_access", or_null(site_and_access())),
        (
            "work_scope",
            closed(&[
                ("summary", text()),
                ("customer_description", or_null(text())),
                ("nte_cents", integer()),
                ("authorized_scope_constraints", or_null(text())),
            ]),
        ),
        (
            "evidence_requirements",
            closed(&[
                ("template_version", or_null(text())),
                ("required_evidence", list(closed(&[("key", text()), ("present", flag())]))),
                ("evidence_items", list(is("EvidenceItem"))),
            ]),
        ),
        (
            "checklist",
            closed(&[
                ("required_items", list(closed(&[("key", text()), ("checked", flag())]))),
                ("source", word(&["latest_completion_attempt", "none_recorded"])),
            ]),
        ),
        ("closeout_gate", closeout_gate()),
        ("readiness", readiness()),
        (
            "sla",
            closed(&[
                ("target_minutes", integer()),
                ("deadline_at", instant()),
                ("remaining_minutes", integer()),
                ("status", word(SlaStatus::ALL)),
            ]),
        ),
        (
            "open_approvals",
            list(closed(&[
                ("id", uuid()),
                ("approval_type", text()),
                ("amount_delta_cents", or_null(integer())),
                ("reason", or_null(text())),
                ("requested_at", instant()),
            ])),
        ),
        (
            "timeline",
            closed(&[("events", list(is("AuditEvent"))), ("latest_events", list(is("AuditEvent")))]),
        ),
        ("actions", list(is("Action"))),
    ]);
    closed(&[("generated_at", instant()), ("actor", is("Actor")), ("packet", packet)])
}

fn readiness() -> Value {
    let kinds = ["INCIDENT_TYPE", "EVIDENCE", "REFERENCE", "SIGNATURE", "CHECKLIST"];
    let blocking =
        closed(&[("kind", word(&kinds)), ("key", text()), ("message", text()), ("suggested_action", text())]);
    closed(&[("evidence_ready", flag()), ("checklist_ready", flag()), ("blocking", list(blocking))])
}

fn packet_header() -> Value {
    closed(&[
        ("ticket_id", uuid()),
        ("priority", word(Priority::ALL)),
        ("incident_type", or_null(text())),
        ("current_state", word(TicketState::ALL)),
        ("scheduled_window", is("OpenWindow")),
        ("assigned_provider_id", or_null(uuid())),
        ("assigned_tech_id", or_null(uuid())),
    ])
}

fn site_and_access() -> Value {
    let address = ["address1", "address2", "city", "region", "postal_code", "country"];
    let address: Vec<(&str, Value)> = address.into_iter().map(|name| (name, or_null(text()))).collect();
    let contact = closed(&[("name", or_null(text())), ("phone", or_null(text())), ("role", or_null(text()))]);
    closed(&[
        ("site_id", uuid()),
        ("site_name", text()),
        ("address", closed(&address)),
        ("timezone", or_null(text())),
        ("access_instructions", or_null(text())),
        ("onsite_contact", or_null(contact)),
    ])
}

fn closeout_gate() -> Value {
    closed(&[
        ("ready", flag()),
        ("code", word(RequirementCode::ALL)),
        ("incident_type", or_null(text())),
        ("template_version", or_null(text())),
        ("missing_evidence_keys", list(text())),
        ("missing_checklist_keys", list(text())),
        ("invalid_evidence_refs", list(text())),
        ("signature_satisfied", flag()),
        ("no_signature_reason", or_null(text())),
    ])
}
