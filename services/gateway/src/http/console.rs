//! What the console page asks for beside the tools: who am I, a typed line, the alerts.

use super::{Gateway, invoke::MAX_BODY_BYTES, refusals};
use crate::api_client::ApiClient;
use crate::command_line;
use crate::envelope::Surroundings;
use crate::identity::Caller;
use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Who the token says is calling; with the shared token the page must ask for whom it acts.
pub(super) async fn session(State(gateway): State<Arc<Gateway>>, headers: HeaderMap) -> Response {
    let Some(caller) = gateway.caller(&headers) else { return refusals::unauthorized() };
    let who = match &caller {
        Caller::Shared => json!({ "shared": true, "actor_id": null, "actor_role": null }),
        Caller::Own(identity) => {
            json!({ "shared": false, "actor_id": identity.actor_id, "actor_role": identity.role })
        }
    };
    Json(who).into_response()
}

/// The alerts of the API, as it answers them.
pub(super) async fn alerts(State(gateway): State<Arc<Gateway>>, headers: HeaderMap) -> Response {
    if gateway.caller(&headers).is_none() {
        return refusals::unauthorized();
    }
    match gateway.toolbox.api().map(ApiClient::alerts) {
        None => refusals::unanswered("no dispatch API is configured"),
        Some(asked) => match asked.await {
            Ok(answer) => {
                let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY);
                (status, Json(answer.data)).into_response()
            }
            Err(failure) => refusals::unanswered(&failure.to_string()),
        },
    }
}

/// One typed line: `{"line", "actor_id"?, "actor_role"?, "idempotencyKey"?}`. The actor fills what the line does not say.
pub(super) async fn command(State(gateway): State<Arc<Gateway>>, headers: HeaderMap, body: Body) -> Response {
    let Some(caller) = gateway.caller(&headers) else { return refusals::unauthorized() };
    let request: Option<Map<String, Value>> =
        to_bytes(body, MAX_BODY_BYTES).await.ok().and_then(|body| serde_json::from_slice(&body).ok());
    let Some(request) = request else { return refusals::invalid("the body must be a JSON object") };
    let text = |name: &str| request.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    let command = match command_line::parse(text("line").unwrap_or_default()) {
        Ok(command) => command,
        Err(mistake) => return refusals::invalid(&mistake.to_string()),
    };
    let mut args = command.args;
    if matches!(caller, Caller::Shared) {
        for name in ["actor_id", "actor_role"] {
            if let (false, Some(value)) = (args.contains_key(name), text(name)) {
                args.insert(name.to_owned(), value.into());
            }
        }
    }
    let around = Surroundings {
        idempotency_key: text("idempotencyKey").map(str::to_owned),
        session_key: Some("console".to_owned()),
        ..Surroundings::from_headers(&headers)
    };
    match gateway.toolbox.call(&command.tool, &Value::Object(args), &caller, &around).await {
        Ok(result) => Json(json!({ "ok": true, "tool": command.tool, "result": result })).into_response(),
        Err(missing) => refusals::no_such_tool(&missing),
    }
}
