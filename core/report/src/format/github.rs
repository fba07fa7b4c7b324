//! GitHub workflow commands: an annotation at the line of the drill that does not hold.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use super::words::one_line;
use super::{Format, ReportError};
use crate::history::{History, UnitHistory};
use crate::record::{Outcome, PlaceRecord, SnapshotWord};

/// One `::error` per failed expectation, and one per unit that proved nothing.
pub const FORMAT: Format = Format {
    name: "github",
    about: "GitHub annotations at the lines that do not hold",
    file: "github.txt",
    in_bundle: false,
    render,
};

/// Escapes the message of a workflow command.
#[must_use]
pub fn message(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes a property of a workflow command.
#[must_use]
pub fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}

fn render(history: &History, _: &Path, to: &mut dyn io::Write) -> Result<(), ReportError> {
    let mut out = String::new();
    for unit in &history.units {
        annotate(unit, &mut out);
    }
    for (unit, passed, ran) in history.flaky() {
        let text = message(&one_line(&format!("{unit} passed {passed} of {ran} times")));
        let _ = writeln!(out, "::error title=flaky::{text}");
    }
    for left in &history.residue {
        let _ = writeln!(out, "::error title=left behind::{}", message(&one_line(left)));
    }
    if history.end.is_none() {
        out.push_str("::error title=interrupted::the run never ended\n");
    }
    Ok(to.write_all(out.as_bytes())?)
}

fn annotate(unit: &UnitHistory, out: &mut String) {
    let verdict = match &unit.end {
        Some(end) if end.verdict == Outcome::Passed => return,
        Some(end) => end.verdict.as_str(),
        None => "interrupted",
    };
    let title = format!("{verdict}: {}", unit.unit.id);
    let before = out.len();
    for failure in unit.steps.iter().flat_map(|step| &step.failures) {
        let (path, expected, actual) =
            (&failure.path, one_line(&failure.expected), one_line(&failure.actual));
        error(&failure.place, &title, &format!("{path}: expected {expected}, actual {actual}"), out);
    }
    for snapshot in unit.snapshots.iter().filter(|snapshot| snapshot.result != SnapshotWord::Matched) {
        let text =
            format!("{} is to be reviewed\n{}", snapshot.file, snapshot.diff.as_deref().unwrap_or_default());
        error(&unit.unit.place, &title, text.trim_end(), out);
    }
    let reason = unit.end.as_ref().and_then(|end| end.reason.as_deref());
    if let Some(reason) = reason.or((out.len() == before).then_some(verdict)) {
        error(&unit.unit.place, &title, reason, out);
    }
}

fn error(place: &PlaceRecord, title: &str, text: &str, out: &mut String) {
    let PlaceRecord { file, line, column } = place;
    let (file, title) = (property(file), property(title));
    let _ = writeln!(out, "::error file={file},line={line},col={column},title={title}::{}", message(text));
}
