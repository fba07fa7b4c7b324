//! The object store: signed HEAD probes of evidence, making the bucket.
//!
//! `scheme://bucket/key` references are looked up at the configured endpoint, path style. References with an
//! `http` or `https` scheme, when such schemes are configured, are probed where they point.

mod header;
mod link;
mod plain;

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{BehaviorVersion, Builder, Credentials, Region};
use aws_sdk_s3::error::SdkError;
use aws_smithy_http_client::tls::{self, rustls_provider::CryptoMode};
use thiserror::Error;

use crate::config::ObjectStoreConfig;
use header::ContentMd5;
use plain::PlainProbe;

/// What a probe found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectHead {
    /// `ETag` as sent.
    pub etag: Option<String>,
    /// `Content-MD5` as sent.
    pub content_md5: Option<String>,
}

/// Why a probe gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HeadError {
    /// The store answered, but not with success.
    #[error("object store answered {0}")]
    Refused(u16),
    /// No answer in time.
    #[error("no answer within the time allowed")]
    Timeout,
    /// The store could not be reached or spoken to.
    #[error("{0}")]
    Network(String),
    /// The reference points to a host that is not on the list.
    #[error("host is not allowed")]
    HostNotAllowed,
}

/// Why something could not be written.
#[derive(Debug, Error)]
#[error("failed to {action} in the object store: {reason}")]
pub struct ObjectStoreError {
    /// What was tried.
    pub action: &'static str,
    /// What went wrong.
    pub reason: String,
}

/// A connection to the object store; clones share it.
#[derive(Debug, Clone)]
pub struct ObjectStore {
    signed: Option<Signed>,
    plain: PlainProbe,
    timeout: Duration,
}

#[derive(Debug, Clone)]
struct Signed {
    client: Client,
    /// Signs for the address that callers reach the store at.
    links: Client,
    bucket: String,
}

impl ObjectStore {
    /// Prepares the clients; nothing is sent. Without a configuration every signed probe fails as unreachable.
    ///
    /// # Errors
    /// When the plain HTTP client cannot be built.
    pub fn new(
        config: Option<&ObjectStoreConfig>,
        timeout: Duration,
        allowed_hosts: &[String],
    ) -> Result<Self, ObjectStoreError> {
        let plain = PlainProbe::new(timeout, allowed_hosts)
            .map_err(|reason| ObjectStoreError { action: "prepare plain probes", reason })?;
        Ok(Self { signed: config.map(signed_client), plain, timeout })
    }

    /// Asks for the headers of the object that a reference points to.
    ///
    /// # Errors
    /// When the object is not there, or no answer came.
    pub async fn head(&self, uri: &str) -> Result<ObjectHead, HeadError> {
        let probe = async {
            match uri.split_once("://") {
                Some((scheme, rest)) if !is_http(scheme) => self.head_signed(rest).await,
                _ => self.plain.head(uri).await,
            }
        };
        tokio::time::timeout(self.timeout, probe).await.unwrap_or(Err(HeadError::Timeout))
    }

    async fn head_signed(&self, location: &str) -> Result<ObjectHead, HeadError> {
        let Some(Signed { client, .. }) = &self.signed else {
            return Err(HeadError::Network("no object store is configured".to_owned()));
        };
        let (bucket, key) = bucket_and_key(location);
        let seen = ContentMd5::default();
        let answer =
            client.head_object().bucket(bucket).key(key).customize().interceptor(seen.clone()).send().await;
        match answer {
            Ok(object) => {
                Ok(ObjectHead { etag: object.e_tag().map(str::to_owned), content_md5: seen.take() })
            }
            Err(SdkError::TimeoutError(_)) => Err(HeadError::Timeout),
            Err(error) => Err(match error.raw_response() {
                Some(response) => HeadError::Refused(response.status().as_u16()),
                None => HeadError::Network(reason(&error)),
            }),
        }
    }

    /// Whether the store answers at all. A bucket that is missing or closed is an answer: it is seen when it is used.
    ///
    /// # Errors
    /// When no store is configured, it does not answer, or it answers that it cannot serve.
    pub async fn answers(&self) -> Result<(), ObjectStoreError> {
        const ACTION: &str = "reach the bucket";
        let Signed { client, bucket, .. } = self.signed(ACTION)?;
        let Err(error) = client.head_bucket().bucket(bucket).send().await else { return Ok(()) };
        match error.raw_response().map(|response| response.status().as_u16()) {
            Some(status) if status < 500 => Ok(()),
            _ => Err(ObjectStoreError { action: ACTION, reason: reason(&error) }),
        }
    }

    /// Makes sure that the configured bucket exists; `true` when it was made by this call.
    ///
    /// # Errors
    /// When no store is configured or it refuses.
    pub async fn ensure_bucket(&self) -> Result<bool, ObjectStoreError> {
        const ACTION: &str = "make the bucket";
        let Signed { client, bucket, .. } = self.signed(ACTION)?;
        if client.head_bucket().bucket(bucket).send().await.is_ok() {
            return Ok(false);
        }
        match client.create_bucket().bucket(bucket).send().await {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                // Another process made it in between.
                Some(service)
                    if service.is_bucket_already_owned_by_you() || service.is_bucket_already_exists() =>
                {
                    Ok(false)
                }
                _ => Err(ObjectStoreError { action: ACTION, reason: reason(&error) }),
            },
        }
    }

    fn signed(&self, action: &'static str) -> Result<&Signed, ObjectStoreError> {
        self.signed
            .as_ref()
            .ok_or_else(|| ObjectStoreError { action, reason: "no object store is configured".to_owned() })
    }
}

fn signed_client(config: &ObjectStoreConfig) -> Signed {
    let public = config.public_endpoint.as_ref().unwrap_or(&config.endpoint);
    Signed {
        client: client(config, &config.endpoint),
        links: client(config, public),
        bucket: config.bucket.clone(),
    }
}

fn client(config: &ObjectStoreConfig, endpoint: &str) -> Client {
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let settings = Builder::new()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(endpoint)
        .force_path_style(true)
        // Any region does: stores that are not Amazon's only use it in the signature.
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new(&config.key, &config.secret, None, None, "configuration"))
        // A probe has one short limit of its own; a retry would only use it up.
        .retry_config(RetryConfig::disabled())
        .http_client(http)
        .build();
    Client::from_conf(settings)
}

fn is_http(scheme: &str) -> bool {
    scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
}

/// Splits `user@bucket:port/key?query#fragment`; credentials, port, query and fragment are ignored.
fn bucket_and_key(location: &str) -> (&str, &str) {
    let location = location.split(['?', '#']).next().unwrap_or(location);
    let (authority, key) = location.split_once('/').unwrap_or((location, ""));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    (host.split_once(':').map_or(host, |(host, _)| host), key)
}

/// The whole chain of an SDK error, which prints only its outermost sentence.
fn reason<E: std::error::Error>(error: &E) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::bucket_and_key;

    #[test]
    fn a_reference_names_a_bucket_and_a_key() {
        assert_eq!(bucket_and_key("evidence/a/b.jpg"), ("evidence", "a/b.jpg"));
        assert_eq!(bucket_and_key("key:secret@evidence:9000/a?versionId=1#x"), ("evidence", "a"));
        assert_eq!(bucket_and_key("evidence"), ("evidence", ""));
    }
}
