//! Links with which a browser or a phone may put or get one object, for a while, without a secret.

use std::time::Duration;

use aws_sdk_s3::presigning::PresigningConfig;

use super::{ObjectStore, ObjectStoreError, bucket_and_key, is_http, reason};

/// A link to put an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadLink {
    /// Where to PUT.
    pub url: String,
    /// Headers that are part of the signature and have to be sent.
    pub headers: Vec<(String, String)>,
    /// The reference to submit as evidence.
    pub uri: String,
}

impl ObjectStore {
    /// Whether links can be made at all.
    pub fn is_configured(&self) -> bool {
        self.signed.is_some()
    }

    /// A link to put an object under a key of the installation's bucket.
    ///
    /// # Errors
    /// When no store is configured, or the lifetime is longer than a signature may live.
    pub async fn upload_link(
        &self,
        scheme: &str,
        key: &str,
        content_type: Option<&str>,
        lifetime: Duration,
    ) -> Result<UploadLink, ObjectStoreError> {
        const ACTION: &str = "make an upload link";
        let signed = self.signed(ACTION)?;
        let request = signed.links.put_object().bucket(&signed.bucket).key(key);
        let request = request.set_content_type(content_type.map(str::to_owned));
        let signed_request = request
            .presigned(configured(ACTION, lifetime)?)
            .await
            .map_err(|error| ObjectStoreError { action: ACTION, reason: reason(&error) })?;
        let headers =
            signed_request.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let uri = format!("{scheme}://{}/{key}", signed.bucket);
        Ok(UploadLink { url: signed_request.uri().to_owned(), headers, uri })
    }

    /// A link to get the object that a reference points to; `None` for a reference that this store cannot sign.
    ///
    /// A reference with an `http` scheme is its own link.
    ///
    /// # Errors
    /// When the lifetime is longer than a signature may live.
    pub async fn download_link(
        &self,
        uri: &str,
        lifetime: Duration,
    ) -> Result<Option<String>, ObjectStoreError> {
        const ACTION: &str = "make a download link";
        let Some((scheme, location)) = uri.split_once("://") else { return Ok(None) };
        if is_http(scheme) {
            return Ok(Some(uri.to_owned()));
        }
        let (bucket, key) = bucket_and_key(location);
        // Only the installation's own bucket: its secret may open others that evidence has no business in.
        let Some(signed) = self.signed.as_ref().filter(|signed| signed.bucket == bucket && !key.is_empty())
        else {
            return Ok(None);
        };
        let request = signed.links.get_object().bucket(bucket).key(key);
        let link = request
            .presigned(configured(ACTION, lifetime)?)
            .await
            .map_err(|error| ObjectStoreError { action: ACTION, reason: reason(&error) })?;
        Ok(Some(link.uri().to_owned()))
    }
}

fn configured(action: &'static str, lifetime: Duration) -> Result<PresigningConfig, ObjectStoreError> {
    PresigningConfig::expires_in(lifetime)
        .map_err(|error| ObjectStoreError { action, reason: error.to_string() })
}
