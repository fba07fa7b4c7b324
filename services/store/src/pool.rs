//! Connections: how many, how long a statement may take, and what happens when one has died.

use std::str::FromStr;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgPool, Postgres, Transaction};

mod waiting;

pub(crate) use waiting::Waiting;
pub use waiting::{ACQUIRE_BOUNDS_S, AcquireStatistics};

/// A connection that rested this long is asked whether it still works before it is used.
pub(crate) const RESTED: Duration = Duration::from_millis(500);

/// How a process connects to the database.
#[derive(Debug, Clone)]
pub struct PoolSettings {
    /// `postgres://user:password@host:port/name`.
    pub url: String,
    /// Most connections held at once.
    pub max_connections: u32,
    /// A statement that runs longer is cancelled by the database.
    pub statement_timeout_ms: u32,
    /// A statement that waits longer for a lock is cancelled by the database.
    pub lock_timeout_ms: u32,
    /// Longest wait for a connection of the pool.
    pub acquire_timeout_ms: u32,
    /// What the database shows as the client's name.
    pub application_name: String,
}

impl PoolSettings {
    /// Settings with ten connections, 15 s per statement, 5 s per lock and 5 s for a connection.
    #[must_use]
    pub fn new(url: &str, application_name: &str) -> Self {
        Self {
            url: url.to_owned(),
            max_connections: 10,
            statement_timeout_ms: 15_000,
            lock_timeout_ms: 5_000,
            acquire_timeout_ms: 5_000,
            application_name: application_name.to_owned(),
        }
    }
}

/// Connects and proves that one query works.
///
/// # Errors
/// When the address cannot be parsed or the database does not answer.
pub async fn connect(settings: &PoolSettings) -> Result<PgPool, sqlx::Error> {
    let options = PgConnectOptions::from_str(&settings.url)?
        .application_name(&settings.application_name)
        .options([
            ("statement_timeout", settings.statement_timeout_ms.to_string()),
            ("lock_timeout", settings.lock_timeout_ms.to_string()),
        ])
        .disable_statement_logging();
    PgPoolOptions::new()
        .max_connections(settings.max_connections.max(1))
        .acquire_timeout(Duration::from_millis(settings.acquire_timeout_ms.max(1).into()))
        // A ping before every use would be one more round trip per request. Only a connection that has
        // rested is asked; one that died since is noticed by `begin`.
        .test_before_acquire(false)
        .before_acquire(|connection, usage| {
            Box::pin(async move { Ok(usage.idle_for < RESTED || connection.ping().await.is_ok()) })
        })
        .connect_with(options)
        .await
}

/// Begins a transaction; connections that died while idle are thrown away and another one is tried.
///
/// # Errors
/// When no connection can be had, or when the database refuses.
pub async fn begin(pool: &PgPool) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    let mut left = pool.size();
    loop {
        let waiting = Waiting::begin();
        let begun = pool.begin().await;
        waiting.end();
        match begun {
            Err(error) if left > 0 && is_connection_lost(&error) => left -= 1,
            outcome => return outcome,
        }
    }
}

/// Takes a connection of the pool.
///
/// # Errors
/// When none can be had in time.
pub async fn acquire(pool: &PgPool) -> Result<PoolConnection<Postgres>, sqlx::Error> {
    let waiting = Waiting::begin();
    let acquired = pool.acquire().await;
    waiting.end();
    acquired
}

/// How long this process has waited for connections so far.
#[must_use]
pub fn acquire_statistics() -> AcquireStatistics {
    waiting::statistics()
}

/// Whether the error says that the connection itself is gone, so that a read may be tried on another one.
#[must_use]
pub fn is_connection_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) => true,
        // Class 57P: the server ended the session or is shutting down.
        sqlx::Error::Database(error) => error.code().is_some_and(|code| code.starts_with("57P")),
        _ => false,
    }
}

/// Whether the error says that the database cannot serve right now: gone, too busy, or a lock held too long.
#[must_use]
pub fn is_unavailable(error: &sqlx::Error) -> bool {
    // 57014 query cancelled by timeout, 55P03 lock timeout, class 53 out of resources,
    // 40001 and 40P01 serialization failure and deadlock, 25006 a server that may only be read: a standby after a
    // failover, or a primary that was made read-only because it is out of room. At the door: 55000 a database that
    // takes no connections, 3D000 one that is not there, class 28 credentials that are being changed.
    const BUSY: [&str; 7] = ["57014", "55P03", "40001", "40P01", "25006", "55000", "3D000"];
    match error {
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(source) => source.code().is_some_and(|code| {
            let class = |class: &str| code.starts_with(class);
            BUSY.contains(&code.as_ref()) || class("53") || class("57P") || class("28")
        }),
        other => is_connection_lost(other),
    }
}

/// The name of the violated constraint, when that is what the error says.
#[must_use]
pub fn violated_constraint(error: &sqlx::Error) -> Option<&str> {
    error.as_database_error().and_then(sqlx::error::DatabaseError::constraint)
}
