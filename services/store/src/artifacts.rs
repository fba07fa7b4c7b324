//! Closeout artifacts: the final packet of a ticket.

use serde_json::Value;
use sqlx::{FromRow, PgConnection};
use time::OffsetDateTime;
use uuid::Uuid;

/// What is stored.
#[derive(Debug, Clone)]
pub struct ArtifactDraft<'a> {
    /// The ticket.
    pub ticket_id: Uuid,
    /// `closeout_packet`.
    pub artifact_type: &'a str,
    /// File name of the packet.
    pub artifact_name: &'a str,
    /// SHA-256 of the canonical payload.
    pub artifact_hash: &'a str,
    /// The packet.
    pub payload: &'a Value,
    /// The actor.
    pub created_by: &'a str,
    /// Idempotency key of the command.
    pub request_id: Uuid,
    /// Correlation id.
    pub correlation_id: &'a str,
    /// Trace id.
    pub trace_id: Option<&'a str>,
}

/// Stores the artifact; a second one of the same type replaces the first.
///
/// # Errors
/// When the database refuses the row.
pub async fn put(db: &mut PgConnection, draft: &ArtifactDraft<'_>) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO closeout_artifacts (ticket_id, artifact_type, artifact_name, artifact_hash, artifact_payload, \
             created_by, request_id, correlation_id, trace_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
         ON CONFLICT (ticket_id, artifact_type) DO UPDATE SET artifact_name = excluded.artifact_name, \
             artifact_hash = excluded.artifact_hash, artifact_payload = excluded.artifact_payload, \
             created_by = excluded.created_by, request_id = excluded.request_id, \
             correlation_id = excluded.correlation_id, trace_id = excluded.trace_id, created_at = now()",
    )
    .bind(draft.ticket_id)
    .bind(draft.artifact_type)
    .bind(draft.artifact_name)
    .bind(draft.artifact_hash)
    .bind(draft.payload)
    .bind(draft.created_by)
    .bind(draft.request_id)
    .bind(draft.correlation_id)
    .bind(draft.trace_id)
    .execute(db)
    .await?;
    Ok(())
}

/// An artifact as stored.
#[derive(Debug, Clone, FromRow)]
pub struct ArtifactRow {
    /// `closeout_packet`.
    pub artifact_type: String,
    /// File name of the packet.
    pub artifact_name: Option<String>,
    /// SHA-256 of the canonical payload.
    pub artifact_hash: Option<String>,
    /// The packet.
    pub artifact_payload: Value,
    /// When it was stored, or replaced.
    pub created_at: OffsetDateTime,
}

/// Reads an artifact of a ticket.
///
/// # Errors
/// When the database does not answer.
pub async fn find(
    db: &mut PgConnection,
    ticket_id: Uuid,
    artifact_type: &str,
) -> Result<Option<ArtifactRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT artifact_type, artifact_name, artifact_hash, artifact_payload, created_at \
         FROM closeout_artifacts WHERE ticket_id = $1 AND artifact_type = $2",
    )
    .bind(ticket_id)
    .bind(artifact_type)
    .fetch_optional(db)
    .await
}
