//! Texts that a person accepted once, in insta's `.snap` files: `cargo insta review` works on them too.
//!
//! A snapshot `snapshots/drills/x/timeline.snap` that is new or different leaves `timeline.snap.new` beside it. Nothing
//! here touches the accepted file but [`accept`], which a person asks for.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use drillyard_engine::event::SnapshotResult;
use insta::internals::TextSnapshotContents;
use insta::{Snapshot, TextSnapshotKind};
use serde::Serialize;
use similar::TextDiff;

use crate::bundle;

/// Folder of all snapshots, relative to the project's root.
pub const FOLDER: &str = "snapshots";

const ACCEPTED: &str = ".snap";
const PENDING: &str = ".snap.new";

/// Why a snapshot cannot be compared or accepted.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The path does not name a snapshot of the project.
    #[error("`{file}` is not a path like `{FOLDER}/…/name{ACCEPTED}`")]
    Path {
        /// The path.
        file: String,
    },
    /// The file is there, but not a text snapshot.
    #[error("{file} is not a text snapshot: {detail}")]
    NotASnapshot {
        /// Path relative to the project's root.
        file: String,
        /// What is wrong with it.
        detail: String,
    },
    /// There is nothing to accept or reject.
    #[error("{file} has no new text to decide about")]
    NothingPending {
        /// Path relative to the project's root.
        file: String,
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
}

/// Whether a comparison may leave something for a reviewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Compare, and write what is new or different beside the accepted file.
    Verify,
    /// Compare and write nothing: nobody reviews on a build machine.
    Ci,
}

/// A text to compare, with where it comes from.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// Path of the snapshot relative to the project's root: `snapshots/…/name.snap`.
    pub file: &'a str,
    /// The redacted text.
    pub text: &'a str,
    /// Path of the drill or feature, for the file's header.
    pub source: &'a str,
    /// Title of the drill or scenario, for the file's header.
    pub title: &'a str,
}

/// A text that waits for a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// Path of the snapshot relative to the project's root.
    pub file: String,
    /// Unified diff from accepted to new; of a first text every line is added.
    pub diff: String,
    /// Drill or feature it comes from, where the header says so.
    pub source: Option<String>,
    /// Title of the drill or scenario, where the header says so.
    pub title: Option<String>,
}

#[derive(Serialize)]
struct Header<'a> {
    source: &'a str,
    description: &'a str,
}

/// Compares a text with its accepted snapshot below `root`. White space at the end and the kind of line ending do not
/// count, as in insta.
///
/// # Errors
///
/// The path is none of a snapshot, the accepted file is not a text snapshot, or the disk refuses.
pub fn compare(root: &Path, candidate: &Candidate<'_>, mode: Mode) -> Result<SnapshotResult, SnapshotError> {
    let path = accepted_path(root, candidate.file)?;
    let new = TextSnapshotContents::new(candidate.text.to_owned(), TextSnapshotKind::File);
    let accepted = load(&path, candidate.file)?;
    let result = match accepted.as_ref().and_then(Snapshot::as_text) {
        None => SnapshotResult::New,
        Some(accepted) if accepted.matches_latest(&new) => SnapshotResult::Matched,
        Some(accepted) => SnapshotResult::Different(diff(&accepted.to_string(), &new.to_string())),
    };
    if mode == Mode::Verify {
        let pending = root.join(pending_name(candidate.file));
        match result {
            // What waited for a decision is out of date.
            SnapshotResult::Matched => remove(&pending)?,
            SnapshotResult::New | SnapshotResult::Different(_) => write(&pending, candidate, &new)?,
        }
    }
    Ok(result)
}

/// Makes the new text of `file` the accepted one.
///
/// # Errors
///
/// Nothing waits for a decision, what waits is not a snapshot, or the disk refuses.
pub fn accept(root: &Path, file: &str) -> Result<(), SnapshotError> {
    let (path, pending) = (accepted_path(root, file)?, root.join(pending_name(file)));
    if load(&pending, file)?.is_none() {
        return Err(SnapshotError::NothingPending { file: file.to_owned() });
    }
    fs::rename(&pending, &path).map_err(at(&path))
}

/// Drops the new text of `file`; the accepted one stays.
///
/// # Errors
///
/// Nothing waits for a decision, or the disk refuses.
pub fn reject(root: &Path, file: &str) -> Result<(), SnapshotError> {
    accepted_path(root, file)?;
    let pending = root.join(pending_name(file));
    if !pending.exists() {
        return Err(SnapshotError::NothingPending { file: file.to_owned() });
    }
    remove(&pending)
}

