//! Reading a command's body: any JSON value, not larger than is configured.

use std::time::Duration;

use axum::body::Body;
use axum::http::header::CONTENT_LENGTH;
use axum::http::request::Parts;
use dispatch_domain::{ErrorCode, Refusal};
use futures::StreamExt;
use serde_json::{Value, json};

use crate::config::HttpConfig;
use crate::failure::Failure;

/// What is read and thrown away of a larger body, in bytes beyond the limit, so that a client in the middle of sending
/// gets to see the answer.
const DISCARDED: usize = 7 * 1024 * 1024;

/// Reads the whole body.
///
/// # Errors
/// 413 above the limit, 400 when the client breaks off, 408 when it takes too long.
pub(super) async fn read(parts: &Parts, body: Body, config: &HttpConfig) -> Result<Vec<u8>, Failure> {
    let timeout_s = config.body_timeout_s;
    let all = read_all(parts, body, config.body_limit);
    tokio::time::timeout(Duration::from_secs(timeout_s), all).await.unwrap_or_else(|_| {
        let message = format!("Request body did not arrive within {timeout_s} s");
        Err(Refusal::new(ErrorCode::RequestTimeout, message).into())
    })
}

async fn read_all(parts: &Parts, body: Body, limit: usize) -> Result<Vec<u8>, Failure> {
    let announced =
        parts.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let mut bytes = Vec::with_capacity(announced.unwrap_or(0).min(limit));
    let mut length = 0;
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| Failure::invalid("Request body could not be read"))?;
        length += chunk.len();
        if length <= limit {
            bytes.extend_from_slice(&chunk);
        } else if length > limit.saturating_add(DISCARDED) {
            break;
        }
    }
    if length > limit { Err(Failure::too_large(limit)) } else { Ok(bytes) }
}

/// Parses the body; an empty or blank one is an empty object.
///
/// # Errors
/// `INVALID_JSON` for anything that is not one JSON value; text with a NUL character counts, because the
/// database cannot hold it.
pub(super) fn parse(bytes: &[u8]) -> Result<Value, Refusal> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(json!({}));
    }
    let value = serde_json::from_slice(bytes).map_err(|error| {
        Refusal::new(ErrorCode::InvalidJson, format!("Request body is not valid JSON: {error}"))
    })?;
    if holds_nul(&value) {
        return Err(Refusal::new(ErrorCode::InvalidJson, "Request body holds a NUL character"));
    }
    Ok(value)
}

fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(holds_nul),
        Value::Object(members) => members.iter().any(|(name, value)| name.contains('\0') || holds_nul(value)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::parse;
    use serde_json::json;

    #[test]
    fn a_blank_body_is_an_empty_object_and_any_json_value_is_taken() {
        assert_eq!(parse(b" \n").unwrap(), json!({}));
        assert_eq!(parse(b"null").unwrap(), json!(null));
        assert_eq!(parse(br#"{"a":1,"a":2}"#).unwrap(), json!({ "a": 2 }));
    }

    #[test]
    fn what_is_no_json_or_cannot_be_stored_is_refused() {
        for bytes in
            [&b"{"[..], b"{} {}", b"\xff", br#"{"a":"\u0000"}"#, br#"[{"\u0000":1}]"#, br#"{"n":1e999}"#]
        {
            assert_eq!(parse(bytes).unwrap_err().code.as_str(), "INVALID_JSON");
        }
        let deep = "[".repeat(100_000);
        assert!(parse(deep.as_bytes()).is_err());
    }
}
