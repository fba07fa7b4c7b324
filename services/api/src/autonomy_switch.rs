//! Pausing automation and lifting the pause; the two commands differ in one word.

use dispatch_domain::Refusal;
use dispatch_domain::vocabulary::{AutonomyAction, AutonomyScope};
use dispatch_store::autonomy::controls::{self, SwitchDraft, SwitchedBy};
use dispatch_store::tickets;
use serde_json::json;
use uuid::Uuid;

use crate::command::{Command, Effect, Fields};
use crate::failure::Failure;
use crate::wire::ControlDocument;

/// What a request covers.
struct Target {
    scope: AutonomyScope,
    /// Trimmed, upper case.
    incident_type: Option<String>,
    ticket_id: Option<Uuid>,
    reason: Option<String>,
}

impl Target {
    /// The schema has let through one of the three shapes, so a member of another shape cannot be there.
    fn read(fields: Fields<'_>) -> Result<Self, Failure> {
        let scope = fields.optional_word("scope_type")?.unwrap_or(AutonomyScope::Global);
        let incident_type = match scope {
            AutonomyScope::Incident => Some(fields.text("incident_type")?.to_uppercase()),
            AutonomyScope::Global | AutonomyScope::Ticket => None,
        };
        let ticket_id = match scope {
            AutonomyScope::Ticket => Some(fields.uuid("ticket_id")?),
            AutonomyScope::Global | AutonomyScope::Incident => None,
        };
        let reason = fields.optional_text("reason")?.map(str::to_owned);
        Ok(Self { scope, incident_type, ticket_id, reason })
    }
}

/// Switches the scope that the request names.
///
/// # Errors
/// 404 for an unknown ticket, 403 for a ticket outside the caller's scope.
pub async fn switch(command: &mut Command, action: AutonomyAction) -> Result<Effect, Failure> {
    let target = Target::read(command.fields())?;
    let mut scope_of = None;
    if let Some(id) = target.ticket_id {
        let ticket = tickets::find(command.db(), id).await?.ok_or_else(Refusal::ticket_not_found)?;
        command.actor.scope.check(ticket.account_id, ticket.site_id)?;
        scope_of = Some((ticket.account_id, ticket.site_id));
    }
    let draft = SwitchDraft {
        scope: target.scope,
        incident_type: target.incident_type.as_deref(),
        ticket_id: target.ticket_id,
        action,
        reason: target.reason.as_deref(),
        by: SwitchedBy {
            actor_type: command.actor.actor_type,
            actor_id: command.actor.id.clone(),
            actor_role: Some(command.actor.role.as_str().to_owned()),
            request_id: command.request_id,
            correlation_id: Some(command.correlation.id.clone()),
            trace_id: command.correlation.trace.trace_id.clone(),
        },
    };
    let switched = controls::switch(command.db(), &draft).await?;
    let body = json!({
        "action": action,
        "scope": ControlDocument::of(&switched.control),
        "previous_is_paused": switched.previous_is_paused,
        "current_is_paused": switched.control.is_paused,
        "history_id": switched.history_id,
    });
    let scope = json!({
        "scope_type": target.scope,
        "ticket_id": target.ticket_id,
        "incident_type": target.incident_type,
        "reason": target.reason,
        "action": action,
    });
    let mut effect = Effect::answer(200, &body);
    if let Some((account, site)) = scope_of {
        // The event belongs to no ticket, but its answer is for those who may see the ticket.
        effect = effect.within(account, site);
    }
    Ok(effect
        .with("previous_is_paused", switched.previous_is_paused)
        .with("current_is_paused", switched.control.is_paused)
        .with("control_state_id", switched.control.id.to_string())
        .with("control_history_id", switched.history_id.to_string())
        .with("scope", scope))
}
