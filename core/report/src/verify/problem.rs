//! What verification can find.

use std::fmt;

/// Something about a bundle that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A file is not there. Without a manifest the run was interrupted, or the manifest was removed.
    #[error("{file} is missing")]
    Missing {
        /// Path in the bundle.
        file: String,
    },
    /// A file the manifest does not know.
    #[error("{file} is not in the manifest")]
    Extra {
        /// Path in the bundle.
        file: String,
    },
    /// A file is not what it was.
    #[error("{file} was altered: its SHA-256 is {actual}, not {expected}")]
    Altered {
        /// Path in the bundle.
        file: String,
        /// Digest according to the manifest or journal.
        expected: String,
        /// Digest of the file.
        actual: String,
    },
    /// A file's size is not what the manifest says, although its digest is.
    #[error("{file} has {actual} bytes, and the manifest says {expected}")]
    Size {
        /// Path in the bundle.
        file: String,
        /// Size according to the manifest.
        expected: u64,
        /// Size of the file.
        actual: u64,
    },
    /// A file cannot be read or understood.
    #[error("{file} cannot be read: {detail}")]
    Unreadable {
        /// Path in the bundle.
        file: String,
        /// Why.
        detail: String,
    },
    /// A key was asked for, and nobody signed.
    #[error("manifest.dsse.json is missing: the bundle is not signed, and the key {key} was to sign it")]
    Unsigned {
        /// Id of the key.
        key: String,
    },
    /// The signature does not hold.
    #[error("manifest.dsse.json: {detail}")]
    Signature {
        /// Why.
        detail: String,
    },
    /// The manifest is not in canonical form.
    #[error("manifest.json is not canonical JSON")]
    ManifestNotCanonical,
    /// A format this version does not read.
    #[error("the format `{found}` is not `{known}`")]
    Format {
        /// Format that was found.
        found: String,
        /// Format that is read.
        known: String,
    },
    /// The first bad record of the journal.
    #[error("journal.jsonl line {line} ({}): {fault}", seq.map_or("no number".to_owned(), |seq| format!("record {seq}")))]
    Record {
        /// Line, from 1.
        line: u64,
        /// What the record says its number is.
        seq: Option<u64>,
        /// What is wrong.
        fault: RecordFault,
    },
    /// Records are missing at the end, or there are more than the run wrote.
    #[error("the journal has {journal} records, and the manifest says {manifest}")]
    RecordCount {
        /// Number according to the manifest.
        manifest: u64,
        /// Number of whole records.
        journal: u64,
    },
    /// The last record is not the one the manifest means.
    #[error("the journal ends with {journal}, and the manifest says {manifest}")]
    Head {
        /// Digest according to the manifest.
        manifest: String,
        /// Digest of the last record.
        journal: String,
    },
    /// The manifest, or a total of the journal, says something else than the records do.
    #[error("{what} is {claimed}, and the records give {found}")]
    Contradiction {
        /// What is claimed, such as `exit code in the manifest`.
        what: String,
        /// The claim.
        claimed: String,
        /// What follows from the records.
        found: String,
    },
}

impl Problem {
    pub(super) fn unreadable(file: &str, error: &impl fmt::Display) -> Self {
        Self::Unreadable { file: file.to_owned(), detail: error.to_string() }
    }
}

/// What is wrong with a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordFault {
    /// The line has no line feed: the tail was cut off, or the run died while it wrote.
    Unfinished,
    /// The line is not a record.
    NotARecord(String),
    /// The line does not have the digest it carries.
    Altered,
    /// Another record belongs here: one was deleted, added or moved.
    OutOfOrder {
        /// Number that belongs here.
        expected: u64,
    },
    /// The record does not follow the one before it: one of the two was replaced.
    NotChained,
    /// A record after the end of the run, or one before its beginning.
    OutOfPlace(String),
}

impl fmt::Display for RecordFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unfinished => f.write_str("the line is cut off"),
            Self::NotARecord(detail) => write!(f, "not a record: {detail}"),
            Self::Altered => f.write_str("the record was altered: it does not have the digest it carries"),
            Self::OutOfOrder { expected } => {
                write!(f, "record {expected} belongs here: a record was deleted, added or moved")
            }
            Self::NotChained => {
                f.write_str("it does not follow the record before it: one of the two was replaced")
            }
            Self::OutOfPlace(detail) => f.write_str(detail),
        }
    }
}
