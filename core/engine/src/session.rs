//! One unit at work in its lane: steps are carried out, waited for, judged and reported one after the other.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use drillyard_spec::drill::{Action, Expectation, Step};
use drillyard_spec::template::fill_value;
use futures::future::BoxFuture;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::action::human::Desk;
use crate::action::{self, Scene};
use crate::bindings::Names;
use crate::clock;
use crate::event::{Event, EventSink, Observation, Phase, SnapshotResult, StepReport, Unit};
use crate::fault::{Aftermath, Book};
use crate::judge::{self, Expected};
use crate::portable::portable;
use crate::run::SecretKeeper;
use crate::stack::{Lane, LogMark};
use crate::verdict::{Failure, Verdict};

mod nested;

use nested::Deferred;

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

/// What a session needs of its run.
#[derive(Clone)]
pub struct Means {
    /// The run's seed.
    pub seed: u64,
    /// Where events go.
    pub events: EventSink,
    /// Compares snapshots.
    pub snapshots: SnapshotCompare,
    /// Told every secret before anything of it is reported.
    pub secret: SecretKeeper,
    /// Asks people.
    pub desk: Desk,
    /// The backend the lanes are on.
    pub backend: &'static str,
}

/// A unit at work.
pub struct Session {
    unit: Unit,
    lane: Arc<Lane>,
    names: Names,
    /// Faults at work; shared, so that a branch that is cut short leaves none unknown.
    faults: Arc<Book>,
    client: reqwest::Client,
    last: Option<Value>,
    means: Means,
    /// Position of the next step in its phase.
    index: Arc<AtomicUsize>,
    /// Steps with a check that were carried out.
    judged: Arc<AtomicUsize>,
    /// What is to be undone at the end; shared, so that nothing is lost when a branch is cut short.
    deferred: Arc<Mutex<Vec<Deferred>>>,
}

/// The shortest value that can be masked, in bytes: anything shorter would hide ordinary words as well.
const SHORTEST_SECRET: usize = 8;
/// First pause between two attempts of a wait.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
/// Longest pause between two attempts of a wait.
const LONGEST_PAUSE: Duration = Duration::from_millis(250);
/// How many of the last attempts of a wait are kept beside the first.
const KEPT_ATTEMPTS: usize = 3;

/// A step that is being carried out.
struct Begun {
    phase: Phase,
    index: usize,
    at: Instant,
    mark: LogMark,
}

