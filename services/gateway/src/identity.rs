//! Who is calling: the holder of the shared token, or a person or agent with a signed token of their own.

use crate::config::{Config, JwtConfig, Secret};
use dispatch_domain::{ActorType, Role};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// An authenticated caller.
#[derive(Clone, Debug)]
pub enum Caller {
    /// Knows the shared token; says in the arguments on whose behalf it calls.
    Shared,
    /// Holds a signed token, which alone says who it is.
    Own(Box<TokenIdentity>),
}

/// Identity of a signed token.
#[derive(Clone, Debug)]
pub struct TokenIdentity {
    /// The token, to be passed on.
    pub token: Secret,
    /// Claim `sub`.
    pub actor_id: String,
    /// Claim `role`.
    pub role: Role,
    /// Claim `actor_type`, else AGENT.
    pub actor_type: ActorType,
}

/// Recognises callers.
pub struct Doorkeeper {
    shared: Option<Secret>,
    tokens: Option<(DecodingKey, Validation)>,
}

impl Doorkeeper {
    /// Prepares the checks once.
    pub fn new(config: &Config) -> Self {
        let tokens = config
            .jwt
            .as_ref()
            .map(|jwt| (DecodingKey::from_secret(jwt.secret.expose().as_bytes()), validation(jwt)));
        Self { shared: config.gateway_token.clone(), tokens }
    }

    /// The caller behind an `Authorization` header, if it is one we know.
    pub fn recognise(&self, authorization: Option<&str>) -> Option<Caller> {
        let (scheme, token) = authorization?.trim().split_once(char::is_whitespace)?;
        if scheme.eq_ignore_ascii_case("bearer") { self.recognise_token(token) } else { None }
    }

    /// The caller behind a bare token.
    pub fn recognise_token(&self, token: &str) -> Option<Caller> {
        let token = token.trim();
        if token.is_empty() {
            return None;
        }
        if self.shared.as_ref().is_some_and(|shared| same(shared.expose(), token)) {
            return Some(Caller::Shared);
        }
        self.verify(token).map(|identity| Caller::Own(Box::new(identity)))
    }

    fn verify(&self, token: &str) -> Option<TokenIdentity> {
        let (key, validation) = self.tokens.as_ref()?;
        let claims = jsonwebtoken::decode::<Map<String, Value>>(token, key, validation).ok()?.claims;
        let text = |name: &str| {
            claims.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
        };
        let actor_type = claims.get("actor_type").or_else(|| claims.get("actorType"));
        Some(TokenIdentity {
            token: Secret::new(token),
            actor_id: text("sub")?.to_owned(),
            role: Role::parse("Claim 'role'", text("role")?).ok()?,
            actor_type: match actor_type.filter(|value| !value.is_null()) {
                None => ActorType::Agent,
                Some(value) => ActorType::parse(value.as_str()?).ok()?,
            },
        })
    }
}

fn validation(jwt: &JwtConfig) -> Validation {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.leeway = 0;
    validation.validate_nbf = true;
    validation.validate_aud = jwt.audience.is_some();
    if let Some(audience) = &jwt.audience {
        validation.set_audience(&[audience]);
    }
    let mut required = vec!["exp", "sub"];
    if let Some(issuer) = &jwt.issuer {
        validation.set_issuer(&[issuer]);
        required.push("iss");
    }
    if jwt.audience.is_some() {
        required.push("aud");
    }
    validation.set_required_spec_claims(&required);
    validation
}

/// Compares digests without an early exit, so that the time tells nothing about the token.
fn same(expected: &str, given: &str) -> bool {
    let (expected, given) = (Sha256::digest(expected.as_bytes()), Sha256::digest(given.as_bytes()));
    let difference =
        expected.iter().zip(given.iter()).fold(0_u8, |difference, (left, right)| difference | (left ^ right));
    std::hint::black_box(difference) == 0
}

#[cfg(test)]
mod tests;
