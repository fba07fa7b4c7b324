//! Who may see operational data where a token is asked for.

use axum::http::HeaderMap;
use dispatch_domain::{ErrorCode, Refusal, Role};

use super::{Claimed, Keys, Rejected, Secrets, bearer, claimed, dev_headers, header, token};
use crate::config::AuthConfig;

/// Roles that do as well as the token.
const ROLES: &[Role] = &[Role::Dispatcher, Role::Admin, Role::System];

/// Admits everyone when no token is configured; else whoever shows it, or a signed token of an operator's role.
/// Returns who it is when that is known.
///
/// # Errors
/// 401 without either, 403 for another role.
pub async fn admit(
    headers: &HeaderMap,
    tokens: &Secrets,
    config: &AuthConfig,
    keys: &Keys,
) -> Result<Option<Claimed>, Rejected> {
    if !tokens.are_configured() {
        return Ok(None);
    }
    let authorization = header(headers, "authorization").filter(|value| !value.trim().is_empty());
    let Some(authorization) = authorization else {
        let message = "Operational data needs the operations token or an operator's token";
        return Err(Refusal::new(ErrorCode::AuthRequired, message).into());
    };
    let sent = bearer(&authorization)?;
    if tokens.hold(sent) {
        return Ok(None);
    }
    let caller = claimed(&token::verify(sent, keys).await?, config)?;
    if ROLES.contains(&caller.role) {
        return Ok(Some(caller));
    }
    let refusal =
        Refusal::new(ErrorCode::Forbidden, format!("Role '{}' may not see operational data", caller.role));
    Err(Rejected { failure: refusal.into(), claimed: Some(caller) })
}

/// Resolves the caller of an operation, which has roles but no tool and no scope.
///
/// # Errors
/// 401, 403 or 400 by the rule that failed first.
pub async fn resolve(
    headers: &HeaderMap,
    roles: &[Role],
    config: &AuthConfig,
    keys: &Keys,
) -> Result<Claimed, Rejected> {
    let caller = match header(headers, "authorization").filter(|value| !value.trim().is_empty()) {
        Some(authorization) => claimed(&token::verify(bearer(&authorization)?, keys).await?, config)?,
        None if config.allow_dev_headers => dev_headers::claimed(headers, config)?,
        None => return Err(Refusal::new(ErrorCode::AuthRequired, "Authorization header is required").into()),
    };
    if roles.contains(&caller.role) {
        return Ok(caller);
    }
    let refusal = Refusal::new(ErrorCode::Forbidden, format!("Role '{}' may not do this", caller.role))
        .with("actor_role", caller.role.as_str())
        .with("allowed_roles", roles.iter().map(|role| role.as_str()).collect::<Vec<_>>());
    Err(Rejected { failure: refusal.into(), claimed: Some(caller) })
}
