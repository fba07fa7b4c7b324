//! The operational endpoints of the worker.

use std::time::Duration;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, serve as serve_http};
use dispatch_store::outbox_queue::Backlog;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::config::OutboxConfig;
use crate::context::Context;
use crate::log::{Level, now_text};

mod metrics;

/// How long the database may take to answer a probe.
const PATIENCE: Duration = Duration::from_secs(2);

/// Serves until the task is aborted; the endpoints answer during a drain, too.
pub async fn serve(listener: TcpListener, context: Context) {
    let routes = Router::new()
        .route("/livez", get(|| async { Json(json!({ "ok": true, "status": "live" })) }))
        .route("/readyz", get(ready))
        .route("/health", get(health))
        .route("/metrics", get(read_metrics))
        .with_state(context.clone());
    if let Err(error) = serve_http(listener, routes).await {
        context.log.event(Level::Error, "worker.ops_error", json!({ "error": error.to_string() }));
    }
}

/// Ready when the database answers and has every migration, and no drain has begun.
async fn ready(State(context): State<Context>) -> Response {
    let (failing, reason) = if context.stop.is_cancelled() {
        ("draining", "told to end".to_owned())
    } else {
        match tokio::time::timeout(PATIENCE, pending_migrations(&context)).await {
            Ok(Ok(pending)) if pending.is_empty() => {
                return Json(json!({ "ready": true, "failing": [] })).into_response();
            }
            Ok(Ok(pending)) => ("migrations", format!("not applied: {pending:?}")),
            Ok(Err(error)) => ("database", error),
            Err(_) => ("database", format!("no answer within {} s", PATIENCE.as_secs())),
        }
    };
    let body = json!({ "ready": false, "failing": [failing], "reason": reason });
    (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
}

async fn pending_migrations(context: &Context) -> Result<Vec<i64>, String> {
    let pool = context.pool().await.map_err(|error| error.to_string())?;
    dispatch_store::pending_migrations(pool).await.map_err(|error| error.to_string())
}

/// 503 while passes fail, messages wait too long or too many were given up on; the reasons are named.
async fn health(State(context): State<Context>) -> Response {
    let state = context.stats.snapshot();
    let mut alerts = alerts(&state.backlog, &context.config.outbox);
    if let Some(error) = &state.last_error {
        alerts.push(json!({ "code": "OUTBOX_PASS_FAILING", "reason": error }));
    }
    let healthy = alerts.is_empty();
    let body = json!({
        "status": if healthy { "ok" } else { "unhealthy" },
        "service": "dispatch-worker",
        "generated_at": now_text(),
        "sms": if context.config.sms.enabled { context.sms.name() } else { "disabled" },
        "alerts": alerts,
    });
    let status = if healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(body)).into_response()
}

fn alerts(backlog: &Backlog, config: &OutboxConfig) -> Vec<Value> {
    let mut alerts = Vec::new();
    let limit = config.backlog_alert.as_secs_f64();
    if backlog.oldest_age_seconds >= limit {
        alerts.push(json!({
            "code": "OUTBOX_BACKLOG",
            "oldest_age_seconds": backlog.oldest_age_seconds,
            "threshold_seconds": limit,
        }));
    }
    if backlog.dead_letter >= i64::from(config.dead_letter_alert) {
        alerts.push(json!({
            "code": "OUTBOX_DEAD_LETTER",
            "count": backlog.dead_letter,
            "threshold": config.dead_letter_alert,
        }));
    }
    alerts
}

/// JSON, or Prometheus text for `?format=prometheus` and for callers that accept plain text and not JSON.
async fn read_metrics(
    State(context): State<Context>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let state = context.stats.snapshot();
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let asked = query.is_some_and(|query| query.split('&').any(|pair| pair == "format=prometheus"));
    if asked || (accept.contains("text/plain") && !accept.contains("application/json")) {
        let content_type = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
        (content_type, metrics::text(&state)).into_response()
    } else {
        Json(metrics::json(&state)).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn codes(backlog: Backlog) -> Vec<String> {
        let config = Config::from_lookup(&|_| None).unwrap();
        let alerts = alerts(&backlog, &config.outbox);
        alerts.iter().map(|alert| alert["code"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn a_young_backlog_is_healthy_an_old_one_and_a_dead_letter_are_not() {
        let young = Backlog { pending: 900, in_flight: 3, dead_letter: 0, oldest_age_seconds: 299.0 };
        assert!(codes(young).is_empty());
        let old = Backlog { oldest_age_seconds: 300.0, dead_letter: 1, ..young };
        assert_eq!(codes(old), ["OUTBOX_BACKLOG", "OUTBOX_DEAD_LETTER"]);
    }
}
