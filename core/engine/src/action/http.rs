//! `http`: a request to a service of the lane.

use std::time::Instant;

use drillyard_spec::drill::{Body, Http};
use drillyard_spec::template::fill_value;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value, json};

use crate::action::{Done, Scene};

/// A request with every template filled in.
pub struct Prepared {
    /// Method in capitals.
    pub method: &'static str,
    /// Service of the topology.
    pub service: String,
    /// Path and query.
    pub path: String,
    /// Headers, default ones of the topology included.
    pub headers: Vec<(String, String)>,
    /// The body as bytes.
    pub body: Option<String>,
    /// The body for the record.
    pub shown_body: Value,
}

/// Sends the request and reads the whole answer.
pub async fn perform(http: &Http, scene: &Scene<'_>) -> Done {
    let prepared = match prepare(http, scene) {
        Ok(prepared) => prepared,
        Err(reason) => return Done::unresolved("http", reason),
    };
    let mut what = json!({ "http": prepared.method, "to": format!("{}{}", prepared.service, prepared.path) });
    if !prepared.shown_body.is_null() {
        what["body"] = prepared.shown_body.clone();
    }
    if let Some(identity) = scene.identity {
        what["as"] = json!(identity);
    }
    Done { answer: send(&prepared, scene).await, what }
}

/// Fills in the templates of a request.
///
/// # Errors
/// The name that has no value.
pub fn prepare(http: &Http, scene: &Scene<'_>) -> Result<Prepared, String> {
    let path = text_of(&http.target.path, scene)?;
    let query = http
        .query
        .iter()
        .map(|(name, value)| Ok((name.clone(), as_text(fill_value(value, scene.names)?))))
        .collect::<Result<Vec<_>, String>>()?;
    let path = with_query(&path, &query);
    let mut headers = Vec::new();
    for (name, value) in scene.lane.default_headers(http.method) {
        headers.push((name, as_text(fill_value(&Value::String(value), scene.names)?)));
    }
    for (name, value) in &http.headers {
        headers.retain(|(default, _)| !default.eq_ignore_ascii_case(name));
        let value = fill_value(value, scene.names)?;
        // `null` takes a default header away, which a drill about its absence needs.
        if !value.is_null() {
            headers.push((name.clone(), as_text(value)));
        }
    }
    let (body, shown_body) = match &http.body {
        Body::Empty => (None, Value::Null),
        Body::Json(value) => {
            let value = fill_value(value, scene.names)?;
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
            (Some(value.to_string()), value)
        }
        Body::Text(text) => {
            let text = text_of(text, scene)?;
            (Some(text.clone()), Value::String(text))
        }
    };
    Ok(Prepared {
        method: http.method,
        service: http.target.service.clone(),
        path,
        headers,
        body,
        shown_body,
    })
}

/// Sends a prepared request; the answer has `status`, `headers`, `body` and `latency_ms`.
///
/// # Errors
/// A sentence when the service is unknown, cannot be reached or breaks off.
pub async fn send(prepared: &Prepared, scene: &Scene<'_>) -> Result<Value, String> {
    let base = scene
        .lane
        .url(&prepared.service)
        .ok_or_else(|| format!("`{}` has no address in this lane", prepared.service))?;
    let method = reqwest::Method::from_bytes(prepared.method.as_bytes()).map_err(|e| e.to_string())?;
    let mut headers = HeaderMap::new();
    for (name, value) in &prepared.headers {
        let name =
            HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("`{name}` is no header name"))?;
        headers
            .insert(name, HeaderValue::from_str(value).map_err(|_| format!("`{value}` is no header value"))?);
    }
    let mut request = scene.client.request(method, format!("{base}{}", prepared.path)).headers(headers);
    if let Some(identity) = scene.identity {
        request = request.bearer_auth(scene.lane.token(identity).map_err(|e| e.full())?);
    }
    if let Some(body) = &prepared.body {
        request = request.body(body.clone());
    }
    let begun = Instant::now();
    let response = request.send().await.map_err(|e| describe(&e))?;
    let status = response.status().as_u16();
    let headers: Map<String, Value> = response
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), json!(String::from_utf8_lossy(value.as_bytes()))))
        .collect();
    let bytes = response.bytes().await.map_err(|e| describe(&e))?;
    let latency = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(json!({ "status": status, "headers": headers, "body": decode(&bytes), "latency_ms": latency }))
}

/// JSON where it is JSON, else text; nothing is null.
fn decode(bytes: &[u8]) -> Value {
    if bytes.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(bytes)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned()))
}

/// The error with its causes, innermost last.
pub fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// Fills in the templates of a text.
///
/// # Errors
/// The name that has no value.
pub fn text_of(text: &str, scene: &Scene<'_>) -> Result<String, String> {
    fill_value(&Value::String(text.to_owned()), scene.names).map(as_text)
}

/// A value as it stands in a URL or header.
#[must_use]
pub fn as_text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

fn with_query(path: &str, query: &[(String, String)]) -> String {
    if query.is_empty() {
        return path.to_owned();
    }
    let encoded: Vec<String> =
        query.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    let sign = if path.contains('?') { '&' } else { '?' };
    format!("{path}{sign}{}", encoded.join("&"))
}

/// Percent-encodes everything but unreserved characters (RFC 3986 section 2.3).
fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
