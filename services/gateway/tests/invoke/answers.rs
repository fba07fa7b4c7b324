//! What a tool call sends, and how the API's answers come back.

use crate::world::{Answer, TICKET, World, cancel_args};
use serde_json::{Value, json};

#[tokio::test]
async fn a_good_call_is_one_request_with_every_header() {
    let world = World::start(Answer::Json(200, json!({ "id": TICKET, "state": "CANCELLED" }))).await;
    let mut args = cancel_args();
    args["request_id"] = json!(TICKET);
    args["correlation_id"] = json!("c-1");
    args["trace_parent"] = json!("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01");
    let result = world.call("ticket.cancel", args).await;
    let details = json!({
        "tool_name": "ticket.cancel", "endpoint": format!("/tickets/{TICKET}/cancel"), "request_id": TICKET,
        "correlation_id": "c-1", "status": 200, "data": { "id": TICKET, "state": "CANCELLED" },
    });
    assert_eq!((&result["isError"], &result["details"]), (&json!(false), &details));
    let sent = world.only_request();
    assert_eq!((sent.method.as_str(), sent.uri), ("POST", format!("/tickets/{TICKET}/cancel")));
    assert_eq!(sent.body, r#"{"reason":"storm"}"#);
    for (name, value) in [
        ("accept", "application/json"),
        ("content-type", "application/json"),
        ("idempotency-key", TICKET),
        ("x-correlation-id", "c-1"),
        ("x-actor-id", "d1"),
        ("x-actor-role", "dispatcher"),
        ("x-actor-type", "AGENT"),
        ("x-tool-name", "ticket.cancel"),
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ] {
        assert_eq!(sent.headers.get(name).map(String::as_str), Some(value), "{name}");
    }
    assert!(!sent.headers.contains_key("authorization") && !sent.headers.contains_key("x-trace-id"));
}

#[tokio::test]
async fn both_spellings_reach_the_same_endpoint_and_reads_send_no_key() {
    let world = World::start(Answer::Json(200, json!({}))).await;
    for name in ["ticket_get", "ticket.get"] {
        world.call(name, json!({ "actor_id": "d1", "ticket_id": TICKET })).await;
    }
    for sent in world.received() {
        assert_eq!((sent.method.as_str(), sent.uri.as_str()), ("GET", format!("/tickets/{TICKET}").as_str()));
        assert!(!sent.headers.contains_key("idempotency-key") && sent.body.is_empty());
        assert!(!sent.headers.contains_key("x-actor-role"));
        assert!(sent.headers.contains_key("x-correlation-id") && sent.headers.contains_key("traceparent"));
    }
    assert_eq!(world.received().len(), 2);
}

#[tokio::test]
async fn cockpit_filters_are_forwarded() {
    let world = World::start(Answer::Json(200, json!({}))).await;
    let args =
        json!({ "actor_id": "d1", "state": ["NEW", "TRIAGED"], "incident_type": "a&b", "ticket_id": TICKET });
    world.call("dispatcher_cockpit", args).await;
    let expected =
        format!("/ux/dispatcher/cockpit?state=NEW&state=TRIAGED&incident_type=a%26b&ticket_id={TICKET}");
    assert_eq!(world.only_request().uri, expected);
}

#[tokio::test]
async fn schema_errors_stay_in_the_gateway() {
    let world = World::start(Answer::Json(200, json!({}))).await;
    let result = world.call("ticket_cancel", {
        let mut args = cancel_args();
        args["payload"] = json!({ "reason": 7 });
        args
    });
    let result = result.await;
    let error = &result["details"]["error"];
    assert_eq!(
        (&result["isError"], &error["code"], &error["status"]),
        (&json!(true), &json!("INVALID_REQUEST"), &json!(400))
    );
    let violation =
        json!({ "message": "Expected string", "path": "/reason", "schema_path": "/properties/reason/type" });
    assert_eq!(error["validation_errors"], json!([violation]));
    assert_eq!(error["retryable"], false);
    assert!(world.received().is_empty());
}

#[tokio::test]
async fn an_api_refusal_passes_through_with_its_reason() {
    let inner = json!({
        "code": "INVALID_STATE_TRANSITION", "message": "not now", "request_id": TICKET, "from_state": "CLOSED",
        "policy_error": { "dimension": "state" },
    });
    let world = World::start(Answer::Json(409, json!({ "error": inner }))).await;
    let result = world.call("ticket_cancel", cancel_args()).await;
    let error = &result["details"]["error"];
    assert_eq!((&error["code"], &error["status"]), (&json!("INVALID_STATE_TRANSITION"), &json!(409)));
    assert_eq!((&error["message"], &error["dispatch_error"]), (&json!("not now"), &inner));
    assert_eq!((&error["policy_error"]["dimension"], &error["retryable"]), (&json!("state"), &json!(false)));
    assert_eq!(error["endpoint"], format!("/tickets/{TICKET}/cancel"));
    assert_eq!(
        error["request_id"].as_str(),
        world.only_request().headers.get("idempotency-key").map(String::as_str)
    );
}

#[tokio::test]
async fn an_unexplained_refusal_and_a_redirect_are_api_errors() {
    for (status, body, data) in [(500, "boom", json!({ "raw": "boom" })), (302, "", Value::Null)] {
        let world = World::start(Answer::Text(status, body)).await;
        let error = world.call("ticket_cancel", cancel_args()).await["details"]["error"].clone();
        assert_eq!((&error["code"], &error["status"]), (&json!("DISPATCH_API_ERROR"), &json!(status)));
        assert_eq!((&error["dispatch_error"], &error["retryable"]), (&data, &json!(status == 500)));
    }
}

#[tokio::test]
async fn the_api_may_say_when_to_come_back() {
    let world = World::start(Answer::RetryAfter(503, "7")).await;
    let error = world.call("ticket_cancel", cancel_args()).await["details"]["error"].clone();
    assert_eq!((&error["retryable"], &error["retry_after_ms"]), (&json!(true), &json!(7000)));
}

#[tokio::test]
async fn silence_is_a_timeout_worth_a_retry() {
    let world = World::start(Answer::Never).await;
    let error = world.call("ticket_cancel", cancel_args()).await["details"]["error"].clone();
    assert_eq!((&error["code"], &error["status"]), (&json!("DISPATCH_API_TIMEOUT"), &json!(504)));
    assert_eq!(error["retryable"], true);
    assert!(error["retry_after_ms"].is_u64() && error["request_id"].is_string());
}

#[tokio::test]
async fn an_absent_api_is_unreachable() {
    // A listener that is dropped leaves a port nobody listens on.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{free}");
    let world = World::start_with(Answer::Never, &[("DISPATCH_API_URL", &url)]).await;
    let error = world.call("ticket_cancel", cancel_args()).await["details"]["error"].clone();
    assert_eq!((&error["code"], &error["status"]), (&json!("DISPATCH_API_UNREACHABLE"), &json!(502)));
    assert!(error["reason"].as_str().is_some_and(|reason| !reason.is_empty()));
}

#[tokio::test]
async fn a_repeated_model_call_keeps_its_idempotency_key() {
    let world = World::start(Answer::Json(200, json!({}))).await;
    for key in ["call_1", "call_1", "call_2", TICKET] {
        let call = json!({ "tool": "ticket_cancel", "args": cancel_args(), "idempotencyKey": key });
        assert_eq!(world.invoke(call).await.0, 200);
    }
    let keys: Vec<String> =
        world.received().iter().map(|sent| sent.headers["idempotency-key"].clone()).collect();
    assert_eq!(keys[0], keys[1]);
    assert_ne!(keys[1], keys[2]);
    assert_eq!(keys[3], TICKET);
}
