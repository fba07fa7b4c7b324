//! Candidates, overrides, reopening, exceptions, and the reads of approvals and the packet.

use serde_json::{Value, json};

use crate::desk::{
    DOOR_KEYS, SECURITY_KEYS, TECHNICIAN, attach, completion, create, get_as, id, propose, schedule,
    start_work, state, triage,
};
use crate::raise;
use dispatch_testbed::Api;

fn verify() -> Value {
    json!({ "timestamp": "2026-12-05T11:00:00Z", "result": "PASS" })
}

/// A candidate that passed.
async fn candidate(service: &Api) -> String {
    let path = start_work(service, "DOOR_WONT_LATCH").await;
    attach(service, &path, &DOOR_KEYS).await;
    let url = format!("{path}/closeout/candidate");
    service.moves("agent", &url, &completion(), "COMPLETED_PENDING_VERIFICATION").await;
    path
}

#[tokio::test]
async fn a_low_risk_candidate_completes_and_can_be_verified_and_closed() {
    let service = raise().await;
    let path = candidate(&service).await;
    let audited = "SELECT count(*) FROM audit_events WHERE tool_name = 'closeout.candidate' \
                   AND payload -> 'risk_profile' ->> 'level' = 'low' AND payload -> 'evidence_scope' ? 'evidence_keys'";
    assert_eq!(service.count(audited).await, 1);
    let packet = format!("{path}/closeout-packet");
    let none_yet = service.get(&packet).await;
    assert_eq!((none_yet.status, none_yet.code()), (404, "NOT_FOUND"));
    service.moves("qa", &format!("{path}/qa/verify"), &verify(), "VERIFIED").await;
    service.moves("finance", &format!("{path}/close"), &json!({ "reason": "done" }), "CLOSED").await;

    let read = service.get(&packet).await;
    assert_eq!(read.status, 200, "{}", read.text);
    let members: Vec<&String> = read.body.as_object().unwrap().keys().collect();
    assert_eq!(
        members,
        [
            "ticket_id",
            "artifact_type",
            "artifact_name",
            "artifact_hash",
            "created_at",
            "version",
            "versions",
            "payload"
        ]
    );
    assert_eq!(read.body["artifact_name"], format!("closeout-{}.json", id(&path)));
    assert_eq!(read.body["payload"]["ticket_state"], "CLOSED");
    // Whoever holds the packet can prove that it is the stored one.
    assert_eq!(read.body["artifact_hash"], dispatch_domain::canonical::hash(&read.body["payload"]));
    assert_eq!(get_as(&service, "customer", &packet).await.code(), "FORBIDDEN");
    assert_eq!(get_as(&service, "finance", &packet).await.status, 200);
    let unknown = service.get("/tickets/00000000-0000-4000-8000-000000000001/closeout-packet").await;
    assert_eq!((unknown.status, unknown.code()), (404, "TICKET_NOT_FOUND"));
    assert_eq!(service.get("/tickets/x/closeout-packet").await.code(), "INVALID_TICKET_ID");
}

#[tokio::test]
async fn a_high_risk_candidate_waits_for_a_person() {
    let service = raise().await;
    let path = start_work(&service, "CANNOT_SECURE_ENTRY").await;
    let url = format!("{path}/closeout/candidate");
    attach(&service, &path, &SECURITY_KEYS[..2]).await;
    let refused = service.refuses("agent", &url, &completion(), "CLOSEOUT_REQUIREMENTS_INCOMPLETE").await;
    assert_eq!(refused.body["error"]["requirement_code"], "MISSING_EVIDENCE");
    attach(&service, &path, &SECURITY_KEYS[2..]).await;
    let refused = service.refuses("agent", &url, &completion(), "MANUAL_REVIEW_REQUIRED").await;
    let error = &refused.body["error"];
    assert_eq!((refused.status, &error["requirement_code"]), (409, &json!("AUTOMATION_RISK_BLOCK")));
    assert_eq!(error["risk_profile"]["level"], "high");
    assert_eq!(
        error["risk_profile"]["reasons"],
        json!([
            "high-risk incident type: CANNOT_SECURE_ENTRY",
            "high-risk evidence key: photo_before_security_risk",
            "high-risk evidence key: note_risk_mitigation_and_customer_handoff",
        ])
    );
    assert_eq!(error["policy_error"], json!({ "dimension": "policy" }));
    assert_eq!(state(&service, &path).await, "IN_PROGRESS");
    assert_eq!(
        service.count("SELECT count(*) FROM audit_events WHERE tool_name = 'closeout.candidate'").await,
        0
    );
    service
        .moves(
            "technician",
            &format!("{path}/tech/complete"),
            &completion(),
            "COMPLETED_PENDING_VERIFICATION",
        )
        .await;
}

