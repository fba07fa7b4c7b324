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
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;

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
    /// Lines that were not handed to the system yet.
    waiting: Vec<u8>,
    /// Records and head as of the last line that was.
    kept: (u64, String),
}

/// A record without its seal.
#[derive(Serialize)]
struct Body<'a, E> {
    seq: u64,
    at: Timestamp,
    prev: &'a str,
    event: E,
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
        let (path, head) = (path.to_owned(), chain::GENESIS.to_owned());
        let kept = (0, head.clone());
        Ok(Self { path, file, masker, records: 0, size: 0, head, waiting: Vec::new(), kept })
    }

    /// Appends one record and hands it to the system, so that it is there even if this process dies next.
    ///
    /// # Errors
    ///
    /// The record cannot be written; what was written of it is taken back, so that the journal still ends with the
    /// record before.
    pub fn append(&mut self, at: Timestamp, entry: &Entry) -> Result<(), JournalError> {
        self.queue(at, entry)?;
        self.flush()
    }

    /// Appends one record, to be handed to the system by the next [`JournalWriter::flush`] together with others.
    ///
    /// # Errors
    ///
    /// The record has no canonical form.
    pub fn queue(&mut self, at: Timestamp, entry: &Entry) -> Result<(), JournalError> {
        let body = self.body(at, entry).map_err(JournalError::Canonical)?;
        let (line, digest) = chain::seal(&body);
        self.waiting.extend_from_slice(line.as_bytes());
        self.waiting.push(b'\n');
        self.records += 1;
        self.head = digest;
        Ok(())
    }

    /// The canonical text of a record. Most records hold no secret, so they are only taken apart when one was seen:
    /// secrets are known in the spelling that JSON gives them.
    fn body(&self, at: Timestamp, entry: &Entry) -> serde_json::Result<String> {
        let (seq, prev) = (self.records + 1, self.head.as_str());
        let text = serde_json_canonicalizer::to_string(&Body { seq, at, prev, event: entry })?;
        if self.masker.find(text.as_bytes()).is_none() {
            return Ok(text);
        }
        let event = self.masker.value(serde_json::to_value(entry)?);
        serde_json_canonicalizer::to_string(&Body { seq, at, prev, event })
    }

    /// Hands what is waiting to the system.
    ///
    /// # Errors
    ///
    /// It cannot be written; what was written of it is taken back, so that the journal still ends with a whole record.
    pub fn flush(&mut self) -> Result<(), JournalError> {
        let waiting = std::mem::take(&mut self.waiting);
        if let Err(source) = self.file.write_all(&waiting) {
            // On a full disk this is all that can be done; a reader stops before an unfinished line in any case.
            let _ = self.file.set_len(self.size);
            (self.records, self.head) = self.kept.clone();
            return Err(JournalError::File { path: self.path.clone(), source });
        }
        self.size += waiting.len() as u64;
        self.kept = (self.records, self.head.clone());
        Ok(())
    }

    /// Waits until everything is on disk; answers the number of records and the digest of the last.
    ///
    /// # Errors
    ///
    /// The disk refuses.
    pub fn close(mut self) -> Result<(u64, String), JournalError> {
        self.flush()?;
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
    offset: u64,
}

/// How many of a line's first bytes tell that it is the beginning of a step: only `at` and `index` come before its kind.
const HEAD: usize = 120;

/// How many bytes stand behind the event: the digest of the record before, the number and the seal.
const TAIL: usize = 240;

const ENDING: &[u8] = b"\"kind\":\"step-finished\"";
const BEGINNING: &[u8] = b"\"kind\":\"step-started\"";

impl JournalReader {
    /// Opens a journal.
    ///
    /// # Errors
    ///
    /// The file cannot be opened.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let file = File::open(path).map_err(|source| JournalError::File { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), lines: BufReader::new(file), line: 0, offset: 0 })
    }

    /// Opens a journal at a line that begins `offset` bytes into it.
    ///
    /// # Errors
    ///
    /// The file cannot be opened or is shorter.
    pub fn open_at(path: &Path, offset: u64) -> Result<Self, JournalError> {
        let mut reader = Self::open(path)?;
        let moved = reader.lines.seek(SeekFrom::Start(offset));
        moved.map_err(|source| JournalError::File { path: path.to_owned(), source })?;
        reader.offset = offset;
        Ok(reader)
    }

    /// Where the next line begins, in bytes.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The next record that is neither the beginning of a step nor the end of one of another unit; those are passed over
    /// unread. `mine` is how the event of a step of the unit ends.
    pub(crate) fn next_but_steps_of_others(&mut self, mine: &[u8]) -> Option<Result<Record, JournalError>> {
        let has = |bytes: &[u8], part: &[u8]| bytes.windows(part.len()).any(|found| found == part);
        loop {
            let bytes = match self.next_line() {
                Ok(None) => return None,
                Ok(Some(bytes)) => bytes,
                Err(source) => return Some(Err(JournalError::File { path: self.path.clone(), source })),
            };
            let head = &bytes[..bytes.len().min(HEAD)];
            let tail = &bytes[bytes.len().saturating_sub(mine.len() + TAIL)..];
            let other = has(head, ENDING) && !has(tail, mine);
            if !has(head, BEGINNING) && !other {
                return Some(self.record(&bytes));
            }
        }
    }

    fn record(&self, bytes: &[u8]) -> Result<Record, JournalError> {
        serde_json::from_slice(bytes).map_err(|source| JournalError::NotARecord { line: self.line, source })
    }

    /// The next whole line without its line feed, as bytes; nothing at the end or before an unfinished line.
    fn next_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut bytes = Vec::new();
        self.offset += self.lines.read_until(b'\n', &mut bytes)? as u64;
        self.line += 1;
        Ok(bytes.pop().filter(|last| *last == b'\n').map(|_| bytes))
    }
}

impl Iterator for JournalReader {
    type Item = Result<Record, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.next_line() {
            Ok(None) => None,
            Ok(Some(bytes)) => Some(self.record(&bytes)),
            Err(source) => Some(Err(JournalError::File { path: self.path.clone(), source })),
        }
    }
}
