use dispatch_domain::alert::AlertState;

use super::*;

fn metrics() -> Metrics {
    Metrics::default()
}

#[test]
fn lists_are_sorted_by_method_endpoint_status_and_the_underscore_comes_first() {
    let metrics = metrics();
    for (method, endpoint, status) in [
        ("POST", "/tickets", 201),
        ("GET", "/metrics", 200),
        ("POST", "/tickets", 400),
        ("GET", UNMATCHED, 404),
    ] {
        metrics.request(method, endpoint, status, Duration::from_millis(3));
    }
    for code in ["FORBIDDENX", "FORBIDDEN_SCOPE", "FORBIDDEN"] {
        metrics.error(code);
    }
    let counters = metrics.counters();
    let requests: Vec<String> = counters["requests_total"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| format!("{} {} {}", entry["method"], entry["endpoint"], entry["status"]))
        .collect();
    assert_eq!(
        requests,
        [
            r#""GET" "/metrics" 200"#,
            r#""GET" "UNMATCHED" 404"#,
            r#""POST" "/tickets" 201"#,
            r#""POST" "/tickets" 400"#
        ]
    );
    let codes: Vec<&Value> =
        counters["errors_total"].as_array().unwrap().iter().map(|entry| &entry["code"]).collect();
    assert_eq!(codes, ["FORBIDDEN", "FORBIDDEN_SCOPE", "FORBIDDENX"]);
}

#[test]
fn creation_is_a_null_from_state_and_comes_first() {
    let metrics = metrics();
    metrics.transition(Some(TicketState::New), TicketState::Triaged);
    metrics.transition(None, TicketState::New);
    let transitions = metrics.counters()["transitions_total"].clone();
    assert_eq!(transitions[0], json!({ "from_state": null, "to_state": "NEW", "count": 1 }));
    assert_eq!(transitions[1], json!({ "from_state": "NEW", "to_state": "TRIAGED", "count": 1 }));
}

#[test]
fn the_snapshot_has_exactly_the_members_that_dashboards_read() {
    let metrics = metrics();
    metrics.override_close("CUSTOMER_WAIVER");
    metrics.dispatch_assignment(true);
    metrics.dispatch_assignment(false);
    let snapshot = metrics.json_snapshot();
    let members: Vec<&String> = snapshot.as_object().unwrap().keys().collect();
    assert_eq!(members, ["service", "generated_at", "counters"]);
    let counters: Vec<&String> = snapshot["counters"].as_object().unwrap().keys().collect();
    assert_eq!(
        counters,
        [
            "requests_total",
            "errors_total",
            "transitions_total",
            "idempotency_replay_total",
            "idempotency_conflict_total",
            "dispatch_override_close_total",
            "dispatch_override_close_by_code",
            "dispatch_assignments_with_snapshot_total",
            "dispatch_assignments_without_snapshot_total"
        ]
    );
    assert_eq!(snapshot["counters"]["dispatch_override_close_total"], 1);
}

#[test]
fn made_up_methods_share_one_counter() {
    let metrics = metrics();
    metrics.request("ZAP1", UNMATCHED, 404, Duration::ZERO);
    metrics.request("ZAP2", UNMATCHED, 404, Duration::ZERO);
    assert_eq!(
        metrics.counters()["requests_total"],
        json!([{ "method": "OTHER", "endpoint": UNMATCHED, "status": 404, "count": 2 }])
    );
}

#[test]
fn prometheus_text_has_cumulative_buckets_and_escaped_labels() {
    let metrics = metrics();
    metrics.request("GET", "/a\"b", 200, Duration::from_millis(7));
    metrics.request("GET", "/a\"b", 200, Duration::from_secs(60));
    let text = metrics.prometheus(&Gauges::default());
    assert!(text.contains(r#"dispatch_api_requests_total{method="GET",endpoint="/a\"b",status="200"} 2"#));
    assert!(text.contains(r#"_bucket{method="GET",endpoint="/a\"b",le="0.005"} 0"#), "{text}");
    assert!(text.contains(r#"_bucket{method="GET",endpoint="/a\"b",le="10"} 1"#));
    assert!(text.contains(r#"_bucket{method="GET",endpoint="/a\"b",le="+Inf"} 2"#));
    assert!(text.contains("dispatch_api_idempotency_replay_total 0"));
    assert!(text.contains("dispatch_api_database_up 0"));
}

#[test]
fn gauges_name_every_state_and_probes_have_a_histogram() {
    let metrics = metrics();
    metrics.probe("found", Duration::from_millis(30));
    let gauges = Gauges {
        outbox: Some(vec![("DEAD_LETTER".to_owned(), 2)]),
        alerts: Some(vec![("STUCK_SCHEDULING".to_owned(), AlertState::Firing)]),
        ..Gauges::default()
    };
    let text = metrics.prometheus(&gauges);
    for line in [
        "dispatch_api_database_up 1",
        r#"dispatch_api_outbox_messages{status="PENDING"} 0"#,
        r#"dispatch_api_outbox_messages{status="DEAD_LETTER"} 2"#,
        r#"dispatch_api_alert_state{code="STUCK_SCHEDULING",state="firing"} 1"#,
        r#"dispatch_api_alert_state{code="STUCK_SCHEDULING",state="resolved"} 0"#,
        r#"dispatch_api_alert_state{code="AUTH_POLICY_FAILURE_SPIKE",state="firing"} 0"#,
        r#"dispatch_api_evidence_probes_total{result="found"} 1"#,
        r#"dispatch_api_evidence_probe_duration_seconds_bucket{le="0.025"} 0"#,
        r#"dispatch_api_evidence_probe_duration_seconds_bucket{le="0.05"} 1"#,
        "dispatch_api_evidence_probe_duration_seconds_count 1",
        "dispatch_api_pool_waiters 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    assert!(text.contains("dispatch_api_build_info{version=\""));
}
