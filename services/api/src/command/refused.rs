//! What is kept of a command that was rolled back: an attempt to complete work, so that the next look at the ticket
//! shows what was said and what was missing.

use std::sync::Arc;

use dispatch_domain::{ErrorCode, Tool, ToolName};
use dispatch_store::completions::{self, CompletionDraft};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::App;
use crate::failure::Failure;
use crate::identity::Actor;
use crate::request_log::life_cycle;

/// A command that changed nothing.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) app: Arc<App>,
    pub(super) tool: &'static Tool,
    pub(super) actor: Actor,
    pub(super) request_id: Uuid,
    pub(super) request: Value,
    pub(super) ticket_id: Option<Uuid>,
}

impl Refused {
    /// Keeps the attempt when the gate or the risk rule refused it. One that cannot be written is logged; the answer
    /// stays as it is.
    pub(super) async fn record(&self, failure: &Failure) {
        let completes = matches!(self.tool.name, ToolName::TechComplete | ToolName::CloseoutCandidate);
        let judged = matches!(
            failure.code(),
            ErrorCode::CloseoutRequirementsIncomplete | ErrorCode::ManualReviewRequired
        );
        let (true, true, Some(ticket_id)) = (completes, judged, self.ticket_id) else { return };
        let member = |name: &str| self.request.get(name).filter(|value| !value.is_null());
        let none = (json!({}), json!([]));
        let draft = CompletionDraft {
            ticket_id,
            actor_type: self.actor.actor_type,
            actor_id: &self.actor.id,
            actor_role: self.actor.role.as_str(),
            tool_name: self.tool.name.as_str(),
            request_id: self.request_id,
            audit_event_id: None,
            checklist: member("checklist_status").unwrap_or(&none.0),
            no_signature_reason: member("no_signature_reason").and_then(Value::as_str),
            evidence_refs: member("evidence_refs").unwrap_or(&none.1),
            refused: Some(failure.refusal.requirement_code().unwrap_or("UNKNOWN_REQUIREMENT")),
        };
        if let Err(error) = completions::insert_refused(&self.app.pool, &draft).await {
            let error = error.to_string();
            life_cycle(true, json!({ "message": "a refused completion could not be kept", "error": error }));
        }
    }
}
