//! The gateway's HTTP surface.

mod console;
mod front_page;
mod invoke;
mod mcp;
mod probe;
mod refusals;
mod safety;
mod tools;

use crate::config::Config;
use crate::identity::{Caller, Doorkeeper};
use crate::toolbox::Toolbox;
use axum::Router;
use axum::http::{HeaderMap, header};
use axum::middleware::map_response;
use axum::routing::{MethodFilter, get, on};
use std::sync::Arc;
use std::time::Instant;
use tokio_util::sync::CancellationToken;

/// What every handler shares.
pub struct Gateway {
    pub(crate) doorkeeper: Doorkeeper,
    pub(crate) toolbox: Arc<Toolbox>,
    pub(crate) started: Instant,
    pub(crate) stopping: CancellationToken,
}

impl Gateway {
    /// Prepares everything a request needs; `stopping` ends connections that would otherwise stay open.
    ///
    /// # Errors
    /// When the HTTP client cannot be built.
    pub fn new(config: &Config, stopping: CancellationToken) -> Result<Self, reqwest::Error> {
        Ok(Self {
            doorkeeper: Doorkeeper::new(config),
            toolbox: Arc::new(Toolbox::new(config)?),
            started: Instant::now(),
            stopping,
        })
    }

    fn caller(&self, headers: &HeaderMap) -> Option<Caller> {
        self.doorkeeper.recognise(headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()))
    }
}

/// The routes.
pub fn router(gateway: Arc<Gateway>) -> Router {
    Router::new()
        .route("/", get(front_page::page_or_socket).fallback(refusals::only_get))
        .route("/console/session", get(console::session).fallback(refusals::only_get))
        .route("/console/alerts", get(console::alerts).fallback(refusals::only_get))
        .route("/console/command", on(MethodFilter::POST, console::command).fallback(refusals::only_post))
        .route("/console/{asset}", get(front_page::asset).fallback(refusals::only_get))
        .route("/healthz", get(probe::alive))
        .route("/health", get(probe::alive))
        .route("/readyz", get(probe::ready))
        .route("/tools", get(tools::list).fallback(refusals::only_get))
        .route("/tools/invoke", on(MethodFilter::POST, invoke::invoke).fallback(refusals::only_post))
        .merge(mcp::routes(&gateway))
        .fallback(refusals::no_such_page)
        .layer(map_response(safety::headers))
        .with_state(gateway)
}
