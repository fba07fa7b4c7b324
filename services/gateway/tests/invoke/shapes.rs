//! HTTP shapes of the invoke endpoint, probes and the catalogue.

use crate::world::{Answer, SHARED_TOKEN, World, cancel_args};
use serde_json::{Value, json};

fn ok() -> Answer {
    Answer::Json(200, json!({}))
}

async fn post(world: &World, body: &str) -> (u16, Value) {
    let request = world.request("POST", "/tools/invoke").bearer_auth(SHARED_TOKEN).body(body.to_owned());
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test]
async fn calls_without_a_known_token_are_unauthorized() {
    let world = World::start(ok()).await;
    let unauthorized = json!({ "error": { "message": "Unauthorized", "type": "unauthorized" } });
    let call = json!({ "tool": "ticket_cancel", "args": cancel_args() });
    assert_eq!(world.invoke_as("wrong", call).await, (401, unauthorized.clone()));
    for (method, path) in [("POST", "/tools/invoke"), ("GET", "/tools")] {
        let response = world.request(method, path).send().await.unwrap();
        assert_eq!(response.status(), 401, "{path}");
        assert_eq!(response.json::<Value>().await.unwrap(), unauthorized);
    }
    assert!(world.received().is_empty());
}

#[tokio::test]
async fn other_methods_are_not_allowed() {
    let world = World::start(ok()).await;
    let response = world.request("GET", "/tools/invoke").send().await.unwrap();
    assert_eq!((response.status().as_u16(), response.headers()["allow"].to_str().unwrap()), (405, "POST"));
    assert_eq!(world.request("DELETE", "/tools").send().await.unwrap().headers()["allow"], "GET");
    assert_eq!(world.request("GET", "/nowhere").send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn bodies_that_are_no_invoke_request_are_refused() {
    let world = World::start(ok()).await;
    let (status, body) = post(&world, "{nope").await;
    assert_eq!(
        (status, &body["error"]["type"], body.get("ok")),
        (400, &json!("invalid_request_error"), None)
    );
    for body in ["{}", "[]", "{\"tool\":\" \"}", "{\"tool\":7}"] {
        let error = json!({ "type": "invalid_request", "message": "tools.invoke requires name" });
        assert_eq!(post(&world, body).await, (400, json!({ "ok": false, "error": error })), "{body}");
    }
    let (status, body) = post(&world, r#"{"tool":"ticket_get","agentId":"nope"}"#).await;
    assert_eq!((status, &body["error"]["message"]), (400, &json!("Unknown agent id \"nope\"")));
    let huge = format!("{{\"tool\":\"ticket_get\",\"pad\":\"{}\"}}", "x".repeat(2 * 1024 * 1024));
    assert_eq!(post(&world, &huge).await.0, 413);
}

#[tokio::test]
async fn unknown_and_hidden_tools_do_not_exist_and_call_nothing() {
    let world = World::start(ok()).await;
    for name in ["tool.never.real", "assignment.recommend", "assignment_recommend", "tech.check.in"] {
        let (status, body) = world.invoke(json!({ "tool": name, "args": cancel_args() })).await;
        let error = json!({ "type": "not_found", "message": format!("Tool not available: {name}") });
        assert_eq!((status, body), (404, json!({ "ok": false, "error": error })));
    }
    assert!(world.received().is_empty());
}

#[tokio::test]
async fn without_an_api_only_the_status_tool_exists() {
    let world = World::start_with(ok(), &[("DISPATCH_API_URL", " ")]).await;
    assert_eq!(world.invoke(json!({ "tool": "ticket_get" })).await.0, 404);
    let status = world.call("dispatch_contract_status", json!({})).await;
    assert_eq!(status["details"]["configured"], false);
    assert_eq!(status["details"]["registered_count"], 0);
    assert_eq!(status["details"]["tool_names"].as_array().unwrap().len(), 38);
    assert_eq!(world.request("GET", "/readyz").send().await.unwrap().status(), 503);
}

#[tokio::test]
async fn probes_tell_life_from_readiness() {
    let world = World::start(Answer::Json(503, json!({}))).await;
    let live = world.request("GET", "/healthz").send().await.unwrap();
    assert_eq!(live.json::<Value>().await.unwrap(), json!({ "ok": true, "status": "live" }));
    let response = world.request("GET", "/readyz").send().await.unwrap();
    assert_eq!(response.status(), 503);
    let body: Value = response.json().await.unwrap();
    assert_eq!((&body["ready"], &body["failing"]), (&json!(false), &json!(["dispatch-api"])));
    assert!(body["uptimeMs"].is_u64());
    let ready = World::start(ok()).await.request("GET", "/readyz").send().await.unwrap();
    assert_eq!(
        (ready.status().as_u16(), &ready.json::<Value>().await.unwrap()["failing"]),
        (200, &json!([]))
    );
}

#[tokio::test]
async fn the_catalogue_lists_both_spellings() {
    let world = World::start(ok()).await;
    let response = world.request("GET", "/tools").bearer_auth(SHARED_TOKEN).send().await.unwrap();
    let body: Value = response.json().await.unwrap();
    let tools = body["tools"].as_array().unwrap();
    assert_eq!(tools.len(), 39);
    let check_in = tools.iter().find(|tool| tool["name"] == "tech.check_in").unwrap();
    assert_eq!(check_in["chat_name"], "tech_check_in");
    assert_eq!((&check_in["mutating"], &check_in["method"]), (&json!(true), &json!("POST")));
    assert_eq!(check_in["input_schema"]["properties"]["payload"]["required"], json!(["timestamp"]));
}

#[tokio::test]
async fn the_status_tool_compares_contracts_with_the_api() {
    let world = World::start(Answer::Json(200, json!({ "contract_hash": "0x146295e2" }))).await;
    let (_, body) = world.invoke(json!({ "name": "dispatch_contract_status" })).await;
    let details = &body["result"]["details"];
    assert_eq!((&details["api_reachable"], &details["hash_match"]), (&json!(true), &json!(true)));
    assert_eq!((&details["registered_count"], &details["api_health"]), (&json!(38), &json!("ready")));
    // The worker's own tool, and those of the directory, which people use at a desk.
    let hidden = details["hidden_tools"].as_array().unwrap();
    assert_eq!((hidden.len(), &hidden[0]), (11, &json!("assignment.recommend")));
    assert_eq!(details["auth_mode"], "dev_headers");
    let text: Value = serde_json::from_str(body["result"]["content"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(&text, details);
}
