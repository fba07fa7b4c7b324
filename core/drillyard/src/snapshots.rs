//! How a run's snapshots are named, redacted and compared.

use std::collections::BTreeSet;
use std::fs;
use std::sync::{Arc, Mutex, PoisonError};

use drillyard_engine::session::{SnapshotCompare, SnapshotOutcome, SnapshotRequest};
use drillyard_report::redact::{self, Redactions};
use drillyard_report::snapshot::{self, Candidate, Mode};

use crate::harness::HarnessError;
use crate::root::Root;

/// Snapshots that a run compared, as paths relative to the project's root.
pub type Used = Arc<Mutex<BTreeSet<String>>>;

/// Where the redactions are declared.
pub const REDACTIONS: &str = "snapshots/redactions.yaml";

/// The path of a snapshot: the folder mirrors that of drills and features.
#[must_use]
pub fn file_of(request: &SnapshotRequest<'_>) -> String {
    let unit = &request.unit.id;
    // The name of a scenario, or of a cell of a matrix, becomes a folder of the file's.
    let folder =
        unit.split_once(": ").map_or_else(|| unit.clone(), |(file, name)| format!("{file}/{}", slug(name)));
    format!("snapshots/{folder}/{}.snap", request.name)
}

fn slug(name: &str) -> String {
    let dashed: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    dashed.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

/// A comparison against the project's accepted snapshots.
///
/// # Errors
/// The redaction rules cannot be read.
pub fn compare_with(root: &Root, ci: bool, used: Used) -> Result<SnapshotCompare, HarnessError> {
    let path = root.path().join(REDACTIONS);
    let rules = match fs::read_to_string(&path) {
        Ok(text) => Redactions::parse(&text)
            .map_err(|error| HarnessError::Redactions(drillyard_engine::action::http::describe(&error)))?,
        Err(_) => Redactions::default(),
    };
    let root = root.path().to_owned();
    let mode = if ci { Mode::Ci } else { Mode::Verify };
    Ok(Arc::new(move |request| {
        let file = file_of(request);
        used.lock().unwrap_or_else(PoisonError::into_inner).insert(file.clone());
        let redacted = match rules.redact(request.value) {
            Ok(redacted) => redacted,
            Err(wrong) => {
                let list: Vec<String> = wrong.iter().map(ToString::to_string).collect();
                return SnapshotOutcome {
                    file,
                    text: request.value.to_string(),
                    result: Err(list.join("\n")),
                };
            }
        };
        let text = redact::render(&redacted).unwrap_or_else(|error| error.to_string());
        let source = request.unit.place.file.as_ref();
        let candidate = Candidate { file: &file, text: &text, source, title: &request.unit.title };
        let result = snapshot::compare(&root, &candidate, mode).map_err(|error| error.to_string());
        SnapshotOutcome { file, text, result }
    }))
}
