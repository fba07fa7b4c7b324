use super::*;

fn record() -> RequestRecord {
    RequestRecord {
        method: "POST".into(),
        path: "/tickets/1/tech/complete".into(),
        endpoint: "/tickets/{ticketId}/tech/complete".into(),
        request_id: Some("key".into()),
        correlation_id: Some("correlation".into()),
        actor: Some(LoggedActor {
            actor_type: "HUMAN".into(),
            actor_id: "tech-1".into(),
            actor_role: "technician".into(),
        }),
        tool_name: Some("tech.complete".into()),
        ticket_id: Some("1".into()),
        status: 200,
        duration: Duration::from_micros(12_900),
        ..RequestRecord::default()
    }
}

fn parsed(record: &RequestRecord) -> Value {
    let line = line_of(record);
    assert!(!line.contains('\n'));
    serde_json::from_str(&line).unwrap()
}

#[test]
fn a_read_leaves_the_trace_headers_and_the_error_members_out() {
    let line = parsed(&record());
    assert_eq!(line["level"], "info");
    assert_eq!(line["duration_ms"], 12);
    for absent in ["trace_parent", "trace_state", "error_code", "message", "reason", "requirement_code"] {
        assert!(line.get(absent).is_none(), "{absent}");
    }
    assert_eq!(line["trace_id"], Value::Null);
}

#[test]
fn a_failed_command_carries_code_reason_and_the_missing_requirement() {
    let mut record = record();
    record.status = 409;
    record.trace = Some(TraceHeaders::default());
    record.failure = Some(LoggedFailure {
        code: "CLOSEOUT_REQUIREMENTS_INCOMPLETE".into(),
        message: "line one\nline two".into(),
        reason: None,
        requirement_code: Some("MISSING_EVIDENCE".into()),
    });
    let line = parsed(&record);
    assert_eq!(line["level"], "error");
    assert_eq!(line["error_code"], "CLOSEOUT_REQUIREMENTS_INCOMPLETE");
    assert_eq!(line["requirement_code"], "MISSING_EVIDENCE");
    assert_eq!(line.get("reason"), Some(&Value::Null));
    assert_eq!(line.get("trace_parent"), Some(&Value::Null));
}

#[test]
fn an_unknown_route_has_no_reason_and_no_actor() {
    let mut record = record();
    record.endpoint = crate::metrics::UNMATCHED.into();
    record.actor = None;
    record.failure = Some(LoggedFailure {
        code: "NOT_FOUND".into(),
        message: "Route not found".into(),
        reason: None,
        requirement_code: None,
    });
    let line = parsed(&record);
    assert!(line.get("reason").is_none());
    assert_eq!(line.get("actor_id"), Some(&Value::Null));
}

#[tokio::test]
async fn the_files_hold_everything_once_a_flush_returns() {
    let folder = std::env::temp_dir().join(format!("dispatch-sinks-{}", uuid::Uuid::new_v4()));
    let paths = SinkPaths {
        log: Some(folder.join("a/log.ndjson")),
        metrics: Some(folder.join("b/metrics.json")),
        alerts: Some(folder.join("c/alerts.ndjson")),
        failures_to_stderr: false,
    };
    let metrics = Metrics::default();
    let (log, task) = RequestLog::start(paths.clone(), metrics.clone());
    log.write(&record());
    log.write(&record());
    log.write_alerts(&json!({ "alerts": [] }));
    metrics.replay();
    log.flush().await;

    let read = |path: &Option<PathBuf>| std::fs::read_to_string(path.as_ref().unwrap()).unwrap();
    assert_eq!(read(&paths.log).lines().count(), 2);
    assert_eq!(read(&paths.alerts), "{\"alerts\":[]}\n");
    let snapshot: Value = serde_json::from_str(&read(&paths.metrics)).unwrap();
    assert_eq!(snapshot["counters"]["idempotency_replay_total"], 1);
    assert!(read(&paths.metrics).starts_with("{\n  \"service\""), "two spaces");

    metrics.conflict();
    task.finish().await;
    let snapshot: Value = serde_json::from_str(&read(&paths.metrics)).unwrap();
    assert_eq!(snapshot["counters"]["idempotency_conflict_total"], 1, "written at the end too");
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn without_files_nothing_runs_and_a_flush_returns_at_once() {
    let (log, task) = RequestLog::start(SinkPaths::default(), Metrics::default());
    log.write(&record());
    log.flush().await;
    task.finish().await;
}

#[tokio::test]
async fn a_full_queue_is_counted_and_gives_the_line_back() {
    let (queue, entries) = mpsc::channel(1);
    let log = RequestLog { queue: Some(queue), dropped: Arc::default(), failures_to_stderr: false };
    log.write(&record());
    assert_eq!((log.dropped(), log.waiting()), (0, 1));
    log.write(&record());
    log.write_alerts(&json!({}));
    assert_eq!((log.dropped(), log.waiting()), (2, 1));
    let line = Line { is_error: false, text: "kept".into() };
    assert!(matches!(log.queue_entry(Entry::Log(line)), Some(Entry::Log(line)) if line.text == "kept"));
    drop(entries);
}
