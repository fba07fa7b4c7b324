//! One unit from its lane to its verdict.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use drillyard_spec::drill::{Action, Drill, Step};
use drillyard_spec::fault::{EdgeName, FaultStep, What};
use drillyard_spec::topology::Topology;
use tokio_util::sync::CancellationToken;

use crate::action::human::Desk;
use crate::event::{Event, EventSink, Phase, Unit, UnitKind};
use crate::judge;
use crate::session::{Means, Session, SnapshotCompare};
use crate::stack::{LaneRequest, Stack};
use crate::verdict::Verdict;

/// What a unit needs beside its text.
#[derive(Clone)]
pub struct Ground {
    /// The run's seed.
    pub seed: u64,
    /// Where events go.
    pub events: EventSink,
    /// Compares snapshots.
    pub snapshots: SnapshotCompare,
    /// Cancelled when the run is interrupted.
    pub interrupted: CancellationToken,
    /// Keep the lane of a unit that did not pass.
    pub keep_failed: bool,
    /// Told every secret a lane makes, name and value, before anything of the lane is reported.
    pub secret: SecretKeeper,
    /// Asks people.
    pub desk: Desk,
    /// The backend the stack is on: `process`.
    pub backend: &'static str,
    /// The command that runs units again, their names aside.
    pub rerun: String,
}

/// Takes the name and value of a secret, to keep it out of everything that is written.
pub type SecretKeeper = Arc<dyn Fn(&str, &str) + Send + Sync>;

/// What came of a unit.
#[derive(Debug, Clone)]
pub struct UnitOutcome {
    /// The unit's name.
    pub unit: String,
    /// Its verdict.
    pub verdict: Verdict,
    /// Why, when the steps do not say it.
    pub reason: Option<String>,
    /// What its lane left behind.
    pub residue: Vec<String>,
    /// How to reach its lane, when that was kept; passwords included.
    pub kept: Vec<String>,
}

impl UnitOutcome {
    /// The outcome of a unit that left nothing behind.
    #[must_use]
    pub fn new(unit: String, verdict: Verdict, reason: Option<String>) -> Self {
        Self { unit, verdict, reason, residue: Vec::new(), kept: Vec::new() }
    }
}

/// A unit whose lane is up, between its first and its last step.
pub struct UnitRun {
    /// Carries out steps.
    pub session: Session,
    ground: Ground,
    begun: Instant,
    verdicts: Vec<Verdict>,
    reason: Option<String>,
    not_undone: Vec<String>,
}

/// The unit a drill or a lowered scenario is.
#[must_use]
pub fn unit_of(drill: &Drill, kind: UnitKind, ground: &Ground) -> Unit {
    Unit {
        id: drill.id.clone(),
        kind,
        title: drill.title.clone(),
        place: drill.place.clone(),
        tags: drill.tags.clone(),
        text_sha256: drill.text_sha256.clone(),
        rerun: format!("{} '{}' --seed {}", ground.rerun, drill.id.replace('\'', "'\\''"), ground.seed),
    }
}

/// Raises the unit's lane.
///
/// # Errors
/// The outcome of a unit whose lane could not be raised: aborted.
pub async fn begin(
    stack: &Stack,
    drill: &Drill,
    kind: UnitKind,
    ground: &Ground,
) -> Result<UnitRun, UnitOutcome> {
    let unit = unit_of(drill, kind, ground);
    let begun = Instant::now();
    ground.events.emit(Event::UnitStarted(unit.clone()));
    if let Some(reason) = stack.refuses(drill) {
        let outcome = UnitOutcome::new(unit.id, Verdict::Aborted, Some(reason));
        emit_finished(&ground.events, &outcome, begun.elapsed(), Vec::new());
        return Err(outcome);
    }
    let request = prepared(LaneRequest::new(&unit.id).with_env(drill.env.clone()), drill, stack.topology());
    match stack.lane(request).await {
        Ok(lane) => {
            for (name, value) in lane.secrets() {
                (ground.secret)(&name, &value);
            }
            let means = Means {
                seed: ground.seed,
                events: ground.events.clone(),
                snapshots: ground.snapshots.clone(),
                secret: ground.secret.clone(),
                desk: ground.desk.clone(),
                backend: ground.backend,
            };
            let (id, name) = (unit.id.clone(), lane.name().to_owned());
            ground.events.emit(Event::LaneReady { unit: id, lane: name, took: begun.elapsed() });
            let session = Session::new(unit, lane, means);
            let ground = ground.clone();
            Ok(UnitRun { session, ground, begun, verdicts: Vec::new(), reason: None, not_undone: Vec::new() })
        }
        Err(error) => {
            let reason = Some(error.full());
            let outcome = UnitOutcome::new(unit.id, Verdict::Aborted, reason);
            emit_finished(&ground.events, &outcome, begun.elapsed(), Vec::new());
            Err(outcome)
        }
    }
}

