//! Listening until the process is told to end.

use std::future::IntoFuture;
use std::io::Write;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::config::Config;

/// How long answers in progress may take after the signal; a scripted delay is not worth more.
const DRAIN: Duration = Duration::from_secs(2);

/// Serves `routes` until SIGTERM or SIGINT; the start line carries the real port.
///
/// # Errors
/// When the address cannot be listened on.
pub async fn run(double: &str, config: &Config, routes: Router) -> anyhow::Result<()> {
    let address = (config.host, config.port);
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {}:{}", config.host, config.port))?;
    let port = listener.local_addr()?.port();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    say(&json!({
        "level": "info",
        "service": "dispatch-doubles",
        "message": "dispatch-doubles started",
        "double": double,
        "host": config.host.to_string(),
        "port": port,
    }));

    let stop = CancellationToken::new();
    let server = axum::serve(listener, routes).with_graceful_shutdown(stop.clone().cancelled_owned());
    let mut server = tokio::spawn(server.into_future());
    tokio::select! {
        ended = &mut server => return Ok(ended??),
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    stop.cancel();
    if tokio::time::timeout(DRAIN, &mut server).await.is_err() {
        server.abort();
    }
    say(&json!({ "level": "info", "service": "dispatch-doubles", "message": "dispatch-doubles stopped" }));
    Ok(())
}

/// Writes one line to standard error.
pub fn complain(text: &str) {
    // Ignored: there is nobody left to tell when standard error is closed.
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn say(line: &serde_json::Value) {
    // Ignored: a reader that went away must not end the double.
    let _ = writeln!(std::io::stdout(), "{line}");
}
