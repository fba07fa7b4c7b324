//! Verdicts once more, from what was observed: without the stack, by anyone who holds the bundle.
//!
//! Without another text the recorded expectations are judged, and the result has to be what the run said. With another
//! text its expectations are judged on the old observations; what those cannot answer is inconclusive, never passed.

mod bindings;
mod other;

use std::path::Path;

use drillyard_engine::event::Observation;
use drillyard_engine::judge::{self, Expected};
use drillyard_spec::drill::{Action, Drill, Step};
use drillyard_spec::project::Project;
use drillyard_spec::source::{Place, Texts};

use crate::bundle::{self, TEXTS};
use crate::history::{History, UnitHistory};
use crate::record::{ObservationRecord, Outcome, PhaseWord, PlaceRecord, SnapshotWord, StepRecord};

pub use other::under;

/// A unit's two verdicts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejudged {
    /// The unit.
    pub unit: String,
    /// What the run said; nothing when the unit never ended.
    pub recorded: Option<Outcome>,
    /// What follows from the observations.
    pub now: Outcome,
    /// Its steps.
    pub steps: Vec<RejudgedStep>,
    /// Why the run said so where the steps do not show it, such as a budget that was used up; it is taken as recorded.
    pub taken: Option<String>,
}

/// A step's two verdicts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejudgedStep {
    /// Phase.
    pub phase: PhaseWord,
    /// Title.
    pub title: String,
    /// What the run said; nothing when the run has no such step.
    pub recorded: Option<Outcome>,
    /// What follows from the observations.
    pub now: Outcome,
    /// What does not hold.
    pub why: Vec<String>,
}

impl Rejudged {
    /// Whether the verdict of the unit or of one of its steps is another one.
    #[must_use]
    pub fn changed(&self) -> bool {
        self.recorded != Some(self.now) || self.steps.iter().any(|step| step.recorded != Some(step.now))
    }
}

/// The texts a bundle's units were made from. A text that cannot be read is left out.
#[must_use]
pub fn texts(dir: &Path) -> Texts {
    let folder = dir.join(TEXTS);
    let mut texts = Texts::default();
    for path in bundle::list(&folder).unwrap_or_default() {
        if let Ok(text) = std::fs::read_to_string(folder.join(&path)) {
            texts.insert(&path, &text);
        }
    }
    texts
}

/// The drill, or the lowered scenario, of that name.
pub(crate) fn drill<'a>(project: &'a Project, id: &str) -> Option<&'a Drill> {
    let scenarios = project.scenarios.iter().map(|scenario| &scenario.drill);
    project.drills.iter().chain(scenarios).find(|drill| drill.id == id)
}

fn steps_of(drill: &Drill, phase: PhaseWord) -> &[Step] {
    match phase {
        PhaseWord::Steady | PhaseWord::SteadyAfter => &drill.steady,
        PhaseWord::Steps => &drill.steps,
        PhaseWord::Finally => &drill.finally,
    }
}

/// Judges every unit of a run under its own recorded expectations; `texts` are those of its bundle.
#[must_use]
pub fn again(history: &History, texts: &Texts) -> Vec<Rejudged> {
    let project = Project::read(texts);
    history.units.iter().map(|unit| unit_again(unit, drill(&project, &unit.unit.id))).collect()
}

fn unit_again(unit: &UnitHistory, drill: Option<&Drill>) -> Rejudged {
    let mut snapshots = Snapshots::of(unit);
    let steps: Vec<RejudgedStep> = unit
        .steps
        .iter()
        .map(|record| {
            let (now, why) =
                step_again(record, drill.and_then(|drill| written(drill, record)), &mut snapshots);
            RejudgedStep {
                phase: record.phase,
                title: record.title.clone(),
                recorded: Some(record.verdict),
                now,
                why,
            }
        })
        .collect();
    whole(unit, steps)
}

/// The step a record is of: by position, or else, for steps inside of others and those that were kept for the end, by
/// place and title.
fn written<'a>(drill: &'a Drill, record: &StepRecord) -> Option<&'a Step> {
    let same = |step: &&Step| same_place(&step.place, &record.place) && step.title == record.title;
    let index = usize::try_from(record.index).unwrap_or(usize::MAX);
    let by_position = steps_of(drill, record.phase).get(index).filter(same);
    by_position.or_else(|| drill.every_step().into_iter().find(same))
}

/// The step whose expectations a record holds: of an invariant, the one that was looked at last.
fn judged_step<'a>(step: &'a Step, record: &StepRecord) -> &'a Step {
    let Action::Always(always) = &step.action else { return step };
    let last =
        record.action.get("step").and_then(serde_json::Value::as_u64).and_then(|at| usize::try_from(at).ok());
    last.and_then(|at| always.holds.get(at)).unwrap_or(step)
}

/// The unit's verdict from its steps; what the steps do not show is taken as recorded, and never better.
fn whole(unit: &UnitHistory, steps: Vec<RejudgedStep>) -> Rejudged {
    let end = unit.end.as_ref();
    let worst = steps.iter().map(|step| step.now).max().unwrap_or(Outcome::Inconclusive);
    let taken = end.and_then(|end| end.reason.clone());
    let now = match (&taken, end) {
        (Some(_), Some(end)) if steps.is_empty() => end.verdict,
        (Some(_), Some(end)) => worst.max(end.verdict),
        (_, None) => worst.max(Outcome::Inconclusive),
        (None, Some(_)) => worst,
    };
    Rejudged { unit: unit.unit.id.clone(), recorded: end.map(|end| end.verdict), now, steps, taken }
}

