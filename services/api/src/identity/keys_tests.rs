use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use uuid::Uuid;

use super::RevokedTokens;
use super::keys::Keys;
use super::tests::{claims, code, config, headers, signed};
use super::{Actor, Rejected, resolve};
use crate::clock;
use crate::config::{AuthConfig, JwksSource};
use dispatch_domain::ToolName;

// Made for these tests; nothing trusts them.
const RSA: &[u8] = include_bytes!("fixtures/rsa.der");
const EC: &[u8] = include_bytes!("fixtures/ec.der");
const ED: &[u8] = include_bytes!("fixtures/ed.der");

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

fn token(header: &Value, claims: &Value, algorithm: Algorithm) -> String {
    let text = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header.to_string()),
        URL_SAFE_NO_PAD.encode(claims.to_string())
    );
    let signature = jsonwebtoken::crypto::sign(text.as_bytes(), &private(algorithm), algorithm).unwrap();
    format!("{text}.{signature}")
}

struct Published {
    path: std::path::PathBuf,
    keys: Keys,
    /// The same without a shared secret.
    bare: Keys,
}

impl Published {
    fn new(documents: &[Value]) -> Self {
        // Ignored: another test of this process may have installed it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let path = std::env::temp_dir().join(format!("keys-{}.json", Uuid::new_v4()));
        std::fs::write(&path, json!({ "keys": documents }).to_string()).unwrap();
        let with = |secret| AuthConfig {
            jwt_secret: secret,
            jwks: Some(JwksSource::File(path.clone())),
            ..config(false)
        };
        let keys = Keys::new(&with(config(false).jwt_secret)).unwrap();
        let bare = Keys::new(&with(None)).unwrap();
        Self { path, keys, bare }
    }

    fn judge(&self, config: &AuthConfig, token: &str) -> Result<Actor, Rejected> {
        let headers = headers(&[("authorization", &format!("Bearer {token}"))]);
        // Reading a file needs a runtime.
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let keys = if config.jwt_secret.is_some() { &self.keys } else { &self.bare };
        runtime.block_on(resolve(
            &headers,
            ToolName::TicketCreate.tool(),
            config,
            keys,
            &RevokedTokens::default(),
        ))
    }
}

impl Drop for Published {
    fn drop(&mut self) {
        // Ignored: a file left behind in the temporary folder does no harm.
        let _ = std::fs::remove_file(&self.path);
    }
}

const ALL: [(Algorithm, &str); 3] =
    [(Algorithm::RS256, "RS256"), (Algorithm::ES256, "ES256"), (Algorithm::EdDSA, "EdDSA")];

#[test]
fn each_kind_of_signature_is_verified_with_the_key_that_the_token_names() {
    let published = Published::new(&ALL.map(|(algorithm, name)| published(name, algorithm)));
    for (algorithm, name) in ALL {
        for header in [json!({ "alg": name, "kid": name }), json!({ "alg": name })] {
            let good = token(&header, &claims(), algorithm);
            assert_eq!(code(published.judge(&config(false), &good)), "accepted", "{header}");
            // Another payload under the same signature.
            let (head, rest) = good.split_once('.').unwrap();
            let (_, signature) = rest.split_once('.').unwrap();
            let mut forged = claims();
            forged["sub"] = "mallory".into();
            let forged = format!("{head}.{}.{signature}", URL_SAFE_NO_PAD.encode(forged.to_string()));
            assert_eq!(code(published.judge(&config(false), &forged)), "INVALID_AUTH_TOKEN");
        }
        let unknown = token(&json!({ "alg": name, "kid": "other" }), &claims(), algorithm);
        assert_eq!(code(published.judge(&config(false), &unknown)), "INVALID_AUTH_TOKEN");
    }
}

#[test]
fn an_algorithm_other_than_the_keys_own_is_refused() {
    let published = Published::new(&[published("one", Algorithm::RS256)]);
    let ec = token(&json!({ "alg": "ES256", "kid": "one" }), &claims(), Algorithm::ES256);
    assert_eq!(code(published.judge(&config(false), &ec)), "INVALID_AUTH_TOKEN");
    for name in ["none", "HS384", "RS512", "PS256", "rs256"] {
        let wrong = token(&json!({ "alg": name, "kid": "one" }), &claims(), Algorithm::RS256);
        assert_eq!(code(published.judge(&config(false), &wrong)), "INVALID_AUTH_TOKEN", "{name}");
    }
    // The public key as a shared secret: there is no secret, so there is no such token.
    let without = AuthConfig { jwt_secret: None, ..config(false) };
    let shared = signed(&json!({ "alg": "HS256", "kid": "one" }), &claims());
    assert_eq!(code(published.judge(&without, &shared)), "INVALID_AUTH_TOKEN");
    assert_eq!(
        code(published.judge(&config(false), &shared)),
        "accepted",
        "the secret still works beside keys"
    );
    let critical =
        token(&json!({ "alg": "RS256", "kid": "one", "crit": ["x"] }), &claims(), Algorithm::RS256);
    assert_eq!(code(published.judge(&config(false), &critical)), "INVALID_AUTH_TOKEN");
}

