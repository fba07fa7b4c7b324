//! `GET /tools`: the catalogue, for authenticated callers.

use super::{Gateway, refusals};
use crate::catalog;
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

pub(super) async fn list(State(gateway): State<Arc<Gateway>>, headers: HeaderMap) -> Response {
    match gateway.caller(&headers) {
        Some(_) => Json(catalog::document(gateway.bridge.is_some())).into_response(),
        None => refusals::unauthorized(),
    }
}
