//! The public keys that tokens may be signed with: a JSON Web Key Set, from a file or an address.
//!
//! Keys may overlap: as long as the old one is in the set beside the new one, tokens of both are good. The set is
//! read again in the background when it is old, and at once when a token names a key that is not in it, but never
//! more often than once in a while, so that forged tokens cannot make this service hammer whoever publishes the
//! keys. While the publisher is away the keys in hand stay good.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use futures::StreamExt;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Value, json};
use thiserror::Error;
use tokio::sync::Mutex;

use super::Secrets;
use crate::config::{AuthConfig, JwksSource};
use crate::request_log::life_cycle;

/// How long the publisher may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// Largest set that is read, in bytes.
const LIMIT: usize = 256 * 1024;

/// Shortest RSA modulus in bytes: 2048 bits, below which signatures can be forged with money.
const RSA_MODULUS: usize = 256;

/// Why a set could not be had.
#[derive(Debug, Error)]
pub enum KeysError {
    /// The file could not be read.
    #[error("cannot read {path}: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The address did not answer.
    #[error("cannot fetch the key set: {0}")]
    Fetch(#[from] reqwest::Error),
    /// The answer is larger than any key set.
    #[error("the key set is larger than {LIMIT} bytes")]
    TooLarge,
    /// The text is no key set, or holds no key that could be used.
    #[error("the key set holds no usable key")]
    NoKeys,
}

#[derive(Clone)]
struct PublicKey {
    kid: Option<String>,
    algorithm: Algorithm,
    key: DecodingKey,
}

#[derive(Default)]
struct Loaded {
    keys: Vec<PublicKey>,
    at: Option<Instant>,
}

/// The keys, shared by every request.
pub struct Keys {
    /// Shared secrets.
    pub secrets: Secrets,
    source: Option<JwksSource>,
    /// A set older than this is read again.
    max_age: Duration,
    /// Least time between two readings.
    pause: Duration,
    client: reqwest::Client,
    loaded: RwLock<Arc<Loaded>>,
    /// When the set was last asked for, successfully or not; held while it is read.
    tried: Mutex<Option<Instant>>,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("source", &self.source).finish_non_exhaustive()
    }
}

impl Keys {
    /// Keys as configured; without a source, no token but a shared-secret one is good.
    ///
    /// # Errors
    /// When the client cannot be built.
    pub fn new(config: &AuthConfig) -> Result<Self, KeysError> {
        let client = reqwest::Client::builder()
            .timeout(PATIENCE)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self {
            secrets: Secrets::new(config.jwt_secret.clone()),
            source: config.jwks.clone(),
            max_age: Duration::from_secs(config.jwks_max_age_s.into()),
            pause: Duration::from_secs(config.jwks_pause_s.into()),
            client,
            loaded: RwLock::default(),
            tried: Mutex::new(None),
        })
    }

    /// Whether a source is configured.
    pub fn are_configured(&self) -> bool {
        self.source.is_some()
    }

    /// Whether a set was ever read.
    pub fn are_loaded(&self) -> bool {
        self.current().at.is_some()
    }

    /// Reads the set again when it is old; for the background.
    pub async fn keep_fresh(&self) {
        self.secrets.refresh();
        if self.current().at.is_none_or(|at| at.elapsed() >= self.max_age) {
            self.refresh().await;
        }
    }

    /// Reads the set unless that was tried a moment ago. What goes wrong is logged and the set in hand stays in use.
    pub async fn refresh(&self) {
        let Some(source) = &self.source else { return };
        let mut tried = self.tried.lock().await;
        if tried.is_some_and(|at| at.elapsed() < self.pause) {
            return;
        }
        *tried = Some(Instant::now());
        match self.read(source).await.and_then(|text| usable(&text)) {
            Ok(keys) => {
                let loaded = Arc::new(Loaded { keys, at: Some(Instant::now()) });
                *self.loaded.write().unwrap_or_else(PoisonError::into_inner) = loaded;
            }
            Err(error) => life_cycle(
                true,
                json!({ "message": "the key set could not be read", "error": error.to_string() }),
            ),
        }
    }

    /// The keys that a token with this algorithm and key id may be signed with.
    pub async fn candidates(&self, algorithm: Algorithm, kid: Option<&str>) -> Vec<DecodingKey> {
        let found = select(&self.current(), algorithm, kid);
        if !found.is_empty() {
            return found;
        }
        self.refresh().await;
        select(&self.current(), algorithm, kid)
    }

    fn current(&self) -> Arc<Loaded> {
        Arc::clone(&self.loaded.read().unwrap_or_else(PoisonError::into_inner))
    }

    async fn read(&self, source: &JwksSource) -> Result<Vec<u8>, KeysError> {
        let url = match source {
            JwksSource::File(path) => {
                let read = tokio::fs::read(path).await;
                return read.map_err(|source| KeysError::File { path: path.clone(), source });
            }
            JwksSource::Url(url) => url,
        };
        let response = self.client.get(url).send().await?.error_for_status()?;
        let (mut bytes, mut chunks) = (Vec::new(), response.bytes_stream());
        while let Some(chunk) = chunks.next().await {
            bytes.extend_from_slice(&chunk?);
            if bytes.len() > LIMIT {
                return Err(KeysError::TooLarge);
            }
        }
        Ok(bytes)
    }
}

/// A key id names one key; a token without one may be signed with any key of its algorithm.
fn select(loaded: &Loaded, algorithm: Algorithm, kid: Option<&str>) -> Vec<DecodingKey> {
    loaded
        .keys
        .iter()
        .filter(|key| key.algorithm == algorithm && (kid.is_none() || key.kid.as_deref() == kid))
        .map(|key| key.key.clone())
        .collect()
}

/// The keys of a set that may verify signatures; a key that cannot be used is passed over, as the format wants it.
fn usable(text: &[u8]) -> Result<Vec<PublicKey>, KeysError> {
    let set: Value = serde_json::from_slice(text).map_err(|_| KeysError::NoKeys)?;
    let keys: Vec<PublicKey> = set["keys"].as_array().into_iter().flatten().filter_map(public_key).collect();
    if keys.is_empty() { Err(KeysError::NoKeys) } else { Ok(keys) }
}

fn public_key(document: &Value) -> Option<PublicKey> {
    let jwk: Jwk = serde_json::from_value(document.clone()).ok()?;
    let common = &jwk.common;
    let for_signatures = common.public_key_use.as_ref().is_none_or(|use_| *use_ == PublicKeyUse::Signature)
        && common.key_operations.as_ref().is_none_or(|list| list.contains(&KeyOperations::Verify));
    // The key's own kind fixes the algorithm; what a token claims has to agree with it.
    let (algorithm, name) = match &jwk.algorithm {
        AlgorithmParameters::RSA(rsa) if rsa.n.len() * 3 / 4 >= RSA_MODULUS => {
            (Algorithm::RS256, KeyAlgorithm::RS256)
        }
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, KeyAlgorithm::ES256)
        }
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            (Algorithm::EdDSA, KeyAlgorithm::EdDSA)
        }
        _ => return None,
    };
    let declared = common.key_algorithm.is_none_or(|declared| declared == name);
    if !for_signatures || !declared {
        return None;
    }
    Some(PublicKey { kid: common.key_id.clone(), algorithm, key: DecodingKey::from_jwk(&jwk).ok()? })
}
