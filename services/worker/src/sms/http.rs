//! A provider that takes messages over HTTP.

use std::time::Duration;

use reqwest::{Client, Response, StatusCode, Url};
use serde_json::{Value, json};

use super::{Receipt, Sending, SmsAdapter, SmsError, SmsMessage};

/// How much of a refusal's body is kept as the error text.
const KEPT_OF_BODY: usize = 200;

/// Posts `{to, body, message_key}` with the header `Idempotency-Key`.
pub(super) struct HttpProvider {
    client: Client,
    url: String,
}

impl HttpProvider {
    pub(super) fn new(url: &str, timeout: Duration) -> Result<Self, reqwest::Error> {
        // A redirect would carry the customer's number to an address that nobody configured.
        let client =
            Client::builder().timeout(timeout).redirect(reqwest::redirect::Policy::none()).build()?;
        Ok(Self { client, url: url.to_owned() })
    }

    async fn post(&self, message: &SmsMessage) -> Result<Receipt, SmsError> {
        let url = Url::parse(&self.url).map_err(|error| SmsError::Permanent(error.to_string()))?;
        let body = json!({ "to": message.to, "body": message.body, "message_key": message.message_key });
        let request = self.client.post(url).header("Idempotency-Key", &message.message_key).json(&body);
        let response = request.send().await.map_err(|error| unreachable_provider(&error))?;
        let status = response.status();
        if status.is_success() { Ok(receipt(response).await) } else { Err(refusal(status, response).await) }
    }
}

impl SmsAdapter for HttpProvider {
    fn name(&self) -> &'static str {
        "http"
    }

    fn send<'a>(&'a self, message: &'a SmsMessage) -> Sending<'a> {
        Box::pin(self.post(message))
    }
}

/// A success counts as taken even when its body cannot be read: sending again could write twice.
async fn receipt(response: Response) -> Receipt {
    let body: Value = response.json().await.unwrap_or(Value::Null);
    let member = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    Receipt {
        provider_message_id: member("provider_message_id"),
        status: member("status").unwrap_or_else(|| "accepted".to_owned()),
        dry_run: false,
    }
}

/// The client's fault is permanent, except for "too slow" and "too many"; everything else may pass.
async fn refusal(status: StatusCode, response: Response) -> SmsError {
    let body = response.text().await.unwrap_or_default();
    let kept: String = body.chars().take(KEPT_OF_BODY).collect();
    let text = format!("provider answered {}: {kept}", status.as_u16());
    let passing = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS].contains(&status);
    if status.is_client_error() && !passing { SmsError::Permanent(text) } else { SmsError::Transient(text) }
}

/// The whole chain of causes; the address is left out because it may carry credentials.
fn unreachable_provider(error: &reqwest::Error) -> SmsError {
    let what = if error.is_timeout() { "provider did not answer in time" } else { "provider unreachable" };
    let mut text = what.to_owned();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    SmsError::Transient(text)
}

#[cfg(test)]
mod tests;
