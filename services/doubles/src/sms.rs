//! The SMS provider: accepts a message once per key, and fails when it is told to.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

mod ledger;
mod script;

use ledger::{Ledger, Message};
use script::{Answer, parse_script};

/// Fresh routes with an empty ledger and no script.
pub fn routes() -> Router {
    Router::new()
        .route("/readyz", get(|| async { Json(json!({ "ready": true })) }))
        .route("/messages", post(accept).get(messages))
        .route("/calls", get(calls))
        .route("/script", post(set_script).delete(clear_script))
        .route("/reset", post(reset))
        .fallback(|| async { refusal(StatusCode::NOT_FOUND, "no such endpoint") })
        .with_state(Provider::default())
}

/// The provider's state, shared by every call.
#[derive(Clone, Debug, Default)]
struct Provider {
    ledger: Arc<Mutex<Ledger>>,
}

impl Provider {
    /// Nothing in here leaves the ledger half changed, so a poisoned lock is used as it is.
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes one message: scripted answers first, then the answer that the key got before, then a new one.
///
/// The work goes on when the caller hangs up, as it would at a real provider: what was asked for happens.
async fn accept(State(provider): State<Provider>, headers: HeaderMap, body: Bytes) -> Response {
    match tokio::spawn(handle(provider, headers, body)).await {
        Ok(response) => response,
        Err(error) => refusal(StatusCode::INTERNAL_SERVER_ERROR, &format!("the double failed: {error}")),
    }
}

async fn handle(provider: Provider, headers: HeaderMap, body: Bytes) -> Response {
    let parsed = read_message(&headers, &body);
    let (call, answer) = {
        let mut ledger = provider.ledger();
        let call = ledger.arrived(parsed.as_ref().cloned().unwrap_or_else(|_| seen(&body)));
        (call, ledger.next_answer())
    };
    if let Some(delay) = answer.delay {
        wait(delay).await;
    }
    let mut ledger = provider.ledger();
    let response = match parsed {
        Err(problem) => refusal(StatusCode::BAD_REQUEST, &problem),
        Ok(message) => answer_to(&mut ledger, &message, &answer),
    };
    ledger.answered(call, response.status());
    response
}

fn answer_to(ledger: &mut Ledger, message: &Message, answer: &Answer) -> Response {
    let status = answer.status.unwrap_or(StatusCode::OK);
    if !status.is_success() {
        if answer.take_effect {
            // Ignored: a reused key leaves no second message, and the caller is told of a failure anyway.
            let _ = ledger.deliver(message);
        }
        return refusal(status, "the provider was told to refuse");
    }
    match ledger.deliver(message) {
        Ok(provider_message_id) => {
            let body = json!({ "provider_message_id": provider_message_id, "status": "accepted" });
            (status, Json(body)).into_response()
        }
        Err(problem) => refusal(StatusCode::CONFLICT, problem),
    }
}

async fn messages(State(provider): State<Provider>) -> Json<Value> {
    Json(provider.ledger().messages())
}

async fn calls(State(provider): State<Provider>) -> Json<Value> {
    Json(provider.ledger().calls())
}

async fn set_script(State(provider): State<Provider>, body: Bytes) -> Response {
    match parse_script(&body) {
        Ok(answers) => {
            let count = answers.len();
            provider.ledger().set_script(answers);
            Json(json!({ "answers": count })).into_response()
        }
        Err(problem) => refusal(StatusCode::BAD_REQUEST, &problem),
    }
}

async fn clear_script(State(provider): State<Provider>) -> Json<Value> {
    provider.ledger().set_script(Vec::new());
    Json(json!({ "answers": 0 }))
}

async fn reset(State(provider): State<Provider>) -> Json<Value> {
    provider.ledger().reset();
    Json(json!({ "reset": true }))
}

/// The message of a call, or why it is none.
fn read_message(headers: &HeaderMap, body: &[u8]) -> Result<Message, String> {
    let value: Value =
        serde_json::from_slice(body).map_err(|error| format!("the body is no JSON: {error}"))?;
    let member = |name: &str| {
        value
            .get(name)
            .and_then(Value::as_str)
            .filter(|text| !text.trim().is_empty())
            .map(str::to_owned)
            .ok_or_else(|| format!("`{name}` must be a text that is not blank"))
    };
    let message = Message { to: member("to")?, body: member("body")?, message_key: member("message_key")? };
    match headers.get("idempotency-key").map(|key| key.as_bytes()) {
        None => Err("the header `Idempotency-Key` is missing".to_owned()),
        Some(key) if key != message.message_key.as_bytes() => {
            Err("the header `Idempotency-Key` differs from `message_key`".to_owned())
        }
        Some(_) => Ok(message),
    }
}

/// What can be recognised of a call that was no message.
fn seen(body: &[u8]) -> Message {
    let value: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let member = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    Message { to: member("to"), body: member("body"), message_key: member("message_key") }
}

fn refusal(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "error": { "status": status.as_u16(), "message": message } }))).into_response()
}

#[expect(clippy::disallowed_methods, reason = "being slow on request is this double's purpose, not a wait")]
async fn wait(delay: Duration) {
    tokio::time::sleep(delay).await;
}

#[cfg(test)]
mod tests;
