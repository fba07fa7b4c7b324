//! The few commands that make something to look at.

use dispatch_testbed::{ACCOUNT, Api, SITE, TECHNICIAN, eventually};
use serde_json::{Value, json};
use uuid::Uuid;

pub const API: &str = env!("CARGO_BIN_EXE_dispatch-api");

/// Thresholds at which one of each is enough.
pub const SENSITIVE: [(&str, &str); 5] = [
    ("DISPATCH_ALERT_STUCK_SCHEDULING_COUNT_THRESHOLD", "1"),
    ("DISPATCH_ALERT_STUCK_SCHEDULING_MINUTES", "0"),
    ("DISPATCH_ALERT_COMPLETION_REJECTION_THRESHOLD", "1"),
    ("DISPATCH_ALERT_IDEMPOTENCY_CONFLICT_THRESHOLD", "1"),
    ("DISPATCH_ALERT_AUTH_POLICY_REJECTION_THRESHOLD", "1"),
];

pub fn ticket(summary: &str) -> Value {
    json!({ "account_id": ACCOUNT, "site_id": SITE, "summary": summary })
}

/// A new ticket's path.
pub async fn create(api: &Api) -> String {
    let answer = api.moves("dispatcher", "/tickets", &ticket("Door"), "NEW").await;
    format!("/tickets/{}", answer.body["id"].as_str().unwrap())
}

/// A ticket that waits for a schedule.
pub async fn ready(api: &Api) -> String {
    let path = create(api).await;
    let triage = json!({
        "priority": "URGENT", "incident_type": "DOOR_WONT_LATCH", "workflow_outcome": "READY_TO_SCHEDULE",
    });
    api.moves("dispatcher", &format!("{path}/triage"), &triage, "READY_TO_SCHEDULE").await;
    path
}

/// A completion without evidence, which is refused.
pub async fn refused_completion(api: &Api) -> String {
    let path = create(api).await;
    let triage = json!({
        "priority": "EMERGENCY", "incident_type": "DOOR_WONT_LATCH", "workflow_outcome": "TRIAGED",
    });
    api.moves("dispatcher", &format!("{path}/triage"), &triage, "TRIAGED").await;
    let dispatch = json!({
        "tech_id": TECHNICIAN, "dispatch_mode": "EMERGENCY_BYPASS", "dispatch_rationale": "open door",
        "dispatch_confirmation": true,
    });
    api.moves("dispatcher", &format!("{path}/assignment/dispatch"), &dispatch, "DISPATCHED").await;
    let arrival = json!({ "timestamp": "2026-12-05T10:05:00Z", "location": {} });
    api.moves("technician", &format!("{path}/tech/check-in"), &arrival, "IN_PROGRESS").await;
    let completion = json!({ "checklist_status": { "work_performed": true } });
    let complete = format!("{path}/tech/complete");
    api.refuses("technician", &complete, &completion, "CLOSEOUT_REQUIREMENTS_INCOMPLETE").await;
    path
}

/// One key with two bodies.
pub async fn conflict(api: &Api) -> Uuid {
    let key = Uuid::new_v4();
    assert_eq!(api.post_with("dispatcher", "/tickets", &ticket("one"), key).await.status, 201);
    let second = api.post_with("dispatcher", "/tickets", &ticket("two"), key).await;
    second.expect(409, "IDEMPOTENCY_PAYLOAD_MISMATCH");
    key
}

/// Codes that `GET /ops/alerts` shows.
pub async fn shown(api: &Api) -> Vec<String> {
    let answer = api.get_with("/ops/alerts", &[]).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let alerts = answer.body["alerts"].as_array().unwrap();
    alerts.iter().map(|alert| alert["code"].as_str().unwrap().to_owned()).collect()
}

/// The lines of the first so many requests.
pub async fn request_lines(api: &Api, count: usize) -> Vec<Value> {
    eventually(async || {
        let lines: Vec<Value> = api.log().into_iter().filter(|line| line.get("method").is_some()).collect();
        if lines.len() >= count { Ok(lines) } else { Err(format!("{lines:#?}")) }
    })
    .await
}
