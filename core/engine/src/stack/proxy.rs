//! A proxy on an edge: one service reaches another through it, so that faults can be put in between.
//!
//! Only edges that a drill names get one. Bytes pass through a [`wire`] part that knows nothing of protocols; where a
//! drill asks for faults of HTTP requests, an [`http`] part stands behind it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

mod flow;
mod http;
mod wire;

pub use http::{HttpRules, broken_off};
pub use wire::WireRules;

/// What a rule did.
#[derive(Debug, Default)]
pub struct Tally {
    hits: AtomicU64,
    bytes: AtomicU64,
}

impl Tally {
    /// Connections or requests that it changed.
    #[must_use]
    pub fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }

    /// Bytes that it held up, changed or lost.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Counts one more connection or request.
    pub fn hit(&self) {
        self.hits.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts more bytes.
    pub fn add_bytes(&self, bytes: usize) {
        self.bytes.fetch_add(u64::try_from(bytes).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

/// A running proxy. Dropping it closes its port and all its connections.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    wire: Arc<WireRules>,
    http: Option<Arc<HttpRules>>,
    _stop: DropGuard,
}

impl Proxy {
    /// Stands before `upstream`, a port of the loopback address, at any free port.
    ///
    /// # Errors
    /// When no port is left.
    pub fn start(upstream: u16, speaks_http: bool) -> std::io::Result<Self> {
        Self::start_at(Ipv4Addr::LOCALHOST.into(), upstream, speaks_http)
    }

    /// As [`Proxy::start`], but at a free port of the address `at`: containers do not reach the loopback address.
    ///
    /// # Errors
    /// When the address is not this machine's or no port is left.
    pub fn start_at(at: IpAddr, upstream: u16, speaks_http: bool) -> std::io::Result<Self> {
        let stop = CancellationToken::new();
        let http = if speaks_http { Some(Arc::new(HttpRules::default())) } else { None };
        let mut behind = upstream;
        if let Some(rules) = &http {
            let (listener, port) = listen(Ipv4Addr::LOCALHOST.into())?;
            tokio::spawn(http::serve(listener, upstream, rules.clone(), stop.clone()));
            behind = port;
        }
        let (listener, port) = listen(at)?;
        let wire = Arc::new(WireRules::default());
        tokio::spawn(accept(listener, behind, wire.clone(), stop.clone()));
        Ok(Self { port, wire, http, _stop: stop.drop_guard() })
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Rules about bytes.
    #[must_use]
    pub fn wire(&self) -> &WireRules {
        &self.wire
    }

    /// Rules about HTTP requests, when it understands them.
    #[must_use]
    pub fn http(&self) -> Option<&HttpRules> {
        self.http.as_deref()
    }
}

fn listen(at: IpAddr) -> std::io::Result<(TcpListener, u16)> {
    let listener = std::net::TcpListener::bind(SocketAddr::from((at, 0)))?;
    listener.set_nonblocking(true)?;
    let port = listener.local_addr()?.port();
    Ok((TcpListener::from_std(listener)?, port))
}

async fn accept(listener: TcpListener, upstream: u16, rules: Arc<WireRules>, stop: CancellationToken) {
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => return,
        };
        // A connection that broke before it was accepted concerns only its client.
        let Ok((client, _)) = accepted else { continue };
        let (rules, stop) = (rules.watch(), stop.clone());
        connections.spawn(async move {
            tokio::select! {
                () = wire::carry(client, upstream, rules) => {}
                () = stop.cancelled() => {}
            }
        });
    }
}
