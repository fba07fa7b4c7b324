//! The listening process: starts when the database answers, ends when it is told to.

use std::any::Any;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::body::Body;
use axum::http::Response;
use dispatch_store::{Connections, PgPool, PoolSettings, TicketReader};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;

use crate::alerting::{self, Alerting};
use crate::answer::Answer;
use crate::app::App;
use crate::cockpit::SharedQueues;
use crate::config::{Config, ListenConfig};
use crate::failure::Failure;
use crate::identity::{Keys, RevokedTokens, Secrets};
use crate::metrics::Metrics;
use crate::object_store::ObjectStore;
use crate::rate_limit::RateLimits;
use crate::request_log::{RequestLog, SinkPaths, SinkTask, life_cycle};
use crate::router::{self, Door};
use crate::server::Server;
use crate::stored_answers;
use crate::tracing::Tracer;

/// How long requests in flight may take to finish after the order to stop; the rest of five seconds is for closing the
/// files and the database.
const DRAIN: Duration = Duration::from_millis(3_500);

/// How long closing the database may take: a statement that was cut off may still run there.
const CLOSE: Duration = Duration::from_millis(500);

/// How often files with secrets are looked at.
const SECRETS: Duration = Duration::from_secs(2);

/// Connects to the configured database.
///
/// # Errors
/// When it does not answer.
pub async fn connect(config: &Config) -> anyhow::Result<PgPool> {
    let mut settings = PoolSettings::new(&config.database.url, crate::metrics::SERVICE);
    settings.max_connections = config.database.pool_max;
    settings.statement_timeout_ms = config.database.statement_timeout_ms;
    settings.lock_timeout_ms = config.database.lock_timeout_ms;
    settings.acquire_timeout_ms = config.database.acquire_timeout_ms;
    dispatch_store::connect(&settings).await.context("failed to connect to the database")
}

/// Serves until SIGINT or SIGTERM.
///
/// # Errors
/// When the service cannot start.
pub async fn run(config: Config) -> anyhow::Result<()> {
    for warning in &config.warnings {
        life_cycle(false, json!({ "message": "configuration warning", "warning": warning }));
    }
    let pool = connect(&config).await?;
    warn_of_drift(&pool).await?;
    let stop = stop_signal()?;
    let main = bind(&config.listen).await?;
    let ops = match &config.ops.listen {
        Some(listen) => Some(bind(listen).await?),
        None => None,
    };
    let (app, sink_task) = assemble(config, pool, stop.clone()).await?;
    announce(&app, &main, ops.as_ref())?;
    let background = Background::start(&app);
    listen(&app, main, ops, stop).await;
    background.stop().await;
    if let Some(tracer) = &app.tracer {
        tracer.close().await;
    }
    sink_task.finish().await;
    app.connections.close();
    // Ignored: connections that are not closed in time end with the process.
    let _ = tokio::time::timeout(CLOSE, app.pool.close()).await;
    life_cycle(false, json!({ "message": "dispatch-api stopped" }));
    Ok(())
}

async fn bind(listen: &ListenConfig) -> anyhow::Result<TcpListener> {
    let (host, port) = (listen.host.as_str(), listen.port);
    TcpListener::bind((host, port)).await.with_context(|| format!("failed to listen on {host} port {port}"))
}

/// Tells of a schema that is not this binary's. Neither ends the start: an older one is brought up to date beside a
/// service that is not ready until then, and a newer one is what a rollback of the binary meets.
async fn warn_of_drift(pool: &PgPool) -> anyhow::Result<()> {
    let drift = dispatch_store::schema_drift(pool).await.context("failed to read the schema's migrations")?;
    let findings = [
        ("the schema is older than this binary, which is not ready until it is migrated", drift.pending),
        ("the schema is newer than this binary", drift.unknown),
        ("migrations were applied with another text than this binary has", drift.changed),
    ];
    for (warning, migrations) in findings {
        if !migrations.is_empty() {
            let message = "schema warning";
            life_cycle(false, json!({ "message": message, "warning": warning, "migrations": migrations }));
        }
    }
    Ok(())
}

/// Makes everything that requests share.
async fn assemble(
    config: Config,
    pool: PgPool,
    stop: CancellationToken,
) -> anyhow::Result<(Arc<App>, SinkTask)> {
    let timeout = Duration::from_millis(config.evidence.head_timeout_ms);
    let objects = ObjectStore::new(config.object_store.as_ref(), timeout, &config.evidence.allowed_hosts)?;
    let metrics = Metrics::default();
    let sinks = config.sinks.clone();
    let paths = SinkPaths {
        log: sinks.log,
        metrics: sinks.metrics,
        alerts: sinks.alerts,
        failures_to_stderr: sinks.failures_to_stderr,
    };
    let (log, sink_task) = RequestLog::start(paths, metrics.clone());
    let keys = Keys::new(&config.auth)?;
    // Read now, so that the first request does not wait; a publisher that is away is asked again then.
    keys.refresh().await;
    let tracer = config.tracing.as_ref().map(Tracer::new).transpose()?;
    let connections = Connections::new(pool.clone());
    let revoked = RevokedTokens::default();
    // Ignored: a database that is not migrated yet has no such list, and readiness says so; the list is read again.
    let _ = revoked.refresh(&pool).await;
    let app = App {
        revoked,
        stop,
        tickets: TicketReader::start(&connections),
        connections,
        queues: SharedQueues::default(),
        limits: RateLimits::new(&config.http),
        ops_tokens: Secrets::new(config.ops.token.clone()),
        alerting: Alerting::default(),
        draining: AtomicBool::new(false),
        config,
        pool,
        metrics,
        log,
        keys,
        objects,
        tracer,
    };
    Ok((Arc::new(app), sink_task))
}

