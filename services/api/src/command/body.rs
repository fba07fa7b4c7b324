//! Reading a command's body: any JSON value, at most one mebibyte.

use std::time::Duration;

use axum::body::Body;
use axum::http::header::CONTENT_LENGTH;
use axum::http::request::Parts;
use dispatch_domain::{ErrorCode, Refusal};
use futures::StreamExt;
use serde_json::{Value, json};

use crate::failure::Failure;

/// Largest body that is read, in bytes.
const LIMIT: usize = 1024 * 1024;

/// What is read and thrown away of a larger one, so that a client in the middle of sending gets to see the answer.
const DISCARDED: usize = 8 * LIMIT;

/// Reads the whole body.
///
/// # Errors
/// 413 above the limit, 400 when the client breaks off, 408 when it takes too long.
pub(super) async fn read(parts: &Parts, body: Body, timeout_s: u64) -> Result<Vec<u8>, Failure> {
    tokio::time::timeout(Duration::from_secs(timeout_s), read_all(parts, body)).await.unwrap_or_else(|_| {
        let message = format!("Request body did not arrive within {timeout_s} s");
        Err(Refusal::new(ErrorCode::RequestTimeout, message).into())
    })
}

async fn read_all(parts: &Parts, body: Body) -> Result<Vec<u8>, Failure> {
    let announced =
        parts.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let mut bytes = Vec::with_capacity(announced.unwrap_or(0).min(LIMIT));
    let mut length = 0;
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| Failure::invalid("Request body could not be read"))?;
        length += chunk.len();
        if length <= LIMIT {
            bytes.extend_from_slice(&chunk);
        } else if length > DISCARDED {
            break;
        }
    }
    if length > LIMIT { Err(Failure::too_large(LIMIT)) } else { Ok(bytes) }
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
