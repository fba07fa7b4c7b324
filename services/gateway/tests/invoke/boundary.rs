//! What the control plane may never do, whoever asks: one request per call, to the closed contract and nowhere else.

use crate::world::{Answer, SHARED_TOKEN, TICKET, World, cancel_args, signed};
use dispatch_domain::{Method, Tool, tool};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The smallest value a schema accepts, for the words the payload schemas use.
fn example(schema: &Value) -> Value {
    if let Some(first) = schema["enum"].get(0) {
        return first.clone();
    }
    match (schema["type"].as_str(), schema["format"].as_str()) {
        (_, Some("uuid")) => TICKET.into(),
        (_, Some("date-time")) => "2026-11-22T12:00:00.000Z".into(),
        (_, Some("email")) => "a@b.example".into(),
        (Some("object"), _) => Value::Object(
            schema["required"]
                .as_array()
                .unwrap_or(&Vec::new())
                .iter()
                .map(|name| name.as_str().unwrap())
                .map(|name| (name.to_owned(), example(&schema["properties"][name])))
                .collect(),
        ),
        (Some("array"), _) => json!([example(&schema["items"])]),
        (Some("integer" | "number"), _) => schema["minimum"].as_i64().unwrap_or(1).into(),
        (Some("boolean"), _) => true.into(),
        _ => "x".repeat(usize::try_from(schema["minLength"].as_u64().unwrap_or(1)).unwrap()).into(),
    }
}

fn args(tool: &Tool) -> Value {
    let mut args = json!({ "actor_id": "d1", "actor_role": tool.roles[0] });
    if tool.is_ticket_scoped() {
        args["ticket_id"] = TICKET.into();
    }
    if let Some(schema) = dispatch_domain::schema::payload_schema(tool.name) {
        args["payload"] = example(schema);
    }
    args
}

#[tokio::test]
async fn every_tool_is_exactly_one_request_to_its_own_endpoint() {
    let world = World::start(Answer::Json(200, json!({}))).await;
    for (index, tool) in tool::public().into_iter().enumerate() {
        let result = world.call(tool.chat_name, args(tool)).await;
        assert_eq!(result["isError"], false, "{}: {result}", tool.name);
        let received = world.received();
        assert_eq!(received.len(), index + 1, "{}", tool.name);
        let sent = &received[index];
        assert_eq!(
            (sent.method.as_str(), sent.uri.as_str()),
            (tool.method.as_str(), tool.endpoint(TICKET).as_str())
        );
        assert_eq!(sent.headers["x-tool-name"], tool.name.as_str());
        assert!(sent.headers.contains_key("x-correlation-id") && sent.headers.contains_key("traceparent"));
        let changes = tool.method == Method::Post;
        assert_eq!(sent.headers.contains_key("idempotency-key"), changes, "{}", tool.name);
        assert_eq!(sent.body.is_empty(), !changes, "{}", tool.name);
    }
}

#[tokio::test]
async fn every_door_together_reaches_only_the_contract_and_two_reads() {
    let world = World::start(Answer::Json(200, json!({}))).await;
    world.call("dispatch_contract_status", json!({})).await;
    world.call("ticket_get", json!({ "actor_id": "d1", "ticket_id": TICKET })).await;
    world.request("GET", "/readyz").send().await.unwrap();
    world.request("GET", "/console/alerts").bearer_auth(SHARED_TOKEN).send().await.unwrap();
    let line = json!({ "line": "dispatcher_cockpit", "actor_id": "d1", "actor_role": "dispatcher" });
    let typed =
        world.request("POST", "/console/command").bearer_auth(SHARED_TOKEN).json(&line).send().await.unwrap();
    assert_eq!(typed.json::<Value>().await.unwrap()["result"]["isError"], false);
    for path in ["/console/../ops/metrics", "/ops/metrics", "/tickets", "/console/metrics", "/mcp/metrics"] {
        let answer = world.request("GET", path).bearer_auth(SHARED_TOKEN).send().await.unwrap();
        assert!(answer.status().is_client_error(), "{path}: {}", answer.status());
    }
    let reached: BTreeSet<_> = world.received().into_iter().map(|sent| sent.uri).collect();
    let expected = ["/ops/alerts", "/readyz", "/ux/dispatcher/cockpit", &format!("/tickets/{TICKET}")];
    assert_eq!(reached, expected.into_iter().map(str::to_owned).collect());
}

