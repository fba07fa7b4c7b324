//! The gateway's HTTP surface.

mod invoke;
mod probe;
mod refusals;
mod tools;

use crate::api_client::ApiClient;
use crate::bridge::Bridge;
use crate::config::Config;
use crate::identity::{Caller, Doorkeeper};
use axum::Router;
use axum::http::{HeaderMap, header};
use axum::routing::{MethodFilter, get, on};
use std::sync::Arc;
use std::time::Instant;

/// What every handler shares.
pub struct Gateway {
    doorkeeper: Doorkeeper,
    api: Option<ApiClient>,
    bridge: Option<Bridge>,
    started: Instant,
}

impl Gateway {
    /// Prepares everything a request needs.
    ///
    /// # Errors
    /// When the HTTP client cannot be built.
    pub fn new(config: &Config) -> Result<Self, reqwest::Error> {
        let api = ApiClient::new(config)?;
        Ok(Self {
            doorkeeper: Doorkeeper::new(config),
            bridge: api.clone().map(Bridge::new),
            api,
            started: Instant::now(),
        })
    }

    fn caller(&self, headers: &HeaderMap) -> Option<Caller> {
        self.doorkeeper.recognise(headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()))
    }
}

/// The routes.
pub fn router(gateway: Arc<Gateway>) -> Router {
    Router::new()
        .route("/healthz", get(probe::alive))
        .route("/health", get(probe::alive))
        .route("/readyz", get(probe::ready))
        .route("/tools", get(tools::list).fallback(refusals::only_get))
        .route("/tools/invoke", on(MethodFilter::POST, invoke::invoke).fallback(refusals::only_post))
        .fallback(refusals::no_such_page)
        .with_state(gateway)
}
