//! Accepting connections, with limits on what a caller may send before a handler sees it, and an orderly end.

use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::config::HttpConfig;
use crate::request_log::life_cycle;

/// Pause after an accept that failed, which is mostly for lack of file handles.
const BREATH: Duration = Duration::from_millis(50);

/// Most headers unless the library is told otherwise; told the same number, it would allocate them for every request.
const USUAL_HEADERS: usize = 100;

/// A listening socket and what is served there.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    router: Router,
    limits: HttpConfig,
}

impl Server {
    /// Serves `router` on `listener` within `limits`.
    pub fn new(listener: TcpListener, router: Router, limits: HttpConfig) -> Self {
        Self { listener, router, limits }
    }

    /// Accepts until `stop`; then the socket is closed, connections that rest are closed, and those that are in the
    /// middle of a request finish it. Returns when all have; dropped before that, it cuts them off.
    pub async fn run(self, stop: CancellationToken) {
        let mut connections = JoinSet::new();
        let mut breath = interval(BREATH);
        breath.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                accepted = self.listener.accept() => accepted,
                // Only so that ended connections are forgotten.
                Some(_) = connections.join_next() => continue,
            };
            match accepted {
                Ok((stream, _)) => {
                    // Answers are small and written whole; waiting to fill a segment would only delay them.
                    // Ignored: the connection works without.
                    let _ = stream.set_nodelay(true);
                    connections.spawn(serve(stream, self.router.clone(), self.limits, stop.clone()));
                }
                Err(error) => {
                    life_cycle(
                        true,
                        json!({ "message": "a connection could not be accepted", "error": error.to_string() }),
                    );
                    breath.reset();
                    breath.tick().await;
                }
            }
        }
        drop(self.listener);
        while connections.join_next().await.is_some() {}
    }
}

/// Serves one connection to its end. How it ends is the caller's business: most just hang up.
async fn serve(stream: TcpStream, router: Router, limits: HttpConfig, stop: CancellationToken) {
    let service = TowerToHyperService::new(tower::service_fn(move |request: Request<Incoming>| {
        let mut router = router.clone();
        async move { tower::Service::call(&mut router, request).await }
    }));
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(limits.header_timeout_s))
        .max_buf_size(limits.max_head_bytes);
    if limits.max_headers != USUAL_HEADERS {
        builder.max_headers(limits.max_headers);
    }
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        _ = connection.as_mut() => return,
        () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