fn same_place(written: &Place, recorded: &PlaceRecord) -> bool {
    *written.file == *recorded.file && written.line as u64 == recorded.line
}

fn step_again(
    record: &StepRecord,
    written: Option<&Step>,
    snapshots: &mut Snapshots<'_>,
) -> (Outcome, Vec<String>) {
    let Some(last) = record.observations.last() else {
        return (Outcome::Inconclusive, vec!["nothing was observed".to_owned()]);
    };
    let Some(step) = written else {
        return (Outcome::Inconclusive, vec!["the text of this step is not in the bundle".to_owned()]);
    };
    let step = judged_step(step, record);
    let filled = step
        .expect
        .iter()
        .filter_map(|written| Some((written, record.expected.get(&written.field)?.clone())));
    let expected: Vec<Expected<'_>> =
        filled.map(|(written, pattern)| Expected { field: &written.field, pattern, written }).collect();
    let mut why = failures(&expected, last);
    let open = step.expect.iter().filter(|one| !record.expected.contains_key(&one.field));
    why.extend(open.map(|one| format!("{}: a name of the expectation had no value", one.field)));
    // Nobody to confirm a human step is no fault of the service.
    let waited = record.attempts > 1 || step.within.is_some() || matches!(step.action, Action::Human(_));
    let answered = record.observations.iter().any(|seen| seen.answer.is_some());
    // Of a long wait only the first and the last attempts are kept: whether one in between was answered is not known.
    let unknown = !answered && record.attempts as usize > record.observations.len();
    if unknown && record.verdict == Outcome::Failed {
        return (Outcome::Failed, why);
    }
    settle((why, waited, answered), step, last, snapshots)
}

type Judged = (Vec<String>, bool, bool);

/// The verdict of a step whose expectations were judged: then come what it saves and its snapshot.
fn settle(
    (mut why, waited, answered): Judged,
    step: &Step,
    last: &ObservationRecord,
    snapshots: &mut Snapshots<'_>,
) -> (Outcome, Vec<String>) {
    let happened = judge::fault_happened(&step.action, last.answer.as_ref());
    if (waited && !answered) || (!why.is_empty() && !happened) {
        return (Outcome::Inconclusive, why);
    }
    if !judge::fault_hit(&step.action, last.answer.as_ref()) && why.is_empty() {
        return (Outcome::Inconclusive, vec!["the fault was healed and had hit nothing".to_owned()]);
    }
    if let (true, Some(document)) = (why.is_empty(), &last.answer) {
        let lost = step.save.iter().filter(|save| save.path.get(document).is_none());
        why.extend(lost.map(|save| format!("{}: nothing to save as `{}`", save.text, save.name)));
        let nowhere = step.snapshot.as_ref().filter(|spec| spec.path.get(document).is_none());
        why.extend(nowhere.map(|spec| format!("nothing to compare with the snapshot `{}`", spec.name)));
    }
    if !why.is_empty() {
        return (Outcome::Failed, why);
    }
    match &step.snapshot {
        Some(spec) => snapshots.next(&spec.name),
        None => (Outcome::Passed, why),
    }
}

/// Every expectation the observation does not meet, in a line each.
fn failures(expected: &[Expected<'_>], seen: &ObservationRecord) -> Vec<String> {
    if let (None, true) = (&seen.answer, expected.is_empty()) {
        return vec![format!("no answer: {}", seen.no_answer.as_deref().unwrap_or_default())];
    }
    let answer = match (&seen.answer, &seen.no_answer) {
        (Some(answer), _) => Ok(answer.clone()),
        (None, why) => Err(why.clone().unwrap_or_default()),
    };
    let took = std::time::Duration::from_micros(seen.took_us);
    let observation = Observation { attempt: seen.attempt, at: seen.at, took, answer };
    let failures = judge::judge(expected, &observation);
    failures
        .into_iter()
        .map(|one| format!("{}: expected {}, actual {}", one.path, one.expected, one.actual))
        .collect()
}

/// How the unit's snapshots compared, each to be asked for once.
struct Snapshots<'a> {
    left: Vec<&'a crate::record::SnapshotRecord>,
}

impl<'a> Snapshots<'a> {
    fn of(unit: &'a UnitHistory) -> Self {
        Self { left: unit.snapshots.iter().collect() }
    }

    fn next(&mut self, name: &str) -> (Outcome, Vec<String>) {
        let ending = format!("/{name}.snap");
        let Some(at) = self.left.iter().position(|one| one.file.ends_with(&ending)) else {
            return (Outcome::Inconclusive, vec![format!("the run compared no snapshot `{name}`")]);
        };
        let found = self.left.remove(at);
        match (found.result, found.diff.as_deref()) {
            (SnapshotWord::Matched, _) => (Outcome::Passed, Vec::new()),
            // A value that could not be redacted says so where a diff would be.
            (SnapshotWord::Different, Some(text)) if !text.starts_with("--- ") => {
                (Outcome::Failed, vec![text.to_owned()])
            }
            (SnapshotWord::New | SnapshotWord::Different, _) => {
                (Outcome::Snapshot, vec![format!("{} is to be reviewed", found.file)])
            }
        }
    }
}
