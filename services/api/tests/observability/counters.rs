//! Counters and the one line per request.

use dispatch_testbed::Api;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::desk::{API, request_lines, ticket};

/// How often `list` has an entry with these members.
fn count(list: &Value, members: &Value) -> u64 {
    let has = |entry: &Value| {
        members.as_object().unwrap().iter().all(|(name, value)| entry.get(name) == Some(value))
    };
    let found: Vec<&Value> = list.as_array().unwrap().iter().filter(|entry| has(entry)).collect();
    assert!(found.len() < 2, "{members} is listed twice");
    found.first().map_or(0, |entry| entry["count"].as_u64().unwrap())
}

#[tokio::test]
async fn each_request_is_counted_once_and_logged_once() {
    let api = Api::raise(API, &[]).await;
    let key = Uuid::new_v4();
    for _ in 0..2 {
        assert_eq!(api.post_with("dispatcher", "/tickets", &ticket("one"), key).await.status, 201);
    }
    api.post_with("dispatcher", "/tickets", &ticket("two"), key)
        .await
        .expect(409, "IDEMPOTENCY_PAYLOAD_MISMATCH");
    api.get("/tickets/not-a-uuid/timeline").await.expect(400, "INVALID_TICKET_ID");
    api.get("/nowhere").await.expect(404, "NOT_FOUND");
    let metrics = api.get_with("/metrics", &[]).await;
    let counters = &metrics.body["counters"];
    let requests = &counters["requests_total"];
    let of = |method: &str, endpoint: &str, status: u16| {
        count(requests, &json!({ "method": method, "endpoint": endpoint, "status": status }))
    };
    assert_eq!((of("POST", "/tickets", 201), of("POST", "/tickets", 409)), (2, 1));
    assert_eq!(of("GET", "/tickets/{ticketId}/timeline", 400), 1);
    assert_eq!((of("GET", "UNMATCHED", 404), of("GET", "/metrics", 200)), (1, 1));
    for code in ["IDEMPOTENCY_PAYLOAD_MISMATCH", "INVALID_TICKET_ID", "NOT_FOUND"] {
        assert_eq!(count(&counters["errors_total"], &json!({ "code": code })), 1, "{code}");
    }
    let creation = json!({ "from_state": null, "to_state": "NEW" });
    assert_eq!(count(&counters["transitions_total"], &creation), 1);
    assert_eq!(counters["idempotency_replay_total"], 1);
    assert_eq!(counters["idempotency_conflict_total"], 1);

    let lines = request_lines(&api, 6).await;
    let brief: Vec<(&str, &str, u64)> = lines
        .iter()
        .map(|line| {
            (
                line["endpoint"].as_str().unwrap(),
                line["level"].as_str().unwrap(),
                line["status"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        brief,
        [
            ("/tickets", "info", 201),
            ("/tickets", "info", 201),
            ("/tickets", "error", 409),
            ("/tickets/{ticketId}/timeline", "error", 400),
            ("UNMATCHED", "error", 404),
            ("/metrics", "info", 200),
        ]
    );
    check_members(&lines, key);
}

fn check_members(lines: &[Value], key: Uuid) {
    const ALWAYS: [&str; 16] = [
        "level",
        "service",
        "method",
        "path",
        "endpoint",
        "request_id",
        "correlation_id",
        "trace_id",
        "actor_type",
        "actor_id",
        "actor_role",
        "tool_name",
        "ticket_id",
        "replay",
        "status",
        "duration_ms",
    ];
    for line in lines {
        for name in ALWAYS {
            assert!(line.get(name).is_some(), "{name} is not in {line}");
        }
    }
    let created = &lines[0];
    assert_eq!(created["request_id"], key.to_string());
    assert_eq!((&created["replay"], &lines[1]["replay"]), (&json!(false), &json!(true)));
    assert_eq!((&created["actor_id"], &created["tool_name"]), (&json!("actor-1"), &json!("ticket.create")));
    assert!(created.get("trace_parent").is_some() && created.get("error_code").is_none());
    let refused = &lines[2];
    assert_eq!(refused["error_code"], "IDEMPOTENCY_PAYLOAD_MISMATCH");
    assert_eq!(refused.get("reason"), Some(&Value::Null));
    let unknown = &lines[4];
    assert!(unknown.get("reason").is_none() && unknown.get("trace_parent").is_none());
    assert_eq!((&unknown["actor_id"], &unknown["message"]), (&Value::Null, &json!("Route not found")));
    assert!(lines[5].get("trace_parent").is_none(), "open endpoints have none");
}

#[tokio::test]
async fn request_lines_are_on_standard_output_unless_failures_are_sent_to_the_other_stream() {
    for (setting, expected) in [("stdout", vec![404, 200]), ("stderr", vec![200])] {
        let wrapper = std::env::temp_dir().join(format!("stdout-only-{}.sh", Uuid::new_v4()));
        std::fs::write(&wrapper, format!("#!/bin/sh\nexec {API} \"$@\" 2>/dev/null\n")).unwrap();
        let mode = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o755);
        std::fs::set_permissions(&wrapper, mode).unwrap();
        let api = Api::raise(wrapper.to_str().unwrap(), &[("DISPATCH_LOG_FAILURES", setting)]).await;
        api.get("/nowhere").await.expect(404, "NOT_FOUND");
        assert_eq!(api.get("/livez").await.status, 200);
        dispatch_testbed::eventually(async || {
            let lines = api.log();
            let statuses: Vec<u64> = lines.iter().filter_map(|line| line["status"].as_u64()).collect();
            (statuses == expected).then_some(()).ok_or_else(|| format!("{setting}: {statuses:?}"))
        })
        .await;
        std::fs::remove_file(wrapper).unwrap();
    }
}

#[tokio::test]
async fn a_refused_caller_is_logged_with_what_they_claimed_to_be() {
    let secret = dispatch_testbed::token::SECRET;
    let api = Api::raise(API, &[("DISPATCH_AUTH_JWT_SECRET", secret)]).await;
    let path = format!("/tickets/{}/timeline", Uuid::new_v4());
    let dev = [("x-actor-id", "c-1"), ("x-actor-role", "customer"), ("x-tool-name", "ticket.create")];
    api.get_with(&path, &dev).await.expect(403, "TOOL_NOT_ALLOWED");
    let expired = json!({ "sub": "late-1", "role": "dispatcher", "exp": 1 });
    let token = format!("Bearer {}", dispatch_testbed::token::signed(&expired, secret));
    api.get_with(&path, &[("authorization", &token)]).await.expect(401, "INVALID_AUTH_CLAIMS");
    let forged = format!("Bearer {}", dispatch_testbed::token::signed(&expired, "another"));
    api.get_with(&path, &[("authorization", &forged)]).await.expect(401, "INVALID_AUTH_TOKEN");
    let lines = request_lines(&api, 3).await;
    let of = |code: &str| lines.iter().find(|line| line["error_code"] == code).unwrap().clone();
    let (tool, late, forged) = (of("TOOL_NOT_ALLOWED"), of("INVALID_AUTH_CLAIMS"), of("INVALID_AUTH_TOKEN"));
    assert_eq!((&tool["actor_id"], &tool["actor_role"]), (&json!("c-1"), &json!("customer")));
    assert_eq!(tool["tool_name"], "ticket.create");
    assert_eq!((&late["actor_id"], &late["tool_name"]), (&json!("late-1"), &json!("ticket.timeline")));
    assert_eq!(forged["actor_id"], Value::Null, "nobody signed that name");
}

#[tokio::test]
async fn prometheus_text_shows_the_pool_the_queue_alerts_and_the_build() {
    let api = Api::raise(API, &[]).await;
    api.database
        .execute(
            "INSERT INTO dispatch_outbox (aggregate_type, aggregate_id, event_type, payload, idempotency_key, status) \
             VALUES ('ticket', 'x', 'y', '{}', 'k', 'DEAD_LETTER')",
        )
        .await;
    let text = api.get_with("/metrics?format=prometheus", &[]).await.text;
    for wanted in [
        "dispatch_api_database_up 1",
        "dispatch_api_pool_max 10",
        "dispatch_api_pool_waiters 0",
        "dispatch_api_pool_acquire_seconds_count ",
        "dispatch_api_outbox_messages{status=\"DEAD_LETTER\"} 1",
        "dispatch_api_outbox_messages{status=\"PENDING\"} 0",
        "dispatch_api_alert_state{code=\"STUCK_SCHEDULING\",state=\"firing\"} 0",
        "dispatch_api_sink_dropped_total 0",
        "dispatch_api_build_info{version=\"",
        "dispatch_api_request_duration_seconds_bucket{method=\"GET\",endpoint=\"/metrics\",le=\"0.005\"}",
    ] {
        assert!(text.contains(wanted), "{wanted} is not in\n{text}");
    }
}
