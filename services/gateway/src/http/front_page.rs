//! `GET /`: the console page, or the WebSocket of OpenClaw clients, which ask for the same address.

use super::{Gateway, refusals};
use crate::openclaw;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Path, State, WebSocketUpgrade};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// Everything the page loads, in the binary.
const ASSETS: &[(&str, &str, &str)] = &[
    ("style.css", "text/css; charset=utf-8", include_str!("../console/style.css")),
    ("icon.svg", "image/svg+xml", include_str!("../console/icon.svg")),
    ("app.js", JAVASCRIPT, include_str!("../console/app.js")),
    ("gateway.js", JAVASCRIPT, include_str!("../console/gateway.js")),
    ("dom.js", JAVASCRIPT, include_str!("../console/dom.js")),
    ("chat.js", JAVASCRIPT, include_str!("../console/chat.js")),
    ("cockpit.js", JAVASCRIPT, include_str!("../console/cockpit.js")),
    ("ticket.js", JAVASCRIPT, include_str!("../console/ticket.js")),
    ("action.js", JAVASCRIPT, include_str!("../console/action.js")),
];

pub(super) async fn page_or_socket(
    State(gateway): State<Arc<Gateway>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    match upgrade {
        Ok(upgrade) => upgrade
            .max_message_size(openclaw::MAX_FRAME_BYTES)
            .on_upgrade(move |socket| openclaw::socket::serve(socket, gateway)),
        Err(_) => {
            let html = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
            (html, include_str!("../console/index.html")).into_response()
        }
    }
}

pub(super) async fn asset(Path(name): Path<String>) -> Response {
    match ASSETS.iter().find(|(known, ..)| *known == name) {
        Some((_, kind, text)) => ([(header::CONTENT_TYPE, *kind)], *text).into_response(),
        None => refusals::no_such_page().await,
    }
}
