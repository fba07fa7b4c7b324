//! Liveness and readiness, without authentication.

use super::Gateway;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};
use std::sync::Arc;

/// The process lives.
pub(super) async fn alive() -> Json<Value> {
    Json(json!({ "ok": true, "status": "live" }))
}

/// Ready when the dispatch API is; otherwise 503 naming what fails.
pub(super) async fn ready(State(gateway): State<Arc<Gateway>>) -> (StatusCode, Json<Value>) {
    let ready = match gateway.toolbox.api() {
        Some(api) => api.readiness().await.is_ok_and(|answer| answer.status == 200),
        None => false,
    };
    let failing: &[&str] = if ready { &[] } else { &["dispatch-api"] };
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let uptime = u64::try_from(gateway.started.elapsed().as_millis()).unwrap_or(u64::MAX);
    (status, Json(json!({ "ready": ready, "failing": failing, "uptimeMs": uptime })))
}