/// A lane with all that the faults of a drill need: proxies on edges, clocks, a database server of its own.
fn prepared(request: LaneRequest, drill: &Drill, topology: &Topology) -> LaneRequest {
    let faults = drill.every_step().into_iter().filter_map(|step| match &step.action {
        Action::Fault(FaultStep::Inject(fault)) => Some(fault),
        _ => None,
    });
    let (mut proxies, mut clocks) = (BTreeMap::new(), BTreeSet::new());
    let (mut own_server, mut object_faults) = (false, false);
    for fault in faults {
        if let Some((edge, speaks_http)) = fault.edge() {
            *proxies.entry(edge.clone()).or_default() |= speaks_http;
        }
        if let Some(service) = fault.isolates() {
            let concerned =
                |(from, to): &(String, String)| service.is_none_or(|name| from == name || to == name);
            for (from, to) in topology.lane_edges().into_iter().filter(concerned) {
                proxies.entry(EdgeName { from, to }).or_default();
            }
        }
        clocks.extend(fault.moves_clock_of().map(str::to_owned));
        own_server |= fault.needs_own_server();
        object_faults |= matches!(fault.what, What::Objects { .. });
    }
    let request = request.with_proxies(proxies).with_object_faults(object_faults);
    request.with_clocks(clocks).with_own_server(own_server)
}

/// Reports a unit that is not begun, and why: it proves nothing either way.
#[must_use]
pub fn leave_out(drill: &Drill, kind: UnitKind, ground: &Ground, reason: String) -> UnitOutcome {
    let unit = unit_of(drill, kind, ground);
    let id = unit.id.clone();
    ground.events.emit(Event::UnitStarted(unit));
    let outcome = UnitOutcome::new(id, Verdict::Inconclusive, Some(reason));
    emit_finished(&ground.events, &outcome, Duration::ZERO, Vec::new());
    outcome
}

fn emit_finished(events: &EventSink, outcome: &UnitOutcome, took: Duration, kept: Vec<String>) {
    let (unit, verdict, reason) = (outcome.unit.clone(), outcome.verdict, outcome.reason.clone());
    events.emit(Event::UnitFinished { unit, verdict, reason, took, kept });
}

impl UnitRun {
    /// Carries out one step of `phase`; an interruption aborts the unit instead.
    pub async fn step(&mut self, step: &Step, phase: Phase) -> Verdict {
        let interrupted = self.ground.interrupted.clone();
        let verdict = tokio::select! {
            verdict = self.session.step(step, phase) => verdict,
            () = interrupted.cancelled(), if phase != Phase::Finally => {
                self.reason = Some("interrupted".to_owned());
                Verdict::Aborted
            }
        };
        self.verdicts.push(verdict);
        verdict
    }

    /// Carries out steps until one goes wrong.
    pub async fn steps(&mut self, steps: &[Step], phase: Phase) -> bool {
        self.session.begin_phase();
        for step in steps {
            let verdict = self.step(step, phase).await;
            // A snapshot that differs is shown at the end; the steps behind it still say something.
            if verdict > Verdict::Snapshot {
                return false;
            }
        }
        true
    }

