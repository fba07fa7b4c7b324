//! Whether the files of a bundle are those of its manifest, and those its records mean.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::problem::Problem;
use super::scan::Scan;
use crate::bundle;
use crate::chain;
use crate::manifest::{FileFacts, JOURNAL, MANIFEST, Manifest, SIGNATURE};

pub(super) fn check(dir: &Path, manifest: &Manifest, scan: Option<&Scan>, problems: &mut Vec<Problem>) {
    let present: BTreeSet<String> = match bundle::list(dir) {
        Ok(paths) => paths.into_iter().collect(),
        Err(error) => return problems.push(Problem::unreadable(".", &error)),
    };
    let journal = &manifest.journal;
    let journal = FileFacts {
        path: JOURNAL.to_owned(),
        size: journal.size,
        sha256: journal.sha256.clone(),
        masked: false,
    };
    let known: BTreeMap<&str, &FileFacts> =
        manifest.files.iter().chain([&journal]).map(|facts| (facts.path.as_str(), facts)).collect();
    let aside = [MANIFEST, SIGNATURE];
    for file in
        present.iter().filter(|file| !known.contains_key(file.as_str()) && !aside.contains(&file.as_str()))
    {
        problems.push(Problem::Extra { file: file.clone() });
    }
    for facts in known.values() {
        if present.contains(&facts.path) {
            check_file(dir, facts, problems);
        } else if facts.path != JOURNAL {
            // A missing journal was reported where it was to be read.
            problems.push(Problem::Missing { file: facts.path.clone() });
        }
    }
    if let Some(scan) = scan {
        for (path, sha256) in &scan.snapshots {
            match known.get(path.as_str()) {
                Some(facts) => means(facts, sha256, problems),
                None => problems.push(Problem::Missing { file: path.clone() }),
            }
        }
        // The journal's digest of a text is that of the original, which masking may have changed.
        for (path, sha256) in &scan.texts {
            if let Some(facts) = known.get(path.as_str()).filter(|facts| !facts.masked) {
                means(facts, sha256, problems);
            }
        }
    }
}

fn check_file(dir: &Path, facts: &FileFacts, problems: &mut Vec<Problem>) {
    match chain::digest_file(&dir.join(&facts.path)) {
        Ok((_, sha256)) if sha256 != facts.sha256 => problems.push(Problem::Altered {
            file: facts.path.clone(),
            expected: facts.sha256.clone(),
            actual: sha256,
        }),
        Ok((size, _)) if size != facts.size => {
            problems.push(Problem::Size { file: facts.path.clone(), expected: facts.size, actual: size });
        }
        Ok(_) => {}
        Err(error) => problems.push(Problem::unreadable(&facts.path, &error)),
    }
}

/// The journal names the text too, so a swapped attachment is found even where the manifest was made to fit.
fn means(facts: &FileFacts, sha256: &str, problems: &mut Vec<Problem>) {
    if facts.sha256 != sha256 {
        problems.push(Problem::Altered {
            file: facts.path.clone(),
            expected: sha256.to_owned(),
            actual: facts.sha256.clone(),
        });
    }
}