#[tokio::test]
async fn nothing_that_runs_commands_installs_or_pays_is_a_tool() {
    let world = World::start(Answer::Json(200, json!({}))).await;
    for name in [
        "exec",
        "bash",
        "process",
        "read",
        "write",
        "skills.install",
        "config.set",
        "payments.charge",
        "assignment.recommend",
    ] {
        assert_eq!(world.invoke(json!({ "tool": name, "args": cancel_args() })).await.0, 404, "{name}");
    }
    assert!(world.received().is_empty());
}

#[tokio::test]
async fn facts_are_read_anew_every_time() {
    let world = World::start(Answer::Json(200, json!({}))).await;
    for _ in 0..2 {
        world.call("ticket_get", json!({ "actor_id": "d1", "ticket_id": TICKET })).await;
    }
    assert_eq!(world.received().len(), 2);
}

#[tokio::test]
async fn an_agent_can_neither_close_nor_confirm_nor_touch_its_own_autonomy() {
    let world = World::start(Answer::Json(200, json!({}))).await;
    for name in [
        "ops_autonomy_pause",
        "ops_autonomy_rollback",
        "ticket_force_close",
        "ticket_close",
        "schedule_confirm",
    ] {
        let mut wider = args(tool::by_name(name).unwrap());
        wider["actor_role"] = "dispatcher".into();
        let (_, body) = world.invoke_as(&signed("agent"), json!({ "tool": name, "args": wider })).await;
        assert_eq!(body["result"]["details"]["error"]["code"], "TOOL_ROLE_FORBIDDEN", "{name}");
    }
    assert!(world.received().is_empty());
}

#[tokio::test]
async fn a_pause_and_an_open_gate_are_passed_on_not_worked_around() {
    for (code, dimension) in
        [("AUTONOMY_DISABLED", "policy"), ("CLOSEOUT_REQUIREMENTS_INCOMPLETE", "evidence")]
    {
        let refusal =
            json!({ "error": { "code": code, "message": "no", "policy_error": { "dimension": dimension } } });
        let world = World::start(Answer::Json(409, refusal)).await;
        let result = world.call("tech_complete", args(tool::by_name("tech_complete").unwrap())).await;
        let error = &result["details"]["error"];
        assert_eq!((&error["code"], &error["policy_error"]["dimension"]), (&json!(code), &json!(dimension)));
        assert_eq!(error["retryable"], false);
        assert_eq!(world.received().len(), 1, "no second attempt");
    }
}

#[test]
fn the_gateway_has_no_way_to_a_database_or_an_object_store() {
    let manifest = include_str!("../../Cargo.toml");
    for forbidden in ["sqlx", "dispatch-store", "postgres", "aws-sdk"] {
        assert!(!manifest.contains(forbidden), "{forbidden}");
    }
}

#[tokio::test]
async fn every_answer_says_how_a_browser_must_treat_it() {
    let world = World::start(Answer::Json(200, json!({}))).await;
    for (method, path) in [
        ("GET", "/"),
        ("GET", "/console/app.js"),
        ("GET", "/tools"),
        ("POST", "/mcp"),
        ("GET", "/nowhere"),
        ("GET", "/healthz"),
    ] {
        let answer = world.request(method, path).send().await.unwrap();
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(
            (header("x-content-type-options").as_str(), header("x-frame-options").as_str()),
            ("nosniff", "DENY"),
            "{path}"
        );
        let policy = header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert!(
            !answer.headers().contains_key("access-control-allow-origin"),
            "no other page may read our answers"
        );
    }
}

#[tokio::test]
async fn the_console_asks_for_a_token_before_anything_but_its_own_files() {
    let world = World::start(Answer::Json(200, json!({}))).await;
    for (method, path) in
        [("GET", "/console/session"), ("GET", "/console/alerts"), ("POST", "/console/command")]
    {
        assert_eq!(world.request(method, path).send().await.unwrap().status(), 401, "{path}");
    }
    let who = world.request("GET", "/console/session").bearer_auth(signed("qa")).send().await.unwrap();
    assert_eq!(
        who.json::<Value>().await.unwrap(),
        json!({ "shared": false, "actor_id": "token-actor", "actor_role": "qa" })
    );
    let typed = |line: &str| {
        world
            .request("POST", "/console/command")
            .bearer_auth(signed("qa"))
            .json(&json!({ "line": line, "actor_role": "dispatcher" }))
            .send()
    };
    assert_eq!(typed("ticket.get oops").await.unwrap().status(), 400);
    assert_eq!(typed("exec").await.unwrap().status(), 404);
    let refused: Value =
        typed("dispatcher_cockpit actor_role=dispatcher").await.unwrap().json().await.unwrap();
    assert_eq!(
        refused["result"]["details"]["error"]["code"], "TOOL_ROLE_FORBIDDEN",
        "the line cannot widen the token's role"
    );
    assert!(world.received().is_empty());
}
