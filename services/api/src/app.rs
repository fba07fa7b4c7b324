//! What every request shares.

use dispatch_store::PgPool;

use crate::config::Config;
use crate::identity::Keys;
use crate::metrics::Metrics;
use crate::object_store::ObjectStore;
use crate::rate_limit::RateLimits;
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
    /// Keys that tokens are signed with.
    pub keys: Keys,
    /// Who may go on and who has asked too often.
    pub limits: RateLimits,
    /// Evidence objects.
    pub objects: ObjectStore,
}
