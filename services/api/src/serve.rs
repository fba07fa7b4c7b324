//! The listening process: starts when the database answers, ends when it is told to.

use std::any::Any;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::body::Body;
use axum::http::Response;
use axum::serve::ListenerExt;
use dispatch_store::{PgPool, PoolSettings};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;

use crate::answer::Answer;
use crate::app::App;
use crate::config::Config;
use crate::failure::Failure;
use crate::identity::Keys;
use crate::metrics::Metrics;
use crate::object_store::ObjectStore;
use crate::rate_limit::RateLimits;
use crate::request_log::{RequestLog, SinkPaths, life_cycle};
use crate::{router, stored_answers};

/// How long requests in flight may take to finish; the rest of five seconds is for closing the database.
const DRAIN: Duration = Duration::from_secs(4);

/// Connects to the configured database.
///
/// # Errors
/// When it does not answer.
pub async fn connect(config: &Config) -> anyhow::Result<PgPool> {
    let mut settings = PoolSettings::new(&config.database.url, crate::metrics::SERVICE);
    settings.max_connections = config.database.pool_max;
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
    let timeout = Duration::from_millis(config.evidence.head_timeout_ms);
    let objects = ObjectStore::new(config.object_store.as_ref(), timeout)?;
    let metrics = Metrics::new(Duration::from_secs(config.alerts.window_seconds.into()));
    let sinks = config.sinks.clone();
    let paths = SinkPaths { log: sinks.log, metrics: sinks.metrics, alerts: sinks.alerts };
    let (log, sink_task) = RequestLog::start(paths, metrics.clone());
    let stop = stop_signal()?;
    let address = (config.listen.host.clone(), config.listen.port);
    let listener = TcpListener::bind((address.0.as_str(), address.1)).await.context("failed to listen")?;
    let port = listener.local_addr().context("failed to listen")?.port();
    let keys = Keys::new(config.auth.jwks.clone())?;
    // Read now, so that the first request does not wait; a publisher that is away is asked again then.
    keys.refresh().await;
    let limits = RateLimits::new(&config.http);
    let purge = tokio::spawn(stored_answers::keep_purging(pool.clone(), config.idempotency_ttl_days));
    let app = Arc::new(App { config, pool: pool.clone(), metrics, log, keys, limits, objects });
    life_cycle(false, json!({ "message": "dispatch-api started", "host": address.0, "port": port }));
    listen(listener, app, stop).await?;
    purge.abort();
    sink_task.finish().await;
    pool.close().await;
    life_cycle(false, json!({ "message": "dispatch-api stopped" }));
    Ok(())
}

/// Accepts until told to stop, then lets requests in flight finish for a while.
async fn listen(listener: TcpListener, app: Arc<App>, stop: CancellationToken) -> anyhow::Result<()> {
    // Answers are small and written whole; waiting to fill a segment would only delay them.
    let listener = listener.tap_io(|stream| {
        // Ignored: the connection works without.
        let _ = stream.set_nodelay(true);
    });
    let router = router::build(app).layer(CatchPanicLayer::custom(after_panic));
    let serving = axum::serve(listener, router).with_graceful_shutdown(stop.clone().cancelled_owned());
    tokio::select! {
        outcome = serving => outcome.context("failed to serve"),
        () = too_late(stop) => {
            life_cycle(true, json!({ "message": "requests in flight were cut off at shutdown" }));
            Ok(())
        }
    }
}

/// Resolves when the time to drain is over.
async fn too_late(stop: CancellationToken) {
    stop.cancelled().await;
    // An elapsed time-out is what is waited for here.
    let _ = tokio::time::timeout(DRAIN, std::future::pending::<()>()).await;
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
