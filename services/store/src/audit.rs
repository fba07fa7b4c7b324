//! Reading the audit trail: the timeline of a ticket and the completion it was verified by.

use dispatch_domain::{ActorType, TicketState};
use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, Row};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::column::{optional_word, word};
use crate::page::Page;

/// One audit event of a ticket.
#[derive(Debug, Clone)]
pub struct AuditRow {
    /// Identity.
    pub id: Uuid,
    /// The ticket.
    pub ticket_id: Option<Uuid>,
    /// Kind of actor.
    pub actor_type: ActorType,
    /// Who did it.
    pub actor_id: String,
    /// Canonical role.
    pub actor_role: Option<String>,
    /// Dotted tool name.
    pub tool_name: String,
    /// Idempotency key of the command.
    pub request_id: Uuid,
    /// Correlation id.
    pub correlation_id: Option<String>,
    /// Trace id.
    pub trace_id: Option<String>,
    /// State before the command.
    pub before_state: Option<TicketState>,
    /// State after the command.
    pub after_state: Option<TicketState>,
    /// Allow-listed and redacted members.
    pub payload: Value,
    /// Start of the command's transaction.
    pub created_at: OffsetDateTime,
}

impl FromRow<'_, PgRow> for AuditRow {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            ticket_id: row.try_get("ticket_id")?,
            actor_type: word(row, "actor_type")?,
            actor_id: row.try_get("actor_id")?,
            actor_role: row.try_get("actor_role")?,
            tool_name: row.try_get("tool_name")?,
            request_id: row.try_get("request_id")?,
            correlation_id: row.try_get("correlation_id")?,
            trace_id: row.try_get("trace_id")?,
            before_state: optional_word(row, "before_state")?,
            after_state: optional_word(row, "after_state")?,
            payload: row.try_get("payload")?,
            created_at: row.try_get("created_at")?,
        })
    }
}

/// All events of a ticket, oldest first; events of one instant in the order they were written.
///
/// # Errors
/// When the database does not answer.
pub async fn timeline(db: &mut PgConnection, ticket_id: Uuid) -> Result<Vec<AuditRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT id, ticket_id, actor_type::text AS actor_type, actor_id, actor_role, tool_name, request_id, \
                correlation_id, trace_id, before_state::text AS before_state, after_state::text AS after_state, \
                payload, created_at \
         FROM audit_events WHERE ticket_id = $1 ORDER BY created_at, seq",
    )
    .bind(ticket_id)
    .fetch_all(db)
    .await
}

/// One page of a ticket's events, oldest first.
///
/// # Errors
/// When the database does not answer.
pub async fn timeline_page(
    db: &mut PgConnection,
    ticket_id: Uuid,
    page: &Page,
) -> Result<Vec<AuditRow>, sqlx::Error> {
    // Events of one instant are told apart by their sequence, which the place does not hold; events are never
    // changed or deleted, so it can be looked up.
    sqlx::query_as(
        "SELECT id, ticket_id, actor_type::text AS actor_type, actor_id, actor_role, tool_name, request_id, \
                correlation_id, trace_id, before_state::text AS before_state, after_state::text AS after_state, \
                payload, created_at \
         FROM audit_events WHERE ticket_id = $1 AND ($2::uuid IS NULL OR (created_at, seq) > \
             (SELECT last.created_at, last.seq FROM audit_events last WHERE last.id = $2 AND last.ticket_id = $1)) \
         ORDER BY created_at, seq LIMIT $3",
    )
    .bind(ticket_id)
    .bind(page.after.map(|place| place.id))
    .bind(page.limit)
    .fetch_all(db)
    .await
}

/// The payload of the newest event of a ticket that was written by one of the tools; with `after` only
/// events that left the ticket in that state count.
///
/// # Errors
/// When the database does not answer.
pub async fn latest_payload(
    db: &mut PgConnection,
    ticket_id: Uuid,
    tools: &[&str],
    after: Option<TicketState>,
) -> Result<Option<Value>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT payload FROM audit_events \
         WHERE ticket_id = $1 AND tool_name = ANY($2) AND ($3::text IS NULL OR after_state::text = $3) \
         ORDER BY created_at DESC, seq DESC LIMIT 1",
    )
    .bind(ticket_id)
    .bind(tools)
    .bind(after.map(TicketState::as_str))
    .fetch_optional(db)
    .await
}