#[test]
fn keys_that_are_not_for_signatures_or_are_symmetric_are_passed_over() {
    let mut encryption = published("one", Algorithm::ES256);
    encryption["use"] = "enc".into();
    let symmetric =
        json!({ "kty": "oct", "k": URL_SAFE_NO_PAD.encode("a secret"), "kid": "two", "alg": "HS256" });
    let published = Published::new(&[encryption, symmetric, json!({ "kty": "new" })]);
    let es = token(&json!({ "alg": "ES256", "kid": "one" }), &claims(), Algorithm::ES256);
    let without = AuthConfig { jwt_secret: None, ..config(false) };
    assert_eq!(code(published.judge(&without, &es)), "AUTH_CONFIG_ERROR", "no usable key was ever read");
}

#[test]
fn an_unknown_key_does_not_make_the_set_be_read_at_every_request() {
    let published_one = Published::new(&[published("one", Algorithm::ES256)]);
    let first = token(&json!({ "alg": "ES256", "kid": "one" }), &claims(), Algorithm::ES256);
    assert_eq!(code(published_one.judge(&config(false), &first)), "accepted");
    let both = [published("one", Algorithm::ES256), published("two", Algorithm::EdDSA)];
    std::fs::write(&published_one.path, json!({ "keys": both }).to_string()).unwrap();
    let second = token(&json!({ "alg": "EdDSA", "kid": "two" }), &claims(), Algorithm::EdDSA);
    assert_eq!(code(published_one.judge(&config(false), &second)), "INVALID_AUTH_TOKEN", "read just now");
    // A service that starts now reads the new set, in which both keys are good.
    let published_both = Published::new(&both);
    assert_eq!(code(published_both.judge(&config(false), &first)), "accepted");
    assert_eq!(code(published_both.judge(&config(false), &second)), "accepted");
}

#[test]
fn the_clocks_may_differ_by_the_leeway() {
    let published = Published::new(&[published("one", Algorithm::EdDSA)]);
    let mut late = claims();
    late["exp"] = (clock::now().unix_timestamp() - 5).into();
    late["nbf"] = (clock::now().unix_timestamp() + 20).into();
    let late = token(&json!({ "alg": "EdDSA" }), &late, Algorithm::EdDSA);
    assert_eq!(code(published.judge(&config(false), &late)), "INVALID_AUTH_CLAIMS");
    let lenient = AuthConfig { clock_leeway_s: 30, ..config(false) };
    assert_eq!(code(published.judge(&lenient, &late)), "accepted");
}

#[test]
fn programs_that_call_themselves_assistant_are_dispatchers_only_where_that_is_allowed() {
    let published = Published::new(&[published("one", Algorithm::EdDSA)]);
    let mut bot = claims();
    bot["role"] = "Bot".into();
    let bot = token(&json!({ "alg": "EdDSA" }), &bot, Algorithm::EdDSA);
    assert_eq!(code(published.judge(&config(false), &bot)), "accepted");
    let strict = AuthConfig { machine_role_aliases: false, ..config(false) };
    assert_eq!(code(published.judge(&strict, &bot)), "INVALID_AUTH_CLAIMS");
}

#[test]
fn a_token_that_is_good_for_too_long_is_refused_where_lifetimes_are_limited() {
    let published = Published::new(&[published("one", Algorithm::EdDSA)]);
    let token = token(&json!({ "alg": "EdDSA" }), &claims(), Algorithm::EdDSA);
    assert_eq!(code(published.judge(&config(false), &token)), "accepted");
    let short = AuthConfig { max_lifetime_s: 30, ..config(false) };
    let rejected = published.judge(&short, &token).unwrap_err();
    assert_eq!(rejected.failure.code().as_str(), "INVALID_AUTH_CLAIMS");
    assert_eq!(rejected.claimed.unwrap().id, "alice", "the signature is good, so the name is logged");
    let long = AuthConfig { max_lifetime_s: 120, ..config(false) };
    assert_eq!(code(published.judge(&long, &token)), "accepted");
}
