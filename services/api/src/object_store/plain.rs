//! Unsigned HEAD requests for references with an `http` or `https` scheme.

use std::time::Duration;

use reqwest::header::{ETAG, HeaderMap, HeaderName};
use reqwest::redirect::Policy;

use super::{HeadError, ObjectHead};

const CONTENT_MD5: HeaderName = HeaderName::from_static("content-md5");
const REDIRECT_LIMIT: usize = 5;

/// A client that stays on the host it was sent to.
#[derive(Debug, Clone)]
pub(super) struct PlainProbe {
    client: reqwest::Client,
}

impl PlainProbe {
    pub(super) fn new(timeout: Duration) -> Result<Self, String> {
        // A reference is a client's text: following it to another host would let a client aim the probe at
        // addresses only this process can reach.
        let same_host = Policy::custom(|attempt| {
            let origin = attempt.previous().first().map(reqwest::Url::origin);
            if attempt.previous().len() > REDIRECT_LIMIT
                || origin.is_none_or(|origin| origin != attempt.url().origin())
            {
                attempt.stop()
            } else {
                attempt.follow()
            }
        });
        reqwest::Client::builder()
            .timeout(timeout)
            .redirect(same_host)
            .no_proxy()
            .user_agent("dispatch-api-evidence-probe")
            .build()
            .map(|client| Self { client })
            .map_err(|error| error.to_string())
    }

    pub(super) async fn head(&self, uri: &str) -> Result<ObjectHead, HeadError> {
        let response = self.client.head(uri).send().await.map_err(|error| {
            if error.is_timeout() { HeadError::Timeout } else { HeadError::Network(error.to_string()) }
        })?;
        if !response.status().is_success() {
            return Err(HeadError::Refused(response.status().as_u16()));
        }
        let text = |headers: &HeaderMap, name: HeaderName| {
            headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
        };
        Ok(ObjectHead {
            etag: text(response.headers(), ETAG),
            content_md5: text(response.headers(), CONTENT_MD5),
        })
    }
}
