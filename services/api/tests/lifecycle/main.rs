//! Tickets from creation to close, with the API as a process on a real database.
//!
//! Every test has a database of its own, so they run side by side.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use dispatch_testbed::{ACCOUNT, Api, SITE, TECHNICIAN};
use futures::future::join_all;
use serde_json::{Value, json};
use uuid::Uuid;

const EVIDENCE_KEYS: [&str; 3] = [
    "photo_before_door_edge_and_strike",
    "photo_after_latched_alignment",
    "note_adjustments_and_test_cycles",
];

async fn raise() -> Api {
    Api::raise(env!("CARGO_BIN_EXE_dispatch-api"), &[]).await
}

fn ticket() -> Value {
    json!({ "account_id": ACCOUNT, "site_id": SITE, "summary": "Door will not latch" })
}

fn triage(priority: &str, outcome: &str) -> Value {
    json!({ "priority": priority, "incident_type": "DOOR_WONT_LATCH", "workflow_outcome": outcome })
}

fn window(day: u8) -> Value {
    let at = |hour: u8| format!("2026-12-{day:02}T{hour:02}:00:00Z");
    json!({ "start": at(10), "end": at(12) })
}

fn completion() -> Value {
    let flags = [
        "billing_authorization",
        "onsite_photos_after",
        "parts_used_or_needed",
        "resolution_status",
        "work_performed",
    ];
    let checklist: serde_json::Map<String, Value> =
        flags.iter().map(|flag| ((*flag).to_owned(), true.into())).collect();
    json!({ "checklist_status": checklist, "no_signature_reason": "customer absent" })
}

async fn create(service: &Api) -> String {
    let answer = service.moves("dispatcher", "/tickets", &ticket(), "NEW").await;
    format!("/tickets/{}", answer.body["id"].as_str().unwrap())
}

/// Creates a ticket and takes it to SCHEDULED.
async fn schedule(service: &Api) -> String {
    let path = create(service).await;
    let ready = triage("URGENT", "READY_TO_SCHEDULE");
    service.moves("dispatcher", &format!("{path}/triage"), &ready, "READY_TO_SCHEDULE").await;
    let options = json!({ "options": [window(5), window(6)] });
    service.moves("agent", &format!("{path}/schedule/propose"), &options, "SCHEDULE_PROPOSED").await;
    service.moves("dispatcher", &format!("{path}/schedule/confirm"), &window(5), "SCHEDULED").await;
    path
}

/// Takes a SCHEDULED or EMERGENCY ticket to VERIFIED.
async fn work(service: &Api, path: &str, dispatch: &Value) {
    service.moves("dispatcher", &format!("{path}/assignment/dispatch"), dispatch, "DISPATCHED").await;
    let arrival = json!({ "timestamp": "2026-12-05T10:05:00Z", "location": {} });
    service.moves("technician", &format!("{path}/tech/check-in"), &arrival, "IN_PROGRESS").await;
    let complete = format!("{path}/tech/complete");
    let refused =
        service.refuses("technician", &complete, &completion(), "CLOSEOUT_REQUIREMENTS_INCOMPLETE").await;
    assert_eq!(refused.body["error"]["requirement_code"], "MISSING_EVIDENCE");
    for key in EVIDENCE_KEYS {
        let item = json!({ "kind": "PHOTO", "uri": format!("s3://evidence/{key}"), "checksum": null, "evidence_key": key });
        assert_eq!(service.post("technician", &format!("{path}/evidence"), &item).await.status, 201);
    }
    service.moves("technician", &complete, &completion(), "COMPLETED_PENDING_VERIFICATION").await;
    let verdict = json!({ "timestamp": "2026-12-05T13:00:00Z", "result": "PASS" });
    service.moves("qa", &format!("{path}/qa/verify"), &verdict, "VERIFIED").await;
}

