//! dispatch-api as the worker's jobs call it: like any other client, with a token and a tool name.

use std::time::Duration;

use dispatch_domain::ToolName;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;
use uuid::Uuid;

mod credentials;

pub use credentials::{Credentials, Principal, Signer};

/// A client with its identity.
#[derive(Debug, Clone)]
pub struct Api {
    base: String,
    http: Client,
    credentials: Credentials,
}

/// What one run over a ticket, or over the queue, is known by in logs and audit rows.
#[derive(Debug, Clone)]
pub struct Trail {
    /// `x-correlation-id` of every call of the run.
    pub correlation: String,
    /// `traceparent` of every call of the run (W3C Trace Context); its trace id is that of the cycle.
    traceparent: String,
}

impl Trail {
    /// A trail within the cycle `trace`.
    pub fn within(trace: Uuid) -> Self {
        let run = Uuid::new_v4();
        let span = &run.simple().to_string()[..16];
        Self { correlation: run.to_string(), traceparent: format!("00-{}-{span}-01", trace.simple()) }
    }
}

/// A call that did not succeed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct ApiFailure {
    /// HTTP status; none when there was no answer.
    pub status: Option<u16>,
    /// `error.code` of the answer, `API_ERROR` where it has none, `TRANSPORT_ERROR` without an answer.
    pub code: String,
    /// Path of the call.
    pub path: String,
    /// One sentence for the log.
    pub message: String,
}

impl Api {
    /// A client of the API at `base`; every call ends within `timeout`.
    ///
    /// # Errors
    /// When the TLS roots of the machine cannot be read.
    pub fn new(base: &str, timeout: Duration, credentials: Credentials) -> Result<Self, reqwest::Error> {
        let http = Client::builder().timeout(timeout).build()?;
        Ok(Self { base: base.trim_end_matches('/').to_owned(), http, credentials })
    }

    /// Reads `path`, which may have a query.
    ///
    /// # Errors
    /// No answer, or one that is not 2xx.
    pub async fn read(&self, path: &str, tool: ToolName, trail: &Trail) -> Result<Value, ApiFailure> {
        let call = Call { method: Method::GET, path, tool };
        self.call(&call, self.http.get(self.url(path)), trail).await
    }

    /// Gives a command under the idempotency key `key`.
    ///
    /// # Errors
    /// No answer, or one that is not 2xx.
    pub async fn command(&self, command: &Command<'_>, trail: &Trail) -> Result<Value, ApiFailure> {
        let request = self
            .http
            .post(self.url(&command.path))
            .header("idempotency-key", command.key.to_string())
            .json(&command.body);
        let call = Call { method: Method::POST, path: &command.path, tool: command.tool };
        self.call(&call, request, trail).await
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    async fn call(
        &self,
        call: &Call<'_>,
        request: RequestBuilder,
        trail: &Trail,
    ) -> Result<Value, ApiFailure> {
        let Call { method, path, tool } = call;
        let failure = |status: Option<u16>, code: String, message: String| ApiFailure {
            status,
            code,
            path: (*path).to_owned(),
            message,
        };
        let request = self
            .credentials
            .sign(request)
            .map_err(|error| failure(None, "TOKEN_ERROR".to_owned(), error.to_string()))?
            .header("accept", "application/json")
            .header("x-tool-name", tool.as_str())
            .header("x-correlation-id", &trail.correlation)
            .header("traceparent", &trail.traceparent);
        let lost = |error: reqwest::Error| {
            let message = format!("dispatch-api {method} {path} -> {}", error.without_url());
            failure(None, "TRANSPORT_ERROR".to_owned(), message)
        };
        let answer = request.send().await.map_err(lost)?;
        let status = answer.status();
        let body = answer.bytes().await.map_err(lost)?;
        let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
        if status.is_success() {
            return Ok(body);
        }
        let code = body["error"]["code"].as_str().unwrap_or("API_ERROR").to_owned();
        let reason = body["error"]["message"].as_str().unwrap_or_default();
        let message = format!("dispatch-api {method} {path} -> {} {code}: {reason}", status.as_u16());
        Err(failure(Some(status.as_u16()), code, message))
    }
}

/// What is called, for headers and messages.
struct Call<'a> {
    method: Method,
    path: &'a str,
    tool: ToolName,
}

/// A command to the API.
#[derive(Debug, Clone)]
pub struct Command<'a> {
    /// Path under the base.
    pub path: String,
    /// The tool in whose name it is given.
    pub tool: ToolName,
    /// Idempotency key.
    pub key: Uuid,
    /// Body.
    pub body: &'a Value,
}