    /// Carries out the steps of one sentence until one goes wrong, and gives the worst verdict among them.
    pub async fn sentence(&mut self, steps: &[Step], phase: Phase) -> Verdict {
        let mut worst = Verdict::Passed;
        for step in steps {
            worst = worst.max(self.step(step, phase).await);
            if worst > Verdict::Snapshot {
                break;
            }
        }
        worst
    }

    /// The worst verdict so far.
    #[must_use]
    pub fn so_far(&self) -> Verdict {
        self.verdicts.iter().copied().max().unwrap_or(Verdict::Passed)
    }

    /// Says why the unit ends as it does, when the steps do not.
    pub fn explain(&mut self, verdict: Verdict, reason: impl Into<String>) {
        self.verdicts.push(verdict);
        self.reason = Some(reason.into());
    }

    /// Undoes what steps have left to be undone, the last first. What cannot be undone is residue.
    pub async fn undo(&mut self) {
        for (title, verdict) in self.session.undo().await {
            self.verdicts.push(verdict);
            if verdict > Verdict::Snapshot {
                self.not_undone.push(format!("{}: not undone: {title}", self.session.unit().id));
            }
        }
        let aftermath = self.session.undo_faults().await;
        self.not_undone.extend(aftermath.residue);
        if !aftermath.unwitnessed.is_empty() {
            self.verdicts.push(Verdict::Inconclusive);
            let what = aftermath.unwitnessed.join(", ");
            self.reason.get_or_insert_with(|| format!("nothing was hit by the fault {what}"));
        }
    }

    /// Closes or keeps the lane and reports the unit.
    pub async fn finish(mut self) -> UnitOutcome {
        self.undo().await;
        if self.so_far() == Verdict::Passed && self.session.judged() == 0 {
            let backend = self.session.backend();
            self.explain(
                Verdict::Inconclusive,
                format!("none of its checks applies to the backend `{backend}`"),
            );
        }
        let verdict = judge::unit_verdict(self.verdicts);
        let unit = self.session.unit().id.clone();
        let lane = self.session.into_lane();
        let keep =
            self.ground.keep_failed && verdict != Verdict::Passed && !self.ground.interrupted.is_cancelled();
        let (kept, residue) = if keep {
            let strings = lane.connection_strings();
            lane.keep();
            (strings, Vec::new())
        } else {
            (Vec::new(), lane.close().await)
        };
        let residue = self.not_undone.into_iter().chain(residue).collect();
        let outcome =
            UnitOutcome { residue, kept: kept.clone(), ..UnitOutcome::new(unit, verdict, self.reason) };
        emit_finished(&self.ground.events, &outcome, self.begun.elapsed(), kept);
        outcome
    }
}

/// Runs a drill: steady state, steps, `finally`, steady state again.
pub async fn run_drill(stack: &Stack, drill: &Drill, kind: UnitKind, ground: &Ground) -> UnitOutcome {
    let mut run = match begin(stack, drill, kind, ground).await {
        Ok(run) => run,
        Err(outcome) => return outcome,
    };
    let main = async {
        run.steps(&drill.steady, Phase::SteadyBefore).await && run.steps(&drill.steps, Phase::Steps).await
    };
    let within_budget = tokio::time::timeout(drill.budget, main).await;
    let went_well = match within_budget {
        Ok(went_well) => went_well,
        Err(_) => {
            run.explain(Verdict::Failed, format!("the budget of {} s is used up", drill.budget.as_secs()));
            false
        }
    };
    run.undo().await;
    // Whoever stops after a step wants to see what it left.
    match &drill.cut {
        Some(reason) if went_well => run.explain(Verdict::Inconclusive, reason.clone()),
        _ => {
            run.steps(&drill.finally, Phase::Finally).await;
            if went_well {
                run.steps(&drill.steady, Phase::SteadyAfter).await;
            }
        }
    }
    run.finish().await
}
