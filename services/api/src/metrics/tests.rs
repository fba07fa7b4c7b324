use super::*;

fn metrics() -> Metrics {
    Metrics::new(Duration::from_secs(900))
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
fn recent_counts_sum_the_codes_asked_for() {
    let metrics = metrics();
    metrics.error("FORBIDDEN");
    metrics.error("AUTH_REQUIRED");
    metrics.error("NOT_FOUND");
    assert_eq!(metrics.recent_errors(&["FORBIDDEN", "AUTH_REQUIRED"]), 2);
}

#[test]
fn prometheus_text_has_cumulative_buckets_and_escaped_labels() {
    let metrics = metrics();
    metrics.request("GET", "/a\"b", 200, Duration::from_millis(7));
    metrics.request("GET", "/a\"b", 200, Duration::from_secs(60));
    let text = metrics.prometheus();
    assert!(text.contains(r#"dispatch_api_requests_total{method="GET",endpoint="/a\"b",status="200"} 2"#));
    assert!(text.contains(r#"_bucket{method="GET",endpoint="/a\"b",le="0.005"} 0"#), "{text}");
    assert!(text.contains(r#"_bucket{method="GET",endpoint="/a\"b",le="10"} 1"#));
    assert!(text.contains(r#"_bucket{method="GET",endpoint="/a\"b",le="+Inf"} 2"#));
    assert!(text.contains("dispatch_api_idempotency_replay_total 0"));
}
