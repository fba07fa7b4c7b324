//! The background: refusals are written a moment after they were noted, and one instance at a time judges.

use std::sync::Arc;
use std::time::Duration;

use dispatch_store::{StoreError, alerts, leases};
use serde_json::json;
use tokio::time::{Interval, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::judge;
use crate::app::App;
use crate::request_log::life_cycle;

/// The work that only one instance does.
const LEASE: &str = "alerts.judge";

/// Refusals are collected for so long before they are written: one statement for a burst of them.
const COLLECT: Duration = Duration::from_millis(250);

/// A lease outlives so many judgements that did not come.
const LEASE_ROUNDS: u32 = 3;

/// Watches until told to stop; then what was noted is written and the lease given back.
pub async fn watch(app: Arc<App>, stop: CancellationToken) {
    let mut judging = beat(Duration::from_secs(app.config.alerts.evaluate_seconds.into()));
    let mut collecting = beat(COLLECT);
    let mut was_away = false;
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            () = app.alerting.wake.notified() => {
                collecting.reset();
                collecting.tick().await;
                app.alerting.write(&app).await;
            }
            _ = judging.tick() => match round(&app).await {
                Ok(()) => was_away = false,
                // Said once per outage; requests say it themselves.
                Err(error) if !was_away => {
                    was_away = true;
                    life_cycle(true, json!({ "message": "alerts cannot be judged", "error": error.to_string() }));
                }
                Err(_) => {}
            },
        }
    }
    app.alerting.write(&app).await;
    // Ignored: a lease that is not given back ends by itself.
    let _ = leases::give_back(&app.pool, LEASE, &app.alerting.holder).await;
}

async fn round(app: &App) -> Result<(), StoreError> {
    let config = &app.config.alerts;
    let seconds = config.evaluate_seconds.saturating_mul(LEASE_ROUNDS);
    if leases::take(&app.pool, LEASE, &app.alerting.holder, seconds).await? {
        judge(app).await?;
        alerts::forget(&app.pool, config.window_seconds).await?;
    }
    Ok(())
}

fn beat(every: Duration) -> Interval {
    let mut beat = interval(every);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    beat
}
