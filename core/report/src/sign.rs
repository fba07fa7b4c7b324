//! Signed statements: a DSSE envelope (version 1) with Ed25519 signatures.
//!
//! What is signed is the pre-authentication encoding of payload type and payload, so that bytes signed as one type can
//! never be taken for another:
//!
//! ```text
//! "DSSEv1" SP len(type) SP type SP len(payload) SP payload        lengths in bytes, decimal
//! ```

mod key;
pub mod statement;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

pub use key::{KeyError, PRIVATE_FILE, PUBLIC_FILE, PublicKey, Signer};

/// Payload type of in-toto statements.
pub const IN_TOTO: &str = "application/vnd.in-toto+json";

/// A signed payload; members are named as the DSSE specification names them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Envelope {
    /// The payload in base64.
    pub payload: String,
    /// What the payload is.
    pub payload_type: String,
    /// Signatures over the pre-authentication encoding.
    pub signatures: Vec<Signature>,
}

/// One signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// A hint at the key; it is not authenticated.
    #[serde(default)]
    pub keyid: String,
    /// The signature in base64.
    pub sig: String,
}

/// Why an envelope is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// It is not an envelope.
    #[error("it is not a DSSE envelope: {0}")]
    Form(String),
    /// The payload is of another type.
    #[error("the payload is `{found}`, not `{wanted}`")]
    Type {
        /// Type that was found.
        found: String,
        /// Type that is read.
        wanted: &'static str,
    },
    /// No signature is of the key.
    #[error("no signature of the key {wanted} holds; it is signed by {found}")]
    Foreign {
        /// Id of the key that was to sign.
        wanted: String,
        /// What the envelope says who signed.
        found: String,
    },
}

/// The bytes that are signed.
#[must_use]
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}

impl Envelope {
    /// Signs a payload.
    #[must_use]
    pub fn sign(signer: &Signer, payload_type: &str, payload: &[u8]) -> Self {
        let sig = signer.sign(&pae(payload_type, payload));
        let keyid = signer.public().id();
        Self {
            payload: STANDARD.encode(payload),
            payload_type: payload_type.to_owned(),
            signatures: vec![Signature { keyid, sig: STANDARD.encode(sig) }],
        }
    }

    /// Reads an envelope from JSON.
    ///
    /// # Errors
    ///
    /// [`EnvelopeError::Form`] when it is none.
    pub fn read(text: &str) -> Result<Self, EnvelopeError> {
        serde_json::from_str(text).map_err(|error| EnvelopeError::Form(error.to_string()))
    }

    /// The payload, when it is of the type `wanted` and `key` signed it.
    ///
    /// # Errors
    ///
    /// Another type, not base64, or no signature of this key. The hint of a signature does not count.
    pub fn open(&self, key: &PublicKey, wanted: &'static str) -> Result<Vec<u8>, EnvelopeError> {
        if self.payload_type != wanted {
            return Err(EnvelopeError::Type { found: self.payload_type.clone(), wanted });
        }
        let payload =
            STANDARD.decode(&self.payload).map_err(|error| EnvelopeError::Form(error.to_string()))?;
        let signed = pae(&self.payload_type, &payload);
        let holds = |one: &Signature| STANDARD.decode(&one.sig).is_ok_and(|sig| key.accepts(&signed, &sig));
        if self.signatures.iter().any(holds) {
            return Ok(payload);
        }
        Err(EnvelopeError::Foreign { wanted: key.id(), found: self.signers() })
    }

    /// The keys it says it was signed with.
    #[must_use]
    pub fn signers(&self) -> String {
        let ids: Vec<&str> = self
            .signatures
            .iter()
            .map(|one| if one.keyid.is_empty() { "a key without id" } else { &one.keyid })
            .collect();
        if ids.is_empty() { "nobody".to_owned() } else { ids.join(", ") }
    }
}