#[tokio::test]
async fn a_ticket_goes_from_creation_to_close_and_leaves_its_whole_history() {
    let service = raise().await;
    let path = schedule(&service).await;
    work(&service, &path, &json!({ "tech_id": TECHNICIAN })).await;
    service.moves("finance", &format!("{path}/billing/generate-invoice"), &json!({}), "INVOICED").await;
    let closed =
        service.moves("finance", &format!("{path}/close"), &json!({ "reason": "done" }), "CLOSED").await;
    assert_eq!(closed.body["closeout_packet"]["artifact_type"], "closeout_packet");
    let timeline = service.get(&format!("{path}/timeline")).await;
    let tools: Vec<&str> = timeline.body["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["tool_name"].as_str().unwrap())
        .collect();
    assert_eq!(
        tools,
        [
            "ticket.create",
            "ticket.triage",
            "schedule.propose",
            "schedule.confirm",
            "assignment.dispatch",
            "tech.check_in",
            "closeout.add_evidence",
            "closeout.add_evidence",
            "closeout.add_evidence",
            "tech.complete",
            "qa.verify",
            "billing.generate_invoice",
            "ticket.close",
        ]
    );
    assert_eq!(service.count("SELECT count(*) FROM ticket_state_transitions").await, 12);
    assert_eq!(service.count("SELECT count(*) FROM dispatch_outbox WHERE status = 'PENDING'").await, 2);
    assert_eq!(service.count("SELECT count(*) FROM evidence_items WHERE NOT is_immutable").await, 0);
    let packet = "SELECT (artifact_payload -> 'state_history_summary' ->> 'transition_count')::bigint FROM closeout_artifacts";
    assert_eq!(service.count(packet).await, 12);
    let job = service.get(&path.replace("/tickets", "/ux/technician/job-packet")).await;
    assert_eq!(job.body["packet"]["closeout_gate"]["code"], "READY");
}

#[tokio::test]
async fn an_emergency_is_dispatched_past_the_schedule_in_two_recorded_steps() {
    let service = raise().await;
    let path = create(&service).await;
    service.moves("dispatcher", &format!("{path}/triage"), &triage("EMERGENCY", "TRIAGED"), "TRIAGED").await;
    let dispatch = format!("{path}/assignment/dispatch");
    let mut order = json!({ "tech_id": TECHNICIAN });
    service.refuses("dispatcher", &dispatch, &order, "ASSIGNMENT_BYPASS_DENIED").await;
    order["dispatch_mode"] = json!("EMERGENCY_BYPASS");
    let refused = service.refuses("dispatcher", &dispatch, &order, "ASSIGNMENT_BYPASS_DENIED").await;
    assert_eq!(refused.body["error"]["missing_fields"].as_array().unwrap().len(), 2);
    order["dispatch_rationale"] = json!("someone is locked out");
    order["dispatch_confirmation"] = json!(true);
    work(&service, &path, &order).await;
    let steps = "SELECT count(*) FROM ticket_state_transitions WHERE (from_state, to_state) IN \
                 (('TRIAGED', 'READY_TO_SCHEDULE'), ('READY_TO_SCHEDULE', 'DISPATCHED'))";
    assert_eq!(service.count(steps).await, 2);
}

#[tokio::test]
async fn duplicates_in_flight_replay_the_same_bytes_and_a_key_belongs_to_one_ticket() {
    let service = raise().await;
    let key = Uuid::new_v4();
    let body = ticket();
    let answers = join_all((0..12).map(|_| service.post_with("dispatcher", "/tickets", &body, key))).await;
    assert!(answers.iter().all(|answer| answer.status == 201 && answer.text == answers[0].text));
    let replays = answers.iter().filter(|answer| answer.headers.contains_key("idempotency-replayed")).count();
    assert_eq!((replays, service.count("SELECT count(*) FROM tickets").await), (11, 1));
    let path = format!("/tickets/{}/triage", answers[0].body["id"].as_str().unwrap());
    let ready = triage("URGENT", "READY_TO_SCHEDULE");
    let answers = join_all((0..12).map(|_| service.post_with("dispatcher", &path, &ready, key))).await;
    assert!(answers.iter().all(|answer| answer.status == 200 && answer.text == answers[0].text));
    let other = format!("{}/triage", create(&service).await);
    let mismatch = service.post_with("dispatcher", &other, &ready, key).await;
    assert_eq!(mismatch.code(), "IDEMPOTENCY_PAYLOAD_MISMATCH");
}

#[tokio::test]
async fn a_refused_command_stores_nothing_but_the_refusal() {
    let service = raise().await;
    let path = create(&service).await;
    let confirm = format!("{path}/schedule/confirm");
    let rows = "SELECT (SELECT count(*) FROM audit_events) + (SELECT count(*) FROM idempotency_keys)";
    let before = service.count(rows).await;
    // The state is judged before the window: a reversed one on a NEW ticket is a wrong state.
    let reversed = json!({ "start": "2026-12-05T12:00:00Z", "end": "2026-12-05T10:00:00Z" });
    service.refuses("dispatcher", &confirm, &reversed, "INVALID_STATE_TRANSITION").await;
    service.refuses("customer", &confirm, &reversed, "FORBIDDEN").await;
    let unknown = json!({ "account_id": ACCOUNT, "site_id": Uuid::new_v4(), "summary": "x" });
    service.refuses("dispatcher", "/tickets", &unknown, "INVALID_REQUEST").await;
    assert_eq!(service.count(rows).await, before);
    assert_eq!(service.count("SELECT count(*) FROM ops_denials").await, 2);
    let refused = sqlx::query("DELETE FROM audit_events").execute(&service.database.pool).await;
    assert!(refused.is_err(), "the audit trail is append-only");
}

#[tokio::test]
async fn termination_ends_the_process_cleanly_and_soon() {
    let mut service = raise().await;
    create(&service).await;
    let asked = Instant::now();
    service.process().terminate();
    assert_eq!(service.process().exit().await.code(), Some(0));
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
}
