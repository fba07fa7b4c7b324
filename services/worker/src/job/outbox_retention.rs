//! Deletes messages that were sent long ago. What was given up on or suppressed stays for an operator.

use std::time::Duration;

use dispatch_store::StoreError;
use dispatch_store::outbox_queue;
use serde_json::json;
use tokio::sync::Notify;

use crate::context::Context;
use crate::log::Level;

/// From one look to the next; retention is counted in days, so an hour is exact enough.
const EVERY: Duration = Duration::from_secs(60 * 60);

/// Rows deleted per statement, so that no lock is held for long.
const AT_ONCE: u32 = 1_000;

/// Looks every hour until the worker is told to end.
pub async fn run(context: Context) {
    let never = Notify::new();
    while !context.stop.is_cancelled() {
        match prune(&context).await {
            Ok(0) => {}
            Ok(deleted) => {
                context.stats.pruned(deleted);
                context.log.event(Level::Info, "worker.outbox_pruned", json!({ "deleted": deleted }));
            }
            Err(error) => {
                let fields = json!({ "error": error.to_string() });
                context.log.event(Level::Warn, "worker.outbox_retention_error", fields);
            }
        }
        context.pause(EVERY, &never).await;
    }
}

async fn prune(context: &Context) -> Result<u64, StoreError> {
    let pool = context.pool().await?;
    let mut deleted = 0;
    while !context.stop.is_cancelled() {
        let batch = outbox_queue::prune_sent(pool, context.config.outbox.retention, AT_ONCE).await?;
        deleted += batch;
        if batch < u64::from(AT_ONCE) {
            break;
        }
    }
    Ok(deleted)
}
