//! Steps that hold steps: branches, loops, invariants, and what is undone at the end.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use drillyard_spec::drill::{Always, Each, Step};
use drillyard_spec::template::fill_value;
use futures::future::join_all;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{Attempts, Session, failure_at};
use crate::clock::{self, Deadline};
use crate::event::{Observation, Phase};
use crate::verdict::{Failure, Verdict};

/// Bound for the moments an invariant is looked at; more than any drill has.
const FOREVER: std::time::Duration = std::time::Duration::from_secs(86_400);

/// Steps kept for the end, with the values names had when they were.
pub(super) struct Deferred {
    steps: Vec<Step>,
    values: BTreeMap<String, Value>,
}

impl Session {
    /// A session beside this one in the same lane.
    fn fork(&self) -> Self {
        Self {
            unit: self.unit.clone(),
            lane: self.lane.clone(),
            names: self.names.fork(),
            faults: self.faults.clone(),
            client: self.client.clone(),
            last: self.last.clone(),
            means: self.means.clone(),
            index: self.index.clone(),
            judged: self.judged.clone(),
            deferred: self.deferred.clone(),
        }
    }

    /// Carries out steps until one goes wrong.
    async fn steps(&mut self, steps: &[Step], phase: Phase) -> Verdict {
        let mut worst = Verdict::Passed;
        for step in steps {
            worst = worst.max(self.step(step, phase).await);
            if worst > Verdict::Snapshot {
                break;
            }
        }
        worst
    }

    /// Runs all branches to their ends. What they bound is taken over in the order they are written.
    pub(super) async fn parallel(&mut self, branches: &[Vec<Step>], phase: Phase) -> Verdict {
        let before = self.names.values().clone();
        let mut forks: Vec<Self> = branches.iter().map(|_| self.fork()).collect();
        let runs = forks.iter_mut().zip(branches).map(|(fork, steps)| fork.steps(steps, phase));
        let worst = join_all(runs).await.into_iter().max().unwrap_or(Verdict::Passed);
        for fork in forks {
            self.names.adopt(fork.names, &before);
            self.last = fork.last;
        }
        worst
    }

    pub(super) async fn each(&mut self, (step, each): (&Step, &Each), phase: Phase) -> Verdict {
        let items = match fill_value(&each.of, &self.names) {
            Ok(Value::Array(items)) if !items.is_empty() => items,
            Ok(other) => {
                return self.refuse(step, phase, "a list with at least one element", &other.to_string());
            }
            Err(reason) => return self.refuse(step, phase, "a value for every name", &reason),
        };
        let mut worst = Verdict::Passed;
        for item in items {
            self.names.bind(&each.name, item);
            worst = worst.max(self.steps(&each.steps, phase).await);
            if worst > Verdict::Snapshot {
                break;
            }
        }
        worst
    }

    fn refuse(&self, step: &Step, phase: Phase, expected: &str, actual: &str) -> Verdict {
        let begun = self.announce(step, phase);
        let failures = vec![failure_at(step, "of", expected, actual)];
        let what = json!({ "action": step.action.info().name });
        let took = begun.at.elapsed();
        let seen = Observation { attempt: 1, at: Timestamp::now(), took, answer: Err(actual.to_owned()) };
        let attempts = Attempts { what, kept: vec![seen], failures, count: 1, ..Attempts::default() };
        self.report(step, begun, attempts, Verdict::Failed);
        Verdict::Failed
    }

    /// Looks before, again and again during, and once after the steps. The steps run to their end in any case, so that
    /// what they clean up is cleaned up.
    pub(super) async fn always(&mut self, (step, always): (&Step, &Always), phase: Phase) -> Verdict {
        let begun = self.announce(step, phase);
        let clock = Deadline::after(FOREVER);
        let mut watch = Watch { session: self.fork(), clock, seen: Attempts::default(), step: 0 };
        watch.look(&always.holds).await;
        let mut worst = Verdict::Passed;
        if watch.seen.failures.is_empty() {
            let done = CancellationToken::new();
            let looking = async {
                while watch.seen.failures.is_empty() && !done.is_cancelled() {
                    tokio::select! {
                        () = clock::sleep(always.every) => {}
                        () = done.cancelled() => {}
                    }
                    watch.look(&always.holds).await;
                }
            };
            let working = async {
                let verdict = self.steps(&always.during, phase).await;
                done.cancel();
                verdict
            };
            ((), worst) = tokio::join!(looking, working);
        }
        let (mut seen, at) = (watch.seen, watch.step);
        let every = always.every.as_millis();
        seen.what = json!({ "always": seen.what, "step": at, "looks": seen.count, "every_ms": every });
        let verdict = if seen.failures.is_empty() { Verdict::Passed } else { Verdict::Failed };
        self.report(step, begun, seen, verdict);
        worst.max(verdict)
    }

    /// Keeps steps for the end.
    pub(super) fn defer(&self, steps: &[Step]) -> Verdict {
        let deferred = Deferred { steps: steps.to_vec(), values: self.names.values().clone() };
        self.deferred.lock().unwrap_or_else(PoisonError::into_inner).push(deferred);
        Verdict::Passed
    }

    /// Carries out what was kept, the last first. Every one is tried, whatever became of those before; gives each
    /// one's first title and verdict.
    pub async fn undo(&mut self) -> Vec<(String, Verdict)> {
        let mut outcomes = Vec::new();
        loop {
            // An undo step may itself leave something to be undone.
            let next = self.deferred.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some(Deferred { steps, values }) = next else { return outcomes };
            let now = self.names.replace(values);
            let verdict = self.steps(&steps, Phase::Finally).await;
            self.names.replace(now);
            let title = steps.first().map(|step| step.title.clone()).unwrap_or_default();
            outcomes.push((title, verdict));
        }
    }
}

/// Looks at an invariant.
struct Watch {
    session: Session,
    clock: Deadline,
    seen: Attempts,
    /// Which step of it was looked at last.
    step: usize,
}

impl Watch {
    /// One look at every step of it; stops at the first that does not hold, and says when that was.
    async fn look(&mut self, holds: &[Step]) {
        let look = self.seen.count + 1;
        for (index, step) in holds.iter().enumerate() {
            self.step = index;
            let at = Timestamp::now();
            let into = self.clock.elapsed().as_millis();
            self.session.attempt(step, &mut self.seen).await;
            self.seen.count = look;
            if self.seen.failures.is_empty() {
                let failures = self.session.keep(step, &self.seen);
                self.seen.failures = failures;
            }
            if !self.seen.failures.is_empty() {
                let moment = format!("at {at:.3}, {into} ms after the first look, in look {look}");
                let said = |failure: &mut Failure| failure.actual = format!("{} ({moment})", failure.actual);
                self.seen.failures.iter_mut().for_each(said);
                return;
            }
        }
    }
}
