//! How many messages have not been sent.

use sqlx::PgPool;

/// Messages that have not been sent, by state.
///
/// # Errors
/// When the database does not answer.
pub async fn by_status(pool: &PgPool) -> Result<Vec<(String, i64)>, sqlx::Error> {
    sqlx::query_as(
        "SELECT status, count(*) FROM dispatch_outbox WHERE status <> 'SENT' GROUP BY status ORDER BY status",
    )
    .fetch_all(pool)
    .await
}
