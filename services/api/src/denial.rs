//! Keeping what an identified caller was refused, although the command's transaction was rolled back.

use std::time::Duration;

use dispatch_domain::{ErrorCode, parse_uuid};
use dispatch_store::denials::{self, Denial};
use serde_json::{Value, json};

use crate::app::App;
use crate::exchange::Trail;
use crate::failure::Failure;
use crate::request_log::life_cycle;

/// How long a refused caller waits for the record; a database that is away must not make refusals slow.
const PATIENCE: Duration = Duration::from_secs(1);

/// Records the refusal when a policy decided it and the caller is known.
///
/// Callers that could not be identified are only counted and logged: anyone could fill a table otherwise.
/// A record that cannot be written is logged; the answer stays as it is.
pub async fn record(app: &App, trail: &Trail, failure: &Failure, body: &Value) {
    let Some(caller) = &trail.caller else { return };
    let Some(policy) = failure.refusal.policy_error() else { return };
    if failure.code() == ErrorCode::AuthConfigError {
        return;
    }
    let denial = Denial {
        code: failure.code().as_str(),
        dimension: policy["dimension"].as_str().unwrap_or_default(),
        actor_type: caller.actor_type.as_str(),
        actor_id: &caller.id,
        actor_role: caller.role.as_str(),
        tool_name: trail.tool.unwrap_or_default(),
        endpoint: trail.endpoint,
        resource_path: &trail.path,
        ticket_id: trail.ticket_id,
        request_id: trail.request_id.as_deref().and_then(parse_uuid),
        correlation_id: &trail.correlation.id,
        trace_id: trail.correlation.trace.trace_id.as_deref(),
        details: &body["error"],
    };
    let reason = match tokio::time::timeout(PATIENCE, denials::record(&app.pool, &denial)).await {
        Ok(Ok(())) => return,
        Ok(Err(error)) => error.to_string(),
        Err(elapsed) => elapsed.to_string(),
    };
    life_cycle(true, json!({ "message": "a refusal could not be recorded", "error": reason }));
}
