//! Section M: messages that are owed.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::commands::dead_letter;
use crate::desk::{Desk, id, window};

/// The key of a confirmation by the published formula: the hash is that of canonical JSON, whose members are sorted.
fn confirmation_key(ticket: &str) -> String {
    let components = format!(
        "{{\"event_type\":\"schedule.confirm.sms\",\"from_state\":\"SCHEDULE_PROPOSED\",\
         \"scheduled_end\":\"{}\",\"scheduled_start\":\"{}\",\"ticket_id\":\"{ticket}\",\"to_state\":\"SCHEDULED\"}}",
        window()["end"].as_str().unwrap(),
        window()["start"].as_str().unwrap()
    );
    let hash: String = Sha256::digest(components).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{ticket}:schedule.confirm.sms:{ticket}:schedule.confirm.sms:{hash}")
}

#[tokio::test]
async fn a_confirmation_owes_one_message_under_the_published_key() {
    let desk = Desk::open().await;
    let path = desk.reach("SCHEDULED").await;
    let rows = "SELECT concat_ws('|', status, attempt_count, idempotency_key) FROM dispatch_outbox";
    assert_eq!(desk.database.texts(rows).await, [format!("PENDING|0|{}", confirmation_key(id(&path)))]);
}

#[tokio::test]
async fn a_message_that_cannot_be_owed_undoes_the_confirmation() {
    let desk = Desk::open().await;
    let path = desk.reach("SCHEDULE_PROPOSED").await;
    let insert = |key: &str| {
        format!(
            "INSERT INTO dispatch_outbox (aggregate_type, aggregate_id, event_type, payload, idempotency_key) \
             VALUES ('ticket', '{}', 'schedule.confirm.sms', '{{}}', '{key}')",
            id(&path)
        )
    };
    let key = confirmation_key(id(&path));
    desk.database.execute(&insert(&key)).await;
    let moves = desk.transitions().await;
    let refused = desk.post("dispatcher", &format!("{path}/schedule/confirm"), &window()).await;
    assert!(refused.status >= 400, "{}", refused.text);
    assert!(refused.code() != "", "{}", refused.text);
    assert_eq!((desk.state(&path).await.as_str(), desk.transitions().await), ("SCHEDULE_PROPOSED", moves));
    let again = sqlx::raw_sql(sqlx::AssertSqlSafe(insert(&key))).execute(&desk.database.pool).await;
    let code = again.unwrap_err().as_database_error().and_then(|error| error.code().map(String::from));
    assert_eq!(code.as_deref(), Some("23505"), "the database takes a key once");
}

#[tokio::test]
async fn finance_sends_a_given_up_message_again() {
    let desk = Desk::open().await;
    let outbox_id = dead_letter(&desk).await;
    let answer = desk.post("finance", "/outbox/replay", &json!({ "outbox_id": outbox_id })).await;
    assert_eq!((answer.status, &answer.body["status"]), (200, &json!("PENDING")), "{}", answer.text);
    assert_eq!(answer.body["id"], json!(outbox_id));
    let row =
        "SELECT concat_ws('|', status, attempt_count, coalesce(last_error, 'null')) FROM dispatch_outbox";
    assert_eq!(desk.database.texts(row).await, ["PENDING|0|null"]);
    let again = desk.post("finance", "/outbox/replay", &json!({ "outbox_id": outbox_id })).await;
    again.expect(409, "OUTBOX_REPLAY_INVALID_STATE");
    let unknown = desk.post("finance", "/outbox/replay", &json!({ "outbox_id": Uuid::new_v4() })).await;
    unknown.expect(404, "OUTBOX_NOT_FOUND");
    assert_ne!(unknown.body, Value::Null);
}
