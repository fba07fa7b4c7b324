//! What every job is given.

use std::sync::Arc;
use std::time::Duration;

use dispatch_store::{PgPool, PoolSettings, StoreError};
use tokio::sync::{Notify, OnceCell};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::log::EventLog;
use crate::sms::SmsAdapter;
use crate::stats::Stats;

/// Connections of the worker: one listens, the rest claim, finish and count.
const CONNECTIONS: u32 = 6;

/// Shared by all jobs.
#[derive(Clone)]
pub struct Context {
    /// Settings.
    pub config: Arc<Config>,
    /// Where messages go.
    pub sms: Arc<dyn SmsAdapter>,
    /// Counters.
    pub stats: Stats,
    /// Events.
    pub log: EventLog,
    /// Cancelled when the worker is told to end; nothing new is begun afterwards.
    pub stop: CancellationToken,
    pool: Arc<OnceCell<PgPool>>,
}

impl Context {
    /// A context that has not connected yet.
    pub fn new(config: Config, sms: Arc<dyn SmsAdapter>, log: EventLog) -> Self {
        Self {
            config: Arc::new(config),
            sms,
            stats: Stats::default(),
            log,
            stop: CancellationToken::new(),
            pool: Arc::default(),
        }
    }

    /// The connections; the first call makes them, so that the worker starts while the database is down.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn pool(&self) -> Result<&PgPool, StoreError> {
        let connect = || async {
            let mut settings = PoolSettings::new(&self.config.database_url, &self.config.identity);
            settings.max_connections = CONNECTIONS;
            dispatch_store::connect(&settings).await
        };
        self.pool.get_or_try_init(connect).await
    }

    /// Closes the connections, if there are any.
    pub async fn close(&self) {
        if let Some(pool) = self.pool.get() {
            pool.close().await;
        }
    }

    /// Waits until `wake` is notified, the time is over or the worker is told to end.
    pub async fn pause(&self, time: Duration, wake: &Notify) {
        tokio::select! {
            () = self.stop.cancelled() => {}
            // Either way the caller looks at the database again.
            _ = tokio::time::timeout(time, wake.notified()) => {}
        }
    }
}
