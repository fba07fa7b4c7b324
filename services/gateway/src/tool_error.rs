//! How a failed tool call looks: `{"error": {code, status, message, details…, retryable}}`.

use dispatch_domain::role::UnknownRole;
use dispatch_domain::schema::{REFUSAL_MESSAGE, ValidationError};
use dispatch_domain::{Dimension, Role, Tool};
use serde_json::{Map, Value, json};

/// How long to wait before a retry when the API does not say.
pub const DEFAULT_RETRY_AFTER_MS: u64 = 1000;

/// A failed tool call.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ToolError {
    /// Machine-readable reason: one of the gateway's or the API's.
    pub code: String,
    /// HTTP-like status.
    pub status: u16,
    /// One sentence for a person.
    pub message: String,
    /// Further members.
    pub details: Box<Map<String, Value>>,
    /// Milliseconds after which the same call may be repeated with the same request id; none: repeating is no use.
    pub retry_after_ms: Option<u64>,
}

impl ToolError {
    /// An error without details that is not worth a retry.
    pub fn new(code: &str, status: u16, message: impl Into<String>) -> Self {
        let (code, message) = (code.to_owned(), message.into());
        Self { code, status, message, details: Box::default(), retry_after_ms: None }
    }

    /// Adds one detail.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }

    /// Marks the error as worth a retry.
    #[must_use]
    pub fn retry_after(mut self, milliseconds: u64) -> Self {
        self.retry_after_ms = Some(milliseconds);
        self
    }

    /// A missing or malformed argument.
    pub fn invalid_request(message: impl Into<String>) -> Self {
        Self::new("INVALID_REQUEST", 400, message)
    }

    /// A payload that violates the tool's schema.
    pub fn schema(tool: &Tool, errors: &[ValidationError]) -> Self {
        Self::invalid_request(REFUSAL_MESSAGE)
            .with("tool_name", tool.name.as_str())
            .with("validation_errors", json!(errors))
    }

    /// A ticket id that is no UUID.
    pub fn invalid_ticket_id(tool: &Tool) -> Self {
        Self::new("INVALID_TICKET_ID", 400, "Field 'ticket_id' must be a valid UUID")
            .with("tool_name", tool.name.as_str())
    }

    /// A role that does not exist.
    pub fn unknown_role(error: &UnknownRole) -> Self {
        let message = error.to_string();
        let policy =
            json!({ "code": "INVALID_AUTH_CLAIMS", "message": message, "dimension": Dimension::Role });
        Self::new("INVALID_AUTH_CLAIMS", 401, message)
            .with("field", "actor_role")
            .with("policy_error", policy)
    }

    /// A mutating call without a role from anywhere.
    pub fn missing_role() -> Self {
        let policy = json!({ "code": "INVALID_AUTH_CLAIMS", "dimension": Dimension::Role });
        Self::new("INVALID_AUTH_CLAIMS", 401, "Field 'actor_role' is required for mutating tools")
            .with("policy_error", policy)
    }

    /// A role the tool does not list.
    pub fn role_forbidden(tool: &Tool, role: Role) -> Self {
        let policy = json!({ "code": "TOOL_ROLE_FORBIDDEN", "dimension": Dimension::Role });
        Self::new("TOOL_ROLE_FORBIDDEN", 403, format!("Role '{role}' may not use tool '{}'", tool.name))
            .with("tool_name", tool.name.as_str())
            .with("actor_role", role.as_str())
            .with("allowed_roles", json!(tool.roles))
            .with("policy_error", policy)
    }

    /// The document of the error; details can not replace the standard members.
    pub fn document(&self) -> Value {
        let mut error = Map::new();
        error.insert("code".to_owned(), self.code.as_str().into());
        error.insert("status".to_owned(), self.status.into());
        error.insert("message".to_owned(), self.message.as_str().into());
        for (name, value) in self.details.iter() {
            error.entry(name.clone()).or_insert_with(|| value.clone());
        }
        error.insert("retryable".to_owned(), self.retry_after_ms.is_some().into());
        if let Some(milliseconds) = self.retry_after_ms {
            error.insert("retry_after_ms".to_owned(), milliseconds.into());
        }
        json!({ "error": error })
    }
}

/// Wraps a document as a tool result: pretty text for a model, the document itself for a program.
pub fn tool_result(document: &Value, is_error: bool) -> Value {
    let text = serde_json::to_string_pretty(document).unwrap_or_else(|_| document.to_string());
    json!({ "content": [{ "type": "text", "text": text }], "details": document, "isError": is_error })
}
