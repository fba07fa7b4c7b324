//! One tool call, from arguments to result: check, send, map the answer.

use crate::api_client::{Answer, ApiClient, CallFailure};
use crate::envelope::{Envelope, Surroundings};
use crate::identity::Caller;
use crate::json_log;
use crate::tool_error::{DEFAULT_RETRY_AFTER_MS, ToolError, tool_result};
use dispatch_domain::Tool;
use serde_json::{Value, json};

const COMPONENT: &str = "dispatch-tool-bridge";

/// Message when the API refuses without saying why.
const REJECTED: &str = "Dispatch API rejected the tool request";

/// Sends tool calls to one API.
#[derive(Clone, Debug)]
pub struct Bridge {
    api: ApiClient,
}

impl Bridge {
    /// A bridge to `api`.
    pub fn new(api: ApiClient) -> Self {
        Self { api }
    }

    /// Runs one call and wraps its outcome as a tool result; a failed call is a result with `isError`.
    pub async fn call(&self, tool: &Tool, args: &Value, caller: &Caller, around: &Surroundings) -> Value {
        match Envelope::read(tool, args, caller, self.api.has_api_token(), around) {
            Err(error) => {
                log_rejected(tool, &error);
                tool_result(&error.document(), true)
            }
            Ok(envelope) => {
                log_phase(tool, &envelope, "request", None);
                match self.send(tool, &envelope, caller).await {
                    Ok(document) => tool_result(&document, false),
                    Err(error) => tool_result(&error.document(), true),
                }
            }
        }
    }

    async fn send(&self, tool: &Tool, envelope: &Envelope, caller: &Caller) -> Result<Value, ToolError> {
        let outcome = match self.api.call(tool, envelope, caller).await {
            Ok(answer) if (200..300).contains(&answer.status) => Ok(answer),
            Ok(answer) => Err(refused(tool, envelope, answer)),
            Err(failure) => Err(unanswered(tool, envelope, &failure)),
        };
        match outcome {
            Ok(answer) => {
                log_phase(tool, envelope, "response", Some(answer.status));
                Ok(json!({
                    "tool_name": tool.name,
                    "endpoint": envelope.endpoint,
                    "request_id": envelope.request_id,
                    "correlation_id": envelope.correlation_id,
                    "status": answer.status,
                    "data": answer.data,
                }))
            }
            Err(error) => {
                log_failure(tool, envelope, &error);
                Err(error)
            }
        }
    }
}

/// The API said no: its code and message pass through, its error object goes along.
fn refused(tool: &Tool, envelope: &Envelope, answer: Answer) -> ToolError {
    let inner = answer.data.get("error").filter(|error| error.is_object());
    let text = |name: &str| {
        inner.and_then(|error| error.get(name)).and_then(Value::as_str).filter(|text| !text.trim().is_empty())
    };
    let code = text("code").unwrap_or("DISPATCH_API_ERROR");
    let dispatch_error = if text("code").is_some() { inner.cloned() } else { None };
    let mut error = ToolError::new(code, answer.status, text("message").unwrap_or(REJECTED));
    error = ids(error, tool, envelope)
        .with("dispatch_error", dispatch_error.unwrap_or_else(|| answer.data.clone()));
    if let Some(policy) = inner.and_then(|inner| inner.get("policy_error")) {
        error = error.with("policy_error", policy.clone());
    }
    if is_retryable(answer.status, code) {
        let seconds = answer.retry_after_seconds.map(|seconds| seconds.saturating_mul(1000));
        error = error.retry_after(seconds.unwrap_or(DEFAULT_RETRY_AFTER_MS));
    }
    error
}

/// Server failures and pressure pass; a missing server secret does not.
fn is_retryable(status: u16, code: &str) -> bool {
    (status >= 500 || status == 429 || status == 408) && code != "AUTH_CONFIG_ERROR"
}

fn unanswered(tool: &Tool, envelope: &Envelope, failure: &CallFailure) -> ToolError {
    let error = match failure {
        CallFailure::Timeout => ToolError::new("DISPATCH_API_TIMEOUT", 504, failure.to_string()),
        CallFailure::Unreachable(reason) => {
            ToolError::new("DISPATCH_API_UNREACHABLE", 502, "The dispatch API cannot be reached")
                .with("reason", reason.as_str())
        }
    };
    ids(error, tool, envelope).retry_after(DEFAULT_RETRY_AFTER_MS)
}

fn ids(error: ToolError, tool: &Tool, envelope: &Envelope) -> ToolError {
    error
        .with("tool_name", tool.name.as_str())
        .with("endpoint", envelope.endpoint.as_str())
        .with("request_id", envelope.request_id.as_str())
        .with("correlation_id", envelope.correlation_id.as_str())
}

fn record(tool: &Tool, envelope: &Envelope, phase: &str) -> Value {
    json!({
        "component": COMPONENT,
        "phase": phase,
        "tool_name": tool.name,
        "endpoint": envelope.endpoint,
        "request_id": envelope.request_id,
        "correlation_id": envelope.correlation_id,
        "actor_id": envelope.actor.id,
        "actor_role": envelope.actor.role,
    })
}

fn log_phase(tool: &Tool, envelope: &Envelope, phase: &str, status: Option<u16>) {
    let mut record = record(tool, envelope, phase);
    if let Some(status) = status {
        record["status"] = status.into();
    }
    json_log::info(record);
}

fn log_failure(tool: &Tool, envelope: &Envelope, error: &ToolError) {
    let mut record = record(tool, envelope, "response");
    record["code"] = error.code.as_str().into();
    record["status"] = error.status.into();
    record["message"] = error.message.as_str().into();
    if let Some(reason) = error.details.get("reason") {
        record["reason"] = reason.clone();
    }
    json_log::error(record);
}

fn log_rejected(tool: &Tool, error: &ToolError) {
    json_log::info(json!({
        "component": COMPONENT,
        "phase": "rejected",
        "tool_name": tool.name,
        "code": error.code,
        "status": error.status,
        "message": error.message,
    }));
}
