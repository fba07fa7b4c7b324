//! Listen when ready to answer, serve, and stop within five seconds of a signal.

use crate::config::Config;
use crate::http::{Gateway, router};
use crate::json_log;
use anyhow::Context;
use dispatch_domain::tool;
use serde_json::json;
use std::future::{Future, IntoFuture};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// How long running calls may take to finish after a stop signal.
const DRAIN: Duration = Duration::from_millis(4500);

/// Serves until `stop` resolves, then lets running calls finish.
///
/// # Errors
/// When the address cannot be used or serving fails.
pub async fn run(config: Config, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
    let stopping = CancellationToken::new();
    let gateway = Gateway::new(&config, stopping.clone()).context("the HTTP client could not be built")?;
    log_registration(&config);
    let listener = TcpListener::bind((config.host.as_str(), config.port))
        .await
        .with_context(|| format!("{}:{} could not be listened on", config.host, config.port))?;
    let address = listener.local_addr().context("the listening address is unknown")?;
    let mut server = pin!(
        axum::serve(listener, router(Arc::new(gateway)))
            .with_graceful_shutdown(stopping.clone().cancelled_owned())
            .into_future()
    );
    json_log::info(json!({
        "message": "dispatch-gateway started",
        "host": address.ip().to_string(),
        "port": address.port(),
    }));
    tokio::select! {
        ended = &mut server => return ended.context("serving failed"),
        () = stop => stopping.cancel(),
    }
    json_log::info(json!({ "message": "dispatch-gateway stopping" }));
    match tokio::time::timeout(DRAIN, &mut server).await {
        Ok(ended) => ended.context("serving failed")?,
        Err(_) => json_log::warn(json!({ "message": "dispatch-gateway stopped with calls still running" })),
    }
    json_log::info(json!({ "message": "dispatch-gateway stopped" }));
    Ok(())
}

fn log_registration(config: &Config) {
    match &config.api_url {
        Some(url) => {
            let count = tool::public().len();
            let message = format!("dispatch-tools: registered {count} closed bridge tools against {url}");
            json_log::info(json!({ "message": message }));
        }
        None => json_log::warn(json!({
            "message": "dispatch-tools: DISPATCH_API_URL missing; bridge tools not registered (fail closed)",
        })),
    }
}

/// Listens for SIGTERM and SIGINT from now on; the future resolves on the first, or never if the process may not listen.
pub fn stop_signal() -> impl Future<Output = ()> {
    let listeners = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    async move {
        let (Ok(mut terminate), Ok(mut interrupt)) = listeners else { return std::future::pending().await };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
}
