//! Evidence exceptions that the closeout gate honours for a time.

use sqlx::{FromRow, PgConnection};
use time::OffsetDateTime;
use uuid::Uuid;

/// A new waiver.
#[derive(Debug, Clone)]
pub struct WaiverDraft<'a> {
    /// The ticket.
    pub ticket_id: Uuid,
    /// Evidence keys, item ids or URIs; not empty.
    pub waived: &'a [String],
    /// Why.
    pub reason: &'a str,
    /// Who grants it.
    pub granted_by: &'a str,
    /// Canonical role.
    pub granted_role: &'a str,
    /// Idempotency key.
    pub request_id: Uuid,
    /// Until when it counts.
    pub expires_at: OffsetDateTime,
}

/// Something that a waiver lets through.
#[derive(Debug, Clone, FromRow)]
pub struct WaivedRow {
    /// Evidence key, item id or URI.
    pub waived: String,
}

/// Grants a waiver.
///
/// # Errors
/// When the database refuses the row.
pub async fn insert(db: &mut PgConnection, draft: &WaiverDraft<'_>) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO evidence_waivers (ticket_id, waived, reason, granted_by, granted_role, request_id, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(draft.ticket_id)
    .bind(draft.waived)
    .bind(draft.reason)
    .bind(draft.granted_by)
    .bind(draft.granted_role)
    .bind(draft.request_id)
    .bind(draft.expires_at)
    .execute(db)
    .await
    .map(drop)
}

/// What is waived for a ticket at a moment: distinct, sorted.
///
/// # Errors
/// When the database does not answer.
pub async fn current(
    db: &mut PgConnection,
    ticket_id: Uuid,
    now: OffsetDateTime,
) -> Result<Vec<String>, sqlx::Error> {
    let rows: Vec<WaivedRow> = sqlx::query_as(
        "SELECT DISTINCT unnest(waived) AS waived FROM evidence_waivers \
         WHERE ticket_id = $1 AND expires_at > $2 ORDER BY 1",
    )
    .bind(ticket_id)
    .bind(now)
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| row.waived).collect())
}
