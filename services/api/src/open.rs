//! Operational endpoints: no identity, nothing read from the caller but headers and query.

use axum::http::HeaderMap;

use crate::identity::header;

/// What an operational endpoint may look at.
#[derive(Debug)]
pub struct OpenCall {
    /// Headers as sent.
    pub headers: HeaderMap,
    /// Query string without the question mark.
    pub query: String,
}

impl OpenCall {
    /// A header as text.
    pub fn header(&self, name: &str) -> Option<String> {
        header(&self.headers, name)
    }

    /// Whether the query holds `name=value`, literally.
    pub fn asks_for(&self, name: &str, value: &str) -> bool {
        self.query.split('&').any(|pair| pair.split_once('=') == Some((name, value)))
    }
}