#[tokio::test]
async fn a_forced_close_overrides_the_verification_and_nothing_else() {
    let service = raise().await;
    let path = candidate(&service).await;
    let url = format!("{path}/force-close");
    let body = |code: &str, reason: &str, role: &str| json!({ "override_code": code, "override_reason": reason, "approver_role": role });
    let reason = "the customer signed it off by phone";
    let short =
        service.refuses("dispatcher", &url, &body("FOR  ", reason, "dispatcher"), "INVALID_REQUEST").await;
    assert_eq!(
        (&short.body["error"]["field"], &short.body["error"]["min_length"]),
        (&json!("override_code"), &json!(5))
    );
    let short = service
        .refuses("dispatcher", &url, &body("FORCE", "too short           ", "dispatcher"), "INVALID_REQUEST")
        .await;
    assert_eq!(
        (&short.body["error"]["field"], &short.body["error"]["min_length"]),
        (&json!("override_reason"), &json!(20))
    );
    let odd =
        service.refuses("dispatcher", &url, &body("FORCE", reason, "Dispatcher"), "INVALID_REQUEST").await;
    assert_eq!((odd.status, &odd.body["error"]["approver_role"]), (400, &json!("Dispatcher")));
    let other = service.refuses("dispatcher", &url, &body("FORCE", reason, "approver"), "FORBIDDEN").await;
    assert_eq!((other.status, &other.body["error"]["actor_role"]), (403, &json!("dispatcher")));
    let closed = service.moves("dispatcher", &url, &body("FORCE", reason, "dispatcher"), "CLOSED").await;
    assert_eq!(closed.body["closeout_packet"]["artifact_type"], "closeout_packet");
    let packet = service.get(&format!("{path}/closeout-packet")).await;
    assert_eq!(packet.body["payload"]["override_flags"]["policy_override"], true);
    let metrics = service.get("/metrics").await;
    assert!(metrics.text.contains("dispatch_override_close_total"), "{}", metrics.text);

    let bypassed = start_work(&service, "DOOR_WONT_LATCH").await;
    let bypass = json!({ "bypass_rationale": "radio contact only", "target_tool": "tech.complete" });
    let moved = service
        .moves(
            "dispatcher",
            &format!("{bypassed}/dispatch/manual-bypass"),
            &bypass,
            "COMPLETED_PENDING_VERIFICATION",
        )
        .await;
    let again = service
        .moves(
            "dispatcher",
            &format!("{bypassed}/dispatch/manual-bypass"),
            &bypass,
            "COMPLETED_PENDING_VERIFICATION",
        )
        .await;
    assert_eq!(again.body["version"].as_i64(), moved.body["version"].as_i64().map(|version| version + 1));
    let rows = "SELECT count(*) FROM audit_events WHERE tool_name = 'dispatch.manual_bypass' \
                AND payload ->> 'bypass_rationale' = 'radio contact only' AND payload ? 'derived_transitions'";
    assert_eq!(service.count(rows).await, 1);
    let forced = format!("{bypassed}/force-close");
    let refused = service
        .refuses(
            "dispatcher",
            &forced,
            &body("FORCE", reason, "dispatcher"),
            "CLOSEOUT_REQUIREMENTS_INCOMPLETE",
        )
        .await;
    assert_eq!(refused.body["error"]["requirement_code"], "MISSING_COMPLETION_CONTEXT");
    assert!(refused.body["error"].get("missing_evidence_keys").is_none());
    let refused = service
        .refuses("qa", &format!("{bypassed}/qa/verify"), &verify(), "CLOSEOUT_REQUIREMENTS_INCOMPLETE")
        .await;
    assert_eq!(refused.body["error"]["requirement_code"], "MISSING_COMPLETION_CONTEXT");
}

