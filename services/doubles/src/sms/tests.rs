use axum::body::{Body, to_bytes};
use axum::http::Request;
use tower::ServiceExt;

use super::*;

async fn call(routes: &Router, method: &str, path: &str, body: Value) -> (u16, Value) {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(key) = body.get("message_key").and_then(Value::as_str) {
        request = request.header("Idempotency-Key", key);
    }
    let request = request.body(Body::from(body.to_string())).unwrap();
    let response = routes.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap())
}

fn message(key: &str) -> Value {
    json!({ "to": "+15550100", "body": "on the way", "message_key": key })
}

#[tokio::test]
async fn the_same_key_gets_the_same_answer_and_no_second_message() {
    let routes = routes();
    let first = call(&routes, "POST", "/messages", message("k1")).await;
    let again = call(&routes, "POST", "/messages", message("k1")).await;
    assert_eq!(first, (200, json!({ "provider_message_id": "sms-000001", "status": "accepted" })));
    assert_eq!(first, again);
    let (_, calls) = call(&routes, "GET", "/calls", Value::Null).await;
    let (_, messages) = call(&routes, "GET", "/messages", Value::Null).await;
    assert_eq!(calls["calls"].as_array().unwrap().len(), 2);
    assert_eq!(calls["calls"][1]["n"], 2);
    assert_eq!(messages["messages"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_key_used_for_another_text_is_refused() {
    let routes = routes();
    call(&routes, "POST", "/messages", message("k1")).await;
    let other = json!({ "to": "+15550100", "body": "cancelled", "message_key": "k1" });
    assert_eq!(call(&routes, "POST", "/messages", other).await.0, 409);
}

#[tokio::test]
async fn scripted_answers_are_spent_in_order_and_leave_no_message() {
    let routes = routes();
    let script = json!({ "answers": [{ "status": 502, "times": 2 }, { "status": 429 }] });
    assert_eq!(call(&routes, "POST", "/script", script).await, (200, json!({ "answers": 2 })));
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(call(&routes, "POST", "/messages", message("k1")).await.0);
    }
    assert_eq!(statuses, [502, 502, 429, 200]);
    let (_, messages) = call(&routes, "GET", "/messages", Value::Null).await;
    assert_eq!(messages["messages"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_lost_answer_takes_effect_and_a_retry_gets_the_first_id() {
    let routes = routes();
    let script = json!({ "answers": [{ "status": 503, "take_effect": true }] });
    call(&routes, "POST", "/script", script).await;
    assert_eq!(call(&routes, "POST", "/messages", message("k1")).await.0, 503);
    let (status, answer) = call(&routes, "POST", "/messages", message("k1")).await;
    assert_eq!((status, &answer["provider_message_id"]), (200, &json!("sms-000001")));
    let (_, messages) = call(&routes, "GET", "/messages", Value::Null).await;
    assert_eq!(messages["messages"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_script_can_be_taken_back_and_a_reset_forgets_everything() {
    let routes = routes();
    call(&routes, "POST", "/script", json!({ "answers": [{ "status": 500, "times": 9 }] })).await;
    call(&routes, "DELETE", "/script", Value::Null).await;
    assert_eq!(call(&routes, "POST", "/messages", message("k1")).await.0, 200);
    call(&routes, "POST", "/reset", Value::Null).await;
    let (_, calls) = call(&routes, "GET", "/calls", Value::Null).await;
    assert_eq!(calls, json!({ "calls": [] }));
}

#[tokio::test]
async fn bad_input_is_refused_with_the_member_that_is_wrong() {
    let routes = routes();
    let blank = json!({ "to": " ", "body": "x", "message_key": "k1" });
    let (status, answer) = call(&routes, "POST", "/messages", blank).await;
    assert_eq!(
        (status, answer["error"]["message"].as_str().unwrap()),
        (400, "`to` must be a text that is not blank")
    );
    for script in [
        json!({ "answers": [{}] }),
        json!({ "answers": [{ "status": 99 }] }),
        json!({ "answers": [{ "status": 500, "times": 0 }] }),
        json!({ "answers": [{ "stats": 500 }] }),
        json!([]),
    ] {
        assert_eq!(call(&routes, "POST", "/script", script.clone()).await.0, 400, "{script}");
    }
    let (_, calls) = call(&routes, "GET", "/calls", Value::Null).await;
    assert_eq!(calls["calls"][0]["status"], 400);
}

#[tokio::test]
async fn a_missing_or_differing_key_header_is_refused() {
    let routes = routes();
    for key in [None, Some("other")] {
        let mut request = Request::builder().method("POST").uri("/messages");
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        let request = request.body(Body::from(message("k1").to_string())).unwrap();
        assert_eq!(routes.clone().oneshot(request).await.unwrap().status(), 400);
    }
}

#[tokio::test]
async fn a_delay_holds_the_answer_back() {
    let routes = routes();
    call(&routes, "POST", "/script", json!({ "answers": [{ "delay_ms": 80 }] })).await;
    let start = std::time::Instant::now();
    assert_eq!(call(&routes, "POST", "/messages", message("k1")).await.0, 200);
    assert!(start.elapsed() >= Duration::from_millis(80));
}

#[tokio::test]
async fn a_caller_that_hangs_up_is_seen_at_once_and_its_message_still_goes_out() {
    let routes = routes();
    call(&routes, "POST", "/script", json!({ "answers": [{ "delay_ms": 60 }] })).await;
    let hasty =
        tokio::time::timeout(Duration::from_millis(10), call(&routes, "POST", "/messages", message("k1")));
    assert!(hasty.await.is_err());
    let (_, calls) = call(&routes, "GET", "/calls", Value::Null).await;
    assert_eq!(
        (&calls["calls"][0]["message_key"], &calls["calls"][0]["status"]),
        (&json!("k1"), &Value::Null)
    );
    // The same key again waits for nothing: by then or now, there is one message.
    assert_eq!(call(&routes, "POST", "/messages", message("k1")).await.0, 200);
    let (_, messages) = call(&routes, "GET", "/messages", Value::Null).await;
    assert_eq!(messages["messages"].as_array().unwrap().len(), 1);
}
