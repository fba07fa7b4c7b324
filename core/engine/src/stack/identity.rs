//! Bearer tokens of a topology's identities, signed with a lane's secrets.

use drillyard_spec::topology::{Credential, Identity};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::Value;

use super::error::StackError;
use super::wiring::Wiring;

/// How long a token holds; longer than any lane.
const VALID_S: i64 = 12 * 3600;

/// The bearer token of `identity` under the secrets of `wiring`. What the claims mean is the services' business.
///
/// # Errors
/// When it cannot be signed.
pub fn token(name: &str, identity: &Identity, wiring: &Wiring) -> Result<String, StackError> {
    let value = |secret: &str| {
        let found = wiring.variables.get(secret).cloned();
        found.ok_or_else(|| {
            StackError::Unknown(format!(
                "the identity `{name}` needs the secret `{secret}`, which has no value"
            ))
        })
    };
    match &identity.credential {
        Credential::Bearer { secret } => value(secret),
        Credential::Signed { claims, secret } => {
            let mut claims = claims.clone();
            let now = Timestamp::now().as_second();
            claims.entry("iat").or_insert(Value::from(now));
            claims.entry("exp").or_insert(Value::from(now + VALID_S));
            let key = EncodingKey::from_secret(value(secret)?.as_bytes());
            encode(&Header::new(Algorithm::HS256), &claims, &key)
                .map_err(|source| StackError::Token { identity: name.to_owned(), source })
        }
    }
}
