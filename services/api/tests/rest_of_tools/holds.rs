//! Holding a schedule, and the two ways out.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::desk::{create, propose, schedule, state, window};
use crate::raise;
use dispatch_testbed::{Answer, Api};

const WAITING: &str = "PENDING_CUSTOMER_CONFIRMATION";

fn hold(window: Value) -> Value {
    json!({ "hold_reason": "CUSTOMER_PENDING", "confirmation_window": window })
}

fn ended() -> Value {
    json!({ "start": "2020-01-01T00:00:00Z", "end": "2020-01-01T01:00:00Z" })
}

async fn held(service: &Api, path: &str, window: Value) -> Answer {
    let answer = service.moves("dispatcher", &format!("{path}/schedule/hold"), &hold(window), WAITING).await;
    assert_eq!(answer.status, 201);
    answer
}

#[tokio::test]
async fn a_confirmed_hold_gives_the_schedule_back() {
    let service = raise().await;
    for path in [schedule(&service).await, propose(&service).await] {
        let before = service.get(&path).await;
        let answer = held(&service, &path, window()).await;
        assert_eq!(answer.body["hold_state"], before.body["state"]);
        assert_eq!(answer.body["confirmation_window"], window());
        let hold_id = answer.body["hold_id"].as_str().unwrap().to_uppercase();
        let release = json!({ "customer_confirmation_id": hold_id });
        let answer =
            service.moves("dispatcher", &format!("{path}/schedule/release"), &release, before.state()).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.body["hold_id"].as_str().unwrap(), hold_id.to_lowercase());
        assert_eq!(
            (&answer.body["restored_state"], &answer.body["restored_window"]),
            (&before.body["state"], &window())
        );
        assert_eq!(
            answer.body["ticket"]["version"].as_i64(),
            before.body["version"].as_i64().map(|version| version + 2)
        );
        let timeline = service.get(&format!("{path}/timeline")).await;
        let events = timeline.body["events"].as_array().unwrap();
        let [.., kept, given_back] = &events[..] else { panic!("{}", timeline.text) };
        assert_eq!(
            (&kept["tool_name"], &given_back["tool_name"]),
            (&json!("schedule.hold"), &json!("schedule.release"))
        );
        assert_eq!(kept["payload"]["hold_sequence_id"], answer.body["hold_id"]);
        assert_eq!(given_back["payload"]["hold_snapshot_id"], answer.body["snapshot_id"]);
        assert_eq!(given_back["payload"]["restored_state"], before.body["state"]);
    }
}

#[tokio::test]
async fn a_hold_is_rolled_back_once_and_its_repetition_is_answered_as_before() {
    let service = raise().await;
    let path = schedule(&service).await;
    let key = Uuid::new_v4();
    let first = service.post_with("dispatcher", &format!("{path}/schedule/hold"), &hold(window()), key).await;
    let again = service.post_with("dispatcher", &format!("{path}/schedule/hold"), &hold(window()), key).await;
    assert_eq!((first.status, &first.text), (201, &again.text));
    assert_eq!(again.headers["idempotency-replayed"], "true");
    let rollback = json!({ "confirmation_id": first.body["hold_id"], "reason": "customer has gone quiet" });
    let answer =
        service.moves("dispatcher", &format!("{path}/schedule/rollback"), &rollback, "SCHEDULED").await;
    assert_eq!(answer.body["reason"], "customer has gone quiet");
    let members: Vec<&String> = answer.body.as_object().unwrap().keys().collect();
    assert_eq!(members, ["ticket", "hold_id", "snapshot_id", "reason", "restored_state", "restored_window"]);
    let rows = "SELECT count(*) FROM ticket_state_transitions \
                WHERE from_state = 'PENDING_CUSTOMER_CONFIRMATION' AND to_state = 'SCHEDULED'";
    assert_eq!(service.count(rows).await, 1);

    // A second hold is another one: the first one's id is worth nothing now.
    let second = held(&service, &path, window()).await;
    assert_ne!(second.body["hold_id"], first.body["hold_id"]);
    let refused = service
        .refuses(
            "dispatcher",
            &format!("{path}/schedule/rollback"),
            &rollback,
            "SCHEDULE_HOLD_STATE_CONFLICT",
        )
        .await;
    assert_eq!(refused.body["error"]["confirmation_id"], first.body["hold_id"]);
    assert_eq!(refused.body["error"]["hold_id"], second.body["hold_id"]);
    let release = json!({ "customer_confirmation_id": first.body["hold_id"] });
    let refused = service
        .refuses("dispatcher", &format!("{path}/schedule/release"), &release, "HOLD_CONFIRMATION_MISSING")
        .await;
    assert_eq!(refused.body["error"]["confirmation_log"], first.body["hold_id"]);
    assert_eq!(refused.body["error"]["policy_error"], json!({ "dimension": "scheduling" }));
}

