//! Serving a folder until the process is told to end.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, anyhow};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, HttpError};
use s3s_fs::FileSystem;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::Config;

/// How long answers in progress may take after the signal.
const DRAIN: Duration = Duration::from_secs(2);
/// Where readiness is asked for. A signed request for a bucket of that name is none.
const READY: &str = "/readyz";

/// Serves `folder` until SIGTERM or SIGINT; the start line carries the real port.
///
/// # Errors
/// When the folder cannot be used or the address cannot be listened on.
pub async fn run(folder: &Path, config: Config) -> anyhow::Result<()> {
    for bucket in &config.buckets {
        let path = folder.join(bucket);
        std::fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
    }
    let service = service(folder, &config)?;
    let listener = TcpListener::bind((config.host, config.port))
        .await
        .with_context(|| format!("cannot listen on {}:{}", config.host, config.port))?;
    let port = listener.local_addr()?.port();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    say(&format!("dispatch-objects serves {} on {}:{port}", folder.display(), config.host));
    let stop = CancellationToken::new();
    let (connections, stopped) = (TaskTracker::new(), stop.clone());
    tokio::select! {
        () = accept(listener, service, &connections, stop) => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    stopped.cancel();
    connections.close();
    // Whoever is slower than that is cut off with the process.
    let _ = tokio::time::timeout(DRAIN, connections.wait()).await;
    say("dispatch-objects stopped");
    Ok(())
}

fn service(folder: &Path, config: &Config) -> anyhow::Result<S3Service> {
    let files = FileSystem::new(folder).map_err(|error| anyhow!("{}: {error:?}", folder.display()))?;
    let mut builder = S3ServiceBuilder::new(files);
    builder.set_auth(SimpleAuth::from_single(config.access_key.clone(), config.secret_key.clone()));
    Ok(builder.build())
}

async fn accept(
    listener: TcpListener,
    service: S3Service,
    connections: &TaskTracker,
    stop: CancellationToken,
) {
    loop {
        // A connection that broke before it was accepted concerns only its client.
        let Ok((socket, _)) = listener.accept().await else { continue };
        let (service, stop) = (service.clone(), stop.clone());
        let service = service_fn(move |request| answer(service.clone(), request));
        connections.spawn(async move {
            let mut server = http1::Builder::new();
            let connection = server.timer(TokioTimer::new()).serve_connection(TokioIo::new(socket), service);
            let mut connection = std::pin::pin!(connection);
            tokio::select! {
                _ = connection.as_mut() => {}
                () = stop.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    // The client sees how it ends; there is nobody else to tell.
                    let _ = connection.await;
                }
            }
        });
    }
}

async fn answer(service: S3Service, request: Request<Incoming>) -> Result<Response<Body>, HttpError> {
    let asks = request.method() == Method::GET || request.method() == Method::HEAD;
    if asks && request.uri().path() == READY && request.headers().get("authorization").is_none() {
        let ready = Response::builder().status(StatusCode::OK).body(Body::empty());
        return ready.map_err(|error| HttpError::new(Box::new(error)));
    }
    service.call(request.map(Body::from)).await
}

fn say(line: &str) {
    // Ignored: a reader that went away must not end the store.
    let _ = writeln!(std::io::stdout(), "{line}");
}
