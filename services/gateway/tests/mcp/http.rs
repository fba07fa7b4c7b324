//! `/mcp`: identity, the list, calls, and errors.

use crate::world::{Answer, SHARED_TOKEN, TICKET, World, cancel_args, signed};
use serde_json::{Value, json};

async fn post(world: &World, token: &str, message: Value) -> (u16, Value) {
    let response = world
        .request("POST", "/mcp")
        .bearer_auth(token)
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", "2025-11-25")
        .json(&message)
        .send()
        .await
        .unwrap();
    let status = response.status().as_u16();
    assert!(response.headers().get("mcp-session-id").is_none(), "each request stands alone");
    (status, serde_json::from_str(&response.text().await.unwrap()).unwrap_or(Value::Null))
}

async fn ask(world: &World, token: &str, method: &str, params: Value) -> Value {
    let message = json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params });
    let (status, body) = post(world, token, message).await;
    assert_eq!((status, &body["id"]), (200, &json!(7)), "{body}");
    body
}

async fn call(world: &World, token: &str, name: &str, args: Value) -> Value {
    ask(world, token, "tools/call", json!({ "name": name, "arguments": args })).await
}

fn ok() -> Answer {
    Answer::Json(200, json!({ "state": "CANCELLED" }))
}

#[tokio::test]
async fn without_a_known_token_nothing_is_told() {
    let world = World::start(ok()).await;
    let hello = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
    let (status, body) = post(&world, "wrong", hello).await;
    assert_eq!((status, &body["error"]["type"]), (401, &json!("unauthorized")));
    let response = world.request("POST", "/mcp").send().await.unwrap();
    assert_eq!(
        (response.status().as_u16(), response.headers()["www-authenticate"].to_str().unwrap()),
        (401, "Bearer")
    );
}

#[tokio::test]
async fn a_client_is_greeted_in_its_own_protocol_version() {
    let world = World::start(ok()).await;
    let params = json!({
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "test", "version": "1" }
    });
    let result = &ask(&world, SHARED_TOKEN, "initialize", params).await["result"];
    assert_eq!(
        (&result["protocolVersion"], &result["serverInfo"]["name"]),
        (&json!("2025-11-25"), &json!("dispatch-gateway"))
    );
    assert!(result["capabilities"]["tools"].is_object());
    let initialized = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    assert_eq!(post(&world, SHARED_TOKEN, initialized).await.0, 202);
}

#[tokio::test]
async fn every_visible_tool_is_listed_with_its_whole_schema() {
    let world = World::start(ok()).await;
    let shared = ask(&world, SHARED_TOKEN, "tools/list", json!({})).await;
    let tools = shared["result"]["tools"].as_array().unwrap().clone();
    assert_eq!(tools.len(), 39);
    let cancel = tools.iter().find(|tool| tool["name"] == "ticket_cancel").unwrap();
    assert_eq!(cancel["inputSchema"]["required"], json!(["actor_id", "actor_role", "ticket_id"]));
    assert_eq!(cancel["inputSchema"]["properties"]["payload"]["required"], json!(["reason"]));
    assert_eq!(
        (&cancel["annotations"]["readOnlyHint"], &cancel["annotations"]["destructiveHint"]),
        (&json!(false), &json!(true))
    );
    assert!(tools.iter().all(|tool| tool["name"] != "assignment_recommend"));
    let finance = ask(&world, &signed("finance"), "tools/list", json!({})).await;
    let names: Vec<_> =
        finance["result"]["tools"].as_array().unwrap().iter().map(|tool| tool["name"].clone()).collect();
    assert!(
        names.contains(&json!("billing_generate_invoice")) && !names.contains(&json!("ticket_create")),
        "{names:?}"
    );
}

#[tokio::test]
async fn a_call_goes_the_way_of_the_invoke_endpoint() {
    let world = World::start(ok()).await;
    for name in ["ticket_cancel", "ticket.cancel"] {
        let result = call(&world, SHARED_TOKEN, name, cancel_args()).await["result"].clone();
        assert_eq!(
            (&result["isError"], &result["structuredContent"]["data"]["state"]),
            (&json!(false), &json!("CANCELLED"))
        );
        let text: Value = serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap();
        assert_eq!(text, result["structuredContent"]);
    }
    let sent = world.received();
    assert_eq!(
        (sent[0].method.as_str(), sent[0].uri.as_str()),
        ("POST", format!("/tickets/{TICKET}/cancel").as_str())
    );
    assert_eq!(
        (sent[0].headers["x-tool-name"].as_str(), sent[0].headers["x-actor-role"].as_str()),
        ("ticket.cancel", "dispatcher")
    );
    assert_ne!(sent[0].headers["idempotency-key"], sent[1].headers["idempotency-key"]);
}

#[tokio::test]
async fn a_key_in_meta_makes_a_repeated_call_the_same_call() {
    let world = World::start(ok()).await;
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    for _ in 0..2 {
        let meta = json!({ "idempotencyKey": "call-1", "traceparent": trace });
        let params = json!({ "name": "ticket_cancel", "arguments": cancel_args(), "_meta": meta });
        ask(&world, SHARED_TOKEN, "tools/call", params).await;
    }
    let sent = world.received();
    assert_eq!(sent[0].headers["idempotency-key"], sent[1].headers["idempotency-key"]);
    assert_eq!(sent[0].headers["traceparent"], trace);
}

#[tokio::test]
async fn a_failed_call_is_a_result_that_says_why() {
    let refused = json!({ "error": { "code": "INVALID_STATE_TRANSITION", "message": "no",
        "policy_error": { "dimension": "state", "from_state": "CLOSED" } } });
    let world = World::start(Answer::Json(409, refused)).await;
    let result = call(&world, SHARED_TOKEN, "ticket_cancel", cancel_args()).await["result"].clone();
    let error = &result["structuredContent"]["error"];
    assert_eq!((&result["isError"], &error["code"]), (&json!(true), &json!("INVALID_STATE_TRANSITION")));
    assert_eq!(error["policy_error"]["from_state"], "CLOSED");
    let bad = json!({ "actor_id": "d", "actor_role": "dispatcher", "ticket_id": TICKET, "payload": {} });
    let result = call(&world, SHARED_TOKEN, "ticket_cancel", bad).await["result"].clone();
    assert_eq!(result["structuredContent"]["error"]["validation_errors"][0]["path"], "/reason");
    assert_eq!(world.received().len(), 1, "a malformed call is not sent");
}

#[tokio::test]
async fn arguments_cannot_widen_a_tokens_role() {
    let world = World::start(ok()).await;
    let result = call(&world, &signed("technician"), "ticket_cancel", cancel_args()).await["result"].clone();
    assert_eq!(result["structuredContent"]["error"]["code"], "TOOL_ROLE_FORBIDDEN");
    assert!(world.received().is_empty());
    call(&world, &signed("dispatcher"), "ticket_cancel", cancel_args()).await;
    let sent = world.only_request();
    assert!(
        sent.headers["authorization"].starts_with("Bearer ey") && !sent.headers.contains_key("x-actor-id")
    );
}

#[tokio::test]
async fn unknown_and_hidden_tools_are_protocol_errors_and_call_nothing() {
    let world = World::start(ok()).await;
    for name in ["tool.never.real", "assignment.recommend"] {
        let body = call(&world, SHARED_TOKEN, name, json!({})).await;
        assert_eq!(
            body["error"],
            json!({ "code": -32602, "message": format!("Tool not available: {name}") })
        );
    }
    assert!(world.received().is_empty());
}
