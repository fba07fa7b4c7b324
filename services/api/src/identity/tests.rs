use axum::http::{HeaderMap, HeaderName, HeaderValue};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use dispatch_domain::{Role, Tool, ToolName};
use futures::executor::block_on;
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{Actor, Keys, Rejected, RevokedTokens};
use crate::clock;
use crate::config::{AuthConfig, Secret};

const ACCOUNT: &str = "00000000-0000-0000-0000-0000000000a1";
const SECRET: &str = "a secret";

/// Without published keys.
fn resolve(headers: &HeaderMap, tool: &Tool, config: &AuthConfig) -> Result<Actor, Rejected> {
    // Ignored: another test of this process may have installed it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    block_on(super::resolve(headers, tool, config, &Keys::new(config).unwrap(), &RevokedTokens::default()))
}

pub(super) fn config(allow_dev_headers: bool) -> AuthConfig {
    AuthConfig {
        allow_dev_headers,
        jwt_secret: Some(Secret::Value(SECRET.to_owned())),
        jwt_issuer: Some("issuer".to_owned()),
        jwt_audience: Some("dispatch".to_owned()),
        jwks: None,
        jwks_max_age_s: 600,
        jwks_pause_s: 10,
        clock_leeway_s: 0,
        machine_role_aliases: true,
        max_lifetime_s: 0,
    }
}

pub(super) fn claims() -> Value {
    json!({
        "exp": clock::now().unix_timestamp() + 60, "iss": " issuer ", "aud": ["x", "dispatch"],
        "sub": " alice ", "role": "Dispatcher_Admin", "scope": { "account_ids": [ACCOUNT], "site_ids": "*" },
    })
}

pub(super) fn signed(header: &Value, claims: &Value) -> String {
    let text = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header.to_string()),
        URL_SAFE_NO_PAD.encode(claims.to_string())
    );
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

pub(super) fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
        .collect()
}

fn with_token(token: &str) -> Result<Actor, Rejected> {
    let headers = headers(&[("authorization", &format!("bearer  {token}")), ("x-actor-role", "finance")]);
    resolve(&headers, ToolName::TicketCreate.tool(), &config(true))
}

fn with_claims(change: impl FnOnce(&mut Value)) -> Result<Actor, Rejected> {
    let mut claims = claims();
    change(&mut claims);
    with_token(&signed(&json!({ "alg": "HS256" }), &claims))
}

pub(super) fn code(outcome: Result<Actor, Rejected>) -> &'static str {
    outcome.map_or_else(|rejected| rejected.failure.code().as_str(), |_| "accepted")
}

#[test]
fn a_signed_token_names_the_actor_and_headers_are_ignored() {
    let actor = with_claims(|_| ()).unwrap();
    assert_eq!(
        (actor.id.as_str(), actor.role, actor.actor_type.as_str()),
        ("alice", Role::Dispatcher, "AGENT")
    );
    assert!(actor.scope.sites.all && !actor.scope.accounts.all);
}

#[test]
fn structure_and_signature_are_judged_before_claims() {
    let token = signed(&json!({ "alg": "HS256" }), &claims());
    let (text, _) = token.rsplit_once('.').unwrap();
    for bad in [
        "a.b".to_owned(),
        format!("{text}. "),
        format!("{text}.AAAA"),
        format!("!.{text}"),
        signed(&json!({ "alg": "none" }), &claims()),
        signed(&json!({ "alg": "HS512" }), &claims()),
        signed(&json!([]), &claims()),
        signed(&json!({ "alg": "HS256" }), &json!("text")),
    ] {
        assert_eq!(code(with_token(&bad)), "INVALID_AUTH_TOKEN", "{bad}");
    }
    // Padding and the plain alphabet are accepted.
    assert_eq!(code(with_token(&format!("{token}="))), "accepted");
}

#[test]
fn each_claim_has_its_rule() {
    let now = clock::now().unix_timestamp();
    let cases: [(&str, Value); 14] = [
        ("exp", Value::Null),
        ("exp", json!("9999999999")),
        ("exp", json!(true)),
        ("exp", json!(now)),
        ("nbf", json!("1")),
        ("nbf", json!(now + 60)),
        ("iss", json!("other")),
        ("aud", json!(["other"])),
        ("sub", json!("  ")),
        ("sub", json!("a\u{0}")),
        ("role", json!("hobbit")),
        ("role", json!(1)),
        ("actor_type", json!("ROBOT")),
        ("scope", json!([])),
    ];
    for (name, value) in cases {
        let outcome = with_claims(|claims| claims[name] = value.clone());
        assert_eq!(code(outcome), "INVALID_AUTH_CLAIMS", "{name} {value}");
    }
    assert_eq!(code(with_claims(|claims| claims["exp"] = json!(now as f64 + 30.5))), "accepted");
    assert_eq!(code(with_claims(|claims| claims["actorType"] = json!("service"))), "accepted");
}

#[test]
fn a_wrong_role_is_remembered_with_its_dimension_and_comes_before_the_tool() {
    let rejected = with_claims(|claims| claims["role"] = json!("customer")).unwrap_err();
    assert_eq!(rejected.failure.code().as_str(), "FORBIDDEN");
    assert_eq!(rejected.claimed.unwrap().role, Role::Customer);
    let unknown = with_claims(|claims| claims["role"] = json!("hobbit")).unwrap_err();
    assert_eq!(unknown.failure.refusal.policy_error().unwrap()["dimension"], "role");
}

#[test]
fn without_a_secret_any_token_is_our_own_fault() {
    let headers = headers(&[("authorization", "Bearer a.b.c")]);
    let config = AuthConfig { jwt_secret: None, ..config(true) };
    assert_eq!(code(resolve(&headers, ToolName::TicketGet.tool(), &config)), "AUTH_CONFIG_ERROR");
}

#[test]
fn development_headers_count_only_where_allowed_and_in_order() {
    let tool = ToolName::TicketCreate.tool();
    let complete = [("x-actor-id", "bob"), ("x-actor-role", "BOT")];
    assert_eq!(code(resolve(&headers(&complete), tool, &config(false))), "AUTH_REQUIRED");
    let actor = resolve(&headers(&complete), tool, &config(true)).unwrap();
    assert!(
        actor.role == Role::Dispatcher && actor.scope.accounts.all && actor.actor_type.as_str() == "HUMAN"
    );
    let cases: [(&[(&'static str, &str)], &str); 7] = [
        (&[("x-actor-role", "bot")], "MISSING_ACTOR_CONTEXT"),
        (&[("x-actor-id", "bob")], "MISSING_ACTOR_CONTEXT"),
        (&[("x-actor-id", "bob"), ("x-actor-role", "hobbit")], "INVALID_AUTH_CLAIMS"),
        (&[("x-actor-id", "bob"), ("x-actor-role", "bot"), ("x-actor-type", "")], "INVALID_AUTH_CLAIMS"),
        (&[("x-actor-id", "bob"), ("x-actor-role", "qa"), ("x-tool-name", "x")], "FORBIDDEN"),
        (
            &[("x-actor-id", "bob"), ("x-actor-role", "bot"), ("x-tool-name", "ticket.get")],
            "TOOL_NOT_ALLOWED",
        ),
        (&[("x-actor-id", "bob"), ("x-actor-role", "bot"), ("x-site-scope", "*,")], "INVALID_ACTOR_CONTEXT"),
    ];
    for (pairs, expected) in cases {
        assert_eq!(code(resolve(&headers(pairs), tool, &config(true))), expected, "{pairs:?}");
    }
}
