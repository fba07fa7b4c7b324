//! Section H: reports from outside.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::commands;
use crate::desk::{Desk, path_of, triage};

const INTAKE: &str = "/tickets/intake";

fn report(identity: u8, classification: u8, acknowledged: bool) -> Value {
    let mut body = commands::intake();
    body["identity_confidence"] = json!(identity);
    body["classification_confidence"] = json!(classification);
    body["sop_handoff_acknowledged"] = json!(acknowledged);
    body
}

async fn schedule(desk: &Desk, path: &str, acknowledged: Option<bool>) -> dispatch_testbed::Answer {
    let mut body = triage("URGENT", "DOOR_WONT_LATCH", "READY_TO_SCHEDULE");
    if let Some(acknowledged) = acknowledged {
        body["sop_handoff_acknowledged"] = json!(acknowledged);
    }
    let key = Uuid::new_v4().to_string();
    let headers = [
        ("x-actor-id", "dispatcher-1"),
        ("x-actor-role", "dispatcher"),
        ("x-correlation-id", "intake-story"),
        ("idempotency-key", key.as_str()),
    ];
    desk.post_headers(&format!("{path}/triage"), &body, &headers).await
}

#[tokio::test]
async fn an_uncertain_report_waits_for_a_handoff() {
    let desk = Desk::open().await;
    let answer = desk.post("agent", INTAKE, &report(75, 72, false)).await;
    let ticket = &answer.body;
    assert_eq!((answer.status, answer.state()), (201, "TRIAGED"), "{}", answer.text);
    assert_eq!(ticket["customer_phone"], "15550101234");
    assert_eq!(
        (&ticket["sop_handoff_required"], &ticket["sop_handoff_acknowledged"]),
        (&json!(true), &json!(false))
    );
    assert!(ticket["sop_handoff_prompt"].as_str().unwrap().starts_with("SOP handoff:"));
    assert_eq!(
        (&ticket["identity_confidence"], &ticket["classification_confidence"]),
        (&json!(75), &json!(72))
    );
    assert_eq!(desk.transitions().await, 1);
}

#[tokio::test]
async fn a_certain_report_is_ready_at_once() {
    let desk = Desk::open().await;
    let answer = desk.post("agent", INTAKE, &report(98, 97, true)).await;
    let ticket = &answer.body;
    assert_eq!((answer.status, answer.state()), (201, "READY_TO_SCHEDULE"), "{}", answer.text);
    assert_eq!(
        (&ticket["sop_handoff_required"], &ticket["sop_handoff_acknowledged"], &ticket["sop_handoff_prompt"]),
        (&json!(false), &json!(true), &Value::Null)
    );
}

#[tokio::test]
async fn the_same_report_is_one_ticket_whoever_sends_it_and_however_it_is_spelled() {
    let desk = Desk::open().await;
    let mut body = report(98, 97, true);
    body["summary"] = json!("Back door will not latch");
    let first = desk.post("agent", INTAKE, &body).await;
    let refused = desk.post("dispatcher", INTAKE, &body).await;
    refused.expect(409, "DUPLICATE_INTAKE");
    assert_eq!(refused.body["error"]["duplicate_ticket_id"], first.body["id"]);
    body["summary"] = json!("  BACK door will not latch ");
    body["customer_name"] = json!(" ada BYRON");
    body["contact_phone"] = json!("1-555-010-1234");
    body["incident_type"] = json!("door_wont_latch");
    desk.post("agent", INTAKE, &body).await.expect(409, "DUPLICATE_INTAKE");
    assert_eq!(desk.tickets().await, 1);
}

#[tokio::test]
async fn low_confidence_is_not_scheduled() {
    let desk = Desk::open().await;
    for (identity, classification, code) in
        [(40, 95, "LOW_IDENTITY_CONFIDENCE"), (95, 30, "LOW_CLASSIFICATION_CONFIDENCE")]
    {
        let path = path_of(&desk.post("agent", INTAKE, &report(identity, classification, true)).await);
        schedule(&desk, &path, Some(true)).await.expect(409, code);
        assert_eq!(desk.state(&path).await, "TRIAGED");
    }
}

#[tokio::test]
async fn a_handoff_is_acknowledged_before_a_report_is_scheduled() {
    let desk = Desk::open().await;
    let path = path_of(&desk.post("agent", INTAKE, &report(98, 97, false)).await);
    let refused = schedule(&desk, &path, None).await;
    refused.expect(409, "SOP_HANDOFF_REQUIRED");
    let error = &refused.body["error"];
    assert!(error["sop_handoff_prompt"].as_str().unwrap().contains("SOP"));
    assert_eq!(error["correlation_id"], "intake-story");
    let done = schedule(&desk, &path, Some(true)).await;
    assert_eq!((done.status, done.state()), (200, "READY_TO_SCHEDULE"), "{}", done.text);
}

#[tokio::test]
async fn a_ticket_that_was_not_taken_in_needs_no_handoff() {
    let desk = Desk::open().await;
    let path = desk.create().await;
    let done = schedule(&desk, &path, Some(false)).await;
    assert_eq!((done.status, done.state()), (200, "READY_TO_SCHEDULE"), "{}", done.text);
    assert_eq!(done.body["identity_signature"], Value::Null);
}