#[tokio::test]
async fn reopened_work_goes_on_and_an_exception_is_on_record_only() {
    let service = raise().await;
    let path = candidate(&service).await;
    service.moves("qa", &format!("{path}/qa/verify"), &verify(), "VERIFIED").await;
    service.moves("finance", &format!("{path}/billing/generate-invoice"), &json!({}), "INVOICED").await;
    let reopen = json!({ "reason": "door sticks again", "reopen_scope": "hinge" });
    service.moves("qa", &format!("{path}/closeout/reopen-after-verification"), &reopen, "IN_PROGRESS").await;
    let before = service.get(&path).await;
    let body = json!({ "exception_reason": " camera broken ", "evidence_refs": [" a "], "expires_at": "2036-01-01T00:00:00+01:00" });
    let answer =
        service.moves("qa", &format!("{path}/closeout/evidence-exception"), &body, "IN_PROGRESS").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body["exception_reason"], "camera broken");
    assert_eq!(answer.body["expires_at"], "2035-12-31T23:00:00.000Z");
    assert_eq!(answer.body["evidence_refs"], json!(["a"]));
    assert_eq!(answer.body["ticket"], before.body, "the ticket's row is not touched");
    let timeline = service.get(&format!("{path}/timeline")).await;
    let events = timeline.body["events"].as_array().unwrap();
    let [.., reopened, exception] = &events[..] else { panic!("{}", timeline.text) };
    assert_eq!(
        (&reopened["payload"]["invoice_reversal"], &reopened["payload"]["reopen_scope"]),
        (&json!(true), &json!("hinge"))
    );
    assert_eq!(
        (&exception["payload"]["exception_reason"], &exception["payload"]["expires_at"]),
        (&json!("camera broken"), &json!("2035-12-31T23:00:00.000Z"))
    );
    let fresh = create(&service).await;
    service
        .refuses("qa", &format!("{fresh}/closeout/evidence-exception"), &body, "INVALID_STATE_TRANSITION")
        .await;
}

#[tokio::test]
async fn work_is_stopped_and_taken_back_where_that_is_a_legal_move() {
    let service = raise().await;
    let path = start_work(&service, "DOOR_WONT_LATCH").await;
    let held = service
        .moves(
            "dispatcher",
            &format!("{path}/dispatch/force-hold"),
            &json!({ "hold_reason": "CUSTOMER_UNREACHABLE" }),
            "ON_HOLD",
        )
        .await;
    assert_eq!(held.body["assigned_tech_id"], TECHNICIAN);
    let freed = service
        .moves(
            "dispatcher",
            &format!("{path}/dispatch/force-unassign"),
            &json!({ "reason": "sick" }),
            "SCHEDULED",
        )
        .await;
    assert_eq!(freed.body["assigned_tech_id"], Value::Null);
    let again = service
        .moves("dispatcher", &format!("{path}/dispatch/force-unassign"), &json!({}), "SCHEDULED")
        .await;
    assert_eq!(again.body["version"].as_i64(), freed.body["version"].as_i64().map(|version| version + 1));
    let rows = "SELECT count(*) FROM ticket_state_transitions WHERE to_state = 'SCHEDULED'";
    assert_eq!(service.count(rows).await, 1);
    // The same technician again: another version, another message.
    service
        .moves(
            "dispatcher",
            &format!("{path}/assignment/dispatch"),
            &json!({ "tech_id": TECHNICIAN }),
            "DISPATCHED",
        )
        .await;

    let proposed = propose(&service).await;
    service
        .moves("dispatcher", &format!("{proposed}/dispatch/force-unassign"), &json!({}), "SCHEDULED")
        .await;
    let done = candidate(&service).await;
    let refused = service
        .refuses(
            "dispatcher",
            &format!("{done}/dispatch/force-unassign"),
            &json!({}),
            "INVALID_STATE_TRANSITION",
        )
        .await;
    assert_eq!(
        (&refused.body["error"]["from_state"], &refused.body["error"]["to_state"]),
        (&json!("COMPLETED_PENDING_VERIFICATION"), &json!("SCHEDULED"))
    );
}

#[tokio::test]
async fn approvals_of_a_ticket_can_be_read_with_how_they_ended() {
    let service = raise().await;
    let path = create(&service).await;
    let mut asks = triage("URGENT", "DOOR_WONT_LATCH", "APPROVAL_REQUIRED");
    asks["approval_amount_delta_cents"] = 5000.into();
    service.moves("dispatcher", &format!("{path}/triage"), &asks, "APPROVAL_REQUIRED").await;
    let read = service.get(&format!("{path}/approvals")).await;
    assert_eq!(read.status, 200, "{}", read.text);
    let approval = &read.body["approvals"][0];
    assert_eq!(
        (&approval["status"], &approval["amount_delta_cents"], &approval["decided_at"]),
        (&json!("PENDING"), &json!(5000), &Value::Null)
    );
    let decide = json!({ "approval_id": approval["id"], "decision": "APPROVED" });
    service.moves("approver", &format!("{path}/approval/decide"), &decide, "READY_TO_SCHEDULE").await;
    let read = service.get(&format!("{path}/approvals")).await;
    let approval = &read.body["approvals"][0];
    assert_eq!((&approval["status"], &approval["decided_by"]), (&json!("APPROVED"), &json!("actor-1")));
    assert!(approval["decided_at"].is_string());
    assert_eq!(get_as(&service, "customer", &format!("{path}/approvals")).await.code(), "FORBIDDEN");
    let other = schedule(&service).await;
    assert_eq!(service.get(&format!("{other}/approvals")).await.body["approvals"], json!([]));
}
