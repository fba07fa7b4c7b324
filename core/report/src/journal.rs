//! `journal.jsonl`: one record per event, each chained to the one before.
//!
//! A line is the canonical JSON (RFC 8785) of a [`Record`] and a line feed. Its members are, in this order, `at`,
//! `event`, `prev`, `seq` and `sha256`. `sha256` is the SHA-256 of the line without that last member, so of
//! everything before `,"sha256":"` and a closing `}`; `prev` is the `sha256` of the line before, 64 zeros at first;
//! `seq` counts from 1. The manifest holds the number of records and the last `sha256`, so a tail that was cut off is
//! missed too. A stranger checks it without any code of ours:
//!
//! ```python
//! import hashlib, json
//! prev, count = "0" * 64, 0
//! for line in open("journal.jsonl", "rb"):
//!     count, record = count + 1, json.loads(line)
//!     body = line[:-78] + b"}"        # 78 = len(',"sha256":"') + 64 + len('"}\n')
//!     assert record["sha256"] == hashlib.sha256(body).hexdigest(), f"record {count} was altered"
//!     assert record["prev"] == prev and record["seq"] == count, f"record {count} is not the next one"
//!     prev = record["sha256"]
//! manifest = json.load(open("manifest.json"))
//! assert (count, prev) == (manifest["journal"]["records"], manifest["journal"]["head"]), "the tail is missing"
//! ```

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::json;

use crate::chain;
use crate::mask::Masker;
use crate::record::{Entry, Record};

/// Why a journal cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file cannot be opened, read or written.
    #[error("the journal {} cannot be used", .path.display())]
    File {
        /// Path of the journal.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// An entry has no canonical form.
    #[error("an entry cannot be written as canonical JSON")]
    Canonical(#[source] serde_json::Error),
    /// A line is not a record.
    #[error("line {line} of the journal is not a record")]
    NotARecord {
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
}

/// Writes records as they happen; memory does not grow with the run.
#[derive(Debug)]
pub struct JournalWriter {
    path: PathBuf,
    file: File,
    masker: Masker,
    records: u64,
    size: u64,
    head: String,
}

impl JournalWriter {
    /// Begins a journal at `path`, where there must be none yet.
    ///
    /// # Errors
    ///
    /// The file exists or cannot be created.
    pub fn create(path: &Path, masker: Masker) -> Result<Self, JournalError> {
        let file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .open(path)
            .map_err(|source| JournalError::File { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), file, masker, records: 0, size: 0, head: chain::GENESIS.to_owned() })
    }

    /// Appends one record and hands it to the system, so that it is there even if this process dies next.
    ///
    /// # Errors
    ///
    /// The record cannot be written; what was written of it is taken back, so that the journal still ends with the
    /// record before.
    pub fn append(&mut self, at: Timestamp, entry: &Entry) -> Result<(), JournalError> {
        let event = serde_json::to_value(entry).map_err(JournalError::Canonical)?;
        let body = json!({
            "seq": self.records + 1,
            "at": at,
            "prev": self.head,
            "event": self.masker.value(event),
        });
        let body = serde_json_canonicalizer::to_string(&body).map_err(JournalError::Canonical)?;
        let (mut line, digest) = chain::seal(&body);
        line.push('\n');
        if let Err(source) = self.file.write_all(line.as_bytes()) {
            // On a full disk this is all that can be done; a reader stops before an unfinished line in any case.
            let _ = self.file.set_len(self.size);
            return Err(JournalError::File { path: self.path.clone(), source });
        }
        self.records += 1;
        self.size += line.len() as u64;
        self.head = digest;
        Ok(())
    }

    /// Waits until everything is on disk; answers the number of records and the digest of the last.
    ///
    /// # Errors
    ///
    /// The disk refuses.
    pub fn close(self) -> Result<(u64, String), JournalError> {
        self.file.sync_all().map_err(|source| JournalError::File { path: self.path.clone(), source })?;
        Ok((self.records, self.head))
    }
}

/// Reads a journal record by record and stops before a last line that was never finished.
#[derive(Debug)]
pub struct JournalReader {
    path: PathBuf,
    lines: BufReader<File>,
    line: u64,
}

impl JournalReader {
    /// Opens a journal.
    ///
    /// # Errors
    ///
    /// The file cannot be opened.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let file = File::open(path).map_err(|source| JournalError::File { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), lines: BufReader::new(file), line: 0 })
    }

    /// The next whole line without its line feed, as bytes; nothing at the end or before an unfinished line.
    fn next_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut bytes = Vec::new();
        self.lines.read_until(b'\n', &mut bytes)?;
        self.line += 1;
        Ok(bytes.pop().filter(|last| *last == b'\n').map(|_| bytes))
    }
}

impl Iterator for JournalReader {
    type Item = Result<Record, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.next_line() {
            Ok(None) => None,
            Ok(Some(bytes)) => Some(
                serde_json::from_slice::<Record>(&bytes)
                    .map_err(|source| JournalError::NotARecord { line: self.line, source }),
            ),
            Err(source) => Some(Err(JournalError::File { path: self.path.clone(), source })),
        }
    }
}