#[tokio::test]
async fn a_stale_hold_lets_nobody_out_but_an_unassignment() {
    let service = raise().await;
    let path = schedule(&service).await;
    let answer = held(&service, &path, ended()).await;
    let release = json!({ "customer_confirmation_id": answer.body["hold_id"] });
    let refused = service
        .refuses("dispatcher", &format!("{path}/schedule/release"), &release, "CUSTOMER_CONFIRMATION_STALE")
        .await;
    let error = &refused.body["error"];
    assert_eq!(
        (refused.status, &error["hold_id"], &error["snapshot_id"]),
        (409, &answer.body["hold_id"], &answer.body["snapshot_id"])
    );
    assert_eq!(error["confirmation_window"], answer.body["confirmation_window"]);
    assert!(error["correlation_id"].is_string());
    let rollback = json!({ "confirmation_id": answer.body["hold_id"] });
    let refused = service
        .refuses("dispatcher", &format!("{path}/schedule/rollback"), &rollback, "CUSTOMER_CONFIRMATION_STALE")
        .await;
    assert!(refused.body["error"].get("confirmation_window").is_none());
    assert_eq!(state(&service, &path).await, WAITING);
    service.moves("dispatcher", &format!("{path}/dispatch/force-unassign"), &json!({}), "SCHEDULED").await;

    let lost = schedule(&service).await;
    let answer = held(&service, &lost, window()).await;
    sqlx::query("UPDATE schedule_hold_snapshots SET hold_reason_notes = '{'")
        .execute(&service.database.pool)
        .await
        .unwrap();
    let rollback = json!({ "confirmation_id": answer.body["hold_id"] });
    service
        .refuses("dispatcher", &format!("{lost}/schedule/rollback"), &rollback, "CUSTOMER_CONFIRMATION_STALE")
        .await;
    sqlx::query("DELETE FROM schedule_hold_snapshots").execute(&service.database.pool).await.unwrap();
    let refused = service
        .refuses("dispatcher", &format!("{lost}/schedule/rollback"), &rollback, "HOLD_SNAPSHOT_MISSING")
        .await;
    assert!(refused.body["error"]["ticket_id"].is_string());
}

#[tokio::test]
async fn holds_need_a_schedule_and_a_window_that_goes_forward() {
    let service = raise().await;
    let fresh = create(&service).await;
    let any = Uuid::new_v4();
    for (verb, body) in [
        ("hold", hold(window())),
        ("release", json!({ "customer_confirmation_id": any })),
        ("rollback", json!({ "confirmation_id": any })),
    ] {
        let refused = service
            .refuses("dispatcher", &format!("{fresh}/schedule/{verb}"), &body, "INVALID_STATE_TRANSITION")
            .await;
        assert_eq!(
            (&refused.body["error"]["from_state"], &refused.body["error"]["to_state"]),
            (&json!("NEW"), &Value::Null)
        );
    }
    let path = schedule(&service).await;
    let reversed = json!({ "start": window()["end"], "end": window()["start"] });
    let refused = service
        .refuses("dispatcher", &format!("{path}/schedule/hold"), &hold(reversed), "INVALID_REQUEST")
        .await;
    assert_eq!(
        refused.body["error"]["message"],
        "Field 'confirmation_window.end' must be after confirmation_window.start"
    );
    let mut unknown = hold(window());
    unknown["hold_reason"] = "WEATHER".into();
    service.refuses("dispatcher", &format!("{path}/schedule/hold"), &unknown, "INVALID_REQUEST").await;
}
