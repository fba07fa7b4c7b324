//! What goes back to the caller.

use axum::body::{Body, Bytes};
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, ETAG, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use serde::Serialize;

use crate::pieces::Pieces;

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
const CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// A body and how it is sent.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Exact bytes.
    pub body: String,
    /// Bytes that follow, some of them shared with other answers.
    pub rest: Vec<Bytes>,
    /// What is sent instead of the bytes, piece by piece.
    pub stream: Option<Body>,
    /// Anything but JSON names its type.
    pub content_type: Option<&'static str>,
    /// The body is a stored one.
    pub replayed: bool,
    /// Seconds after which to try again.
    pub retry_after_s: Option<u32>,
    /// Methods of the path.
    pub allow: Option<String>,
    /// Version of the ticket that the body shows.
    pub version: Option<i64>,
}

impl Answer {
    /// A JSON answer.
    pub fn json(status: u16, body: &impl Serialize) -> Self {
        // Our documents have string keys and finite numbers only, so this cannot fail.
        let body = serde_json::to_string(body).expect("documents are serializable");
        Self::raw_json(status, body)
    }

    /// An answer whose body is JSON text already.
    pub fn raw_json(status: u16, body: String) -> Self {
        Self {
            status,
            body,
            rest: Vec::new(),
            stream: None,
            content_type: None,
            replayed: false,
            retry_after_s: None,
            allow: None,
            version: None,
        }
    }

    /// A text answer of another type.
    pub fn text(status: u16, content_type: &'static str, body: String) -> Self {
        Self { content_type: Some(content_type), ..Self::raw_json(status, body) }
    }

    /// An answer that goes on for as long as there is something to say.
    pub fn stream(content_type: &'static str, stream: Body) -> Self {
        Self { stream: Some(stream), ..Self::text(200, content_type, String::new()) }
    }

    /// The answer with its headers; correlation id and a valid trace parent are echoed.
    pub fn into_response(self, correlation_id: &str, trace_parent: Option<&str>) -> Response<Body> {
        let streams = self.stream.is_some();
        let body = match self.stream {
            Some(stream) => stream,
            None if self.rest.is_empty() => Body::from(self.body),
            None => Body::new(Pieces::new(std::iter::once(Bytes::from(self.body)).chain(self.rest))),
        };
        let mut response = Response::new(body);
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, self.content_type.map_or(JSON, HeaderValue::from_static));
        if streams {
            // Pieces are worth nothing when something on the way collects them.
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        }
        if let Ok(value) = HeaderValue::from_bytes(correlation_id.as_bytes()) {
            headers.insert(CORRELATION_ID, value);
        }
        if let Some(value) = trace_parent.and_then(|parent| HeaderValue::from_str(parent).ok()) {
            headers.insert(TRACEPARENT, value);
        }
        if self.replayed {
            headers.insert(REPLAYED, HeaderValue::from_static("true"));
        }
        if let Some(seconds) = self.retry_after_s {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(value) = self.allow.and_then(|methods| HeaderValue::from_str(&methods).ok()) {
            headers.insert(ALLOW, value);
        }
        if let Some(value) = self.version.and_then(|v| HeaderValue::from_str(&format!("\"{v}\"")).ok()) {
            headers.insert(ETAG, value);
        }
        response
    }
}
