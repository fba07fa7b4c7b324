//! `POST /ops/tokens/revoke`: a token is no longer believed, from at most two seconds later on everywhere.

use dispatch_domain::ToolName;
use dispatch_store::revoked_tokens;
use serde_json::json;

use super::Endpoint;
use crate::clock;
use crate::command::{Command, Effect};
use crate::failure::Failure;

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint::command(ToolName::TokenRevoke, |command| Box::pin(run(command)));

async fn run(command: &mut Command) -> Result<Effect, Failure> {
    let fields = command.fields();
    let jti = fields.text("jti")?.to_owned();
    let expires_at = fields.instant("expires_at")?;
    let reason = fields.optional_text("reason")?.map(str::to_owned);
    let actor_id = command.actor.id.clone();
    revoked_tokens::insert(command.db(), &jti, expires_at, reason.as_deref(), &actor_id).await?;
    let body = json!({ "jti": jti, "expires_at": clock::text(expires_at), "revoked": true });
    Ok(Effect::answer(200, &body).with("reason", reason))
}
