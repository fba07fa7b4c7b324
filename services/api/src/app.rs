//! What every request shares.

use dispatch_store::PgPool;

use crate::config::Config;
use crate::metrics::Metrics;
use crate::object_store::ObjectStore;
use crate::request_log::RequestLog;

/// The running service.
#[derive(Debug)]
pub struct App {
    /// As read at start.
    pub config: Config,
    /// The database.
    pub pool: PgPool,
    /// Counters.
    pub metrics: Metrics,
    /// One line per request.
    pub log: RequestLog,
    /// Evidence objects.
    pub objects: ObjectStore,
}
