//! Published keys, from a real server: rotation, overlap, an unknown key, an outage.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use dispatch_testbed::{Api, eventually, token};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::limits::API;

// Made for these tests; nothing trusts them.
const RSA: &[u8] = include_bytes!("../../src/identity/fixtures/rsa.der");
const EC: &[u8] = include_bytes!("../../src/identity/fixtures/ec.der");
const ED: &[u8] = include_bytes!("../../src/identity/fixtures/ed.der");

fn private(algorithm: Algorithm) -> EncodingKey {
    match algorithm {
        Algorithm::RS256 => EncodingKey::from_rsa_der(RSA),
        Algorithm::ES256 => EncodingKey::from_ec_der(EC),
        _ => EncodingKey::from_ed_der(ED),
    }
}

fn published(kid: &str, algorithm: Algorithm) -> Value {
    let mut key = json!(Jwk::from_encoding_key(&private(algorithm), algorithm).unwrap());
    key["kid"] = kid.into();
    key
}

#[derive(Clone, Default)]
struct Publisher {
    keys: Arc<Mutex<Vec<Value>>>,
    is_away: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
}

async fn publish(State(publisher): State<Publisher>) -> Response {
    publisher.asked.fetch_add(1, Ordering::Relaxed);
    if publisher.is_away.load(Ordering::Relaxed) {
        return StatusCode::BAD_GATEWAY.into_response();
    }
    json!({ "keys": *publisher.keys.lock().unwrap() }).to_string().into_response()
}

impl Publisher {
    async fn start(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
        let router = Router::new().fallback(publish).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }

    fn show(&self, keys: &[Value]) {
        *self.keys.lock().unwrap() = keys.to_vec();
    }
}

async fn raise(publisher: &Publisher, pause: &str) -> Api {
    let url = publisher.start().await;
    let settings = [
        ("DISPATCH_AUTH_JWKS_URL", url.as_str()),
        ("DISPATCH_AUTH_JWKS_PAUSE_SECONDS", pause),
        ("DISPATCH_AUTH_JWKS_MAX_AGE_SECONDS", "1"),
        ("DISPATCH_AUTH_JWT_ISSUER", "https://issuer.example"),
        ("DISPATCH_AUTH_JWT_AUDIENCE", "dispatch"),
        ("DISPATCH_AUTH_CLOCK_LEEWAY_SECONDS", "30"),
    ];
    Api::raise(API, &settings).await
}

async fn code(api: &Api, kid: &str, algorithm: Algorithm, change: impl FnOnce(&mut Value)) -> String {
    let mut claims = json!({
        "sub": "a", "role": "dispatcher", "exp": token::now() + 600, "iss": "https://issuer.example",
        "aud": ["other", "dispatch"], "scope": { "account_ids": ["*"], "site_ids": ["*"] },
    });
    change(&mut claims);
    let header = Header { kid: Some(kid.to_owned()), ..Header::new(algorithm) };
    let token = jsonwebtoken::encode(&header, &claims, &private(algorithm)).unwrap();
    let answer = api.get_with("/tickets", &[("authorization", &format!("Bearer {token}"))]).await;
    if answer.status == 200 { "accepted".to_owned() } else { answer.code().to_owned() }
}

#[tokio::test]
async fn each_kind_of_key_is_good_for_the_right_issuer_audience_and_time() {
    let publisher = Publisher::default();
    let kinds = [("r", Algorithm::RS256), ("e", Algorithm::ES256), ("d", Algorithm::EdDSA)];
    publisher.show(&kinds.map(|(kid, algorithm)| published(kid, algorithm)));
    let api = raise(&publisher, "10").await;
    for (kid, algorithm) in kinds {
        assert_eq!(code(&api, kid, algorithm, |_| ()).await, "accepted", "{algorithm:?}");
        for (name, value) in [
            ("iss", json!("https://other.example")),
            ("aud", json!("other")),
            ("exp", json!(token::now() - 60)),
            ("nbf", json!(token::now() + 60)),
        ] {
            let outcome = code(&api, kid, algorithm, |claims| claims[name] = value).await;
            assert_eq!(outcome, "INVALID_AUTH_CLAIMS", "{algorithm:?} {name}");
        }
        let skewed = code(&api, kid, algorithm, |claims| claims["exp"] = json!(token::now() - 10)).await;
        assert_eq!(skewed, "accepted", "within the leeway");
    }
}

#[tokio::test]
async fn keys_are_rotated_with_an_overlap_and_an_outage_keeps_the_old_ones() {
    let publisher = Publisher::default();
    publisher.show(&[published("old", Algorithm::ES256)]);
    let api = raise(&publisher, "0").await;
    assert_eq!(code(&api, "old", Algorithm::ES256, |_| ()).await, "accepted");
    assert_eq!(code(&api, "new", Algorithm::EdDSA, |_| ()).await, "INVALID_AUTH_TOKEN");
    publisher.show(&[published("old", Algorithm::ES256), published("new", Algorithm::EdDSA)]);
    assert_eq!(code(&api, "new", Algorithm::EdDSA, |_| ()).await, "accepted", "an unknown key is looked up");
    assert_eq!(code(&api, "old", Algorithm::ES256, |_| ()).await, "accepted");
    publisher.show(&[published("new", Algorithm::EdDSA)]);
    eventually(async || {
        let outcome = code(&api, "old", Algorithm::ES256, |_| ()).await;
        if outcome == "INVALID_AUTH_TOKEN" { Ok(()) } else { Err("the old key stays good".to_owned()) }
    })
    .await;
    publisher.is_away.store(true, Ordering::Relaxed);
    let before = publisher.asked.load(Ordering::Relaxed);
    eventually(async || {
        let asked = publisher.asked.load(Ordering::Relaxed);
        if asked > before + 1 { Ok(()) } else { Err(format!("asked {asked} times")) }
    })
    .await;
    assert_eq!(code(&api, "new", Algorithm::EdDSA, |_| ()).await, "accepted");
    assert!(api.log().iter().any(|line| line["message"] == "the key set could not be read"));
}

#[tokio::test]
async fn forged_tokens_do_not_make_the_service_hammer_the_publisher() {
    let publisher = Publisher::default();
    publisher.show(&[published("one", Algorithm::ES256)]);
    let api = raise(&publisher, "600").await;
    for n in 0..30 {
        assert_eq!(code(&api, &format!("k{n}"), Algorithm::ES256, |_| ()).await, "INVALID_AUTH_TOKEN");
    }
    assert_eq!(publisher.asked.load(Ordering::Relaxed), 1, "only at the start");
}
