//! Tokens that are no longer believed.

use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

/// Puts a token on the list; one that is there already keeps its first entry and the later end.
///
/// # Errors
/// When the database refuses the row.
pub async fn insert(
    db: &mut PgConnection,
    jti: &str,
    expires_at: OffsetDateTime,
    reason: Option<&str>,
    revoked_by: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO revoked_tokens (jti, expires_at, reason, revoked_by) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (jti) DO UPDATE SET expires_at = greatest(revoked_tokens.expires_at, excluded.expires_at)",
    )
    .bind(jti)
    .bind(expires_at)
    .bind(reason)
    .bind(revoked_by)
    .execute(db)
    .await
    .map(drop)
}

/// Every token on the list that has not expired.
///
/// # Errors
/// When the database does not answer.
pub async fn current(pool: &PgPool) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar("SELECT jti FROM revoked_tokens WHERE expires_at > now()").fetch_all(pool).await
}

/// Forgets tokens that have expired; returns how many.
///
/// # Errors
/// When the database does not answer.
pub async fn purge(pool: &PgPool) -> Result<u64, sqlx::Error> {
    let outcome = sqlx::query("DELETE FROM revoked_tokens WHERE expires_at < now()").execute(pool).await?;
    Ok(outcome.rows_affected())
}
