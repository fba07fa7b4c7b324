//! The provider boundary: what a message is, how a provider answers, and which provider is used.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use dispatch_domain::outbox::UNKNOWN_RECIPIENT;
use serde_json::Value;

use crate::config::SmsConfig;

mod absent;
mod dry_run;
mod http;

/// A message as a provider gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmsMessage {
    /// Recipient's number.
    pub to: String,
    /// Text.
    pub body: String,
    /// The provider sends one message per key, however often it is asked.
    pub message_key: String,
}

/// What a provider said to a message it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The provider's id of the message.
    pub provider_message_id: Option<String>,
    /// The provider's word for its state, such as `accepted`.
    pub status: String,
    /// Nothing left the house.
    pub dry_run: bool,
}

/// Why a message was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SmsError {
    /// Trying again may help.
    #[error("{0}")]
    Transient(String),
    /// Trying again cannot help.
    #[error("{0}")]
    Permanent(String),
    /// The message is deliberately not sent; the word becomes the row's reason.
    #[error("{0}")]
    Suppressed(&'static str),
}

/// Why a payload is no message that can be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMessage {
    /// The ticket has no phone number.
    #[error("unknown_recipient")]
    UnknownRecipient,
    /// Not what a command writes.
    #[error("payload cannot be sent: {0}")]
    Malformed(&'static str),
}

/// The future of a send.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<Receipt, SmsError>> + Send + 'a>>;

/// A provider. Sending the same key twice must not write to the customer twice.
pub trait SmsAdapter: Send + Sync {
    /// Name recorded with every message.
    fn name(&self) -> &'static str;

    /// Sends one message within the configured time.
    fn send<'a>(&'a self, message: &'a SmsMessage) -> Sending<'a>;
}

/// The adapter that the settings ask for; call it only when messages are enabled.
///
/// # Errors
/// When no HTTP client can be made.
pub fn adapter(config: &SmsConfig) -> Result<Arc<dyn SmsAdapter>, reqwest::Error> {
    Ok(match &config.http_url {
        _ if config.dry_run => Arc::new(dry_run::DryRun),
        Some(url) => Arc::new(http::HttpProvider::new(url, config.request_timeout)?),
        None => Arc::new(absent::Absent),
    })
}

impl SmsMessage {
    /// Reads the payload that a command wrote; `row_key` is the key when the payload has none.
    ///
    /// # Errors
    /// [`InvalidMessage`] tells a missing recipient from a payload that can never be sent.
    pub fn from_payload(payload: &Value, row_key: &str) -> Result<Self, InvalidMessage> {
        let Value::Object(members) = payload else {
            return Err(InvalidMessage::Malformed("it is no object"));
        };
        let member =
            |name: &str| members.get(name).and_then(Value::as_str).map(str::trim).unwrap_or_default();
        let to = member("to");
        if to.is_empty() || to == UNKNOWN_RECIPIENT {
            return Err(InvalidMessage::UnknownRecipient);
        }
        if member("body").is_empty() {
            return Err(InvalidMessage::Malformed("it has no text"));
        }
        let key = member("message_key");
        Ok(Self {
            to: to.to_owned(),
            body: member("body").to_owned(),
            message_key: if key.is_empty() { row_key } else { key }.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_payload_is_read_trimmed_and_the_row_key_stands_in() {
        let message =
            SmsMessage::from_payload(&json!({ "to": " +15550100 ", "body": "hello" }), "row").unwrap();
        assert_eq!((message.to.as_str(), message.message_key.as_str()), ("+15550100", "row"));
    }

    #[test]
    fn a_missing_recipient_is_told_from_a_payload_that_is_none() {
        for payload in
            [json!({ "body": "x" }), json!({ "to": UNKNOWN_RECIPIENT, "body": "x" }), json!({ "to": 7 })]
        {
            let read = SmsMessage::from_payload(&payload, "row");
            assert_eq!(read, Err(InvalidMessage::UnknownRecipient), "{payload}");
        }
        for payload in [json!("text"), json!([1]), json!({ "to": "+1", "body": " " })] {
            let read = SmsMessage::from_payload(&payload, "row");
            assert!(matches!(read, Err(InvalidMessage::Malformed(_))), "{payload}");
        }
    }
}
