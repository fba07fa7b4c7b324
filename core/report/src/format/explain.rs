//! Why a unit did not pass, in full: the same text on the console and in JUnit.

use super::difference;
use super::words::{Paint, one_line, plain, took};
use crate::history::UnitHistory;
use crate::record::{FailureRecord, ObservationRecord, Outcome, SnapshotRecord, SnapshotWord, StepRecord};

/// How many observations of a wait are shown.
const SHOWN_OBSERVATIONS: usize = 3;

/// Everything about a unit that did not pass, as lines.
pub(super) fn unit(unit: &UnitHistory, paint: Paint) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(reason) = unit.end.as_ref().and_then(|end| end.reason.as_ref()) {
        lines.push(String::new());
        lines.extend(reason.lines().map(|line| format!("  {}", plain(line))));
    }
    for bad in unit.steps.iter().filter(|step| step.verdict != Outcome::Passed) {
        lines.push(String::new());
        step(bad, paint, &mut lines);
    }
    for changed in unit.snapshots.iter().filter(|snapshot| snapshot.result != SnapshotWord::Matched) {
        lines.push(String::new());
        snapshot(changed, paint, &mut lines);
    }
    lines.push(String::new());
    for kept in unit.end.iter().flat_map(|end| &end.kept) {
        lines.push(format!("  kept: {kept}"));
    }
    lines.push(format!("  rerun: {}", unit.unit.rerun));
    lines
}

fn step(step: &StepRecord, paint: Paint, lines: &mut Vec<String>) {
    let place = format!("{}:{}:{}", step.place.file, step.place.line, step.place.column);
    let verdict = paint.outcome(step.verdict, step.verdict.as_str());
    lines.push(format!(
        "  {verdict}  {place}  {} {}: {}",
        step.phase.as_str(),
        step.index + 1,
        paint.bold(&step.title)
    ));
    if let Some(covers) = &step.covers {
        lines.push(format!("    covers {covers}"));
    }
    lines.push(format!("    did {}", one_line(&step.action.to_string())));
    let mut shown = None;
    for failed in &step.failures {
        failure(failed, shown, paint, lines);
        shown = Some(failed);
    }
    for (field, diff) in difference::of_step(step) {
        lines.push(format!("    {field}, expected against actual"));
        lines.extend(diff.lines().map(|line| format!("      {}", paint.diff_line(&plain(line)))));
    }
    // The snapshot's own lines say it all: everything that was expected of the answer held.
    if step.verdict == Outcome::Snapshot {
        return;
    }
    observations(step, paint, lines);
    if !step.log_window.is_empty() {
        lines.push("    service log during the step".to_owned());
        lines.extend(step.log_window.iter().map(|line| format!("      {}", paint.dim(&one_line(line)))));
    }
}

/// Several failures of one line of the drill show that line once.
fn failure(failed: &FailureRecord, before: Option<&FailureRecord>, paint: Paint, lines: &mut Vec<String>) {
    let place = &failed.place;
    let same =
        before.is_some_and(|before| before.place.file == place.file && before.place.line == place.line);
    if !same {
        lines.push(format!("    {}:{}:{}", place.file, place.line, place.column));
        lines.push(format!("      {} | {}", place.line, plain(failed.line.trim_end())));
    }
    lines.push(format!("      {}", paint.bold(&failed.path)));
    lines.push(format!("        expected  {}", one_line(&failed.expected)));
    lines.push(format!("        actual    {}", one_line(&failed.actual)));
}

fn observations(step: &StepRecord, paint: Paint, lines: &mut Vec<String>) {
    if step.observations.is_empty() {
        return;
    }
    let from = step.observations.len().saturating_sub(SHOWN_OBSERVATIONS);
    let shown = &step.observations[from..];
    lines.push(match (shown.len(), step.attempts) {
        (1, 1) => "    observed".to_owned(),
        (shown, attempts) => format!("    observed, the last {shown} of {attempts} attempts"),
    });
    lines.extend(shown.iter().map(|observation| format!("      {}", paint.dim(&observed(observation)))));
}

fn observed(observation: &ObservationRecord) -> String {
    let ObservationRecord { attempt, at, took_us, answer, no_answer } = observation;
    let said = match (answer, no_answer) {
        (Some(answer), _) => one_line(&answer.to_string()),
        (None, Some(why)) => format!("no answer: {}", one_line(why)),
        (None, None) => "no answer".to_owned(),
    };
    format!("{attempt}  {}  {}  {said}", at.strftime("%H:%M:%S.%3f"), took(*took_us))
}

fn snapshot(snapshot: &SnapshotRecord, paint: Paint, lines: &mut Vec<String>) {
    let state = match snapshot.result {
        SnapshotWord::New => "was not accepted yet",
        SnapshotWord::Different => "differs from what was accepted",
        SnapshotWord::Matched => "matches",
    };
    lines.push(format!("  {} {state}", paint.outcome(Outcome::Snapshot, &snapshot.file)));
    lines.extend(
        snapshot
            .diff
            .iter()
            .flat_map(|diff| diff.lines())
            .map(|line| format!("    {}", paint.diff_line(&plain(line)))),
    );
    lines.push("    review: drillyard review".to_owned());
}
