//! Identity from a compact JWS: HS256 with the shared secret, or RS256, ES256 and EdDSA with a published key.
//!
//! Taken apart by hand: the contract fixes the order of some twenty checks and the code of each, which a general
//! JWT library does not let one choose. The library verifies the signatures of published keys.

use base64::Engine;
use base64::engine::general_purpose::GeneralPurpose;
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};
use dispatch_domain::{ActorType, ErrorCode, Refusal, Scope};
use hmac::{Hmac, Mac};
use jsonwebtoken::Algorithm;
use serde_json::{Map, Value};
use sha2::Sha256;

use super::{Claimed, Keys, is_storable, read_role};
use crate::clock;
use crate::config::AuthConfig;

/// The members of a token's payload.
pub(super) type Claims = Map<String, Value>;

/// Padding is optional and stray bits in the last digit are ignored.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Checks structure and signature.
///
/// # Errors
/// `AUTH_CONFIG_ERROR` without a secret, else `INVALID_AUTH_TOKEN`.
pub(super) async fn verify(token: &str, keys: &Keys) -> Result<Claims, Refusal> {
    if !keys.secrets.are_configured() && !keys.are_configured() {
        return Err(Refusal::new(ErrorCode::AuthConfigError, "Token verification is not configured"));
    }
    let parts: Vec<&str> = token.split('.').collect();
    let [header, payload, signature] = parts[..] else {
        return Err(malformed("must have three parts"));
    };
    let header_members = object(header).ok_or_else(|| malformed("header is not a JSON object"))?;
    let claims = object(payload).ok_or_else(|| malformed("payload is not a JSON object"))?;
    if signature.trim().is_empty() {
        return Err(malformed("signature is missing"));
    }
    let signed = Signed { message: &token.as_bytes()[..header.len() + 1 + payload.len()], signature };
    let named = header_members.get("alg").and_then(Value::as_str).unwrap_or_default();
    match (named, keys.secrets.are_configured(), keys.are_configured()) {
        ("HS256", true, _) => signed.check_secrets(&keys.secrets.current())?,
        ("RS256", _, true) => signed.check_key(&header_members, Algorithm::RS256, keys).await?,
        ("ES256", _, true) => signed.check_key(&header_members, Algorithm::ES256, keys).await?,
        ("EdDSA", _, true) => signed.check_key(&header_members, Algorithm::EdDSA, keys).await?,
        _ => return Err(malformed("algorithm is not one that is configured")),
    }
    Ok(claims)
}

/// Checks lifetime, issuer and audience of claims whose signature is good.
///
/// # Errors
/// `INVALID_AUTH_CLAIMS`.
pub(super) fn check(claims: &Claims, config: &AuthConfig) -> Result<(), Refusal> {
    check_times(claims, config)?;
    check_issuer_and_audience(claims, config)
}

/// What was signed, and the signature as sent.
struct Signed<'a> {
    message: &'a [u8],
    signature: &'a str,
}

impl Signed<'_> {
    fn check_secrets(&self, secrets: &[String]) -> Result<(), Refusal> {
        let signature = decode(self.signature).ok_or_else(mismatch)?;
        let signs = |secret: &String| {
            let mut mac =
                Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
            mac.update(self.message);
            mac.verify_slice(&signature).is_ok()
        };
        if secrets.iter().any(signs) { Ok(()) } else { Err(mismatch()) }
    }

    /// The algorithm is the key's own: a key of another kind is not among the candidates.
    async fn check_key(&self, header: &Claims, algorithm: Algorithm, keys: &Keys) -> Result<(), Refusal> {
        if header.contains_key("crit") {
            return Err(malformed("asks for extensions that are not known"));
        }
        let candidates = keys.candidates(algorithm, text(header, "kid")).await;
        if candidates.is_empty() && !keys.are_loaded() {
            return Err(Refusal::new(ErrorCode::AuthConfigError, "Token keys could not be read"));
        }
        let signature = self.signature.trim();
        let verifies =
            |key| jsonwebtoken::crypto::verify(signature, self.message, key, algorithm).unwrap_or(false);
        if candidates.iter().any(verifies) { Ok(()) } else { Err(mismatch()) }
    }
}

