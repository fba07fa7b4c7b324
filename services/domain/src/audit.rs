//! What an audit event's payload may carry.

use crate::redact::redact_members;
use serde_json::{Map, Value};

/// Top-level members an audit payload may have, in output order. Everything else is dropped.
///
/// The last fourteen used to be lost although commands supply them; they are kept here.
pub const PAYLOAD_MEMBERS: &[&str] = &[
    "endpoint",
    "requested_at",
    "request",
    "workflow_outcome",
    "derived_transitions",
    "state_recommendation",
    "readiness",
    "identity_signature",
    "error_code",
    "duplicate_window_minutes",
    "duplicate_ticket_id",
    "duplicate_ticket_state",
    "duplicate_created_at",
    "policy",
    "sop_handoff_required",
    "sop_handoff_acknowledged",
    "recommendation_limit",
    "recommendation_snapshot_id",
    "candidate_count",
    "service_type",
    "preferred_window",
    "approvals",
    "approval_id",
    "approval_status",
    "approval_reason",
    "amount_delta_cents",
    "decision",
    "target_state",
    "notes",
    "check_in_timestamp",
    "hold_reason",
    "confirmation_window",
    "hold_snapshot_id",
    "hold_sequence_id",
    "reason",
    "restored_state",
    "current_is_paused",
    "previous_is_paused",
    "control_state_id",
    "control_history_id",
    "scope",
    "options",
    "selected_window_hint",
    "selected_service_type",
    "dispatch_validation",
    "risk_profile",
    "evidence_scope",
    "closeout_check",
    "verification_closeout_check",
    "verification_result",
    "verification_evidence_refs",
    "verified_at",
    "invoice_generated",
    "override_code",
    "approver_role",
    "policy_override",
    "invoice_reversal",
    "evidence_item_id",
    "no_signature_reason",
    "evidence_refs",
    "persisted_evidence_count",
    "hold_state",
    "replay",
    "exception_reason",
    "expires_at",
    "bypass_rationale",
    "target_tool",
    "cancellation_code",
    "reassign_type",
    "reopen_scope",
    "closeout_override_code",
    "override_actor_id",
    "previous_state",
    "immutable_evidence_count",
    "closeout_packet_artifact_type",
    "closeout_packet_version",
    "resumed_to",
    "questions",
    "nte_before_cents",
    "nte_after_cents",
    "cancelled_approvals",
    "invoice_id",
    "invoice_number",
    "invoice_total_cents",
    "voided_invoice",
    "waived",
    "waiver_expires_at",
    "selection_reason",
    "resource_id",
];

/// Builds the payload to store: allowed members only, in list order, redacted.
pub fn payload(supplied: &Map<String, Value>) -> Value {
    let kept: Map<String, Value> = PAYLOAD_MEMBERS
        .iter()
        .filter_map(|name| supplied.get(*name).map(|value| ((*name).to_owned(), value.clone())))
        .collect();
    Value::Object(redact_members(&kept))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn unknown_members_are_dropped_known_ones_ordered_and_redacted() {
        let supplied = json!({
            "expires_at": null, "nonsense": 1, "request": { "contact_email": "a@b.c", "summary": "x" }, "endpoint": "/t",
        });
        let stored = payload(supplied.as_object().unwrap());
        let names: Vec<_> = stored.as_object().unwrap().keys().collect();
        assert_eq!(names, ["endpoint", "request", "expires_at"]);
        assert!(stored["request"]["contact_email"].as_str().unwrap().starts_with("redacted:"));
        assert_eq!(stored["request"]["summary"], "x");
    }

    #[test]
    fn no_member_is_listed_twice_or_redacted_by_its_own_name() {
        let distinct: std::collections::BTreeSet<_> = PAYLOAD_MEMBERS.iter().collect();
        assert_eq!(distinct.len(), PAYLOAD_MEMBERS.len());
        assert!(PAYLOAD_MEMBERS.iter().all(|name| !crate::redact::is_sensitive(name)));
    }
}
