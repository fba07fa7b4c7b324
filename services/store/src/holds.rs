//! Schedules frozen while a customer confirms.

use dispatch_domain::TicketState;
use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, Row};
use time::OffsetDateTime;
use uuid::Uuid;

/// What is frozen.
#[derive(Debug, Clone)]
pub struct HoldDraft<'a> {
    /// Public id.
    pub hold_id: Uuid,
    /// The ticket.
    pub ticket_id: Uuid,
    /// The actor.
    pub requested_by: &'a str,
    /// Idempotency key.
    pub request_id: Uuid,
    /// Correlation id.
    pub correlation_id: &'a str,
    /// Why.
    pub reason: &'a str,
    /// State to return to.
    pub state: TicketState,
    /// Begin of the agreed window.
    pub scheduled_start: Option<OffsetDateTime>,
    /// End of the agreed window.
    pub scheduled_end: Option<OffsetDateTime>,
    /// Reason, public id and confirmation window; stored as data, and as the text that older readers expect.
    pub notes: &'a Value,
}

/// A frozen schedule.
#[derive(Debug, Clone)]
pub struct HoldRow {
    /// Row id, the snapshot id of answers.
    pub id: Uuid,
    /// Public id.
    pub hold_id: Uuid,
    /// State to return to, as stored.
    pub state: String,
    /// Begin of the agreed window.
    pub scheduled_start: Option<OffsetDateTime>,
    /// End of the agreed window.
    pub scheduled_end: Option<OffsetDateTime>,
    /// The notes; null when they cannot be read.
    pub notes: Value,
}

impl FromRow<'_, PgRow> for HoldRow {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        // The text comes first: older tools read and mend it, and know nothing of the data beside it.
        let text: Option<String> = row.try_get("hold_reason_notes")?;
        let notes: Option<Value> = match text {
            Some(text) => serde_json::from_str(&text).ok(),
            None => row.try_get("hold_details")?,
        };
        Ok(Self {
            id: row.try_get("id")?,
            hold_id: row.try_get("hold_sequence_id")?,
            state: row.try_get("hold_state")?,
            scheduled_start: row.try_get("scheduled_start")?,
            scheduled_end: row.try_get("scheduled_end")?,
            notes: notes.unwrap_or(Value::Null),
        })
    }
}

/// Name of the constraint that two actors with one key on one ticket run into.
pub const HOLD_KEY_CONSTRAINT: &str = "schedule_hold_snapshots_ticket_id_request_id_key";

/// Freezes a schedule; returns the row id.
///
/// The time is the clock's and not the transaction's: the caller holds the ticket's lock, for which a transaction
/// that began earlier may have waited, and the newest hold is the one made last.
///
/// # Errors
/// A unique violation when another actor used the same key on the ticket.
pub async fn insert(db: &mut PgConnection, draft: &HoldDraft<'_>) -> Result<Uuid, sqlx::Error> {
    sqlx::query_scalar(
        "INSERT INTO schedule_hold_snapshots (created_at, hold_sequence_id, ticket_id, requested_by, request_id, \
             correlation_id, hold_reason_code, hold_state, scheduled_start, scheduled_end, hold_reason_notes, \
             hold_details) VALUES (clock_timestamp(), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING id",
    )
    .bind(draft.hold_id)
    .bind(draft.ticket_id)
    .bind(draft.requested_by)
    .bind(draft.request_id)
    .bind(draft.correlation_id)
    .bind(draft.reason)
    .bind(draft.state.as_str())
    .bind(draft.scheduled_start)
    .bind(draft.scheduled_end)
    .bind(draft.notes.to_string())
    .bind(draft.notes)
    .fetch_one(db)
    .await
}

/// The newest frozen schedule of a ticket.
///
/// # Errors
/// When the database does not answer.
pub async fn latest(db: &mut PgConnection, ticket_id: Uuid) -> Result<Option<HoldRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT id, hold_sequence_id, hold_state, scheduled_start, scheduled_end, hold_reason_notes, hold_details \
         FROM schedule_hold_snapshots WHERE ticket_id = $1 ORDER BY created_at DESC, id DESC LIMIT 1",
    )
    .bind(ticket_id)
    .fetch_optional(db)
    .await
}
