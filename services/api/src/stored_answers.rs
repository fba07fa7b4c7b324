//! Forgetting stored answers: a key that is sent again later than this is a new command.

use std::time::Duration;

use dispatch_store::{PgPool, StoreError, idempotency};
use serde_json::json;
use tokio::time::{MissedTickBehavior, interval};

use crate::metrics::Metrics;
use crate::request_log::life_cycle;

/// Age at which the verb forgets, unless it is told otherwise: no client repeats a command after a month.
pub const DEFAULT_TTL_DAYS: u32 = 30;

/// From one round in the background to the next.
const ROUND: Duration = Duration::from_secs(3600);

/// Rows of one statement, so that no lock is held for long.
const BATCH: i64 = 1000;

/// Deletes every stored answer older than `days`; returns how many.
///
/// # Errors
/// When the database does not answer.
pub async fn purge(pool: &PgPool, days: u32) -> Result<u64, StoreError> {
    let mut total = 0;
    loop {
        let deleted = idempotency::purge(pool, days, BATCH).await?;
        total += deleted;
        if deleted == 0 {
            return Ok(total);
        }
    }
}

/// Purges once an hour; 0 days keeps everything. Several instances may do so at once.
pub async fn keep_purging(pool: PgPool, metrics: Metrics, days: u32) {
    if days == 0 {
        return;
    }
    let mut beat = interval(ROUND);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        beat.tick().await;
        match purge(&pool, days).await {
            Ok(0) => {}
            Ok(deleted) => {
                metrics.forgotten(deleted);
                life_cycle(
                    false,
                    json!({ "message": "stored answers forgotten", "deleted": deleted, "older_than_days": days }),
                );
            }
            Err(error) => life_cycle(
                true,
                json!({ "message": "stored answers could not be forgotten", "error": error.to_string() }),
            ),
        }
    }
}
