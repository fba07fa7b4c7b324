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

/// Stores the artifact as the latest of its type and as the next version, which is never overwritten.
///
/// # Errors
/// When the database refuses the row.
pub async fn put(db: &mut PgConnection, draft: &ArtifactDraft<'_>) -> Result<(), sqlx::Error> {
    sqlx::query(
        "WITH kept AS ( \
             INSERT INTO closeout_artifact_versions (ticket_id, artifact_type, version, artifact_name, artifact_hash, \
                 artifact_payload, created_by, request_id) \
             SELECT $1, $2, 1 + coalesce((SELECT max(version) FROM closeout_artifact_versions \
                 WHERE ticket_id = $1 AND artifact_type = $2), 0), $3, $4, $5, $6, $7 \
         ) \
         INSERT INTO closeout_artifacts (ticket_id, artifact_type, artifact_name, artifact_hash, artifact_payload, \
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
    /// When it was stored.
    pub created_at: OffsetDateTime,
    /// Counts from 1 per ticket and type.
    pub version: i32,
    /// How many versions there are.
    pub versions: i64,
}

/// Reads a version of an artifact of a ticket; without a number the latest.
///
/// # Errors
/// When the database does not answer.
pub async fn find(
    db: &mut PgConnection,
    ticket_id: Uuid,
    artifact_type: &str,
    version: Option<i32>,
) -> Result<Option<ArtifactRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT artifact_type, artifact_name, artifact_hash, artifact_payload, created_at, version, \
             (SELECT count(*) FROM closeout_artifact_versions WHERE ticket_id = $1 AND artifact_type = $2) AS versions \
         FROM closeout_artifact_versions \
         WHERE ticket_id = $1 AND artifact_type = $2 AND ($3::int IS NULL OR version = $3) \
         ORDER BY version DESC LIMIT 1",
    )
    .bind(ticket_id)
    .bind(artifact_type)
    .bind(version)
    .fetch_optional(db)
    .await
}
