//! Bootstrap, readiness, health, alerts and sinks, with the API as a process on a real database.
//!
//! Every test has a database of its own, so they run side by side.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;

use dispatch_testbed::{ACCOUNT, SITE};
use serde_json::{Value, json};
use uuid::Uuid;

#[expect(dead_code, reason = "each file of tests uses its own part of the stage")]
mod stage;

use stage::Stage;

fn temporary(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("dispatch-operations-{}", Uuid::new_v4())).join(name)
}

#[tokio::test]
async fn without_an_api_a_bootstrap_says_so_and_touches_nothing() {
    let mut stage = Stage::raise().await;
    stage.set("DISPATCH_API_URL", "http://127.0.0.1:9//");
    stage.set("DISPATCH_BOOTSTRAP_API_HEALTH_RETRIES", "2");
    stage.set("DISPATCH_BOOTSTRAP_API_HEALTH_DELAY_MS", "20");
    let output = stage.run(&["bootstrap"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "[dispatch-bootstrap] failed: Dispatch API not ready at http://127.0.0.1:9 after 2 attempts\n"
    );
    let tables: i64 =
        sqlx::query_scalar("SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'")
            .fetch_one(&stage.database.pool)
            .await
            .unwrap();
    assert_eq!(tables, 0);
}

#[tokio::test]
async fn a_fresh_stack_becomes_ready_by_its_bootstrap_and_a_second_one_changes_nothing() {
    let mut stage = Stage::raise().await;
    stage.start_api().await;
    assert_eq!(stage.get("/livez").await.0, 200);
    let (status, body) = stage.get("/readyz").await;
    assert_eq!((status, &body["failing"]), (503, &json!(["migrations"])));
    assert_eq!(stage.get("/health").await.0, 503);

    let path = temporary("evidence.json");
    let first = evidence(&stage, &path);
    assert_eq!(first["migrations"][0]["already_applied"], false);
    assert_eq!(
        stage.get("/readyz").await,
        (200, json!({ "ready": true, "failing": [], "contract_hash": "0x146295e2" }))
    );
    assert_eq!(stage.get("/health").await.0, 200);
    let second = evidence(&stage, &path);
    assert_eq!(second["migrations"][0]["already_applied"], true);
    for same in ["fixtures", "counts", "technicians", "contract_hash", "database"] {
        assert_eq!(first[same], second[same], "{same}");
    }
    assert_eq!(
        first["counts"],
        json!({ "accounts": 1, "sites": 1, "contacts": 2, "tickets": 0, "audit_events": 0 })
    );
    assert_eq!(first["fixtures"]["account_id"], ACCOUNT);
    std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
}

/// Bootstraps, and returns the evidence after recomputing its hash and comparing it with the printed payload.
fn evidence(stage: &Stage, path: &std::path::Path) -> Value {
    let output = stage.run(&["bootstrap", "--out", path.to_str().unwrap()]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let mut document: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let printed: Value =
        serde_json::from_str(text.lines().find(|line| line.starts_with('{')).unwrap()).unwrap();
    assert_eq!(document, printed);
    let claimed = document.as_object_mut().unwrap().shift_remove("sha256").unwrap();
    assert_eq!(claimed, dispatch_domain::canonical::hash(&document));
    assert_eq!((&document["result"], &document["ready_check"]["status"]), (&json!("ok"), &json!("ok")));
    document
}

#[tokio::test]
async fn health_names_every_move_on_which_database_and_code_disagree() {
    let mut stage = Stage::raise().await;
    assert!(stage.run(&["migrate"]).status.success());
    stage.start_api().await;
    assert_eq!(stage.get("/health").await.1["failures"], json!([]));

    // The stored rule, made stricter by one move and laxer by another.
    stage
        .execute(
            "DO $$ DECLARE rule text; BEGIN \
               SELECT pg_get_expr(conbin, conrelid) INTO rule FROM pg_constraint \
                 WHERE conname = 'chk_ticket_state_transition_valid'; \
               ALTER TABLE ticket_state_transitions DROP CONSTRAINT chk_ticket_state_transition_valid; \
               EXECUTE 'ALTER TABLE ticket_state_transitions ADD CONSTRAINT chk_ticket_state_transition_valid \
                 CHECK ((' || rule || ') AND NOT (from_state IS NOT DISTINCT FROM ''DISPATCHED'' \
                 AND to_state = ''ON_HOLD'') OR (from_state = ''CLOSED'' AND to_state = ''NEW''))'; \
             END $$",
        )
        .await;
    let (status, body) = stage.get("/health").await;
    assert_eq!((status, &body["status"]), (503, &json!("unhealthy")));
    assert_eq!(
        body["failures"],
        json!([
            { "name": "DISPATCHED->ON_HOLD", "status": "fail", "status_code": "FAIL" },
            { "name": "CLOSED->NEW", "status": "fail", "status_code": "FAIL" },
        ])
    );
    stage.execute("ALTER TABLE closeout_artifacts RENAME COLUMN artifact_type TO kind").await;
    let failures = stage.get("/health").await.1["failures"].to_string();
    assert!(failures.contains("closeout_artifacts_table_present"), "{failures}");
}

#[tokio::test]
async fn alerts_fire_at_their_thresholds_and_clear_once_the_window_has_passed() {
    let mut stage = Stage::raise().await;
    assert!(stage.run(&["seed"]).status.success());
    for (name, value) in [
        ("DISPATCH_ALERT_WINDOW_SECONDS", "2"),
        ("DISPATCH_ALERT_STUCK_SCHEDULING_COUNT_THRESHOLD", "1"),
        ("DISPATCH_ALERT_STUCK_SCHEDULING_MINUTES", "0"),
        ("DISPATCH_ALERT_AUTH_POLICY_REJECTION_THRESHOLD", "0"),
        ("DISPATCH_AUTH_JWT_SECRET", "a secret of this test"),
    ] {
        stage.set(name, value);
    }
    stage.start_api().await;
    assert_eq!(stage.alerts().await, [""; 0], "a threshold of zero counts as one");
    assert_eq!(stage.get_with_token(&format!("/tickets/{}/timeline", Uuid::new_v4()), "forged").await, 401);
    assert_eq!(stage.alerts().await, ["AUTH_POLICY_FAILURE_SPIKE"]);
    stage.alerts_become(&[]).await;

    let created =
        stage.post("/tickets", &json!({ "account_id": ACCOUNT, "site_id": SITE, "summary": "Door" })).await;
    assert_eq!(created.0, 201, "{}", created.1);
    let triage = json!({
        "priority": "URGENT", "incident_type": "DOOR_WONT_LATCH", "workflow_outcome": "READY_TO_SCHEDULE",
    });
    let path = format!("/tickets/{}/triage", created.1["id"].as_str().unwrap());
    assert_eq!(stage.post(&path, &triage).await.0, 200);
    assert_eq!(stage.alerts().await, ["STUCK_SCHEDULING"]);
    let (_, body) = stage.get("/ops/alerts").await;
    assert_eq!(
        body["metrics"]["counters"]["transitions_total"][0],
        json!({
            "from_state": null, "to_state": "NEW", "count": 1,
        })
    );
}

#[tokio::test]
async fn a_database_that_is_away_costs_answers_and_not_the_process() {
    let mut stage = Stage::raise().await;
    assert!(stage.run(&["migrate"]).status.success());
    stage.start_api().await;
    assert_eq!(stage.get("/ops/alerts").await.0, 200);
    stage.database.admit(false).await;
    let (status, body) = stage.get("/health").await;
    assert_eq!((status, &body["status"]), (503, &json!("down")));
    assert!(body["failures"][0]["reason"].is_string());
    assert_eq!(stage.get("/readyz").await.1["failing"], json!(["database"]));
    assert_eq!(stage.get("/ops/alerts").await.0, 503);
    assert_eq!(stage.get("/metrics").await.0, 200);
    assert_eq!(stage.get("/livez").await.0, 200);
    assert!(stage.process().is_running());
    stage.database.admit(true).await;
    for path in ["/health", "/readyz", "/ops/alerts"] {
        stage.answers(path, 200).await;
    }
}

#[tokio::test]
async fn the_files_are_up_to_date_when_alerts_have_been_read() {
    let mut stage = Stage::raise().await;
    assert!(stage.run(&["migrate"]).status.success());
    let log = temporary("log.ndjson");
    let folder = log.parent().unwrap().to_owned();
    stage.set("DISPATCH_LOG_SINK_PATH", log.to_str().unwrap());
    stage.set("DISPATCH_METRICS_SINK_PATH", folder.join("metrics.json").to_str().unwrap());
    stage.set("DISPATCH_ALERTS_SINK_PATH", folder.join("alerts.ndjson").to_str().unwrap());
    stage.start_api().await;
    assert_eq!(stage.get("/nowhere").await.0, 404);
    let (_, answer) = stage.get("/ops/alerts").await;
    let alerts = std::fs::read_to_string(folder.join("alerts.ndjson")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(alerts.trim()).unwrap(), answer);
    let metrics = std::fs::read_to_string(folder.join("metrics.json")).unwrap();
    let metrics: Value = serde_json::from_str(&metrics).unwrap();
    assert_eq!(metrics["counters"]["errors_total"], json!([{ "code": "NOT_FOUND", "count": 1 }]));
    let lines = std::fs::read_to_string(&log).unwrap();
    let line: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!((&line["level"], &line["endpoint"]), (&json!("error"), &json!("UNMATCHED")));
    // It writes beside its answers, so it ends before its folder does.
    drop(stage);
    std::fs::remove_dir_all(folder).unwrap();
}
