//! What every request shares.

use std::sync::atomic::AtomicBool;

use dispatch_store::{Connections, PgPool, TicketReader};
use tokio_util::sync::CancellationToken;

use crate::alerting::Alerting;
use crate::cockpit::SharedQueues;
use crate::config::Config;
use crate::identity::{Keys, RevokedTokens, Secrets};
use crate::metrics::Metrics;
use crate::object_store::ObjectStore;
use crate::rate_limit::RateLimits;
use crate::request_log::RequestLog;
use crate::tracing::Tracer;

/// The running service.
#[derive(Debug)]
pub struct App {
    /// As read at start.
    pub config: Config,
    /// The database.
    pub pool: PgPool,
    /// Its connections as requests borrow them.
    pub connections: Connections,
    /// Reads single tickets.
    pub tickets: TicketReader,
    /// Queues that are being read.
    pub queues: SharedQueues,
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
    /// What alerts are judged by.
    pub alerting: Alerting,
    /// What operational endpoints ask for, when it is configured.
    pub ops_tokens: Secrets,
    /// Where spans go, when that is configured.
    pub tracer: Option<Tracer>,
    /// The order to stop was given; readiness is red.
    pub draining: AtomicBool,
    /// Tokens that are no longer believed.
    pub revoked: RevokedTokens,
    /// Cancelled when the service is told to stop.
    pub stop: CancellationToken,
}
