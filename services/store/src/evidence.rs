//! Evidence items of a ticket.

use serde_json::Value;
use sqlx::{FromRow, PgConnection};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::page::Page;

/// One reference to a photo, note or signature.
#[derive(Debug, Clone, FromRow)]
pub struct EvidenceRow {
    /// Identity.
    pub id: Uuid,
    /// The ticket.
    pub ticket_id: Uuid,
    /// Free text; `SIGNATURE` is special.
    pub kind: String,
    /// Where the object is.
    pub uri: String,
    /// What its ETag should be.
    pub checksum: Option<String>,
    /// Free members and `evidence_key`.
    pub metadata: Value,
    /// Set by verification and close.
    pub is_immutable: bool,
    /// Why it was flagged.
    pub immutable_reason: Option<String>,
    /// Who flagged it first.
    pub immutable_by: Option<String>,
    /// When it was flagged first.
    pub immutable_at: Option<OffsetDateTime>,
    /// Who added it.
    pub created_by: Option<String>,
    /// When it was added.
    pub created_at: OffsetDateTime,
}

macro_rules! columns {
    () => {
        "id, ticket_id, kind, uri, checksum, metadata, is_immutable, immutable_reason, immutable_by, \
         immutable_at, created_by, created_at"
    };
}

/// What a new item holds.
#[derive(Debug, Clone)]
pub struct NewEvidence<'a> {
    /// The ticket.
    pub ticket_id: Uuid,
    /// Trimmed, not blank.
    pub kind: &'a str,
    /// Trimmed, not blank.
    pub uri: &'a str,
    /// Trimmed, not blank.
    pub checksum: Option<&'a str>,
    /// A JSON object.
    pub metadata: &'a Value,
    /// The actor.
    pub created_by: &'a str,
}

/// All items of a ticket, oldest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list(db: &mut PgConnection, ticket_id: Uuid) -> Result<Vec<EvidenceRow>, sqlx::Error> {
    sqlx::query_as(concat!(
        "SELECT ",
        columns!(),
        " FROM evidence_items WHERE ticket_id = $1 ORDER BY created_at, id"
    ))
    .bind(ticket_id)
    .fetch_all(db)
    .await
}

/// One page of a ticket's items, oldest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list_page(
    db: &mut PgConnection,
    ticket_id: Uuid,
    page: &Page,
) -> Result<Vec<EvidenceRow>, sqlx::Error> {
    sqlx::query_as(concat!(
        "SELECT ",
        columns!(),
        " FROM evidence_items WHERE ticket_id = $1 ",
        "AND ($2::timestamptz IS NULL OR (created_at, id) > ($2, $3)) ORDER BY created_at, id LIMIT $4"
    ))
    .bind(ticket_id)
    .bind(page.after.map(|place| place.at))
    .bind(page.after.map(|place| place.id))
    .bind(page.limit)
    .fetch_all(db)
    .await
}

/// How many items a ticket has.
///
/// # Errors
/// When the database does not answer.
pub async fn count(db: &mut PgConnection, ticket_id: Uuid) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT count(*) FROM evidence_items WHERE ticket_id = $1")
        .bind(ticket_id)
        .fetch_one(db)
        .await
}

/// Adds an item.
///
/// # Errors
/// When the database refuses the row.
pub async fn insert(db: &mut PgConnection, new: &NewEvidence<'_>) -> Result<EvidenceRow, sqlx::Error> {
    sqlx::query_as(concat!(
        "INSERT INTO evidence_items (id, ticket_id, kind, uri, checksum, metadata, created_by) ",
        "VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING ",
        columns!()
    ))
    // Time-ordered, so that items of one instant list in the order they were added.
    .bind(Uuid::now_v7())
    .bind(new.ticket_id)
    .bind(new.kind)
    .bind(new.uri)
    .bind(new.checksum)
    .bind(new.metadata)
    .bind(new.created_by)
    .fetch_one(db)
    .await
}

/// Flags every item of a ticket; who and when are kept from the first time. Returns the items, oldest first.
///
/// # Errors
/// When the database does not answer.
pub async fn mark_immutable(
    db: &mut PgConnection,
    ticket_id: Uuid,
    actor_id: &str,
    request_id: Uuid,
) -> Result<Vec<EvidenceRow>, sqlx::Error> {
    sqlx::query(
        "UPDATE evidence_items SET is_immutable = true, immutable_reason = 'closeout_verification', \
             immutable_by = coalesce(immutable_by, $2), immutable_request_id = coalesce(immutable_request_id, $3), \
             immutable_at = coalesce(immutable_at, now()) \
         WHERE ticket_id = $1 AND NOT is_immutable",
    )
    .bind(ticket_id)
    .bind(actor_id)
    .bind(request_id)
    .execute(&mut *db)
    .await?;
    list(db, ticket_id).await
}
