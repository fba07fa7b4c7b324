//! A refusal: a deliberate "no" with a code, a message and details, and how it looks on the wire.

use crate::error_code::{Dimension, ErrorCode};
use crate::role::Role;
use crate::state::TicketState;
use crate::tool::Tool;
use serde_json::{Map, Value, json};

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Refusal {
    /// Machine-readable reason.
    pub code: ErrorCode,
    /// One sentence for a person.
    pub message: String,
    /// Members merged into the error body at the same level, in this order.
    pub details: Map<String, Value>,
}

impl Refusal {
    /// A refusal without details.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), details: Map::new() }
    }

    /// Adds one detail.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }

    /// Adds every member of `details`.
    #[must_use]
    pub fn with_all(mut self, details: Map<String, Value>) -> Self {
        self.details.extend(details);
        self
    }

    /// Names the policy dimension where the code alone does not (an unknown role in a token, for example).
    #[must_use]
    pub fn with_dimension(self, dimension: Dimension) -> Self {
        self.with("policy_error", json!({ "dimension": dimension }))
    }

    /// HTTP status of the answer.
    pub fn http_status(&self) -> u16 {
        self.code.http_status()
    }

    /// The `policy_error` member, if a policy decided.
    ///
    /// First match: a dimension named by the details; the evidence gate with its requirement code; the code's own.
    pub fn policy_error(&self) -> Option<Value> {
        let named = self.details.get("policy_error").and_then(|error| error.get("dimension"));
        if let Some(dimension) = named.and_then(Value::as_str).filter(|text| !text.trim().is_empty()) {
            return Some(json!({ "dimension": dimension }));
        }
        let dimension = self.code.dimension()?;
        if self.code == ErrorCode::CloseoutRequirementsIncomplete {
            let requirement = self.requirement_code().unwrap_or("UNKNOWN_REQUIREMENT");
            return Some(json!({ "dimension": dimension, "requirement_code": requirement }));
        }
        Some(json!({ "dimension": dimension }))
    }

    /// The closeout requirement that failed, if the details name one.
    pub fn requirement_code(&self) -> Option<&str> {
        self.details.get("requirement_code").and_then(Value::as_str)
    }

    /// The whole answer body: `{"error": {code, message, request_id, details…, correlation_id, policy_error}}`.
    ///
    /// Details can not replace `code`, `message` or `request_id`. `correlation_id` is left out when empty, and not
    /// repeated when a detail already carries one.
    pub fn body(&self, request_id: Option<&str>, correlation_id: Option<&str>) -> Value {
        let mut error = Map::new();
        error.insert("code".to_owned(), self.code.as_str().into());
        error.insert("message".to_owned(), self.message.as_str().into());
        error.insert("request_id".to_owned(), request_id.into());
        for (name, value) in &self.details {
            if !matches!(name.as_str(), "code" | "message" | "request_id" | "policy_error") {
                error.insert(name.clone(), value.clone());
            }
        }
        if let Some(correlation_id) = correlation_id.filter(|id| !id.is_empty()) {
            error.entry("correlation_id").or_insert_with(|| correlation_id.into());
        }
        if let Some(policy_error) = self.policy_error() {
            error.insert("policy_error".to_owned(), policy_error);
        }
        json!({ "error": error })
    }

    /// The refusal of a role that the tool does not list.
    pub fn role(tool: &Tool, role: Role) -> Self {
        Self::new(ErrorCode::Forbidden, format!("Role '{role}' may not use tool '{}'", tool.name))
            .with("actor_role", role.as_str())
            .with("allowed_roles", names(tool.roles.iter().map(|role| role.as_str())))
    }

    /// The refusal of a ticket whose state the tool does not accept; `to_state` is the tool's declared result.
    pub fn state(tool: &Tool, state: TicketState) -> Self {
        let allowed = tool.accepted_states.unwrap_or_default();
        Self::new(
            ErrorCode::InvalidStateTransition,
            format!("Tool '{}' does not accept a ticket in state {state}", tool.name),
        )
        .with("from_state", state.as_str())
        .with("allowed_from_states", names(allowed.iter().map(|state| state.as_str())))
        .with("to_state", tool.result.map(TicketState::as_str))
    }

    /// The refusal of an unknown ticket.
    pub fn ticket_not_found() -> Self {
        Self::new(ErrorCode::TicketNotFound, "Ticket not found")
    }
}

fn names<'a>(words: impl Iterator<Item = &'a str>) -> Value {
    Value::Array(words.map(Value::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tool::ToolName;

    #[test]
    fn body_members_come_in_order_and_details_shadow_nothing() {
        let refusal = Refusal::new(ErrorCode::ForbiddenScope, "no")
            .with("code", "HACK")
            .with("message", "HACK")
            .with("request_id", "HACK")
            .with("scope_field", "account_id");
        let body = refusal.body(Some("r"), Some("c"));
        assert_eq!(
            serde_json::to_string(&body).unwrap(),
            r#"{"error":{"code":"FORBIDDEN_SCOPE","message":"no","request_id":"r","scope_field":"account_id","correlation_id":"c","policy_error":{"dimension":"scope"}}}"#
        );
    }

    #[test]
    fn a_correlation_id_among_the_details_wins_and_an_empty_one_is_left_out() {
        let refusal = Refusal::new(ErrorCode::HoldSnapshotMissing, "no").with("correlation_id", "mine");
        assert_eq!(refusal.body(None, Some("other"))["error"]["correlation_id"], "mine");
        let plain = Refusal::new(ErrorCode::NotFound, "no").body(None, Some(""));
        assert_eq!(
            serde_json::to_string(&plain).unwrap(),
            r#"{"error":{"code":"NOT_FOUND","message":"no","request_id":null}}"#
        );
    }

    #[test]
    fn policy_error_rules_match_in_order() {
        let claims = Refusal::new(ErrorCode::InvalidAuthClaims, "no");
        assert_eq!(claims.policy_error(), None);
        assert_eq!(
            claims.with_dimension(Dimension::Role).policy_error(),
            Some(json!({ "dimension": "role" }))
        );
        let gate = Refusal::new(ErrorCode::CloseoutRequirementsIncomplete, "no");
        assert_eq!(
            gate.clone().policy_error(),
            Some(json!({ "dimension": "evidence", "requirement_code": "UNKNOWN_REQUIREMENT" }))
        );
        assert_eq!(
            gate.with("requirement_code", "MISSING_EVIDENCE").policy_error(),
            Some(json!({ "dimension": "evidence", "requirement_code": "MISSING_EVIDENCE" }))
        );
        let mixed = Refusal::new(ErrorCode::Forbidden, "no")
            .with("policy_error", json!({ "dimension": "policy", "x": 1 }));
        assert_eq!(mixed.policy_error(), Some(json!({ "dimension": "policy" })));
    }

    #[test]
    fn state_refusal_lists_what_would_be_accepted() {
        let refusal = Refusal::state(ToolName::AssignmentDispatch.tool(), TicketState::New);
        assert_eq!(refusal.details["allowed_from_states"], json!(["TRIAGED", "SCHEDULED"]));
        assert_eq!(refusal.details["to_state"], "DISPATCHED");
        let hold = Refusal::state(ToolName::ScheduleHold.tool(), TicketState::New);
        assert_eq!(hold.details["to_state"], Value::Null);
    }
}
