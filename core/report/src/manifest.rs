//! `manifest.json`: what a bundle consists of and what came out of the run, as one canonical JSON document.
//!
//! The manifest holds the digest of every file beside it and the head of the journal, so its own bytes stand for the
//! whole bundle. A signature over them goes into [`SIGNATURE`] beside it and changes nothing here.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::record::{CountsRecord, Outcome};

/// Name and version of the manifest format.
pub const FORMAT: &str = "drillyard.manifest/1";

/// File name of the manifest in a bundle.
pub const MANIFEST: &str = "manifest.json";

/// File name set aside for a signature over the manifest; the only file a bundle may have that is not in its manifest.
pub const SIGNATURE: &str = "manifest.dsse.json";

/// File name of the journal in a bundle.
pub const JOURNAL: &str = "journal.jsonl";

/// The whole manifest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Format of this document.
    pub format: String,
    /// Unique, sortable name of the run.
    pub run_id: String,
    /// The journal.
    pub journal: JournalFacts,
    /// Every other file of the bundle, in path order.
    pub files: Vec<FileFacts>,
    /// What the evidence is bound to, as the run said at its beginning.
    pub facts: BTreeMap<String, Value>,
    /// Moment of the first record.
    pub started_at: Option<Timestamp>,
    /// Moment of the last record.
    pub ended_at: Option<Timestamp>,
    /// Figures; nothing when the run never said that it ended.
    pub counts: Option<CountsRecord>,
    /// Exit code; nothing when the run never said that it ended.
    pub exit_code: Option<u8>,
    /// Every unit that ended, in the order in which they did.
    pub units: Vec<UnitVerdict>,
}

/// The journal as the manifest knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JournalFacts {
    /// Format of the journal.
    pub format: String,
    /// Number of records.
    pub records: u64,
    /// `sha256` of the last record.
    pub head: String,
    /// Size of the file in bytes.
    pub size: u64,
    /// SHA-256 of the whole file, lower-case hex.
    pub sha256: String,
}

/// A file of the bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileFacts {
    /// Path in the bundle, with forward slashes.
    pub path: String,
    /// Size in bytes.
    pub size: u64,
    /// SHA-256, lower-case hex.
    pub sha256: String,
    /// Whether secret values were replaced, so that its digest is not that of the original.
    pub masked: bool,
}

/// How a unit ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnitVerdict {
    /// Name of the unit.
    pub unit: String,
    /// Outcome.
    pub verdict: Outcome,
}
