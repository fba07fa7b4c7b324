//! Settings of the job that assigns technicians (chapter 21, 1.2).

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::EncodingKey;

use super::read::Reader;
use crate::api::{Credentials, Principal, Signer};

/// How scheduled tickets get their technicians.
#[derive(Debug, Clone)]
pub struct AssignmentConfig {
    /// Off: the queue is not read.
    pub enabled: bool,
    /// Base address of dispatch-api.
    pub api_url: String,
    /// Whom the worker acts as, for the start line and for keys.
    pub principal: Principal,
    /// How it proves that.
    pub credentials: Credentials,
    /// Pause between two cycles.
    pub pause: Duration,
    /// Limit of one call.
    pub request_timeout: Duration,
    /// Tickets taken on in one cycle.
    pub batch_limit: u32,
    /// Failures after which a ticket is left alone until it changes.
    pub park_after: u32,
}

/// Reads the settings; `identity` names the worker.
pub(super) fn read(reader: &mut Reader<'_>, identity: &str, request_timeout: Duration) -> AssignmentConfig {
    let api_url = reader.text("DISPATCH_API_URL").unwrap_or_else(|| "http://127.0.0.1:8080".to_owned());
    if !reqwest::Url::parse(&api_url).is_ok_and(|url| matches!(url.scheme(), "http" | "https")) {
        reader.problem("DISPATCH_API_URL must be an http or https URL");
    }
    let or = |name: &str, default: &str| reader.text(name).unwrap_or_else(|| default.to_owned());
    let principal = Principal {
        id: or("DISPATCH_WORKER_ACTOR_ID", &format!("{identity}-system")),
        role: or("DISPATCH_WORKER_ACTOR_ROLE", "dispatcher"),
        kind: or("DISPATCH_WORKER_ACTOR_TYPE", "SERVICE"),
    };
    AssignmentConfig {
        enabled: reader.switch("DISPATCH_WORKER_ENABLED", false),
        credentials: credentials(reader, &principal),
        api_url,
        principal,
        pause: reader.milliseconds("DISPATCH_WORKER_LOOP_MS", 20_000),
        request_timeout,
        batch_limit: reader.number("DISPATCH_WORKER_BATCH_LIMIT", 20),
        park_after: reader.number("DISPATCH_WORKER_PARK_AFTER", 5),
    }
}

/// A token that was given comes before one that is signed here; without either there are only development headers.
fn credentials(reader: &Reader<'_>, principal: &Principal) -> Credentials {
    if let Some(token) = reader.text("DISPATCH_WORKER_TOKEN") {
        return Credentials::Token(token.into());
    }
    if let Some(path) = reader.text("DISPATCH_WORKER_TOKEN_FILE") {
        return Credentials::TokenFile(PathBuf::from(path));
    }
    match reader.text("DISPATCH_AUTH_JWT_SECRET") {
        Some(secret) => Credentials::Signed(Arc::new(Signer {
            principal: principal.clone(),
            key: EncodingKey::from_secret(secret.as_bytes()),
            issuer: reader.text("DISPATCH_AUTH_JWT_ISSUER"),
            audience: reader.text("DISPATCH_AUTH_JWT_AUDIENCE"),
        })),
        None => Credentials::Headers(Arc::new(principal.clone())),
    }
}
