//! Whether a bundle is what its run left behind: everything is recomputed, nothing is taken from what it says of itself.
//!
//! Without a signature this finds every change but one: journal, attachments and manifest rewritten together. A bundle's
//! own key shows only that one hand signed all of it; whose hand it was, a pinned key tells.

mod attachments;
mod line;
mod problem;
mod scan;
mod signature;
mod verdicts;

use std::fmt;
use std::fs;
use std::path::Path;

pub use problem::{Problem, RecordFault};

use crate::manifest::{self, JOURNAL, MANIFEST, Manifest};
use crate::record;
use crate::sign::PublicKey;
use scan::Scan;

/// A bundle that holds together.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified {
    /// Its manifest.
    pub manifest: Manifest,
    /// Whether the run said that it ended; otherwise the bundle is true but shows an interrupted run.
    pub complete: bool,
    /// Whether it is signed, and by whom.
    pub signed: Signed,
}

/// Who signed a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signed {
    /// Nobody.
    No,
    /// There is a signature and no key to check it with.
    Unchecked,
    /// The signature holds.
    By {
        /// Id of the key.
        key: String,
        /// Whether it is the key that was asked for; otherwise it is the one that lies in the bundle.
        pinned: bool,
    },
}

/// Whom a verifier believes.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// The key that must have signed; without one the key in the bundle is used, where there is one.
    pub key: Option<PublicKey>,
}

impl fmt::Display for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Manifest { journal, files, units, exit_code, .. } = &self.manifest;
        write!(f, "{} records, {} files and {} verdicts agree", journal.records, files.len(), units.len())?;
        match exit_code {
            Some(code) => write!(f, "; exit code {code}")?,
            None => f.write_str("; the run was interrupted")?,
        }
        match &self.signed {
            Signed::No => f.write_str("; unsigned"),
            Signed::Unchecked => f.write_str("; signed, but there is no key to check the signature with"),
            Signed::By { key, pinned: true } => write!(f, "; signed by the pinned key {key}"),
            Signed::By { key, pinned: false } => {
                write!(f, "; signed by the key {key} that lies in the bundle (pin one with --public-key)")
            }
        }
    }
}

/// Recomputes every digest, count and verdict of the bundle in `dir`.
///
/// # Errors
///
/// Everything that does not hold; of the journal the first bad record, because each one after it is only a consequence.
pub fn verify(dir: &Path) -> Result<Verified, Vec<Problem>> {
    verify_with(dir, &Trust::default())
}

/// As [`verify`], for a verifier who may know which key must have signed.
///
/// # Errors
///
/// As [`verify`]; with a pinned key also a missing signature and one of another key.
pub fn verify_with(dir: &Path, trust: &Trust) -> Result<Verified, Vec<Problem>> {
    let (manifest, mut problems) = read_manifest(dir);
    let scan = scan::scan(&dir.join(JOURNAL), &mut problems);
    let mut signed = Signed::No;
    if let Some(manifest) = &manifest {
        signed = signature::check(dir, manifest, trust, &mut problems);
        if let Some(scan) = &scan {
            check_journal(manifest, scan, &mut problems);
            verdicts::check(manifest, scan, &mut problems);
        }
        attachments::check(dir, manifest, scan.as_ref(), &mut problems);
    }
    match manifest {
        Some(manifest) if problems.is_empty() => {
            Ok(Verified { complete: manifest.exit_code.is_some(), signed, manifest })
        }
        _ => Err(problems),
    }
}

fn read_manifest(dir: &Path) -> (Option<Manifest>, Vec<Problem>) {
    let text = match fs::read_to_string(dir.join(MANIFEST)) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return (None, vec![Problem::Missing { file: MANIFEST.to_owned() }]);
        }
        Err(error) => return (None, vec![Problem::unreadable(MANIFEST, &error)]),
    };
    let manifest: Manifest = match serde_json::from_str(&text) {
        Ok(manifest) => manifest,
        Err(error) => return (None, vec![Problem::unreadable(MANIFEST, &error)]),
    };
    let mut problems = Vec::new();
    for (found, known) in
        [(&manifest.format, manifest::FORMAT), (&manifest.journal.format, record::FORMAT)].into_iter()
    {
        if found != known {
            problems.push(Problem::Format { found: found.clone(), known: known.to_owned() });
        }
    }
    // The digest of the manifest stands for the bundle, so there must be one way only to write it.
    if serde_json_canonicalizer::to_string(&manifest).ok().as_deref() != Some(text.as_str()) {
        problems.push(Problem::ManifestNotCanonical);
    }
    (Some(manifest), problems)
}

fn check_journal(manifest: &Manifest, scan: &Scan, problems: &mut Vec<Problem>) {
    let facts = &manifest.journal;
    // After a bad record neither the count nor the head says anything new.
    if scan.broken {
        return;
    }
    if scan.records != facts.records {
        problems.push(Problem::RecordCount { manifest: facts.records, journal: scan.records });
    } else if scan.head != facts.head {
        problems.push(Problem::Head { manifest: facts.head.clone(), journal: scan.head.clone() });
    }
}
