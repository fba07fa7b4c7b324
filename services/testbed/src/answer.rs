//! What came back.

use std::collections::HashMap;

use serde_json::Value;

/// An answer as the caller sees it.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The body as it came.
    pub text: String,
    /// The body, null when it is no JSON.
    pub body: Value,
    /// Headers by lower-case name.
    pub headers: HashMap<String, String>,
}

impl Answer {
    /// Error code of the body, empty when there is none.
    #[must_use]
    pub fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }

    /// State of the ticket in the body, empty when there is none.
    #[must_use]
    pub fn state(&self) -> &str {
        let ticket = self.body.get("ticket").unwrap_or(&self.body);
        ticket["state"].as_str().unwrap_or_default()
    }

    /// Whether it was answered before.
    #[must_use]
    pub fn is_replay(&self) -> bool {
        self.headers.get("idempotency-replayed").is_some_and(|value| value == "true")
    }

    /// Panics unless status and code are these.
    #[track_caller]
    pub fn expect(&self, status: u16, code: &str) -> &Self {
        assert_eq!((self.status, self.code()), (status, code), "{}", self.text);
        self
    }
}

/// Sends a request and reads the whole answer.
pub async fn send(request: reqwest::RequestBuilder) -> Answer {
    try_send(request).await.unwrap()
}

pub(crate) async fn try_send(request: reqwest::RequestBuilder) -> reqwest::Result<Answer> {
    let response = request.send().await?;
    let status = response.status().as_u16();
    let headers = response
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
        .collect();
    let text = response.text().await?;
    Ok(Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::Null), text, headers })
}
