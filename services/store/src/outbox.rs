//! What commands leave in the outbox, and putting a dead letter back. Delivery is the queue's business.

use serde_json::Value;
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

/// A message that becomes due when the command commits.
#[derive(Debug, Clone)]
pub struct OutboxDraft {
    /// Row id.
    pub id: Uuid,
    /// `ticket`.
    pub aggregate_type: &'static str,
    /// Ticket id, lower case.
    pub aggregate_id: String,
    /// `schedule.confirm.sms` or `assignment.dispatch.sms`.
    pub event_type: &'static str,
    /// What the worker needs to send it.
    pub payload: Value,
    /// Unique over the whole table.
    pub idempotency_key: String,
}

/// Name of the constraint that keeps a message from being queued twice.
pub const OUTBOX_KEY_CONSTRAINT: &str = "dispatch_outbox_idempotency_key_key";

/// What a replay looks at.
#[derive(Debug, Clone, FromRow)]
pub struct OutboxHead {
    /// `PENDING`, `IN_FLIGHT`, `SENT`, `DEAD_LETTER` or `SUPPRESSED`.
    pub status: String,
    /// What the message is about.
    pub aggregate_type: String,
    /// Which one.
    pub aggregate_id: String,
}

/// Reads a message and holds its row until the transaction ends.
///
/// # Errors
/// When the database does not answer.
pub async fn lock(db: &mut PgConnection, id: Uuid) -> Result<Option<OutboxHead>, sqlx::Error> {
    sqlx::query_as(
        "SELECT status, aggregate_type, aggregate_id FROM dispatch_outbox WHERE id = $1 FOR UPDATE",
    )
    .bind(id)
    .fetch_optional(db)
    .await
}

/// Makes a message due now, with all its attempts again.
///
/// # Errors
/// When the database does not answer.
pub async fn requeue(db: &mut PgConnection, id: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE dispatch_outbox SET status = 'PENDING', attempt_count = 0, next_attempt_at = now(), \
             last_error = NULL, locked_by = NULL, locked_until = NULL, updated_at = now() WHERE id = $1",
    )
    .bind(id)
    .execute(db)
    .await?;
    Ok(())
}
