//! The folder a run leaves behind, and how it is filled.
//!
//! ```text
//! target/drillyard/runs/<run>/
//!   journal.jsonl            every event, chained (see `journal.rs`)
//!   manifest.json            digests of everything here, facts and verdicts (see `manifest.rs`)
//!   manifest.dsse.json       the signed statement about the manifest (see `sign.rs`), where a key was given
//!   keys/evidence.pub.pem    the public half of that key
//!   texts/…                  the texts as run, drills, features and topology, at their paths in the project
//!   logs/…                   what services wrote
//!   snapshots/…              the texts that were compared, at their paths in the project
//!   reports/junit.xml, …     one file per report format
//! target/drillyard/runs/latest -> <run>
//! ```
//!
//! A bundle without a manifest belongs to a run that was interrupted; its journal is whole up to its last line.

mod files;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use drillyard_engine::event::{Event, Stamped};

use crate::chain;
use crate::format;
use crate::history::{History, Summary};
use crate::journal::{JournalError, JournalReader, JournalWriter};
use crate::manifest::{self, FileFacts, JOURNAL, JournalFacts, MANIFEST, Manifest};
use crate::mask::Masker;
use crate::record::{self, Entry, SnapshotRecord};
use crate::sign::{self, Envelope, KeyError, Signer, statement};

pub(crate) use files::is_inside;
pub use files::list;

/// Name of the link to the newest bundle, beside the bundles.
pub const LATEST: &str = "latest";

/// Folder of the texts as run, at their paths in the project; the text of a unit must be what its digest says.
pub const TEXTS: &str = "texts";

/// The public half of the key that signed the bundle.
pub const PUBLIC_KEY: &str = "keys/evidence.pub.pem";

/// The most of a line that is masked at once, in bytes; a log that never ends its line must not fill the memory.
const LONGEST_PIECE: u64 = 1 << 20;

