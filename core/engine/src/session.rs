//! One unit at work in its lane: steps are carried out, waited for, judged and reported one after the other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use drillyard_spec::drill::{Action, Expectation, Step};
use drillyard_spec::template::fill_value;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::action::{self, Scene};
use crate::bindings::Names;
use crate::clock;
use crate::event::{Event, EventSink, Observation, Phase, SnapshotResult, StepReport, Unit};
use crate::judge::{self, Expected};
use crate::portable::portable;
use crate::stack::Lane;
use crate::verdict::{Failure, Verdict};

/// A text to compare with an accepted one.
#[derive(Debug, Clone)]
pub struct SnapshotRequest<'a> {
    /// The unit's name.
    pub unit: &'a Unit,
    /// The snapshot's name in that unit.
    pub name: &'a str,
    /// The value to redact and compare.
    pub value: &'a Value,
}

/// What came of a comparison.
#[derive(Debug, Clone)]
pub struct SnapshotOutcome {
    /// Path of the snapshot, relative to the project's root.
    pub file: String,
    /// The redacted text.
    pub text: String,
    /// The result, or why the value could not be redacted.
    pub result: Result<SnapshotResult, String>,
}

/// Compares snapshots; the reports crate knows how.
pub type SnapshotCompare = Arc<dyn Fn(&SnapshotRequest<'_>) -> SnapshotOutcome + Send + Sync>;

/// A unit at work.
pub struct Session {
    unit: Unit,
    lane: Lane,
    names: Names,
    client: reqwest::Client,
    last: Option<Value>,
    events: EventSink,
    snapshots: SnapshotCompare,
}

/// First pause between two attempts of a wait.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
/// Longest pause between two attempts of a wait.
const LONGEST_PAUSE: Duration = Duration::from_millis(250);
/// How many of the last attempts of a wait are kept beside the first.
const KEPT_ATTEMPTS: usize = 3;

/// What the attempts of a step came to.
struct Attempts {
    what: Value,
    kept: Vec<Observation>,
    count: u32,
    answered: bool,
    failures: Vec<Failure>,
    expected: BTreeMap<String, Value>,
}

impl Session {
    /// A session of `unit` in `lane`.
    #[must_use]
    pub fn new(unit: Unit, lane: Lane, seed: u64, (events, snapshots): (EventSink, SnapshotCompare)) -> Self {
        let mut names = Names::new(seed, &unit.id);
        names.bind("lane.name", json!(lane.name()));
        if let Some(objects) = lane.objects() {
            names.bind("lane.bucket", json!(objects.bucket));
        }
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("the TLS provider is installed before any session begins");
        Self { unit, lane, names, client, last: None, events, snapshots }
    }

    /// The unit at work.
    #[must_use]
    pub fn unit(&self) -> &Unit {
        &self.unit
    }

    /// Gives the lane back, to be closed or kept.
    #[must_use]
    pub fn into_lane(self) -> Lane {
        self.lane
    }

    /// Carries out one step and reports it.
    pub async fn step(&mut self, step: &Step, phase: Phase, index: usize) -> Verdict {
        // Binding names is bookkeeping; it is reported only when it fails.
        let silent = matches!(&step.action, Action::Let(_));
        let unit = self.unit.id.clone();
        if !silent {
            let title = step.title.clone();
            self.events.emit(Event::StepStarted { unit: unit.clone(), phase, index, title });
        }
        let begun = Instant::now();
        let mark = self.lane.log_mark();
        let mut attempts = self.attempt_until_settled(step).await;
        let mut verdict = judge::step_verdict(&attempts.failures, step.within.is_some(), attempts.answered);
        if verdict == Verdict::Passed {
            attempts.failures.extend(self.keep(step, &attempts));
            if attempts.failures.is_empty() {
                verdict = self.compare_snapshot(step, &attempts).unwrap_or(Verdict::Passed);
            } else {
                verdict = Verdict::Failed;
            }
        }
        if let (Verdict::Failed | Verdict::Inconclusive, Some(death)) = (verdict, self.lane.service_down()) {
            attempts.failures.push(self.world_failed(step, &death));
        }
        if silent && verdict == Verdict::Passed {
            return verdict;
        }
        let log_window = if verdict == Verdict::Passed { Vec::new() } else { self.lane.log_since(&mark) };
        let report = StepReport {
            index,
            phase,
            title: step.title.clone(),
            place: step.place.clone(),
            covers: step.covers.clone(),
            action: attempts.what,
            expected: attempts.expected,
            observations: attempts.kept,
            attempts: attempts.count,
            verdict,
            failures: attempts.failures,
            log_window,
            took: begun.elapsed(),
        };
        self.events.emit(Event::StepFinished { unit, step: Box::new(report) });
        verdict
    }

    /// Tries until the expectations hold (and stay so, where that is asked), at most as long as `within` allows.
    async fn attempt_until_settled(&mut self, step: &Step) -> Attempts {
        let begun = Instant::now();
        let mut pause = FIRST_PAUSE;
        let mut held_since: Option<Instant> = None;
        let mut attempts = Attempts {
            what: Value::Null,
            kept: Vec::new(),
            count: 0,
            answered: false,
            failures: Vec::new(),
            expected: BTreeMap::new(),
        };
        loop {
            self.attempt(step, &mut attempts).await;
            let holds = attempts.failures.is_empty();
            match (holds, step.stays_for) {
                (true, None) => return attempts,
                (true, Some(duration)) => {
                    let since = *held_since.get_or_insert_with(Instant::now);
                    if since.elapsed() >= duration {
                        return attempts;
                    }
                }
                // What must stay may not break once it has held.
                (false, Some(_)) if held_since.is_some() => return attempts,
                (false, _) if step.within.is_none_or(|bound| begun.elapsed() >= bound) => return attempts,
                (false, _) => {}
            }
            clock::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn attempt(&mut self, step: &Step, attempts: &mut Attempts) {
        attempts.count += 1;
        let scene = Scene {
            lane: &self.lane,
            names: &self.names,
            identity: step.identity.as_deref(),
            last: self.last.as_ref(),
            client: &self.client,
            timeout: step.timeout,
        };
        let at = Timestamp::now();
        let begun = Instant::now();
        let done = action::perform(&step.action, &scene).await;
        let observation = Observation { attempt: attempts.count, at, took: begun.elapsed(), answer: done.answer };
        attempts.what = done.what;
        attempts.answered |= observation.answer.is_ok();
        match self.resolve(&step.expect) {
            Ok(expected) => {
                attempts.failures = judge::judge(&expected, &observation);
                if let (Err(reason), true) = (&observation.answer, expected.is_empty()) {
                    attempts.failures = vec![failure_at(step, "answer", "an answer", reason)];
                }
                attempts.expected = expected.into_iter().map(|e| (e.field.to_owned(), e.pattern)).collect();
            }
            Err((field, reason)) => attempts.failures = vec![failure_at(step, &field, "a value for every name", &reason)],
        }
        if let (Ok(document), false) = (&observation.answer, matches!(step.action, Action::Last(_) | Action::Note(_))) {
            if !matches!(step.action, Action::Let(_)) {
                self.last = Some(document.clone());
            }
        }
        if attempts.kept.len() > KEPT_ATTEMPTS {
            attempts.kept.remove(1);
        }
        attempts.kept.push(observation);
    }

    fn resolve<'s>(&self, expect: &'s [Expectation]) -> Result<Vec<Expected<'s>>, (String, String)> {
        expect
            .iter()
            .map(|written| {
                let pattern = fill_value(&written.pattern, &self.names).map_err(|e| (written.field.clone(), e))?;
                Ok(Expected { field: &written.field, pattern, written })
            })
            .collect()
    }

    /// Keeps what the step saves; a path that leads nowhere is a failure.
    fn keep(&mut self, step: &Step, attempts: &Attempts) -> Vec<Failure> {
        let Some(Ok(document)) = attempts.kept.last().map(|o| &o.answer) else { return Vec::new() };
        let mut failures = Vec::new();
        if let (Action::Let(_), Value::Object(values)) = (&step.action, document) {
            for (name, value) in values {
                self.names.bind(name, value.clone());
            }
        }
        for save in &step.save {
            match save.path.get(document) {
                Some(value) => self.names.bind(&save.name, value.clone()),
                None => failures.push(Failure {
                    path: save.text.clone(),
                    expected: format!("a value to save as `{}`", save.name),
                    actual: "nothing".to_owned(),
                    place: save.place.clone(),
                    line: step.line.clone(),
                }),
            }
        }
        failures
    }

    fn compare_snapshot(&mut self, step: &Step, attempts: &Attempts) -> Option<Verdict> {
        let spec = step.snapshot.as_ref()?;
        let Some(Ok(document)) = attempts.kept.last().map(|o| &o.answer) else { return None };
        // A snapshot is the same on every lane and backend.
        let value = portable(spec.path.get(document).unwrap_or(&Value::Null), &self.lane);
        let outcome = (self.snapshots)(&SnapshotRequest { unit: &self.unit, name: &spec.name, value: &value });
        let (result, verdict) = match outcome.result {
            Ok(SnapshotResult::Matched) => (SnapshotResult::Matched, Verdict::Passed),
            Ok(other) => (other, Verdict::Snapshot),
            // A value of the wrong kind must not vanish behind its redaction.
            Err(reason) => (SnapshotResult::Different(reason), Verdict::Failed),
        };
        let unit = self.unit.id.clone();
        self.events.emit(Event::Snapshot { unit, file: outcome.file, text: outcome.text, result });
        Some(verdict)
    }

    fn world_failed(&self, step: &Step, death: &str) -> Failure {
        failure_at(step, "stack", "every service of the lane running", death)
    }
}

fn failure_at(step: &Step, path: &str, expected: &str, actual: &str) -> Failure {
    Failure {
        path: path.to_owned(),
        expected: expected.to_owned(),
        actual: actual.to_owned(),
        place: step.place.clone(),
        line: step.line.clone(),
    }
}
