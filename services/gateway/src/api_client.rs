//! One request to the dispatch API, bounded in time and size.

use crate::config::{Config, Secret};
use crate::envelope::{Envelope, Trace};
use crate::identity::Caller;
use dispatch_domain::Tool;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, RequestBuilder, Response, redirect};
use serde_json::{Value, json};
use std::time::Duration;

/// Largest answer that is read: a timeline of some ten thousand events.
pub const MAX_ANSWER_BYTES: usize = 32 * 1024 * 1024;

/// Longest wait for the API's readiness.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// What the API answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Parsed body: null when empty, `{"raw": text}` when it is not JSON.
    pub data: Value,
    /// Header `Retry-After`, in seconds.
    pub retry_after_seconds: Option<u64>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallFailure {
    /// The time-out passed first.
    #[error("the dispatch API did not answer in time")]
    Timeout,
    /// The connection failed, or the answer was unreadable.
    #[error("the dispatch API cannot be reached: {0}")]
    Unreachable(String),
}

/// Talks to one dispatch API.
#[derive(Clone, Debug)]
pub struct ApiClient {
    http: reqwest::Client,
    base_url: String,
    api_token: Option<Secret>,
    timeout: Duration,
}

impl ApiClient {
    /// Prepares a client for the configured API; none if there is none.
    ///
    /// # Errors
    /// When the HTTP client cannot be built.
    pub fn new(config: &Config) -> Result<Option<Self>, reqwest::Error> {
        let Some(base_url) = config.api_url.clone() else { return Ok(None) };
        // The API is a known neighbour: no proxy in between, and a redirect is not an answer.
        let http = reqwest::Client::builder().no_proxy().redirect(redirect::Policy::none()).build()?;
        Ok(Some(Self { http, base_url, api_token: config.api_token.clone(), timeout: config.timeout }))
    }

    /// Base URL without a trailing slash.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Whether calls with the shared token carry a token of the gateway's own.
    pub fn has_api_token(&self) -> bool {
        self.api_token.is_some()
    }

    /// Sends a tool call.
    ///
    /// # Errors
    /// [`CallFailure`] if there is no answer; an error answer is an [`Answer`].
    pub async fn call(
        &self,
        tool: &Tool,
        envelope: &Envelope,
        caller: &Caller,
    ) -> Result<Answer, CallFailure> {
        let method = if tool.is_mutating() { Method::POST } else { Method::GET };
        let mut request = self
            .http
            .request(method, format!("{}{}", self.base_url, envelope.endpoint))
            .timeout(self.timeout)
            .headers(headers(tool, envelope)?);
        if !envelope.query.is_empty() {
            request = request.query(&envelope.query);
        }
        if let Some(payload) = &envelope.payload {
            request = request.header("idempotency-key", &envelope.request_id).json(payload);
        }
        Self::answer(self.authorize(request, envelope, caller).send().await.map_err(failure)?).await
    }

    /// Asks whether the API is ready.
    ///
    /// # Errors
    /// [`CallFailure`] if there is no answer.
    pub async fn readiness(&self) -> Result<Answer, CallFailure> {
        let request =
            self.http.get(format!("{}/readyz", self.base_url)).timeout(self.timeout.min(PROBE_TIMEOUT));
        Self::answer(request.send().await.map_err(failure)?).await
    }

    /// Reads the alerts, the one operational read beside the tools.
    ///
    /// # Errors
    /// [`CallFailure`] if there is no answer.
    pub async fn alerts(&self) -> Result<Answer, CallFailure> {
        let request = self.http.get(format!("{}/ops/alerts", self.base_url)).timeout(self.timeout);
        Self::answer(request.send().await.map_err(failure)?).await
    }

    /// Adds who acts: a caller's own token is passed on; else the actor headers, with the gateway's token if it has one.
    fn authorize(&self, request: RequestBuilder, envelope: &Envelope, caller: &Caller) -> RequestBuilder {
        if let Caller::Own(identity) = caller {
            return request.bearer_auth(identity.token.expose());
        }
        let actor = &envelope.actor;
        let mut request = request.header("x-actor-id", &actor.id).header("x-actor-type", actor.kind.as_str());
        if let Some(role) = actor.role {
            request = request.header("x-actor-role", role.as_str());
        }
        match &self.api_token {
            Some(token) => request.bearer_auth(token.expose()),
            None => request,
        }
    }

    async fn answer(mut response: Response) -> Result<Answer, CallFailure> {
        let status = response.status().as_u16();
        let retry_after = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
        let retry_after_seconds = retry_after.and_then(|seconds| seconds.trim().parse().ok());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failure)? {
            if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(CallFailure::Unreachable(format!("the answer exceeds {MAX_ANSWER_BYTES} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, data: parse(&body), retry_after_seconds })
    }
}

fn parse(body: &[u8]) -> Value {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Value::Null;
    }
    serde_json::from_slice(body).unwrap_or_else(|_| json!({ "raw": String::from_utf8_lossy(body) }))
}

fn headers(tool: &Tool, envelope: &Envelope) -> Result<HeaderMap, CallFailure> {
    let mut headers = HeaderMap::new();
    let mut add = |name: &'static str, value: &str| {
        let value =
            HeaderValue::from_str(value).map_err(|error| CallFailure::Unreachable(error.to_string()))?;
        headers.insert(HeaderName::from_static(name), value);
        Ok(())
    };
    add("accept", "application/json")?;
    add("x-tool-name", tool.name.as_str())?;
    add("x-correlation-id", &envelope.correlation_id)?;
    match &envelope.trace {
        Trace::Legacy(id) => add("x-trace-id", id)?,
        Trace::Context(parent, state) => {
            add("traceparent", &parent.to_string())?;
            if let Some(state) = state {
                add("tracestate", state)?;
            }
        }
    }
    Ok(headers)
}

fn failure(error: reqwest::Error) -> CallFailure {
    if error.is_timeout() {
        return CallFailure::Timeout;
    }
    // The chain names the cause (refused, reset, DNS); the outermost text only says "error sending request".
    let mut reason = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        reason = format!("{reason}: {cause}");
        source = cause.source();
    }
    CallFailure::Unreachable(reason)
}