/// Why a bundle cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The run's name cannot name a folder.
    #[error("`{run_id}` cannot name a bundle: use letters, digits, `-`, `_` and `.`, and not `{LATEST}`")]
    RunId {
        /// The name.
        run_id: String,
    },
    /// An attachment would lie outside the bundle or in the place of one of its own files.
    #[error("`{path}` cannot be the path of an attachment")]
    Path {
        /// The path.
        path: String,
    },
    /// A file cannot be read or written.
    #[error("{} cannot be read or written", .path.display())]
    File {
        /// Path of the file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The journal cannot be written or read back.
    #[error("the journal failed")]
    Journal(#[from] JournalError),
    /// A report cannot be made.
    #[error("a report failed")]
    Report(#[from] format::ReportError),
    /// The manifest has no canonical form.
    #[error("the manifest cannot be written as canonical JSON")]
    Canonical(#[source] serde_json::Error),
    /// The signing key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Secret values are in the bundle. It gets no manifest and must not be given away.
    #[error("secret values are in the bundle: {}", .found.join(", "))]
    Secret {
        /// File and placeholder of the value, such as `logs/api.log (***TOKEN***)`; the first value of each file.
        found: Vec<String>,
    },
}

/// A bundle that is being written.
#[derive(Debug)]
pub struct BundleWriter {
    dir: PathBuf,
    masker: Masker,
    journal: JournalWriter,
    /// Attachments in which a secret was replaced.
    masked: BTreeSet<String>,
    signer: Option<Signer>,
}

/// A bundle that is complete.
#[derive(Debug, Clone, PartialEq)]
pub struct Finished {
    /// Its folder.
    pub dir: PathBuf,
    /// Its manifest.
    pub manifest: Manifest,
}

impl BundleWriter {
    /// Begins the bundle of `run_id` in the folder `runs`, usually `target/drillyard/runs`.
    ///
    /// # Errors
    ///
    /// The name cannot name a folder, a bundle of that name exists, or the disk refuses.
    pub fn create(runs: &Path, run_id: &str, masker: Masker) -> Result<Self, BundleError> {
        let plain = run_id.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        if !plain || run_id.is_empty() || run_id.starts_with('.') || run_id == LATEST {
            return Err(BundleError::RunId { run_id: run_id.to_owned() });
        }
        fs::create_dir_all(runs).map_err(at(runs))?;
        let dir = runs.join(run_id);
        fs::create_dir(&dir).map_err(at(&dir))?;
        let journal = JournalWriter::create(&dir.join(JOURNAL), masker.clone())?;
        Ok(Self { dir, masker, journal, masked: BTreeSet::new(), signer: None })
    }

    /// The bundle's folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Signs the bundle when it is sealed; the key's public half becomes part of it.
    #[must_use]
    pub fn signed_by(mut self, signer: Signer) -> Self {
        self.signer = Some(signer);
        self
    }

    /// Keeps one event. The text of a snapshot becomes a file of its own.
    ///
    /// # Errors
    ///
    /// The disk refuses, or a snapshot's path leads out of the bundle.
    pub fn record(&mut self, stamped: &Stamped) -> Result<(), BundleError> {
        self.queue(stamped)?;
        self.flush()
    }

    /// Hands every event that was queued to the system.
    ///
    /// # Errors
    ///
    /// The disk refuses.
    pub fn flush(&mut self) -> Result<(), BundleError> {
        Ok(self.journal.flush()?)
    }

    /// Keeps one event until the next [`BundleWriter::flush`].
    ///
    /// # Errors
    ///
    /// As [`BundleWriter::record`].
    pub fn queue(&mut self, stamped: &Stamped) -> Result<(), BundleError> {
        let mut entry = Entry::from(&stamped.event);
        if let (Entry::Snapshot(snapshot), Event::Snapshot { text, .. }) = (&mut entry, &stamped.event) {
            self.keep_snapshot(snapshot, text)?;
        }
        Ok(self.journal.queue(stamped.at, &entry)?)
    }

    /// Puts a text beside the journal, such as a drill below [`TEXTS`].
    ///
    /// # Errors
    ///
    /// The path leads out of the bundle or is taken by one of its own files, or the disk refuses.
    pub fn attach(&mut self, path: &str, content: &[u8]) -> Result<(), BundleError> {
        let target = self.target(path)?;
        let masked = self.masker.bytes(content);
        if *masked != *content {
            self.masked.insert(path.to_owned());
        }
        fs::write(&target, masked).map_err(at(&target))
    }

    /// Copies a file beside the journal line by line, such as a log of any size. A secret value across two lines, or
    /// across a piece of an endless line, is not replaced here; the last search of all files finds it.
    ///
    /// # Errors
    ///
    /// As [`BundleWriter::attach`], or the file cannot be read.
    pub fn attach_file(&mut self, path: &str, from: &Path) -> Result<(), BundleError> {
        let target = self.target(path)?;
        let mut lines = BufReader::new(File::open(from).map_err(at(from))?);
        let mut copy = io::BufWriter::new(File::create(&target).map_err(at(&target))?);
        let mut piece = Vec::new();
        loop {
            piece.clear();
            if lines.by_ref().take(LONGEST_PIECE).read_until(b'\n', &mut piece).map_err(at(from))? == 0 {
                return copy.flush().map_err(at(&target));
            }
            let masked = self.masker.bytes(&piece);
            if *masked != *piece {
                self.masked.insert(path.to_owned());
            }
            copy.write_all(&masked).map_err(at(&target))?;
        }
    }

    /// Writes the reports, searches every file for secret values, and seals the bundle with its manifest. Files that
    /// others wrote into the folder meanwhile become part of it.
    ///
    /// # Errors
    ///
    /// The disk refuses, or a secret value is in the bundle; it has no manifest then.
    pub fn finish(mut self) -> Result<Finished, BundleError> {
        if let Some(pem) = self.signer.as_ref().map(|signer| signer.public().to_pem()).transpose()? {
            self.attach(PUBLIC_KEY, pem.as_bytes())?;
        }
        let Self { dir, masker, journal, masked, signer } = self;
        let (records, head) = journal.close()?;
        let mut summary = Summary::default();
        for record in JournalReader::open(&dir.join(JOURNAL))? {
            let record = record?;
            summary.saw(record.at);
            summary.take(&record.event);
        }
        write_reports(&dir)?;
        scan(&dir, &masker)?;
        let manifest = manifest(&dir, summary, (records, head), &masked)?;
        let sha256 = write_manifest(&dir, &manifest)?;
        if let Some(signer) = &signer {
            sign(&dir, signer, &statement::of_run(&manifest, &sha256))?;
        }
        point_latest(&dir)?;
        Ok(Finished { dir, manifest })
    }

    /// A run that repeats a unit compares a snapshot more than once; every text that was compared is kept.
    fn keep_snapshot(&mut self, snapshot: &mut SnapshotRecord, text: &str) -> Result<(), BundleError> {
        let mut path = snapshot.file.clone();
        for again in 2.. {
            if !self.target(&path)?.exists() {
                break;
            }
            path = format!("{}.{again}", snapshot.file);
        }
        self.attach(&path, text.as_bytes())?;
        snapshot.text_sha256 = chain::sha256_hex(&self.masker.bytes(text.as_bytes()));
        snapshot.attachment = Some(path);
        Ok(())
    }

    fn target(&self, path: &str) -> Result<PathBuf, BundleError> {
        if !is_inside(path) || [JOURNAL, MANIFEST, manifest::SIGNATURE].contains(&path) {
            return Err(BundleError::Path { path: path.to_owned() });
        }
        let target = self.dir.join(path);
        let parent = target.parent().unwrap_or(&self.dir);
        fs::create_dir_all(parent).map_err(at(parent))?;
        Ok(target)
    }
}

fn write_reports(dir: &Path) -> Result<(), BundleError> {
    let history = History::outline(dir)?;
    let reports = dir.join("reports");
    fs::create_dir_all(&reports).map_err(at(&reports))?;
    for format in format::FORMATS.iter().filter(|format| format.in_bundle) {
        let path = reports.join(format.file);
        let mut file = io::BufWriter::new(File::create(&path).map_err(at(&path))?);
        (format.render)(&history, dir, &mut file)?;
        file.flush().map_err(at(&path))?;
    }
    Ok(())
}

fn scan(dir: &Path, masker: &Masker) -> Result<(), BundleError> {
    let mut found = Vec::new();
    for path in list(dir).map_err(at(dir))? {
        let file = dir.join(&path);
        if let Some(placeholder) = masker.find_in_file(&file).map_err(at(&file))? {
            found.push(format!("{path} ({placeholder})"));
        }
        if let Some(placeholder) = masker.find(path.as_bytes()) {
            found.push(format!("the name of a file ({placeholder})"));
        }
    }
    if found.is_empty() { Ok(()) } else { Err(BundleError::Secret { found }) }
}

fn manifest(
    dir: &Path,
    summary: Summary,
    (records, head): (u64, String),
    masked: &BTreeSet<String>,
) -> Result<Manifest, BundleError> {
    let mut files = Vec::new();
    for path in list(dir).map_err(at(dir))?.into_iter().filter(|path| path != JOURNAL) {
        let file = dir.join(&path);
        let (size, sha256) = chain::digest_file(&file).map_err(at(&file))?;
        let masked = masked.contains(&path);
        files.push(FileFacts { path, size, sha256, masked });
    }
    let journal = dir.join(JOURNAL);
    let (size, sha256) = chain::digest_file(&journal).map_err(at(&journal))?;
    Ok(Manifest {
        format: manifest::FORMAT.to_owned(),
        run_id: summary.run_id,
        journal: JournalFacts { format: record::FORMAT.to_owned(), records, head, size, sha256 },
        files,
        facts: summary.facts,
        started_at: summary.started_at,
        ended_at: summary.ended_at,
        counts: summary.counts,
        exit_code: summary.exit_code,
        units: summary.units,
    })
}

/// Written under another name first: a bundle has its whole manifest or none.
fn write_manifest(dir: &Path, manifest: &Manifest) -> Result<String, BundleError> {
    let text = serde_json_canonicalizer::to_vec(manifest).map_err(BundleError::Canonical)?;
    let (draft, path) = (dir.join("manifest.json.draft"), dir.join(MANIFEST));
    let mut file = File::create(&draft).map_err(at(&draft))?;
    file.write_all(&text).and_then(|()| file.sync_all()).map_err(at(&draft))?;
    fs::rename(&draft, &path).map_err(at(&path))?;
    Ok(chain::sha256_hex(&text))
}

fn sign(dir: &Path, signer: &Signer, statement: &serde_json::Value) -> Result<(), BundleError> {
    let payload = serde_json_canonicalizer::to_vec(statement).map_err(BundleError::Canonical)?;
    let envelope = Envelope::sign(signer, sign::IN_TOTO, &payload);
    let text = serde_json::to_string(&envelope).map_err(BundleError::Canonical)?;
    let path = dir.join(manifest::SIGNATURE);
    fs::write(&path, text).map_err(at(&path))
}

fn point_latest(dir: &Path) -> Result<(), BundleError> {
    let (Some(runs), Some(run)) = (dir.parent(), dir.file_name()) else { return Ok(()) };
    let (draft, latest) = (runs.join(format!(".{LATEST}.{}", run.display())), runs.join(LATEST));
    std::os::unix::fs::symlink(run, &draft).map_err(at(&draft))?;
    fs::rename(&draft, &latest).map_err(at(&latest))
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> BundleError {
    let path = path.to_owned();
    move |source| BundleError::File { path, source }
}
