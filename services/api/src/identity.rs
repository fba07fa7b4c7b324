//! Who is asking: signed claims, or development headers where they are allowed.
//!
//! Checks run in one fixed order and the first failure answers. What is known of the caller by then is kept
//! for the log and for the record of refusals, never for a decision.

mod dev_headers;
mod keys;
mod operator;
mod revoked;
mod secrets;
mod token;

use axum::http::HeaderMap;
use dispatch_domain::role::{self, UnknownRole};
use dispatch_domain::{ActorType, Dimension, ErrorCode, Refusal, Role, Scope, Tool};

use crate::config::AuthConfig;
use crate::failure::Failure;

pub use keys::Keys;
pub use operator::{admit as admit_operator, resolve as resolve_operator};
pub use revoked::RevokedTokens;
pub use secrets::Secrets;

/// Longest actor id that is stored; it is part of a unique index, whose entries are bounded.
const ACTOR_ID_LIMIT: usize = 512;

/// An authenticated caller who may use the endpoint.
#[derive(Debug, Clone)]
pub struct Actor {
    /// Actor id, trimmed.
    pub id: String,
    /// Canonical role.
    pub role: Role,
    /// Kind of actor.
    pub actor_type: ActorType,
    /// Accounts and sites.
    pub scope: Scope,
}

/// Who the caller says to be, once that is known; the signature is verified, the permission is not.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// Actor id.
    pub id: String,
    /// Canonical role.
    pub role: Role,
    /// Kind of actor.
    pub actor_type: ActorType,
}

/// A caller who was turned away.
#[derive(Debug)]
pub struct Rejected {
    /// The answer.
    pub failure: Failure,
    /// Who it was, if that much is known.
    pub claimed: Option<Claimed>,
}

impl<E: Into<Failure>> From<E> for Rejected {
    fn from(error: E) -> Self {
        Self { failure: error.into(), claimed: None }
    }
}

/// Resolves the caller of a protected endpoint.
///
/// # Errors
/// 401, 403, 400 or 500 by the rule that failed first: token or headers, role, tool, scope.
pub async fn resolve(
    headers: &HeaderMap,
    tool: &Tool,
    config: &AuthConfig,
    keys: &Keys,
    revoked: &RevokedTokens,
) -> Result<Actor, Rejected> {
    match header(headers, "authorization").filter(|value| !value.trim().is_empty()) {
        Some(authorization) => {
            let claims = token::verify(bearer(&authorization)?, keys).await?;
            revoked.check(&claims)?;
            let claimed = claimed(&claims, config)?;
            permit(headers, tool, claimed, || token::scope(&claims))
        }
        None if config.allow_dev_headers => {
            let claimed = dev_headers::claimed(headers, config)?;
            permit(headers, tool, claimed, || dev_headers::scope(headers))
        }
        None => Err(Refusal::new(ErrorCode::AuthRequired, "Authorization header is required").into()),
    }
}

/// Who signed claims are about. Where they are refused, whoever they name is still known for the log.
fn claimed(claims: &token::Claims, config: &AuthConfig) -> Result<Claimed, Rejected> {
    let claimed = token::claimed(claims, config);
    match token::check(claims, config) {
        Ok(()) => Ok(claimed?),
        Err(refusal) => Err(Rejected { failure: refusal.into(), claimed: claimed.ok() }),
    }
}

fn bearer(authorization: &str) -> Result<&str, Refusal> {
    authorization
        .trim()
        .split_once(char::is_whitespace)
        .filter(|(scheme, token)| scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty())
        .map(|(_, token)| token.trim())
        .ok_or_else(|| {
            Refusal::new(ErrorCode::InvalidAuthToken, "Authorization header must be 'Bearer <token>'")
        })
}

/// Role, then tool, then scope syntax; the same for both ways in.
fn permit(
    headers: &HeaderMap,
    tool: &Tool,
    claimed: Claimed,
    scope: impl FnOnce() -> Result<Scope, Refusal>,
) -> Result<Actor, Rejected> {
    let permitted =
        check_role(tool, claimed.role).and_then(|()| check_tool(headers, tool)).and_then(|()| scope());
    match permitted {
        Ok(scope) => Ok(Actor { id: claimed.id, role: claimed.role, actor_type: claimed.actor_type, scope }),
        Err(refusal) => Err(Rejected { failure: refusal.into(), claimed: Some(claimed) }),
    }
}

fn check_role(tool: &Tool, role: Role) -> Result<(), Refusal> {
    if tool.roles.contains(&role) { Ok(()) } else { Err(Refusal::role(tool, role)) }
}

fn check_tool(headers: &HeaderMap, tool: &Tool) -> Result<(), Refusal> {
    let name = tool.name.as_str();
    match header(headers, "x-tool-name") {
        Some(sent) if !sent.trim().is_empty() && sent.trim() != name => Err(Refusal::new(
            ErrorCode::ToolNotAllowed,
            format!("Tool '{}' is not allowed on {}", sent.trim(), tool.route),
        )
        .with("endpoint", tool.route)
        .with("tool_name", sent)),
        _ => Ok(()),
    }
}

/// A header's value as text; bytes that are not UTF-8 are read as Latin-1, as HTTP once had it.
pub(crate) fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    let bytes = headers.get(name)?.as_bytes();
    Some(
        std::str::from_utf8(bytes)
            .map_or_else(|_| bytes.iter().copied().map(char::from).collect(), str::to_owned),
    )
}

/// Names that let a program act as a dispatcher count only where that is configured.
fn read_role(source: &str, value: &str, config: &AuthConfig) -> Result<Role, Refusal> {
    let role = if config.machine_role_aliases || !role::is_machine_alias(value) {
        Role::parse(source, value)
    } else {
        Err(UnknownRole { source_name: source.to_owned(), value: value.to_owned() })
    };
    role.map_err(|error| {
        Refusal::new(ErrorCode::InvalidAuthClaims, error.to_string()).with_dimension(Dimension::Role)
    })
}

/// Whether the database could store the id: no NUL, and short enough for an index.
fn is_storable(actor_id: &str) -> bool {
    actor_id.len() <= ACTOR_ID_LIMIT && !actor_id.contains('\0')
}

#[cfg(test)]
mod keys_tests;
#[cfg(test)]
mod tests;
