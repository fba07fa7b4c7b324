//! Alerts as something that begins, is shown, and ends, over instances and restarts.

use std::time::Duration;

use dispatch_testbed::{Api, eventually};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::desk::{API, SENSITIVE, conflict, ready, shown};

/// `from>to` of every step of an alert, oldest first.
async fn steps(api: &Api, code: &str) -> Vec<String> {
    let answer = api.get(&format!("/ops/alerts/history?code={code}&limit=50")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let steps = answer.body["steps"].as_array().unwrap();
    steps
        .iter()
        .rev()
        .map(|step| format!("{}>{}", text(&step["from_state"]), text(&step["to_state"])))
        .collect()
}

#[tokio::test]
async fn an_alert_is_shown_at_once_survives_a_restart_and_resolves_when_its_window_has_passed() {
    let mut settings = SENSITIVE.to_vec();
    settings.push(("DISPATCH_ALERT_WINDOW_SECONDS", "4"));
    let mut api = Api::raise(API, &settings).await;
    assert_eq!(shown(&api).await, [""; 0]);
    conflict(&api).await;
    assert_eq!(shown(&api).await, ["IDEMPOTENCY_CONFLICT_SPIKE"]);
    api.kill();
    api.start().await;
    assert_eq!(shown(&api).await, ["IDEMPOTENCY_CONFLICT_SPIKE"], "the count was in the database");
    eventually(async || {
        let codes = shown(&api).await;
        codes.is_empty().then_some(()).ok_or_else(|| format!("{codes:?} stayed"))
    })
    .await;
    let expected = ["->pending", "pending>firing", "firing>resolved"];
    assert_eq!(steps(&api, "IDEMPOTENCY_CONFLICT_SPIKE").await, expected);
    conflict(&api).await;
    shown(&api).await;
    let again = steps(&api, "IDEMPOTENCY_CONFLICT_SPIKE").await;
    assert_eq!(again[3..], ["resolved>pending", "pending>firing"]);
    let episodes = "SELECT count(DISTINCT episode) FROM ops_alert_history";
    assert_eq!(api.count(episodes).await, 2);
}

#[tokio::test]
async fn instances_count_together_and_the_background_judges_without_being_asked() {
    let settings =
        [("DISPATCH_ALERT_AUTH_POLICY_REJECTION_THRESHOLD", "4"), ("DISPATCH_ALERT_EVALUATE_SECONDS", "1")];
    let one = Api::raise(API, &settings).await;
    let mut second = dispatch_testbed::Process::start(
        &one.database,
        API.as_ref(),
        &["serve"],
        [
            ("DISPATCH_DATABASE_URL", one.database.url.as_str()),
            ("DISPATCH_API_PORT", "0"),
            ("DISPATCH_ENV", "test"),
            ("DISPATCH_ALERT_AUTH_POLICY_REJECTION_THRESHOLD", "4"),
            ("DISPATCH_ALERT_EVALUATE_SECONDS", "1"),
        ],
    );
    let port = second.port().await;
    let path = format!("/tickets/{}/triage", Uuid::new_v4());
    for _ in 0..2 {
        one.refuses("customer", &path, &json!({}), "FORBIDDEN").await;
        let elsewhere = format!("http://127.0.0.1:{port}{path}");
        let request = reqwest::Client::new()
            .post(elsewhere)
            .header("x-actor-id", "c")
            .header("x-actor-role", "customer")
            .header("idempotency-key", Uuid::new_v4().to_string())
            .json(&json!({}));
        assert_eq!(request.send().await.unwrap().status(), 403);
    }
    // Nobody asks for the alerts; the history is read from the database.
    eventually(async || {
        let firing = "SELECT count(*) FROM ops_alert_history WHERE to_state = 'firing'";
        let count = one.count(firing).await;
        (count == 1).then_some(()).ok_or_else(|| format!("{count} alerts fired"))
    })
    .await;
    assert_eq!(shown(&one).await, ["AUTH_POLICY_FAILURE_SPIKE"]);
    assert_eq!(one.count("SELECT count(*) FROM ops_leases").await, 1, "one of them judges");
    second.terminate();
    assert!(second.exit().await.success());
}

#[tokio::test]
async fn with_hysteresis_an_alert_waits_before_it_fires_and_stays_while_its_signal_is_not_low() {
    let settings = [
        ("DISPATCH_ALERT_STUCK_SCHEDULING_COUNT_THRESHOLD", "2"),
        ("DISPATCH_ALERT_STUCK_SCHEDULING_MINUTES", "0"),
        ("DISPATCH_ALERT_PENDING_SECONDS", "1"),
        ("DISPATCH_ALERT_CLEAR_PERCENT", "100"),
        ("DISPATCH_ALERT_CLEAR_SECONDS", "2"),
    ];
    let api = Api::raise(API, &settings).await;
    let first = ready(&api).await;
    ready(&api).await;
    assert_eq!(shown(&api).await, [""; 0], "pending");
    eventually(async || {
        let codes = shown(&api).await;
        (codes == ["STUCK_SCHEDULING"]).then_some(()).ok_or_else(|| "still pending".to_owned())
    })
    .await;
    api.moves("dispatcher", &format!("{first}/cancel"), &json!({ "reason": "gone" }), "CANCELLED").await;
    let low = std::time::Instant::now();
    assert_eq!(shown(&api).await, ["STUCK_SCHEDULING"], "low, but not for long enough");
    eventually(async || shown(&api).await.is_empty().then_some(()).ok_or_else(|| "still shown".to_owned()))
        .await;
    assert!(low.elapsed() >= Duration::from_secs(2));
    assert_eq!(steps(&api, "STUCK_SCHEDULING").await, ["->pending", "pending>firing", "firing>resolved"]);
}

#[tokio::test]
async fn with_the_appointment_rule_a_ticket_scheduled_for_later_is_not_stuck() {
    for (rule, expected) in [("age", 1), ("appointment", 0)] {
        let mut settings = SENSITIVE.to_vec();
        settings.push(("DISPATCH_ALERT_STUCK_RULE", rule));
        let api = Api::raise(API, &settings).await;
        let path = ready(&api).await;
        let window = json!({ "start": "2096-12-05T10:00:00Z", "end": "2096-12-05T12:00:00Z" });
        let options = json!({ "options": [window] });
        api.moves("dispatcher", &format!("{path}/schedule/propose"), &options, "SCHEDULE_PROPOSED").await;
        api.moves("dispatcher", &format!("{path}/schedule/confirm"), &window, "SCHEDULED").await;
        let answer = api.get_with("/ops/alerts", &[]).await;
        assert_eq!(answer.body["signals"]["stuck_scheduling_count"], expected, "{rule}");
        let items = api.get("/ops/alerts/STUCK_SCHEDULING/items").await;
        assert_eq!(items.body["items"].as_array().unwrap().len(), expected, "{rule}");
        // An appointment that is near, without a technician, counts.
        api.database.execute("UPDATE tickets SET scheduled_start = now() + interval '1 hour'").await;
        let answer = api.get_with("/ops/alerts", &[]).await;
        assert_eq!(answer.body["signals"]["stuck_scheduling_count"], 1, "{rule}");
    }
}

#[tokio::test]
async fn a_database_that_may_only_be_read_still_shows_alerts_and_refuses_commands_with_a_code_of_its_own() {
    let api = Api::raise(API, &SENSITIVE).await;
    let path = ready(&api).await;
    let name = api.database.text("SELECT current_database()").await.unwrap();
    api.database.execute(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on")).await;
    api.database.throw_out().await;
    assert_eq!(shown(&api).await, ["STUCK_SCHEDULING"]);
    let refused = api.post("dispatcher", "/tickets", &crate::desk::ticket("Door")).await;
    refused.expect(503, "SERVICE_UNAVAILABLE");
    assert_eq!(refused.headers["retry-after"], "1");
    assert_eq!(api.get(&path).await.status, 200, "reads go on");
    // A counted refusal that cannot be written is counted all the same.
    api.refuses("customer", &format!("{path}/triage"), &json!({}), "FORBIDDEN").await;
    assert_eq!(shown(&api).await, ["STUCK_SCHEDULING", "AUTH_POLICY_FAILURE_SPIKE"]);
}

#[tokio::test]
async fn an_alert_is_acknowledged_once_by_an_operator_and_the_trail_says_by_whom() {
    let api = Api::raise(API, &SENSITIVE).await;
    let path = "/ops/alerts/IDEMPOTENCY_CONFLICT_SPIKE/acknowledge";
    api.refuses("dispatcher", path, &json!({}), "INVALID_STATE_TRANSITION").await;
    conflict(&api).await;
    assert_eq!(shown(&api).await, ["IDEMPOTENCY_CONFLICT_SPIKE"]);
    api.refuses("customer", path, &json!({}), "FORBIDDEN").await;
    api.refuses("dispatcher", "/ops/alerts/NO_SUCH/acknowledge", &json!({}), "NOT_FOUND").await;
    let (key, note) = (Uuid::new_v4(), json!({ "note": "the new client; told its owner" }));
    let first = api.post_with("dispatcher", path, &note, key).await;
    assert_eq!((first.status, &first.body["state"]), (200, &json!("acknowledged")), "{}", first.text);
    let again = api.post_with("dispatcher", path, &note, key).await;
    assert!(again.is_replay() && again.text == first.text);
    api.post_with("dispatcher", path, &json!({}), key).await.expect(409, "IDEMPOTENCY_PAYLOAD_MISMATCH");
    let late = api.post("admin", path, &json!({})).await;
    assert_eq!((late.status, &late.body["acknowledged_by"]), (200, &json!("actor-1")));
    assert!(
        shown(&api).await.contains(&"IDEMPOTENCY_CONFLICT_SPIKE".to_owned()),
        "it stays until it is over"
    );
    let expected = ["->pending", "pending>firing", "firing>acknowledged"];
    assert_eq!(steps(&api, "IDEMPOTENCY_CONFLICT_SPIKE").await, expected);
    let history = api.get("/ops/alerts/history?code=IDEMPOTENCY_CONFLICT_SPIKE").await.body;
    assert_eq!(history["steps"][0]["note"], "the new client; told its owner");
    assert_eq!(history["alerts"][0]["acknowledged_by"], "actor-1");
    let audited = "SELECT count(*) FROM audit_events WHERE tool_name = 'ops.alerts.acknowledge' AND ticket_id IS NULL \
                   AND payload -> 'scope' ->> 'alert_code' = 'IDEMPOTENCY_CONFLICT_SPIKE'";
    assert_eq!(api.count(audited).await, 2, "one per answered key");
    let changed = sqlx::query("DELETE FROM ops_alert_history").execute(&api.database.pool).await;
    assert!(changed.is_err(), "the history is append-only");
}