/// What the attempts of a step came to.
#[derive(Default)]
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
    pub fn new(unit: Unit, lane: Lane, means: Means) -> Self {
        let mut names = Names::new(means.seed, &unit.id);
        names.bind("lane.name", json!(lane.name()));
        if let Some(objects) = lane.objects() {
            names.bind("lane.bucket", json!(objects.bucket));
        }
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("the TLS provider is installed before any session begins");
        Self {
            unit,
            lane: Arc::new(lane),
            names,
            faults: Arc::default(),
            client,
            last: None,
            means,
            index: Arc::default(),
            judged: Arc::default(),
            deferred: Arc::default(),
        }
    }

    /// The unit at work.
    #[must_use]
    pub fn unit(&self) -> &Unit {
        &self.unit
    }

    /// The backend the lane is on.
    #[must_use]
    pub fn backend(&self) -> &'static str {
        self.means.backend
    }

    /// Undoes every fault that is still at work.
    pub async fn undo_faults(&self) -> Aftermath {
        self.faults.undo_all(&self.lane).await
    }

    /// Steps with a check that were carried out so far.
    #[must_use]
    pub fn judged(&self) -> usize {
        self.judged.load(Ordering::Relaxed)
    }

    /// Counts steps from the beginning again.
    pub fn begin_phase(&self) {
        self.index.store(0, Ordering::Relaxed);
    }

    /// Gives the lane back, to be closed or kept.
    ///
    /// # Panics
    /// When a branch of the session is still at work, which nobody can hold on to.
    #[must_use]
    pub fn into_lane(self) -> Lane {
        Arc::into_inner(self.lane).expect("branches of a session end before it does")
    }

    /// Carries out one step, and those inside of it, and reports them. A step for another backend is left out.
    pub fn step<'s>(&'s mut self, step: &'s Step, phase: Phase) -> BoxFuture<'s, Verdict> {
        Box::pin(async move {
            if !step.backends.is_empty() && !step.backends.iter().any(|backend| backend == self.means.backend)
            {
                return Verdict::Passed;
            }
            if step.checked {
                self.judged.fetch_add(1, Ordering::Relaxed);
            }
            match &step.action {
                Action::Parallel(branches) => self.parallel(branches, phase).await,
                Action::Each(each) => self.each((step, each), phase).await,
                Action::Always(always) => self.always((step, always), phase).await,
                Action::Defer(steps) => self.defer(steps),
                _ => self.single(step, phase).await,
            }
        })
    }

    async fn single(&mut self, step: &Step, phase: Phase) -> Verdict {
        // Binding names is bookkeeping; it is reported only when it fails.
        let silent = matches!(&step.action, Action::Let(_));
        let begun = if silent { self.begin(phase) } else { self.announce(step, phase) };
        let mut attempts = self.attempt_until_settled(step).await;
        // Nobody to confirm a human step is no fault of the service.
        let waited = step.within.is_some() || matches!(&step.action, Action::Human(_));
        let mut verdict = judge::step_verdict(&attempts.failures, waited, attempts.answered);
        if verdict == Verdict::Passed {
            attempts.failures.extend(self.keep(step, &attempts));
            if attempts.failures.is_empty() {
                verdict = self.compare_snapshot(step, &attempts).unwrap_or(Verdict::Passed);
            } else {
                verdict = Verdict::Failed;
            }
        }
        let answer = attempts.kept.last().and_then(|observation| observation.answer.as_ref().ok());
        let (happened, hit) =
            (judge::fault_happened(&step.action, answer), judge::fault_hit(&step.action, answer));
        if verdict == Verdict::Failed && !happened {
            verdict = Verdict::Inconclusive;
        }
        if verdict == Verdict::Passed && !hit {
            verdict = Verdict::Inconclusive;
            let seen = "the fault was healed and had hit nothing";
            attempts.failures.push(failure_at(step, "seen", "a witness that saw the fault at work", seen));
        }
        if let (Verdict::Failed | Verdict::Inconclusive, Some(death)) = (verdict, self.lane.service_down()) {
            attempts.failures.push(self.world_failed(step, &death));
        }
        if !silent || verdict != Verdict::Passed {
            self.report(step, begun, attempts, verdict);
        }
        verdict
    }

    fn begin(&self, phase: Phase) -> Begun {
        let index = self.index.fetch_add(1, Ordering::Relaxed);
        Begun { phase, index, at: Instant::now(), mark: self.lane.log_mark() }
    }

    fn announce(&self, step: &Step, phase: Phase) -> Begun {
        let begun = self.begin(phase);
        let (unit, title, index) = (self.unit.id.clone(), step.title.clone(), begun.index);
        self.means.events.emit(Event::StepStarted { unit, phase, index, title });
        begun
    }

    fn report(&self, step: &Step, begun: Begun, attempts: Attempts, verdict: Verdict) {
        let log_window =
            if verdict == Verdict::Passed { Vec::new() } else { self.lane.log_since(&begun.mark) };
        let report = StepReport {
            index: begun.index,
            phase: begun.phase,
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
            took: begun.at.elapsed(),
        };
        self.means.events.emit(Event::StepFinished { unit: self.unit.id.clone(), step: Box::new(report) });
    }

    /// Tries until the expectations hold (and stay so, where that is asked), at most as long as `within` allows.
    async fn attempt_until_settled(&mut self, step: &Step) -> Attempts {
        let begun = Instant::now();
        let mut pause = FIRST_PAUSE;
        let mut held_since: Option<Instant> = None;
        let mut attempts = Attempts::default();
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
            unit: &self.unit.id,
            desk: &self.means.desk,
            lane: &self.lane,
            names: &self.names,
            identity: step.identity.as_deref(),
            last: self.last.as_ref(),
            faults: &self.faults,
            client: &self.client,
            timeout: step.timeout,
        };
        let at = Timestamp::now();
        let begun = Instant::now();
        let done = action::perform(&step.action, &scene).await;
        let observation =
            Observation { attempt: attempts.count, at, took: begun.elapsed(), answer: done.answer };
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
            Err((field, reason)) => {
                attempts.failures = vec![failure_at(step, &field, "a value for every name", &reason)]
            }
        }
        let looks_back = matches!(step.action, Action::Last(_) | Action::Note(_) | Action::Let(_));
        if let (Ok(document), false) = (&observation.answer, looks_back) {
            self.last = Some(document.clone());
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
                let pattern =
                    fill_value(&written.pattern, &self.names).map_err(|e| (written.field.clone(), e))?;
                Ok(Expected { field: &written.field, pattern, written })
            })
            .collect()
    }

    /// Keeps what the step saves; a path that leads nowhere, also a snapshot's, is a failure.
    fn keep(&mut self, step: &Step, attempts: &Attempts) -> Vec<Failure> {
        let Some(Ok(document)) = attempts.kept.last().map(|o| &o.answer) else { return Vec::new() };
        let mut failures = Vec::new();
        if let (Action::Let(_), Value::Object(values)) = (&step.action, document) {
            for (name, value) in values {
                self.names.bind(name, value.clone());
            }
        }
        for save in &step.save {
            let (expected, actual) = match save.path.get(document) {
                Some(value) if !save.secret || self.mask(&save.name, value) => {
                    self.names.bind(&save.name, value.clone());
                    continue;
                }
                Some(_) => {
                    let least = SHORTEST_SECRET;
                    (format!("text of {least} bytes or more to mask as `{}`", save.name), "another value")
                }
                None => (format!("a value to save as `{}`", save.name), "nothing"),
            };
            failures.push(Failure {
                path: save.text.clone(),
                expected,
                actual: actual.to_owned(),
                place: save.place.clone(),
                line: step.line.clone(),
            });
        }
        let nowhere = step.snapshot.as_ref().filter(|spec| spec.path.get(document).is_none());
        failures.extend(nowhere.map(|spec| {
            failure_at(step, "snapshot", &format!("a value for the snapshot `{}`", spec.name), "nothing")
        }));
        failures
    }

    /// Has a value masked from now on; false when it is not text that can be told from ordinary words.
    fn mask(&self, name: &str, value: &Value) -> bool {
        let text = value.as_str().filter(|text| text.len() >= SHORTEST_SECRET);
        text.inspect(|text| (self.means.secret)(name, text)).is_some()
    }

    fn compare_snapshot(&mut self, step: &Step, attempts: &Attempts) -> Option<Verdict> {
        let spec = step.snapshot.as_ref()?;
        let Some(Ok(document)) = attempts.kept.last().map(|o| &o.answer) else { return None };
        // A snapshot is the same on every lane and backend.
        let value = portable(spec.path.get(document).unwrap_or(&Value::Null), &self.lane);
        let outcome =
            (self.means.snapshots)(&SnapshotRequest { unit: &self.unit, name: &spec.name, value: &value });
        let (result, verdict) = match outcome.result {
            Ok(SnapshotResult::Matched) => (SnapshotResult::Matched, Verdict::Passed),
            Ok(other) => (other, Verdict::Snapshot),
            // A value of the wrong kind must not vanish behind its redaction.
            Err(reason) => (SnapshotResult::Different(reason), Verdict::Failed),
        };
        let unit = self.unit.id.clone();
        self.means.events.emit(Event::Snapshot { unit, file: outcome.file, text: outcome.text, result });
        Some(verdict)
    }

    fn world_failed(&self, step: &Step, death: &str) -> Failure {
        failure_at(step, "stack", "every service of the lane running", death)
    }
}

/// A failure that is the step's as a whole.
fn failure_at(step: &Step, path: &str, expected: &str, actual: &str) -> Failure {
    Failure {
        path: path.to_owned(),
        expected: expected.to_owned(),
        actual: actual.to_owned(),
        place: step.place.clone(),
        line: step.line.clone(),
    }
}
