//! Who the worker is to the API: a token it was given, one it signs itself, or development headers.

use std::path::PathBuf;
use std::sync::Arc;

use jsonwebtoken::{EncodingKey, Header};
use reqwest::RequestBuilder;
use serde_json::json;
use time::OffsetDateTime;

/// How long a token signed here is good for; one is signed for every call.
const VALID_SECONDS: i64 = 300;

/// Whom the worker acts as.
#[derive(Debug, Clone)]
pub struct Principal {
    /// `sub`, or `x-actor-id`.
    pub id: String,
    /// `role`, or `x-actor-role`.
    pub role: String,
    /// `actor_type`, or `x-actor-type`.
    pub kind: String,
}

/// How a call says who gives it.
#[derive(Clone)]
pub enum Credentials {
    /// A token as it was configured.
    Token(Arc<str>),
    /// A file with a token, read for every call so that it may be rotated.
    TokenFile(PathBuf),
    /// Tokens signed with the secret that the API checks.
    Signed(Arc<Signer>),
    /// Development headers; the API refuses them unless they are switched on there.
    Headers(Arc<Principal>),
}

/// Signs tokens for a principal.
pub struct Signer {
    /// Whom they are for.
    pub principal: Principal,
    /// HS256 key.
    pub key: EncodingKey,
    /// `iss`, where the API asks for one.
    pub issuer: Option<String>,
    /// `aud`, where the API asks for one.
    pub audience: Option<String>,
}

/// A token could not be had.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// The file cannot be read, or says nothing.
    #[error("the token file {path} cannot be used: {reason}")]
    File {
        /// Its path.
        path: String,
        /// Why.
        reason: String,
    },
    /// The token cannot be signed.
    #[error("no token can be signed: {0}")]
    Signing(#[from] jsonwebtoken::errors::Error),
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.kind())
    }
}

impl Credentials {
    /// What kind it is, for the start line.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Token(_) => "token",
            Self::TokenFile(_) => "token-file",
            Self::Signed(_) => "signed",
            Self::Headers(_) => "development-headers",
        }
    }

    /// Adds to `request` who gives it.
    ///
    /// # Errors
    /// A token file that cannot be read, or a token that cannot be signed.
    pub fn sign(&self, request: RequestBuilder) -> Result<RequestBuilder, CredentialError> {
        Ok(match self {
            Self::Token(token) => request.bearer_auth(token),
            Self::TokenFile(path) => {
                let refused =
                    |reason: String| CredentialError::File { path: path.display().to_string(), reason };
                let text = std::fs::read_to_string(path).map_err(|error| refused(error.to_string()))?;
                let token = text.trim();
                if token.is_empty() {
                    return Err(refused("it is empty".to_owned()));
                }
                request.bearer_auth(token)
            }
            Self::Signed(signer) => request.bearer_auth(signer.token(OffsetDateTime::now_utc())?),
            Self::Headers(principal) => request
                .header("x-actor-id", &principal.id)
                .header("x-actor-role", &principal.role)
                .header("x-actor-type", &principal.kind),
        })
    }
}

impl Signer {
    fn token(&self, now: OffsetDateTime) -> Result<String, jsonwebtoken::errors::Error> {
        let now = now.unix_timestamp();
        let mut claims = json!({
            "sub": self.principal.id,
            "role": self.principal.role,
            "actor_type": self.principal.kind,
            "iat": now,
            "exp": now + VALID_SECONDS,
            "scope": { "account_ids": ["*"], "site_ids": ["*"] },
        });
        for (name, value) in [("iss", &self.issuer), ("aud", &self.audience)] {
            if let Some(value) = value {
                claims[name] = json!(value);
            }
        }
        jsonwebtoken::encode(&Header::default(), &claims, &self.key)
    }
}
