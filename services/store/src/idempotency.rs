//! Stored answers: the key is claimed first, so that a duplicate in flight waits and then replays.

use sqlx::{FromRow, PgConnection, PgPool};
use uuid::Uuid;

/// Whose key it is.
#[derive(Debug, Clone, Copy)]
pub struct KeyOwner<'a> {
    /// The actor that sent it.
    pub actor_id: &'a str,
    /// Route template, e.g. `/tickets/{ticketId}/triage`.
    pub endpoint: &'a str,
    /// The key itself.
    pub request_id: Uuid,
}

/// What a command answered.
#[derive(Debug, Clone, FromRow)]
pub struct StoredAnswer {
    /// SHA-256 of the canonical request body.
    pub request_hash: String,
    /// Concrete path; absent on records of an adopted database.
    pub resource_path: Option<String>,
    /// HTTP status.
    pub response_code: i32,
    /// The exact body that was sent.
    pub response_text: String,
    /// Account whose scope the answer needs.
    pub account_id: Option<Uuid>,
    /// Site whose scope the answer needs.
    pub site_id: Option<Uuid>,
}

/// Claims the key for the running transaction; `None` means that an answer is stored already.
///
/// A concurrent claim of the same key waits until the first transaction ends: after its commit it
/// finds the answer, after its rollback it gets the claim.
///
/// # Errors
/// When the database does not answer or the other claim is held for too long.
pub async fn claim(
    db: &mut PgConnection,
    owner: KeyOwner<'_>,
    request_hash: &str,
    resource_path: &str,
) -> Result<Option<Uuid>, sqlx::Error> {
    // 102 (processing) never becomes visible: the answer replaces it in the same transaction.
    sqlx::query_scalar(
        "INSERT INTO idempotency_keys \
         (id, actor_id, endpoint, request_id, request_hash, resource_path, response_code, response_body) \
         VALUES ($1, $2, $3, $4, $5, $6, 102, '{}'::jsonb) \
         ON CONFLICT (actor_id, endpoint, request_id) DO NOTHING RETURNING id",
    )
    .bind(Uuid::now_v7())
    .bind(owner.actor_id)
    .bind(owner.endpoint)
    .bind(owner.request_id)
    .bind(request_hash)
    .bind(resource_path)
    .fetch_optional(db)
    .await
}

/// Reads the stored answer of a key.
///
/// # Errors
/// When the database does not answer.
pub async fn find(db: &mut PgConnection, owner: KeyOwner<'_>) -> Result<Option<StoredAnswer>, sqlx::Error> {
    sqlx::query_as(
        "SELECT request_hash, resource_path, response_code, account_id, site_id, \
                coalesce(response_text, response_body::text) AS response_text \
         FROM idempotency_keys WHERE actor_id = $1 AND endpoint = $2 AND request_id = $3",
    )
    .bind(owner.actor_id)
    .bind(owner.endpoint)
    .bind(owner.request_id)
    .fetch_optional(db)
    .await
}

/// Deletes at most `batch` stored answers older than `days`; returns how many. Rows that another process is at are
/// left to it.
///
/// # Errors
/// When the database does not answer.
pub async fn purge(pool: &PgPool, days: u32, batch: i64) -> Result<u64, sqlx::Error> {
    let outcome = sqlx::query(
        "DELETE FROM idempotency_keys WHERE id IN ( \
             SELECT id FROM idempotency_keys WHERE created_at < now() - make_interval(secs => $1) \
             ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
    )
    .bind(f64::from(days) * 86_400.0)
    .bind(batch)
    .execute(pool)
    .await?;
    Ok(outcome.rows_affected())
}