/// Every text that waits for a decision, in path order.
///
/// # Errors
///
/// A file cannot be read or is not a snapshot.
pub fn pending(root: &Path) -> Result<Vec<Pending>, SnapshotError> {
    let mut waiting = Vec::new();
    for name in files(root)? {
        let Some(stem) = name.strip_suffix(PENDING) else { continue };
        let file = format!("{stem}{ACCEPTED}");
        let Some(new) = load(&root.join(&name), &name)? else { continue };
        let accepted = load(&root.join(&file), &file)?;
        let text = |snapshot: &Snapshot| snapshot.as_text().map(ToString::to_string).unwrap_or_default();
        waiting.push(Pending {
            diff: diff(&accepted.as_ref().map(text).unwrap_or_default(), &text(&new)),
            source: new.metadata().source().map(str::to_owned),
            title: new.metadata().description().map(str::to_owned),
            file,
        });
    }
    Ok(waiting)
}

/// Accepted snapshots that no drill or scenario of a whole run compared, in path order. `used` holds paths relative to
/// the project's root.
///
/// # Errors
///
/// The folder cannot be read.
pub fn unreferenced(root: &Path, used: &BTreeSet<String>) -> Result<Vec<String>, SnapshotError> {
    Ok(files(root)?.into_iter().filter(|file| file.ends_with(ACCEPTED) && !used.contains(file)).collect())
}

/// Files below the folder of snapshots, relative to `root`.
fn files(root: &Path) -> Result<Vec<String>, SnapshotError> {
    let folder = root.join(FOLDER);
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let names = bundle::list(&folder).map_err(at(&folder))?;
    Ok(names.into_iter().map(|name| format!("{FOLDER}/{name}")).collect())
}

fn accepted_path(root: &Path, file: &str) -> Result<PathBuf, SnapshotError> {
    let named = file.strip_prefix(FOLDER).and_then(|rest| rest.strip_prefix('/'));
    let good = named.is_some_and(|name| {
        bundle::is_inside(name)
            && name.strip_suffix(ACCEPTED).is_some_and(|stem| !stem.is_empty() && !stem.ends_with('/'))
    });
    if good { Ok(root.join(file)) } else { Err(SnapshotError::Path { file: file.to_owned() }) }
}

fn pending_name(file: &str) -> String {
    format!("{file}.new")
}

/// The text snapshot at `path`, or nothing when there is no file.
fn load(path: &Path, file: &str) -> Result<Option<Snapshot>, SnapshotError> {
    let wrong = |detail: String| SnapshotError::NotASnapshot { file: file.to_owned(), detail };
    let text = match fs::read(path) {
        Ok(bytes) => String::from_utf8(bytes).map_err(|_| wrong("it is not UTF-8".to_owned()))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(at(path)(error)),
    };
    // insta would take any other beginning for a format of years ago, say so on the terminal and skip the head.
    if text.lines().next().map(str::trim_end) != Some("---") {
        return Err(wrong("it does not begin with `---`".to_owned()));
    }
    let snapshot = Snapshot::from_file(path).map_err(|error| wrong(error.to_string()))?;
    if snapshot.as_text().is_none() {
        return Err(wrong("it is a binary snapshot".to_owned()));
    }
    Ok(Some(snapshot))
}

fn write(path: &Path, candidate: &Candidate<'_>, text: &TextSnapshotContents) -> Result<(), SnapshotError> {
    let header = serde_yaml::to_string(&Header { source: candidate.source, description: candidate.title })
        .map_err(|error| SnapshotError::NotASnapshot {
            file: candidate.file.to_owned(),
            detail: error.to_string(),
        })?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(at(folder))?;
    }
    fs::write(path, format!("---\n{header}---\n{text}\n")).map_err(at(path))
}

fn remove(path: &Path) -> Result<(), SnapshotError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(path)(error)),
        _ => Ok(()),
    }
}

fn diff(accepted: &str, new: &str) -> String {
    // A last line without a line feed would otherwise be told apart from the same line further up.
    let whole = |text: &str| if text.is_empty() { String::new() } else { format!("{text}\n") };
    TextDiff::from_lines(whole(accepted), whole(new)).unified_diff().header("accepted", "new").to_string()
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> SnapshotError {
    let path = path.to_owned();
    move |source| SnapshotError::File { path, source }
}