fn mismatch() -> Refusal {
    malformed("signature does not match")
}

/// Reads who the claims are about.
///
/// # Errors
/// `INVALID_AUTH_CLAIMS` for `sub`, `role` or `actor_type`.
pub(super) fn claimed(claims: &Claims, config: &AuthConfig) -> Result<Claimed, Refusal> {
    let id = text(claims, "sub").ok_or_else(|| invalid("Claim 'sub' is required"))?;
    let role = text(claims, "role").ok_or_else(|| {
        invalid("Claim 'role' is required").with_dimension(dispatch_domain::Dimension::Role)
    })?;
    let role = read_role("Claim 'role'", role, config)?;
    let actor_type = match present(claims, "actor_type").or_else(|| present(claims, "actorType")) {
        None => ActorType::Agent,
        Some(value) => value
            .as_str()
            .and_then(|text| ActorType::parse(text).ok())
            .ok_or_else(|| invalid("Claim 'actor_type' is not a known actor type"))?,
    };
    if !is_storable(id) {
        return Err(invalid("Claim 'sub' is too long or holds a NUL character"));
    }
    Ok(Claimed { id: id.to_owned(), role, actor_type })
}

/// Reads the scope claims.
///
/// # Errors
/// `INVALID_AUTH_CLAIMS` when a claim has the wrong shape.
pub(super) fn scope(claims: &Claims) -> Result<Scope, Refusal> {
    Scope::from_claims(claims).map_err(|error| invalid(error.to_string()))
}

/// Both ends of the lifetime may be off by the leeway, for clocks that differ.
fn check_times(claims: &Claims, config: &AuthConfig) -> Result<(), Refusal> {
    let leeway = f64::from(config.clock_leeway_s);
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 fit a double exactly")]
    let now = clock::now().unix_timestamp() as f64;
    let exp = present(claims, "exp").ok_or_else(|| invalid("Claim 'exp' is required"))?;
    let exp = exp.as_f64().ok_or_else(|| invalid("Claim 'exp' must be a number"))?.floor();
    let nbf = present(claims, "nbf")
        .map(|value| value.as_f64().ok_or_else(|| invalid("Claim 'nbf' must be a number")))
        .transpose()?;
    if exp + leeway <= now {
        return Err(invalid("Token has expired"));
    }
    if nbf.is_some_and(|nbf| nbf.floor() > now + leeway) {
        return Err(invalid("Token is not valid yet"));
    }
    let longest = f64::from(config.max_lifetime_s);
    if longest > 0.0 && exp - now > longest + leeway {
        return Err(invalid("Token is good for longer than is allowed"));
    }
    Ok(())
}

fn check_issuer_and_audience(claims: &Claims, config: &AuthConfig) -> Result<(), Refusal> {
    let is = |value: &Value, expected: &str| value.as_str().is_some_and(|text| text.trim() == expected);
    if let Some(issuer) = &config.jwt_issuer
        && !claims.get("iss").is_some_and(|value| is(value, issuer))
    {
        return Err(invalid("Claim 'iss' does not match"));
    }
    if let Some(audience) = &config.jwt_audience {
        let matches = match claims.get("aud") {
            Some(Value::Array(items)) => items.iter().any(|item| is(item, audience)),
            Some(value) => is(value, audience),
            None => false,
        };
        if !matches {
            return Err(invalid("Claim 'aud' does not match"));
        }
    }
    Ok(())
}

fn decode(part: &str) -> Option<Vec<u8>> {
    LENIENT.decode(part.trim().replace('-', "+").replace('_', "/")).ok()
}

fn object(part: &str) -> Option<Claims> {
    match serde_json::from_slice(&decode(part)?) {
        Ok(Value::Object(members)) => Some(members),
        _ => None,
    }
}

fn present<'a>(claims: &'a Claims, name: &str) -> Option<&'a Value> {
    claims.get(name).filter(|value| !value.is_null())
}

fn text<'a>(claims: &'a Claims, name: &str) -> Option<&'a str> {
    claims.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
}

fn malformed(what: &str) -> Refusal {
    Refusal::new(ErrorCode::InvalidAuthToken, format!("Token {what}"))
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(ErrorCode::InvalidAuthClaims, message)
}
