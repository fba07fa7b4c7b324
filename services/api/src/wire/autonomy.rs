//! Autonomy switches, the one that decides, and their history.

use dispatch_domain::ActorType;
use dispatch_domain::vocabulary::{AutonomyAction, AutonomyScope};
use dispatch_store::autonomy::controls::{ControlRow, HistoryRow};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::clock;

/// A switch; fourteen members.
#[derive(Debug, Serialize)]
pub struct ControlDocument<'a> {
    id: Uuid,
    scope_type: AutonomyScope,
    incident_type: Option<&'a str>,
    ticket_id: Option<Uuid>,
    is_paused: bool,
    reason: Option<&'a str>,
    actor_type: ActorType,
    actor_id: &'a str,
    actor_role: Option<&'a str>,
    request_id: Uuid,
    correlation_id: Option<&'a str>,
    trace_id: Option<&'a str>,
    created_at: String,
    updated_at: String,
}

impl<'a> ControlDocument<'a> {
    /// The document of a switch.
    pub fn of(row: &'a ControlRow) -> Self {
        Self {
            id: row.id,
            scope_type: row.scope,
            incident_type: row.incident_type.as_deref(),
            ticket_id: row.ticket_id,
            is_paused: row.is_paused,
            reason: row.reason.as_deref(),
            actor_type: row.by.actor_type,
            actor_id: &row.by.actor_id,
            actor_role: row.by.actor_role.as_deref(),
            request_id: row.by.request_id,
            correlation_id: row.by.correlation_id.as_deref(),
            trace_id: row.by.trace_id.as_deref(),
            created_at: clock::text(row.created_at),
            updated_at: clock::text(row.updated_at),
        }
    }
}

/// Why a ticket's autonomy is as it is.
#[derive(Debug, Serialize)]
pub struct DecisionDocument<'a> {
    scope_type: AutonomyScope,
    incident_type: Option<&'a str>,
    ticket_id: Option<Uuid>,
    is_paused: bool,
    reason: Option<&'a str>,
}

impl<'a> DecisionDocument<'a> {
    /// The decision of the switches that apply, most specific first; none without a switch.
    pub fn of(applying: &'a [ControlRow]) -> Option<Self> {
        applying.first().map(|row| Self {
            scope_type: row.scope,
            incident_type: row.incident_type.as_deref(),
            ticket_id: row.ticket_id,
            is_paused: row.is_paused,
            reason: row.reason.as_deref(),
        })
    }
}

/// A switch in the chain that led to a decision. Who and when stand in the list of switches; here they are
/// null, as readers of the chain have always seen them.
#[derive(Debug, Serialize)]
pub struct LinkDocument<'a> {
    scope_type: AutonomyScope,
    incident_type: Option<&'a str>,
    ticket_id: Option<Uuid>,
    is_paused: bool,
    reason: Option<&'a str>,
    actor_role: (),
    created_at: (),
    updated_at: (),
}

/// The switches that apply, most specific first.
pub fn switch_chain(applying: &[ControlRow]) -> Vec<LinkDocument<'_>> {
    applying
        .iter()
        .map(|row| LinkDocument {
            scope_type: row.scope,
            incident_type: row.incident_type.as_deref(),
            ticket_id: row.ticket_id,
            is_paused: row.is_paused,
            reason: row.reason.as_deref(),
            actor_role: (),
            created_at: (),
            updated_at: (),
        })
        .collect()
}

/// The documents of switches.
pub fn switches(rows: &[ControlRow]) -> Vec<ControlDocument<'_>> {
    rows.iter().map(ControlDocument::of).collect()
}

/// One thing done to a switch; sixteen members.
#[derive(Debug, Serialize)]
pub struct HistoryDocument<'a> {
    id: Uuid,
    scope_type: AutonomyScope,
    incident_type: Option<&'a str>,
    ticket_id: Option<Uuid>,
    action: AutonomyAction,
    previous_is_paused: bool,
    next_is_paused: bool,
    actor_type: ActorType,
    actor_id: &'a str,
    actor_role: Option<&'a str>,
    request_id: Uuid,
    correlation_id: Option<&'a str>,
    trace_id: Option<&'a str>,
    reason: Option<&'a str>,
    payload: &'a Value,
    created_at: String,
}

/// The documents of history entries.
pub fn switch_history(rows: &[HistoryRow]) -> Vec<HistoryDocument<'_>> {
    rows.iter()
        .map(|row| HistoryDocument {
            id: row.id,
            scope_type: row.scope,
            incident_type: row.incident_type.as_deref(),
            ticket_id: row.ticket_id,
            action: row.action,
            previous_is_paused: row.previous_is_paused,
            next_is_paused: row.next_is_paused,
            actor_type: row.by.actor_type,
            actor_id: &row.by.actor_id,
            actor_role: row.by.actor_role.as_deref(),
            request_id: row.by.request_id,
            correlation_id: row.by.correlation_id.as_deref(),
            trace_id: row.by.trace_id.as_deref(),
            reason: row.reason.as_deref(),
            payload: &row.payload,
            created_at: clock::text(row.created_at),
        })
        .collect()
}
