//! The refusals of the HTTP surface, in the shapes OpenClaw clients read.

use crate::toolbox::NoSuchTool;
use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// No token, or not one we know.
pub(super) fn unauthorized() -> Response {
    let body = json!({ "error": { "message": "Unauthorized", "type": "unauthorized" } });
    (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")], Json(body)).into_response()
}

/// A body that cannot be read: not JSON, or too large.
pub(super) fn unreadable(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "error": { "message": message, "type": "invalid_request_error" } })))
        .into_response()
}

/// A body that is JSON but no invoke request.
pub(super) fn invalid(message: &str) -> Response {
    let body = json!({ "ok": false, "error": { "type": "invalid_request", "message": message } });
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}

/// A tool that does not exist for this caller.
pub(super) fn no_such_tool(missing: &NoSuchTool) -> Response {
    let body = json!({ "ok": false, "error": { "type": "not_found", "message": missing.to_string() } });
    (StatusCode::NOT_FOUND, Json(body)).into_response()
}

/// A page that does not exist.
pub(super) async fn no_such_page() -> Response {
    let body = json!({ "error": { "message": "Not Found", "type": "not_found" } });
    (StatusCode::NOT_FOUND, Json(body)).into_response()
}

/// Any method but POST.
pub(super) async fn only_post() -> Response {
    (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "POST")], "Method Not Allowed").into_response()
}

/// Any method but GET.
pub(super) async fn only_get() -> Response {
    (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET")], "Method Not Allowed").into_response()
}

/// The API gave no answer to a read that is not a tool.
pub(super) fn unanswered(reason: &str) -> Response {
    let body = json!({ "ok": false, "error": { "type": "api_unreachable", "message": reason } });
    (StatusCode::BAD_GATEWAY, Json(body)).into_response()
}
