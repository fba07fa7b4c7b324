//! Identity from plain headers, for machines of developers and for tests.

use axum::http::HeaderMap;
use dispatch_domain::scope::ScopeList;
use dispatch_domain::{ActorType, ErrorCode, Refusal, Scope};

use super::{Claimed, header, is_storable, read_role};
use crate::config::AuthConfig;

/// Reads `X-Actor-Id`, `X-Actor-Role` and `X-Actor-Type`.
///
/// # Errors
/// `MISSING_ACTOR_CONTEXT` when a required one is absent, `INVALID_AUTH_CLAIMS` when one is not known.
pub(super) fn claimed(headers: &HeaderMap, config: &AuthConfig) -> Result<Claimed, Refusal> {
    let id = required(headers, "x-actor-id", "X-Actor-Id")?;
    let role = required(headers, "x-actor-role", "X-Actor-Role")?;
    let role = read_role("Header 'X-Actor-Role'", &role, config)?;
    let actor_type = match header(headers, "x-actor-type") {
        None => ActorType::Human,
        Some(text) => ActorType::parse(&text).map_err(|error| {
            Refusal::new(ErrorCode::InvalidAuthClaims, format!("Header 'X-Actor-Type': {error}"))
        })?,
    };
    if !is_storable(&id) {
        return Err(Refusal::new(ErrorCode::InvalidActorContext, "Header 'X-Actor-Id' is too long"));
    }
    Ok(Claimed { id, role, actor_type })
}

/// Reads `X-Account-Scope` and `X-Site-Scope`; absent or blank means everything.
///
/// # Errors
/// `INVALID_ACTOR_CONTEXT` when an entry is neither `*` nor a UUID.
pub(super) fn scope(headers: &HeaderMap) -> Result<Scope, Refusal> {
    let list = |name: &str, shown: &str| {
        ScopeList::from_header(shown, header(headers, name).as_deref())
            .map_err(|error| Refusal::new(ErrorCode::InvalidActorContext, error.to_string()))
    };
    Ok(Scope {
        accounts: list("x-account-scope", "Header 'X-Account-Scope'")?,
        sites: list("x-site-scope", "Header 'X-Site-Scope'")?,
    })
}

fn required(headers: &HeaderMap, name: &str, shown: &str) -> Result<String, Refusal> {
    header(headers, name)
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())
        .ok_or_else(|| Refusal::new(ErrorCode::MissingActorContext, format!("Header '{shown}' is required")))
}
