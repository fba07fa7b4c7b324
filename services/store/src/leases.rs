//! Work that only one instance at a time should do.

use sqlx::PgPool;

/// Takes or keeps the lease for `seconds`; `false` when another holder has it.
///
/// # Errors
/// When the database does not answer.
pub async fn take(pool: &PgPool, name: &str, holder: &str, seconds: u32) -> Result<bool, sqlx::Error> {
    let taken: Option<bool> = sqlx::query_scalar(
        "INSERT INTO ops_leases (name, holder, expires_at) \
         VALUES ($1, $2, clock_timestamp() + make_interval(secs => $3)) \
         ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at \
             WHERE ops_leases.holder = excluded.holder OR ops_leases.expires_at < clock_timestamp() \
         RETURNING true",
    )
    .bind(name)
    .bind(holder)
    .bind(f64::from(seconds))
    .fetch_optional(pool)
    .await?;
    Ok(taken.unwrap_or(false))
}

/// Gives a lease back, so that another instance need not wait for its end.
///
/// # Errors
/// When the database does not answer.
pub async fn give_back(pool: &PgPool, name: &str, holder: &str) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM ops_leases WHERE name = $1 AND holder = $2")
        .bind(name)
        .bind(holder)
        .execute(pool)
        .await?;
    Ok(())
}
