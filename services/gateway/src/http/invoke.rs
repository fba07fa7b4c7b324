//! `POST /tools/invoke`: one tool call without a model in between.

use super::{Gateway, refusals};
use crate::envelope::Surroundings;
use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::sync::Arc;

/// Largest request body.
pub(super) const MAX_BODY_BYTES: usize = 2 * 1024 * 1024;

/// Agents a request may name; all of them act as the dispatcher's agent.
const AGENTS: &[&str] = &["main", "dispatcher"];

/// Order of the checks: token, size, JSON, name, agent, tool. What fails inside a tool is a result, not an HTTP error.
pub(super) async fn invoke(State(gateway): State<Arc<Gateway>>, headers: HeaderMap, body: Body) -> Response {
    let Some(caller) = gateway.caller(&headers) else { return refusals::unauthorized() };
    let Ok(body) = to_bytes(body, MAX_BODY_BYTES).await else {
        return refusals::unreadable(
            StatusCode::PAYLOAD_TOO_LARGE,
            "Request body exceeds 2 MB or was cut off",
        );
    };
    let request: Value = match serde_json::from_slice(&body) {
        Ok(request) => request,
        Err(error) => {
            return refusals::unreadable(StatusCode::BAD_REQUEST, &format!("Invalid JSON: {error}"));
        }
    };
    let text =
        |name: &str| request.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
    let Some(name) = text("tool").or_else(|| text("name")) else {
        return refusals::invalid("tools.invoke requires name");
    };
    if let Some(agent) = text("agentId").filter(|agent| !AGENTS.contains(agent)) {
        return refusals::invalid(&format!("Unknown agent id \"{agent}\""));
    }
    let around = Surroundings {
        idempotency_key: text("idempotencyKey").map(str::to_owned),
        session_key: text("sessionKey").map(str::to_owned),
        ..Surroundings::from_headers(&headers)
    };
    let args = request.get("args").unwrap_or(&Value::Null);
    match gateway.toolbox.call(name, args, &caller, &around).await {
        Ok(result) => Json(json!({ "ok": true, "result": result })).into_response(),
        Err(missing) => refusals::no_such_tool(&missing),
    }
}
