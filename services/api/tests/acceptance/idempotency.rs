//! Section B: one key, one effect.

use dispatch_testbed::TECHNICIAN;
use serde_json::json;
use uuid::Uuid;

use crate::commands::{ready, served};
use crate::desk::{Desk, bypass, completion, ticket, triage, window};

#[tokio::test]
async fn a_repeated_creation_creates_once() {
    let desk = Desk::open().await;
    let key = Uuid::new_v4();
    let first = desk.tooled("ticket.create", "/tickets", &ticket(), key).await;
    let second = desk.tooled("ticket.create", "/tickets", &ticket(), key).await;
    assert_eq!((first.status, second.status), (201, 201));
    assert_eq!(first.text, second.text);
    assert_eq!((first.is_replay(), second.is_replay()), (false, true));
    assert_eq!((desk.tickets().await, desk.audits().await, desk.transitions().await), (1, 1, 1));

    let mut other = ticket();
    other["summary"] = json!("Another door");
    let refused = desk.tooled("ticket.create", "/tickets", &other, key).await;
    refused.expect(409, "IDEMPOTENCY_PAYLOAD_MISMATCH");
    assert_eq!(refused.body["error"]["request_id"], json!(key));
    assert_eq!((desk.tickets().await, desk.audits().await), (1, 1));
}

#[tokio::test]
async fn without_a_key_nothing_is_created() {
    let desk = Desk::open().await;
    desk.raw_post("/tickets", &ticket()).await.expect(400, "MISSING_IDEMPOTENCY_KEY");
    assert_eq!((desk.tickets().await, desk.audits().await), (0, 0));
}

#[tokio::test]
async fn what_the_state_forbids_changes_no_state() {
    let desk = Desk::open().await;
    let path = desk.create().await;
    let confirm = format!("{path}/schedule/confirm");
    let refused = desk.tooled("schedule.confirm", &confirm, &window(), Uuid::new_v4()).await;
    refused.expect(409, "INVALID_STATE_TRANSITION");
    assert_eq!(desk.database.texts("SELECT state::text FROM tickets").await, ["NEW"]);
}

#[tokio::test]
async fn an_emergency_is_dispatched_from_triage_only_with_a_mode() {
    let desk = Desk::open().await;
    let path = desk.create().await;
    let body = triage("EMERGENCY", "DOOR_WONT_LATCH_V1", "TRIAGED");
    let tool = "assignment.dispatch";
    assert_eq!(
        desk.tooled("ticket.triage", &format!("{path}/triage"), &body, Uuid::new_v4()).await.status,
        200
    );
    let dispatch = format!("{path}/assignment/dispatch");
    let bare = json!({ "tech_id": TECHNICIAN });
    let refused = desk.tooled(tool, &dispatch, &bare, Uuid::new_v4()).await;
    refused.expect(409, "ASSIGNMENT_BYPASS_DENIED");
    assert_eq!(desk.state(&path).await, "TRIAGED");
    let done = desk.tooled(tool, &dispatch, &bypass(), Uuid::new_v4()).await;
    assert_eq!((done.status, done.state()), (200, "DISPATCHED"), "{}", done.text);
    assert_eq!((desk.audits().await, desk.transitions().await), (3, 4));
}

#[tokio::test]
async fn a_refused_completion_keeps_no_answer() {
    let desk = Desk::open().await;
    let path = desk.reach("IN_PROGRESS").await;
    let key = Uuid::new_v4();
    let refused = desk.post_with("technician", &format!("{path}/tech/complete"), &completion(), key).await;
    refused.expect(409, "CLOSEOUT_REQUIREMENTS_INCOMPLETE");
    let stored = format!("SELECT count(*) FROM idempotency_keys WHERE request_id = '{key}'");
    assert_eq!(desk.count(&stored).await, 0);
}

#[tokio::test]
async fn every_command_needs_a_key_works_once_and_answers_again() {
    let desk = Desk::open().await;
    for (_, tool) in served(&desk).await {
        let call = ready(&desk, &tool).await;
        let keyless = desk.post_token(call.role, &call.path, &call.body, &[]).await;
        assert_eq!((keyless.status, keyless.code()), (400, "MISSING_IDEMPOTENCY_KEY"), "{tool}");
        let (key, correlation) = (Uuid::new_v4().to_string(), format!("b8-{tool}"));
        let headers = [("idempotency-key", key.as_str()), ("x-correlation-id", correlation.as_str())];
        let before = desk.transitions().await;
        let first = desk.post_token(call.role, &call.path, &call.body, &headers).await;
        assert_eq!(first.status, call.status, "{tool}: {}", first.text);
        assert_eq!(desk.transitions().await - before, call.moves, "{tool}");
        let second = desk.post_token(call.role, &call.path, &call.body, &headers).await;
        assert_eq!((second.status, &second.text), (first.status, &first.text), "{tool}");
        assert!(second.is_replay() && !first.is_replay(), "{tool}");
        assert_eq!(desk.transitions().await - before, call.moves, "{tool}");
        let audited = format!("SELECT count(*) FROM audit_events WHERE correlation_id = '{correlation}'");
        assert!(desk.count(&audited).await >= 1, "{tool}");
        let stored = format!("SELECT count(*) FROM idempotency_keys WHERE request_id = '{key}'");
        assert_eq!(desk.count(&stored).await, 1, "{tool}");
    }
}
