//! Section D: who may.

use dispatch_testbed::{ACCOUNT, Answer, SITE, token};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::desk::{Desk, arrival, bypass, path_of, ticket, triage};

const COCKPIT: &str = "/ux/dispatcher/cockpit";

#[tokio::test]
async fn the_tool_header_may_be_absent_and_must_not_be_wrong() {
    let desk = Desk::open().await;
    let refused = desk.tooled("schedule.confirm", "/tickets", &ticket(), Uuid::new_v4()).await;
    refused.expect(403, "TOOL_NOT_ALLOWED");
    assert_eq!(desk.tickets().await, 0);
    assert_eq!(desk.post("dispatcher", "/tickets", &ticket()).await.status, 201);
}

#[tokio::test]
async fn a_customer_does_not_triage() {
    let desk = Desk::open().await;
    let path = desk.create().await;
    let body = triage("URGENT", "DOOR_WONT_LATCH", "TRIAGED");
    desk.post("customer", &format!("{path}/triage"), &body).await.expect(403, "FORBIDDEN");
    assert_eq!((desk.state(&path).await.as_str(), desk.audits().await), ("NEW", 1));
}

#[tokio::test]
async fn a_new_ticket_is_not_dispatched_even_in_an_emergency() {
    let desk = Desk::open().await;
    let path = desk.create().await;
    let refused = desk.post("dispatcher", &format!("{path}/assignment/dispatch"), &bypass()).await;
    refused.expect(409, "INVALID_STATE_TRANSITION");
    let error = &refused.body["error"];
    assert_eq!((&error["from_state"], &error["to_state"]), (&json!("NEW"), &json!("DISPATCHED")));
}

/// A desk that believes tokens of one issuer for one audience, and nothing else.
async fn production() -> Desk {
    Desk::open_with(&[
        ("DISPATCH_ENV", "production"),
        ("DISPATCH_AUTH_JWT_ISSUER", "https://issuer.example"),
        ("DISPATCH_AUTH_JWT_AUDIENCE", "dispatch-api"),
    ])
    .await
}

fn claims(role: &str) -> Value {
    json!({
        "sub": "somebody", "role": role, "exp": token::now() + 600, "iss": "https://issuer.example",
        "aud": "dispatch-api", "account_ids": [ACCOUNT], "site_ids": [SITE],
    })
}

async fn post(desk: &Desk, claims: &Value, secret: &str, path: &str, body: &Value) -> Answer {
    let bearer = format!("Bearer {}", token::signed(claims, secret));
    let key = Uuid::new_v4().to_string();
    desk.post_headers(path, body, &[("authorization", bearer.as_str()), ("idempotency-key", &key)]).await
}

async fn get(desk: &Desk, claims: &Value, path: &str) -> Answer {
    let bearer = format!("Bearer {}", token::signed(claims, token::SECRET));
    desk.get_with(path, &[("authorization", bearer.as_str())]).await
}

#[tokio::test]
async fn production_believes_tokens_and_no_headers() {
    let desk = production().await;
    desk.post("dispatcher", "/tickets", &ticket()).await.expect(401, "AUTH_REQUIRED");
    assert_eq!(desk.tickets().await, 0);
    let created = post(&desk, &claims("dispatcher"), token::SECRET, "/tickets", &ticket()).await;
    assert_eq!(created.status, 201, "{}", created.text);
    assert_eq!(get(&desk, &claims("dispatcher"), &path_of(&created)).await.status, 200);
}

#[tokio::test]
async fn a_forged_token_and_an_expired_one_are_told_apart() {
    let desk = production().await;
    let forged = post(&desk, &claims("dispatcher"), "somebody else's secret", "/tickets", &ticket()).await;
    forged.expect(401, "INVALID_AUTH_TOKEN");
    let mut expired = claims("dispatcher");
    expired["exp"] = json!(token::now() - 1);
    post(&desk, &expired, token::SECRET, "/tickets", &ticket()).await.expect(401, "INVALID_AUTH_CLAIMS");
}

#[tokio::test]
async fn a_token_reaches_as_far_as_its_scope_and_its_role() {
    let desk = production().await;
    let path = path_of(&post(&desk, &claims("dispatcher"), token::SECRET, "/tickets", &ticket()).await);
    let body = triage("URGENT", "DOOR_WONT_LATCH", "TRIAGED");
    let command = format!("{path}/triage");
    for member in ["account_ids", "site_ids"] {
        let mut elsewhere = claims("dispatcher");
        elsewhere[member] = json!([Uuid::new_v4()]);
        post(&desk, &elsewhere, token::SECRET, &command, &body).await.expect(403, "FORBIDDEN_SCOPE");
        get(&desk, &elsewhere, &path).await.expect(403, "FORBIDDEN_SCOPE");
    }
    post(&desk, &claims("customer"), token::SECRET, &command, &body).await.expect(403, "FORBIDDEN");
    assert_eq!(get(&desk, &claims("dispatcher"), &path).await.state(), "NEW");
}

#[tokio::test]
async fn a_role_has_one_name_however_it_is_spelled() {
    let desk = Desk::open().await;
    for role in ["TECH", "technician"] {
        let path = desk.reach("DISPATCHED").await;
        let key = Uuid::new_v4().to_string();
        let headers = [("idempotency-key", key.as_str())];
        let answer = desk.post_token(role, &format!("{path}/tech/check-in"), &arrival(), &headers).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let timeline = desk.get(&format!("{path}/timeline")).await;
        let last = timeline.body["events"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(
            (&last["tool_name"], &last["actor_role"]),
            (&json!("tech.check_in"), &json!("technician"))
        );
    }
}

#[tokio::test]
async fn the_cockpit_is_the_dispatchers() {
    let desk = Desk::open().await;
    let hobbit = format!("Bearer {}", token::for_role("hobbit"));
    let refused = desk.get_with(COCKPIT, &[("authorization", hobbit.as_str())]).await;
    refused.expect(401, "INVALID_AUTH_CLAIMS");
    assert_eq!(refused.body["error"]["policy_error"]["dimension"], "role");
    let refused = desk.get_as("technician", COCKPIT).await;
    refused.expect(403, "FORBIDDEN");
    assert_eq!(refused.body["error"]["policy_error"]["dimension"], "role");
    let headers = [("x-actor-id", "d"), ("x-actor-role", "dispatcher"), ("x-tool-name", "ticket.timeline")];
    let refused = desk.get_with(COCKPIT, &headers).await;
    refused.expect(403, "TOOL_NOT_ALLOWED");
    assert_eq!(refused.body["error"]["policy_error"]["dimension"], "tool");
}

#[tokio::test]
async fn a_request_that_cannot_be_right_is_never_an_internal_error() {
    let desk = Desk::open().await;
    let nothing = json!({ "account_id": ACCOUNT, "site_id": SITE });
    desk.post("dispatcher", "/tickets", &nothing).await.expect(400, "INVALID_REQUEST");
    let path = desk.reach("DISPATCHED").await;
    let refused = desk.post("dispatcher", &format!("{path}/assignment/dispatch"), &bypass()).await;
    refused.expect(409, "INVALID_STATE_TRANSITION");
    let error = &refused.body["error"];
    assert_eq!(error["policy_error"]["dimension"], "state");
    assert_eq!(
        (&error["from_state"], &error["allowed_from_states"], &error["to_state"]),
        (&json!("DISPATCHED"), &json!(["TRIAGED", "SCHEDULED"]), &json!("DISPATCHED"))
    );
}
