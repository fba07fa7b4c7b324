//! The three optional files, and K2: all four alerts at once.

use std::path::{Path, PathBuf};

use dispatch_testbed::{Api, eventually};
use serde_json::Value;
use uuid::Uuid;

use crate::desk::{API, SENSITIVE, conflict, ready, refused_completion, request_lines};

struct Files(PathBuf);

impl Files {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("dispatch-files-{}", Uuid::new_v4())))
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        let path = |name: &str| self.0.join("deep").join(name).to_str().unwrap().to_owned();
        vec![
            ("DISPATCH_LOG_SINK_PATH", path("log.ndjson")),
            ("DISPATCH_METRICS_SINK_PATH", path("metrics.json")),
            ("DISPATCH_ALERTS_SINK_PATH", path("alerts.ndjson")),
        ]
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.join("deep").join(name)).unwrap_or_default()
    }

    fn lines(&self, name: &str) -> Vec<Value> {
        self.read(name).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        // Ignored: a folder left behind in the temporary one does no harm.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn raise(files: &Files, more: &[(&str, &str)]) -> Api {
    let own = files.settings();
    let mut settings: Vec<(&str, &str)> = own.iter().map(|(name, path)| (*name, path.as_str())).collect();
    settings.extend(more);
    Api::raise(API, &settings).await
}

#[tokio::test]
async fn all_four_alerts_are_shown_with_their_runbooks_and_the_files_hold_the_data() {
    let files = Files::new();
    let api = raise(&files, &SENSITIVE).await;
    ready(&api).await;
    let refused = refused_completion(&api).await;
    conflict(&api).await;
    let timeline = format!("{refused}/timeline");
    let other_tool = [("x-actor-id", "c"), ("x-actor-role", "customer"), ("x-tool-name", "ticket.create")];
    assert_eq!(api.get_with(&timeline, &other_tool).await.status, 403);
    let answer = api.get_with("/ops/alerts", &[]).await;
    let alerts = answer.body["alerts"].as_array().unwrap();
    let pairs: Vec<(&str, &str)> = alerts
        .iter()
        .map(|alert| (alert["code"].as_str().unwrap(), alert["runbook"].as_str().unwrap()))
        .collect();
    assert_eq!(
        pairs,
        [
            ("STUCK_SCHEDULING", "dispatch/ops/runbooks/stuck_scheduling.md"),
            ("COMPLETION_REJECTION_SPIKE", "dispatch/ops/runbooks/completion_rejection.md"),
            ("IDEMPOTENCY_CONFLICT_SPIKE", "dispatch/ops/runbooks/idempotency_conflict.md"),
            ("AUTH_POLICY_FAILURE_SPIKE", "dispatch/ops/runbooks/auth_policy_failure.md"),
        ]
    );
    assert_eq!(files.lines("alerts.ndjson").last().unwrap(), &answer.body);
    let steps: Vec<Value> = files.lines("alerts.ndjson").iter().map(|line| line["event"].clone()).collect();
    assert_eq!(steps.iter().filter(|event| *event == "firing").count(), 4, "{steps:?}");
    let codes: Vec<Value> = files.lines("log.ndjson").iter().map(|line| line["error_code"].clone()).collect();
    for code in ["CLOSEOUT_REQUIREMENTS_INCOMPLETE", "IDEMPOTENCY_PAYLOAD_MISMATCH", "TOOL_NOT_ALLOWED"] {
        assert!(codes.iter().any(|logged| logged == code), "{code} is not in {codes:?}");
    }
    let metrics: Value = serde_json::from_str(&files.read("metrics.json")).unwrap();
    assert_eq!(metrics["counters"]["idempotency_conflict_total"], 1);
    assert!(
        files.read("metrics.json").starts_with("{\n  \"service\"")
            && files.read("metrics.json").ends_with("}\n")
    );
}

/// Whoever has seen a line finds its record, and counters that contain it, in the files.
#[tokio::test]
async fn a_line_is_written_after_its_record_and_its_count() {
    let files = Files::new();
    let api = raise(&files, &[]).await;
    for n in 1..=20 {
        let path = format!("/nowhere/{n}");
        api.get(&path).await.expect(404, "NOT_FOUND");
        eventually(async || {
            api.log()
                .iter()
                .any(|line| line["path"] == path.as_str())
                .then_some(())
                .ok_or_else(|| path.clone())
        })
        .await;
        let log = files.lines("log.ndjson");
        assert!(log.iter().any(|line| line["path"] == path.as_str()), "{path} was logged too early");
        let metrics: Value = serde_json::from_str(&files.read("metrics.json")).unwrap();
        assert_eq!(metrics["counters"]["errors_total"][0]["count"], n, "{path}");
    }
    let lines = request_lines(&api, 20).await;
    assert_eq!(lines, files.lines("log.ndjson"), "the file has the same records, and no more");
}

#[tokio::test]
async fn files_that_cannot_be_written_are_complained_about_and_cost_no_answer() {
    let file = std::env::temp_dir().join(format!("no-folder-{}", Uuid::new_v4()));
    std::fs::write(&file, "").unwrap();
    let below = file.join("log.ndjson");
    let api = Api::raise(API, &[("DISPATCH_LOG_SINK_PATH", below.to_str().unwrap())]).await;
    api.get("/nowhere").await.expect(404, "NOT_FOUND");
    let complaint = eventually(async || {
        let lines = api.log();
        let found = lines.iter().find(|line| line["message"] == "sink could not be written").cloned();
        found.ok_or_else(|| format!("{lines:#?}"))
    })
    .await;
    assert_eq!(complaint["level"], "error");
    let lines = request_lines(&api, 1).await;
    assert!(lines[0]["path"] == "/nowhere" && Path::new(&file).is_file());
    std::fs::remove_file(file).unwrap();
}
