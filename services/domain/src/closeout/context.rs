//! What a completion request said, read back from the audit trail.

use crate::error_code::ErrorCode;
use crate::refusal::Refusal;
use serde_json::{Map, Value};

/// Checklist, reason and references of the newest completion of a ticket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompletionContext {
    /// Checklist; empty when it was no object.
    pub checklist: Map<String, Value>,
    /// Reason for having no signature, trimmed; blank counts as none.
    pub no_signature_reason: Option<String>,
    /// References, trimmed.
    pub references: Vec<String>,
}

/// `evidence_refs` is neither absent nor an array of non-blank texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Field 'completion_context.evidence_refs' must be an array of non-empty strings")]
pub struct InvalidCompletionContext;

impl CompletionContext {
    /// Reads the `request` member of a completion's audit payload.
    ///
    /// # Errors
    /// [`InvalidCompletionContext`] if the references are malformed.
    pub fn from_request(request: &Value) -> Result<Self, InvalidCompletionContext> {
        let references = match request.get("evidence_refs") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(entries)) => entries
                .iter()
                .map(|entry| entry.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned))
                .collect::<Option<_>>()
                .ok_or(InvalidCompletionContext)?,
            Some(_) => return Err(InvalidCompletionContext),
        };
        let reason = request.get("no_signature_reason").and_then(Value::as_str).map(str::trim);
        Ok(Self {
            checklist: request
                .get("checklist_status")
                .and_then(Value::as_object)
                .cloned()
                .unwrap_or_default(),
            no_signature_reason: reason.filter(|text| !text.is_empty()).map(str::to_owned),
            references,
        })
    }
}

impl From<InvalidCompletionContext> for Refusal {
    fn from(error: InvalidCompletionContext) -> Self {
        Refusal::new(ErrorCode::InvalidRequest, error.to_string())
    }
}
