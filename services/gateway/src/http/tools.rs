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
        Some(caller) => Json(catalog::document(gateway.toolbox.visible_to(&caller))).into_response(),
        None => refusals::unauthorized(),
    }
}
