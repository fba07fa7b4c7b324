//! Section K: what is counted and logged.

use dispatch_testbed::{Answer, eventually};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::desk::{Desk, ticket};

#[tokio::test]
async fn every_request_is_counted_and_logged_by_what_became_of_it() {
    let desk = Desk::open().await;
    let key = Uuid::new_v4();
    let mut other = ticket();
    other["summary"] = json!("Another door");
    let answers: [Answer; 5] = [
        desk.post_with("dispatcher", "/tickets", &ticket(), key).await,
        desk.post_with("dispatcher", "/tickets", &ticket(), key).await,
        desk.post_with("dispatcher", "/tickets", &other, key).await,
        desk.get("/tickets/not-a-uuid/timeline").await,
        desk.get("/nowhere").await,
    ];
    assert_eq!(answers.map(|answer| answer.status), [201, 201, 409, 400, 404]);
    let metrics = desk.get_with("/metrics", &[]).await;
    let counters = &metrics.body["counters"];
    let requests: Vec<String> = counters["requests_total"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let text = |name: &str| row[name].as_str().unwrap().to_owned();
            format!("{} {} {} {}", text("method"), text("endpoint"), row["status"], row["count"])
        })
        .collect();
    assert_eq!(
        requests,
        [
            "GET /metrics 200 1",
            "GET /tickets/{ticketId}/timeline 400 1",
            "GET UNMATCHED 404 1",
            "POST /tickets 201 2",
            "POST /tickets 409 1",
        ]
    );
    let errors = ["IDEMPOTENCY_PAYLOAD_MISMATCH", "INVALID_TICKET_ID", "NOT_FOUND"];
    assert_eq!(counters["errors_total"], json!(errors.map(|code| json!({ "code": code, "count": 1 }))));
    let moved = json!([{ "from_state": null, "to_state": "NEW", "count": 1 }]);
    assert_eq!(counters["transitions_total"], moved);
    assert_eq!(
        (&counters["idempotency_replay_total"], &counters["idempotency_conflict_total"]),
        (&json!(1), &json!(1))
    );
    let lines = eventually(async || {
        let lines: Vec<Value> = desk.log().into_iter().filter(|line| line["method"].is_string()).collect();
        if lines.len() >= 6 { Ok(lines) } else { Err(format!("{} lines", lines.len())) }
    })
    .await;
    let keyed: Vec<(&Value, &Value, &Value)> = lines
        .iter()
        .filter(|line| line["request_id"] == json!(key))
        .map(|line| (&line["level"], &line["status"], &line["replay"]))
        .collect();
    let (info, error, yes, no) = (json!("info"), json!("error"), json!(true), json!(false));
    assert!(
        keyed.contains(&(&info, &json!(201), &no)) && keyed.contains(&(&info, &json!(201), &yes)),
        "{keyed:?}"
    );
    assert!(keyed.contains(&(&error, &json!(409), &no)), "{keyed:?}");
    let refused = lines.iter().find(|line| line["status"] == 409).unwrap();
    assert_eq!(refused["error_code"], "IDEMPOTENCY_PAYLOAD_MISMATCH");
    assert_eq!((&refused["actor_id"], &refused["tool_name"]), (&json!("actor-1"), &json!("ticket.create")));
}
