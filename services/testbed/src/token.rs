//! Signed tokens.

use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

/// The secret of the tokens of [`for_role`].
pub const SECRET: &str = "a secret of these tests, and of nobody else";

/// A token of a role with full scope that is good for an hour.
#[must_use]
pub fn for_role(role: &str) -> String {
    let scope = json!({ "account_ids": ["*"], "site_ids": ["*"] });
    signed(&json!({ "sub": format!("{role}-1"), "role": role, "exp": now() + 3600, "scope": scope }), SECRET)
}

/// Any claims, signed with any secret.
#[must_use]
pub fn signed(claims: &Value, secret: &str) -> String {
    let key = EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &key).unwrap()
}

/// Now, in seconds since 1970.
#[must_use]
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}
