//! Unsigned HEAD requests for references with an `http` or `https` scheme.
//!
//! A reference is a client's text. Where hosts are listed, only these are asked. A redirect is followed on the same
//! host, or to a listed one, never to any other: it could lead to addresses that only this process can reach.

use std::time::Duration;

use reqwest::Url;
use reqwest::header::{ETAG, HeaderMap, HeaderName};
use reqwest::redirect::Policy;

use super::{HeadError, ObjectHead};

const CONTENT_MD5: HeaderName = HeaderName::from_static("content-md5");
const REDIRECT_LIMIT: usize = 5;

/// A client that stays on the hosts it may ask.
#[derive(Debug, Clone)]
pub(super) struct PlainProbe {
    client: reqwest::Client,
    /// Lower case, with or without a port; empty allows all.
    allowed_hosts: Vec<String>,
}

impl PlainProbe {
    pub(super) fn new(timeout: Duration, allowed_hosts: &[String]) -> Result<Self, String> {
        let listed = allowed_hosts.to_vec();
        let policy = Policy::custom(move |attempt| {
            let first = attempt.previous().first();
            let may_follow = attempt.previous().len() <= REDIRECT_LIMIT
                && first.is_some_and(|first| may_lead(first, attempt.url(), &listed));
            if may_follow { attempt.follow() } else { attempt.stop() }
        });
        reqwest::Client::builder()
            .timeout(timeout)
            .redirect(policy)
            .no_proxy()
            .user_agent("dispatch-api-evidence-probe")
            .build()
            .map(|client| Self { client, allowed_hosts: allowed_hosts.to_vec() })
            .map_err(|error| error.to_string())
    }

    pub(super) async fn head(&self, uri: &str) -> Result<ObjectHead, HeadError> {
        let url = Url::parse(uri).map_err(|error| HeadError::Network(error.to_string()))?;
        if !self.allowed_hosts.is_empty() && !is_listed(&url, &self.allowed_hosts) {
            return Err(HeadError::HostNotAllowed);
        }
        let response = self.client.head(url).send().await.map_err(|error| {
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

/// Whether a redirect may be followed; never from a safe line to an open one.
fn may_lead(from: &Url, to: &Url, listed: &[String]) -> bool {
    let downgrade = from.scheme() == "https" && to.scheme() != "https";
    from.origin() == to.origin() || (!downgrade && is_listed(to, listed))
}

fn is_listed(url: &Url, listed: &[String]) -> bool {
    let Some(host) = url.host_str() else { return false };
    let with_port = url.port_or_known_default().map(|port| format!("{host}:{port}"));
    listed.iter().any(|entry| entry == host || Some(entry) == with_port.as_ref())
}

#[cfg(test)]
mod tests {
    use reqwest::Url;

    use super::{is_listed, may_lead};

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn a_host_is_listed_by_name_with_or_without_its_port() {
        let listed = ["files.example".to_owned(), "127.0.0.1:9000".to_owned()];
        for good in ["https://files.example/a", "http://FILES.example:81/a", "http://127.0.0.1:9000/a"] {
            assert!(is_listed(&url(good), &listed), "{good}");
        }
        for bad in
            ["http://127.0.0.1/a", "http://files.example.evil/a", "http://user@evil:9000/files.example"]
        {
            assert!(!is_listed(&url(bad), &listed), "{bad}");
        }
    }

    #[test]
    fn a_redirect_stays_on_its_host_or_leads_to_a_listed_one_and_never_loses_its_safe_line() {
        let listed = ["cdn.example".to_owned()];
        let from = url("https://files.example/a");
        assert!(may_lead(&from, &url("https://files.example/b"), &[]));
        assert!(may_lead(&from, &url("https://cdn.example/b"), &listed));
        for bad in ["http://cdn.example/b", "http://169.254.169.254/latest", "https://files.example:8443/b"] {
            assert!(!may_lead(&from, &url(bad), &listed), "{bad}");
        }
    }
}