/// The start line. Its port is the one that was taken when 0 was asked for.
fn announce(app: &App, main: &TcpListener, ops: Option<&TcpListener>) -> anyhow::Result<()> {
    let port = |listener: &TcpListener| listener.local_addr().map(|address| address.port());
    let mut line = json!({
        "message": "dispatch-api started",
        "host": app.config.listen.host,
        "port": port(main).context("failed to listen")?,
    });
    if let Some(ops) = ops {
        line["ops_port"] = port(ops).context("failed to listen")?.into();
    }
    life_cycle(false, line);
    Ok(())
}

/// Accepts until told to stop, then lets requests in flight finish for a while.
async fn listen(app: &Arc<App>, main: TcpListener, ops: Option<TcpListener>, stop: CancellationToken) {
    let close = CancellationToken::new();
    let limits = app.config.http;
    let doors = |door| protected(router::build(Arc::clone(app), door));
    let door = if ops.is_some() { Door::Business } else { Door::Both };
    let serving = async {
        let main = Server::new(main, doors(door), limits).run(close.clone());
        match ops {
            Some(ops) => {
                tokio::join!(main, Server::new(ops, doors(Door::Operations), limits).run(close.clone()));
            }
            None => main.await,
        }
    };
    let closing = async {
        stop.cancelled().await;
        app.draining.store(true, Ordering::Relaxed);
        // Readiness is red and connections are still accepted, for those who have not looked yet.
        pause(Duration::from_millis(app.config.http.drain_grace_ms.into())).await;
        close.cancel();
        pause(DRAIN.saturating_sub(Duration::from_millis(app.config.http.drain_grace_ms.into()))).await;
    };
    tokio::select! {
        () = serving => {}
        () = closing => {
            life_cycle(true, json!({ "message": "requests in flight were cut off at shutdown" }));
        }
    }
}

fn protected(router: Router) -> Router {
    router.layer(CatchPanicLayer::custom(after_panic))
}

async fn pause(length: Duration) {
    // An elapsed time-out is what is waited for here.
    let _ = tokio::time::timeout(length, std::future::pending::<()>()).await;
}

/// What runs beside the requests.
struct Background {
    stop: CancellationToken,
    alerts: JoinHandle<()>,
    rest: [JoinHandle<()>; 3],
}

impl Background {
    fn start(app: &Arc<App>) -> Self {
        let stop = CancellationToken::new();
        let alerts = tokio::spawn(alerting::watch(Arc::clone(app), stop.clone()));
        let (pool, metrics, days) = (app.pool.clone(), app.metrics.clone(), app.config.idempotency_ttl_days);
        let purge = tokio::spawn(stored_answers::keep_purging(pool, metrics, days));
        let secrets = tokio::spawn(keep_secrets_fresh(Arc::clone(app)));
        let revoked = tokio::spawn(app.revoked.clone().keep_refreshing(app.pool.clone()));
        Self { stop, alerts, rest: [purge, secrets, revoked] }
    }

    /// Ends everything; what alerts have counted is written first, for a moment.
    async fn stop(self) {
        self.stop.cancel();
        for task in self.rest {
            task.abort();
        }
        // Ignored: a database that is away cannot be told, and the process ends all the same.
        let _ = tokio::time::timeout(Duration::from_millis(300), self.alerts).await;
    }
}

/// Reads secrets and published keys again when they have changed or are old.
async fn keep_secrets_fresh(app: Arc<App>) {
    let mut beat = interval(SECRETS);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        beat.tick().await;
        app.ops_tokens.refresh();
        app.keys.keep_fresh().await;
    }
}

/// A token that is cancelled by the first SIGINT or SIGTERM.
fn stop_signal() -> anyhow::Result<CancellationToken> {
    let mut interrupt = signal(SignalKind::interrupt()).context("failed to listen for signals")?;
    let mut terminate = signal(SignalKind::terminate()).context("failed to listen for signals")?;
    let token = CancellationToken::new();
    let cancel = token.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        cancel.cancel();
    });
    Ok(token)
}

/// A defect in a handler costs one answer, not the process.
fn after_panic(panic: Box<dyn Any + Send>) -> Response<Body> {
    let cause = panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_default();
    let failure = Failure::internal(cause);
    let body = failure.body(None, None);
    life_cycle(true, json!({ "message": "a handler panicked", "error": failure.cause, "answer": body }));
    Answer::json(failure.status, &body).into_response("", None)
}

/// Runs a future to its end on a runtime of its own.
///
/// # Errors
/// When the runtime cannot start, or the future's own error.
pub fn block_on<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("failed to start")?
        .block_on(future)
}
