//! The timeline and its events.

use std::borrow::Cow;

use dispatch_domain::{ActorType, TicketState};
use dispatch_store::audit::AuditRow;
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::clock;

/// One event; thirteen members.
#[derive(Debug, Serialize)]
pub struct EventDocument<'a> {
    id: Uuid,
    ticket_id: Option<Uuid>,
    actor_type: ActorType,
    actor_id: &'a str,
    actor_role: Option<&'a str>,
    tool_name: &'a str,
    request_id: Uuid,
    correlation_id: Option<&'a str>,
    trace_id: Option<&'a str>,
    before_state: Option<TicketState>,
    after_state: Option<TicketState>,
    payload: Cow<'a, Value>,
    created_at: String,
}

/// Members of a payload that a customer may know.
const OPEN_MEMBERS: &[&str] = &[
    "workflow_outcome",
    "options",
    "confirmation_window",
    "restored_state",
    "target_state",
    "decision",
    "check_in_timestamp",
    "verification_result",
    "verified_at",
    "invoice_generated",
];

impl EventDocument<'_> {
    fn project(&mut self) {
        let open = |name: &&&str| self.payload.get(**name).is_some();
        let members: Map<String, Value> = OPEN_MEMBERS
            .iter()
            .filter(open)
            .map(|name| ((*name).to_owned(), self.payload[*name].clone()))
            .collect();
        self.payload = Cow::Owned(Value::Object(members));
        self.actor_id = self.actor_role.unwrap_or("service");
        self.correlation_id = None;
        self.trace_id = None;
    }
}

/// A ticket's events, oldest first.
#[derive(Debug, Serialize)]
pub struct TimelineDocument<'a> {
    ticket_id: Uuid,
    events: Vec<EventDocument<'a>>,
}

impl<'a> TimelineDocument<'a> {
    /// The document of a ticket's events.
    pub fn of(ticket_id: Uuid, rows: &'a [AuditRow]) -> Self {
        Self { ticket_id, events: events(rows) }
    }

    /// The document as a caller sees it; projected, events name roles instead of people and say what was decided
    /// about the ticket, not how.
    pub fn shown(ticket_id: Uuid, rows: &'a [AuditRow], projected: bool) -> Self {
        let mut document = Self::of(ticket_id, rows);
        if projected {
            document.events.iter_mut().for_each(EventDocument::project);
        }
        document
    }
}

/// The documents of events.
pub fn events(rows: &[AuditRow]) -> Vec<EventDocument<'_>> {
    rows.iter()
        .map(|row| EventDocument {
            id: row.id,
            ticket_id: row.ticket_id,
            actor_type: row.actor_type,
            actor_id: &row.actor_id,
            actor_role: row.actor_role.as_deref(),
            tool_name: &row.tool_name,
            request_id: row.request_id,
            correlation_id: row.correlation_id.as_deref(),
            trace_id: row.trace_id.as_deref(),
            before_state: row.before_state,
            after_state: row.after_state,
            payload: Cow::Borrowed(&row.payload),
            created_at: clock::text(row.created_at),
        })
        .collect()
}
