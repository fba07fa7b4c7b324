//! Section C: what a ticket's history tells.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::desk::{Desk, bypass, id, path_of, ticket, triage};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[tokio::test]
async fn a_timeline_is_the_audit_trail_in_order() {
    let desk = Desk::open().await;
    let path = desk.create().await;
    desk.moves(
        "dispatcher",
        &format!("{path}/triage"),
        &triage("EMERGENCY", "DOOR_WONT_LATCH", "TRIAGED"),
        "TRIAGED",
    )
    .await;
    desk.moves("dispatcher", &format!("{path}/assignment/dispatch"), &bypass(), "DISPATCHED").await;
    let timeline = desk.get(&format!("{path}/timeline")).await;
    assert_eq!((timeline.status, &timeline.body["ticket_id"]), (200, &json!(id(&path))));
    let events = timeline.body["events"].as_array().unwrap();
    let tools: Vec<&Value> = events.iter().map(|event| &event["tool_name"]).collect();
    assert_eq!(tools, ["ticket.create", "ticket.triage", "assignment.dispatch"]);
    assert_eq!(desk.audits().await, 3);
    let key = |event: &Value| (event["created_at"].to_string(), event["id"].to_string());
    assert!(events.windows(2).all(|pair| key(&pair[0]) <= key(&pair[1])));
    for event in events {
        let members: Vec<&String> = event.as_object().unwrap().keys().collect();
        assert_eq!(
            members,
            [
                "id",
                "ticket_id",
                "actor_type",
                "actor_id",
                "actor_role",
                "tool_name",
                "request_id",
                "correlation_id",
                "trace_id",
                "before_state",
                "after_state",
                "payload",
                "created_at",
            ]
        );
        assert_eq!(event["trace_id"], Value::Null);
    }
    let states: Vec<(&Value, &Value)> =
        events.iter().map(|event| (&event["before_state"], &event["after_state"])).collect();
    let (new, triaged, dispatched) = (json!("NEW"), json!("TRIAGED"), json!("DISPATCHED"));
    assert_eq!(states, [(&Value::Null, &new), (&new, &triaged), (&triaged, &dispatched)]);
}

#[tokio::test]
async fn a_timeline_of_nothing_is_refused_by_its_reason() {
    let desk = Desk::open().await;
    desk.get(&format!("/tickets/{}/timeline", Uuid::new_v4())).await.expect(404, "TICKET_NOT_FOUND");
    desk.get("/tickets/not-a-uuid/timeline").await.expect(400, "INVALID_TICKET_ID");
}

#[tokio::test]
async fn a_trace_goes_from_the_headers_into_database_and_log() {
    let desk = Desk::open().await;
    let key = Uuid::new_v4().to_string();
    let headers = [
        ("x-actor-id", "dispatcher-1"),
        ("x-actor-role", "dispatcher"),
        ("idempotency-key", key.as_str()),
        ("traceparent", PARENT),
        ("x-trace-id", "legacy-trace"),
    ];
    assert_eq!(desk.post_headers("/tickets", &ticket(), &headers).await.status, 201);
    assert_eq!(desk.database.text("SELECT trace_id FROM audit_events").await.as_deref(), Some(TRACE));
    let line = dispatch_testbed::eventually(async || {
        desk.log().into_iter().find(|line| line["request_id"] == key.as_str()).ok_or("no log line".to_owned())
    })
    .await;
    assert_eq!((&line["trace_id"], &line["trace_parent"]), (&json!(TRACE), &json!(PARENT)));
}

#[tokio::test]
async fn an_audit_row_carries_who_asked_and_how_it_was_marked() {
    let desk = Desk::open().await;
    let key = Uuid::new_v4().to_string();
    let headers = [
        ("x-actor-id", "agent-7"),
        ("x-actor-role", "agent"),
        ("x-actor-type", "AGENT"),
        ("x-correlation-id", "story-9"),
        ("idempotency-key", key.as_str()),
    ];
    let answer = desk.post_headers("/tickets", &ticket(), &headers).await;
    let timeline = desk.get(&format!("{}/timeline", path_of(&answer))).await;
    assert_eq!(timeline.body["events"][0]["request_id"], json!(key));
    let row = "SELECT concat_ws('|', actor_type, actor_id, actor_role, correlation_id, request_id, \
               coalesce(trace_id, 'null')) FROM audit_events";
    assert_eq!(desk.database.texts(row).await, [format!("AGENT|agent-7|agent|story-9|{key}|null")]);
}
