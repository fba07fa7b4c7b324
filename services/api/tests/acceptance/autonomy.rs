//! Section J: pausing automation.

use serde_json::{Value, json};

use crate::desk::{DOOR, Desk, completion_unsigned, id};

async fn switch(desk: &Desk, action: &str, scope: Value) {
    let answer = desk.post("dispatcher", &format!("/ops/autonomy/{action}"), &scope).await;
    assert_eq!((answer.status, &answer.body["action"]), (200, &json!(action)), "{}", answer.text);
    assert_eq!(answer.body["current_is_paused"], json!(action == "pause"));
}

fn incident() -> Value {
    json!({ "scope_type": "INCIDENT", "incident_type": DOOR, "reason": "under review" })
}

async fn decision(desk: &Desk, path: &str) -> (Value, Value) {
    let state = desk.get(&format!("/ops/autonomy/state?ticket_id={}&incident_type={DOOR}", id(path))).await;
    assert_eq!(state.status, 200, "{}", state.text);
    (state.body["decision"]["scope_type"].clone(), state.body["decision"]["is_paused"].clone())
}

#[tokio::test]
async fn a_paused_incident_type_stops_candidates_and_is_told() {
    let desk = Desk::open().await;
    let path = desk.reach("IN_PROGRESS").await;
    desk.attach(&path, DOOR, false).await;
    switch(&desk, "pause", incident()).await;
    assert_eq!(decision(&desk, &path).await, (json!("INCIDENT"), json!(true)));
    let refused = desk.post("agent", &format!("{path}/closeout/candidate"), &completion_unsigned()).await;
    refused.expect(409, "AUTONOMY_DISABLED");
    let error = &refused.body["error"];
    assert_eq!((&error["scope_type"], &error["scope_id"]), (&json!("INCIDENT"), &json!(DOOR)));
    let replay = desk.get(&format!("/ops/autonomy/replay/{}", id(&path))).await;
    assert_eq!(replay.body["decision"]["scope_type"], "INCIDENT");
    assert_eq!(replay.body["history"][0]["action"], "pause");
}

#[tokio::test]
async fn the_tickets_own_switch_wins() {
    let desk = Desk::open().await;
    let path = desk.reach("IN_PROGRESS").await;
    desk.attach(&path, DOOR, false).await;
    switch(&desk, "pause", incident()).await;
    let own = json!({ "scope_type": "TICKET", "ticket_id": id(&path) });
    switch(&desk, "pause", own.clone()).await;
    assert_eq!(decision(&desk, &path).await, (json!("TICKET"), json!(true)));
    switch(&desk, "rollback", own).await;
    assert_eq!(decision(&desk, &path).await, (json!("TICKET"), json!(false)));
    let done = desk.post("agent", &format!("{path}/closeout/candidate"), &completion_unsigned()).await;
    assert_eq!(done.status, 200, "{}", done.text);
    let replay = desk.get(&format!("/ops/autonomy/replay/{}", id(&path))).await;
    let actions: Vec<&Value> =
        replay.body["history"].as_array().unwrap().iter().map(|entry| &entry["action"]).collect();
    assert_eq!(actions, ["rollback", "pause", "pause"]);
}

#[tokio::test]
async fn a_technician_pauses_nothing() {
    let desk = Desk::open().await;
    desk.post("technician", "/ops/autonomy/pause", &incident()).await.expect(403, "FORBIDDEN");
    assert_eq!(desk.count("SELECT count(*) FROM autonomy_control_state").await, 0);
}
