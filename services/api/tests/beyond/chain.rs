//! The audit trail is linked, and it shows when it was touched.

use serde_json::{Value, json};

use crate::desk::{attach, create, id, start_work};
use crate::raise;

#[tokio::test]
async fn a_trail_that_nobody_touched_is_vouched_for() {
    let api = raise(&[]).await;
    let path = start_work(&api, "DOOR_WONT_LATCH").await;
    attach(&api, &path, &["a", "b"]).await;
    let pause = json!({ "scope_type": "GLOBAL" });
    assert_eq!(api.post("dispatcher", "/ops/autonomy/pause", &pause).await.status, 200);
    let chain = api.get(&format!("{path}/audit-chain")).await.body;
    assert_eq!((&chain["intact"], &chain["events"], &chain["broken"]), (&json!(true), &json!(6), &json!([])));
    let verified = api.run(&["verify-audit"]);
    let said: Value = serde_json::from_slice(&verified.stdout).unwrap();
    assert!(verified.status.success(), "{said}");
    assert_eq!((&said["chains"], &said["events"], &said["broken"]), (&json!(2), &json!(7), &json!(0)));
    assert_eq!(api.get_as("customer", &format!("{path}/audit-chain")).await.status, 403);
}

#[tokio::test]
async fn an_altered_a_missing_and_a_foreign_event_show() {
    let api = raise(&[]).await;
    for (statement, kind) in [
        ("UPDATE audit_events SET payload = payload || '{\"reason\": \"other\"}'", "ALTERED"),
        ("UPDATE audit_events SET actor_id = 'somebody'", "ALTERED"),
        ("UPDATE audit_events SET created_at = created_at - interval '1 day'", "ALTERED"),
        ("UPDATE audit_events SET prev_hash = entry_hash", "UNLINKED"),
        ("UPDATE audit_events SET ticket_seq = 9", "GAP"),
    ] {
        let path = create(&api).await;
        api.moves("dispatcher", &format!("{path}/cancel"), &json!({ "reason": "x" }), "CANCELLED").await;
        let statement = format!(
            "ALTER TABLE audit_events DISABLE TRIGGER trg_audit_events_append_only; \
             {statement} WHERE ticket_id = '{}' AND tool_name = 'ticket.cancel'; \
             ALTER TABLE audit_events ENABLE TRIGGER trg_audit_events_append_only",
            id(&path)
        );
        api.database.execute(&statement).await;
        let chain = api.get(&format!("{path}/audit-chain")).await.body;
        assert_eq!(
            (&chain["intact"], &chain["broken"][0]["kind"]),
            (&json!(false), &json!(kind)),
            "{statement}"
        );
    }
    let verified = api.run(&["verify-audit"]);
    assert_eq!(verified.status.code(), Some(1));
}

#[tokio::test]
async fn history_is_neither_changed_nor_emptied() {
    let api = raise(&[]).await;
    create(&api).await;
    for statement in [
        "TRUNCATE audit_events CASCADE",
        "DELETE FROM ticket_state_transitions",
        "UPDATE audit_events SET actor_id = 'x'",
    ] {
        let tried = format!(
            "DO $$ BEGIN {statement}; RAISE EXCEPTION 'it went through'; \
             EXCEPTION WHEN integrity_constraint_violation THEN NULL; END $$"
        );
        api.database.execute(&tried).await;
    }
    assert_eq!(api.count("SELECT count(*) FROM audit_events").await, 1);
}

#[tokio::test]
async fn many_writers_at_once_leave_numbers_without_gaps() {
    let api = raise(&[]).await;
    let mut paths = Vec::new();
    for _ in 0..4 {
        paths.push(create(&api).await);
    }
    let item = json!({ "kind": "PHOTO", "uri": "s3://evidence/x" });
    let adds = (0..48).map(|n| {
        let path = format!("{}/evidence", paths[n % 4]);
        let (api, item) = (&api, &item);
        async move { assert_eq!(api.post("technician", &path, item).await.status, 201) }
    });
    futures::future::join_all(adds).await;
    assert!(api.run(&["verify-audit"]).status.success());
    let gaps = "SELECT count(*) FROM (SELECT ticket_seq - row_number() OVER (PARTITION BY ticket_id ORDER BY ticket_seq) \
                AS gap FROM audit_events) numbered WHERE gap <> 0";
    assert_eq!((api.count(gaps).await, api.count("SELECT max(ticket_seq) FROM audit_events").await), (0, 13));
}

#[tokio::test]
async fn changes_of_one_command_are_numbered_in_their_order() {
    let api = raise(&[]).await;
    start_work(&api, "DOOR_WONT_LATCH").await;
    let moves = "SELECT to_state::text FROM ticket_state_transitions ORDER BY ticket_seq";
    assert_eq!(
        api.database.texts(moves).await,
        ["NEW", "TRIAGED", "READY_TO_SCHEDULE", "DISPATCHED", "ON_SITE", "IN_PROGRESS"]
    );
}
