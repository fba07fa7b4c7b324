//! A person's agreement, signed and bound to a gate's text and the evidence's manifests.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Standing;
use crate::sign::{Envelope, PublicKey, Signer};

/// Payload type of a sign-off.
pub const TYPE: &str = "application/vnd.drillyard.sign-off+json";

/// File of a packet's sign-offs, one envelope in a line.
pub const FILE: &str = "sign-offs.jsonl";

/// What a person agreed to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignOff {
    /// The gate.
    pub gate: String,
    /// SHA-256 of its text.
    pub gate_sha256: String,
    /// In which role.
    pub role: String,
    /// Who.
    pub name: String,
    /// When.
    pub at: Timestamp,
    /// The evidence that was looked at.
    pub evidence: Vec<Standing>,
}

/// Why a sign-off cannot be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum SignOffError {
    /// The file cannot be read or written.
    #[error("the sign-offs cannot be read or written: {0}")]
    File(#[from] io::Error),
    /// A line does not hold.
    #[error("sign-off {line} does not hold: {detail}")]
    Line {
        /// The line, from 1.
        line: usize,
        /// Why.
        detail: String,
    },
    /// It cannot be written as JSON.
    #[error("the sign-off cannot be written as JSON")]
    Json(#[from] serde_json::Error),
}

impl SignOff {
    /// Digests of the manifests, in order.
    #[must_use]
    pub fn manifests(&self) -> Vec<String> {
        let mut all: Vec<String> = self.evidence.iter().map(|one| one.manifest_sha256.clone()).collect();
        all.sort();
        all
    }

    /// Adds it, signed, to the sign-offs of the packet in `dir`.
    ///
    /// # Errors
    ///
    /// The disk refuses.
    pub fn keep(&self, dir: &Path, signer: &Signer) -> Result<(), SignOffError> {
        let payload = serde_json::to_vec(self)?;
        let line = serde_json::to_string(&Envelope::sign(signer, TYPE, &payload))?;
        let mut file = fs::OpenOptions::new().create(true).append(true).open(dir.join(FILE))?;
        Ok(file.write_all(format!("{line}\n").as_bytes())?)
    }
}

/// The sign-offs of the packet in `dir` that `key` signed; none when there is no file.
///
/// # Errors
///
/// The file cannot be read, or a line of it does not hold: one that was tampered with is never passed over.
pub fn read(dir: &Path, key: &PublicKey) -> Result<Vec<SignOff>, SignOffError> {
    let text = match fs::read_to_string(dir.join(FILE)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let opened = |line: &str| -> Result<SignOff, String> {
        let payload =
            Envelope::read(line).and_then(|one| one.open(key, TYPE)).map_err(|error| error.to_string())?;
        serde_json::from_slice(&payload).map_err(|error| error.to_string())
    };
    let lines = text.lines().enumerate();
    lines
        .map(|(at, line)| opened(line).map_err(|detail| SignOffError::Line { line: at + 1, detail }))
        .collect()
}
