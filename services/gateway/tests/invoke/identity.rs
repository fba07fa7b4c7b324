//! On whose behalf a call is sent.

use crate::world::{Answer, TICKET, World, cancel_args, signed, signed_with};
use serde_json::{Value, json};

fn cancel() -> Value {
    json!({ "tool": "ticket_cancel", "args": cancel_args() })
}

fn ok() -> Answer {
    Answer::Json(200, json!({}))
}

#[tokio::test]
async fn a_callers_own_token_is_passed_on_and_alone_says_who_it_is() {
    let world = World::start(ok()).await;
    let own = signed("dispatcher");
    assert_eq!(world.invoke_as(&own, cancel()).await.1["result"]["isError"], false);
    let sent = world.only_request();
    assert_eq!(sent.headers["authorization"], format!("Bearer {own}"));
    assert!(!sent.headers.keys().any(|name| name.starts_with("x-actor")), "{sent:?}");
}

#[tokio::test]
async fn arguments_cannot_widen_a_tokens_role() {
    let world = World::start(ok()).await;
    let (status, body) = world.invoke_as(&signed("technician"), cancel()).await;
    let error = &body["result"]["details"]["error"];
    assert_eq!((status, &error["code"]), (200, &json!("TOOL_ROLE_FORBIDDEN")));
    assert_eq!(
        (&error["actor_role"], &error["policy_error"]["dimension"]),
        (&json!("technician"), &json!("role"))
    );
    assert!(world.received().is_empty());
}

#[tokio::test]
async fn a_token_of_another_secret_is_unauthorized() {
    let world = World::start(ok()).await;
    assert_eq!(world.invoke_as(&signed_with("dispatcher", "another secret"), cancel()).await.0, 401);
    assert!(world.received().is_empty());
}

#[tokio::test]
async fn the_gateways_own_api_token_goes_along_with_the_shared_token() {
    let world = World::start_with(ok(), &[("DISPATCH_GATEWAY_API_TOKEN", "api-token")]).await;
    let result = world
        .call("ticket_cancel", json!({ "actor_id": "d1", "ticket_id": TICKET, "reason": "storm" }))
        .await;
    assert_eq!(result["isError"], false);
    let sent = world.only_request();
    assert_eq!(
        (sent.headers["authorization"].as_str(), sent.headers["x-actor-id"].as_str()),
        ("Bearer api-token", "d1")
    );
}

#[tokio::test]
async fn with_the_shared_token_the_arguments_must_name_an_actor_and_a_role() {
    let world = World::start(ok()).await;
    for (field, code) in [("actor_id", "INVALID_REQUEST"), ("actor_role", "INVALID_AUTH_CLAIMS")] {
        let mut args = cancel_args();
        args.as_object_mut().unwrap().remove(field);
        let result = world.call("ticket_cancel", args).await;
        assert_eq!((&result["isError"], &result["details"]["error"]["code"]), (&json!(true), &json!(code)));
    }
    assert!(world.received().is_empty());
}
