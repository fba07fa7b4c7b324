//! Everything a run can say. Reports and evidence are functions of these events; nothing else leaves a run.

use std::collections::BTreeMap;
use std::time::Duration;

use drillyard_spec::source::Place;
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::verdict::{Failure, Verdict};

/// An event with the moment it was emitted.
#[derive(Debug, Clone)]
pub struct Stamped {
    /// When, by the runner's clock.
    pub at: Timestamp,
    /// What.
    pub event: Event,
}

/// Which part of a drill a step belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The steady state, checked before the steps.
    SteadyBefore,
    /// The steps.
    Steps,
    /// The clean-up that runs on success, failure and interruption.
    Finally,
    /// The steady state, checked again at the end.
    SteadyAfter,
}

impl Phase {
    /// The phase in a word or two.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SteadyBefore => "steady",
            Self::Steps => "steps",
            Self::Finally => "finally",
            Self::SteadyAfter => "steady-after",
        }
    }
}

/// By which door a unit came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum UnitKind {
    /// A YAML drill.
    Drill,
    /// A Gherkin scenario.
    Scenario,
}

impl UnitKind {
    /// The kind as a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Drill => "drill",
            Self::Scenario => "scenario",
        }
    }
}

/// A drill or scenario as reports name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Unique name: `drills/stuck-scheduling` or `features/backlog: An undispatched ticket …`.
    pub id: String,
    /// Drill or scenario.
    pub kind: UnitKind,
    /// One line for people.
    pub title: String,
    /// Where it is written.
    pub place: Place,
    /// Its tags, without `@`.
    pub tags: Vec<String>,
    /// SHA-256 of the text as run, lower-case hex.
    pub text_sha256: String,
    /// The command that runs this unit alone.
    pub rerun: String,
}

/// One attempt of an action and what came back.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// Attempt, from 1.
    pub attempt: u32,
    /// When the attempt began.
    pub at: Timestamp,
    /// How long it took.
    pub took: Duration,
    /// The answer as a document (`status`, `headers`, `body`, `rows`, …), or why there was none.
    pub answer: Result<Value, String>,
}

/// What a service of the stack is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceState {
    /// Answers its readiness probe.
    Ready,
    /// Ended, as asked.
    Stopped,
    /// Ended by itself while it was needed.
    Died,
}

impl ServiceState {
    /// The state as a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Stopped => "stopped",
            Self::Died => "died",
        }
    }
}

/// How a text compared with its accepted snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SnapshotResult {
    /// Equal.
    Matched,
    /// No snapshot was accepted yet.
    New,
    /// Different; the unified diff from accepted to new.
    Different(String),
}

/// A step as reports show it.
#[derive(Debug, Clone)]
pub struct StepReport {
    /// Position in its phase, from 0.
    pub index: usize,
    /// Phase.
    pub phase: Phase,
    /// The step's title, or the action in words.
    pub title: String,
    /// Where it is written.
    pub place: Place,
    /// Runbook step it covers, if it says so.
    pub covers: Option<String>,
    /// What was done: the action's name and its resolved arguments, secrets masked.
    pub action: Value,
    /// What was expected, after `${…}` was filled in: field of the answer to pattern.
    pub expected: BTreeMap<String, Value>,
    /// The attempts; of a long wait the first and the last three.
    pub observations: Vec<Observation>,
    /// How many attempts there were in all.
    pub attempts: u32,
    /// Outcome.
    pub verdict: Verdict,
    /// Every failed expectation.
    pub failures: Vec<Failure>,
    /// Lines the services logged during the step, kept when it did not pass.
    pub log_window: Vec<String>,
    /// Whole time of the step.
    pub took: Duration,
}

/// Figures of one run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Units that passed.
    pub passed: usize,
    /// Units with a failed expectation.
    pub failed: usize,
    /// Units that proved neither way.
    pub inconclusive: usize,
    /// Units whose world failed, not the service.
    pub aborted: usize,
    /// Units with a new or different snapshot and nothing worse.
    pub snapshot: usize,
}

/// What happens in a run, in order.
#[derive(Debug, Clone)]
pub enum Event {
    /// The run begins; `facts` are what the evidence has to be bound to (seed, backend, commit, hashes …).
    RunStarted {
        /// Unique, sortable name of the run.
        run_id: String,
        /// Facts by name.
        facts: BTreeMap<String, Value>,
        /// How many units will run.
        units: usize,
    },
    /// A shared or private service changed state.
    Service {
        /// Name in the topology.
        service: String,
        /// Lane, or nothing for a shared service.
        lane: Option<String>,
        /// What it does now.
        state: ServiceState,
        /// Process id, where it is a process.
        pid: Option<u32>,
        /// Address, process exit, or another detail for people.
        detail: String,
        /// Time since it was started.
        took: Duration,
    },
    /// The shared part of the stack answers.
    StackReady {
        /// Time from nothing to ready.
        took: Duration,
    },
    /// A drill or scenario got its private lane.
    LaneReady {
        /// The unit.
        unit: String,
        /// The lane's name.
        lane: String,
        /// Time to ready.
        took: Duration,
    },
    /// A drill or scenario begins.
    UnitStarted(Unit),
    /// A step begins.
    StepStarted {
        /// The unit.
        unit: String,
        /// Phase.
        phase: Phase,
        /// Position in the phase, from 0.
        index: usize,
        /// The step's title.
        title: String,
    },
    /// A step has ended.
    StepFinished {
        /// The unit.
        unit: String,
        /// Everything about the step.
        step: Box<StepReport>,
    },
    /// A snapshot was compared.
    Snapshot {
        /// The unit.
        unit: String,
        /// Path of the snapshot relative to the project's root.
        file: String,
        /// The redacted text that was compared.
        text: String,
        /// The result.
        result: SnapshotResult,
    },
    /// A drill or scenario has ended and its lane is gone (or kept, then `kept` says how to reach it).
    UnitFinished {
        /// The unit.
        unit: String,
        /// Outcome.
        verdict: Verdict,
        /// Why, when there is more to say than the steps show.
        reason: Option<String>,
        /// Whole time including the lane.
        took: Duration,
        /// Connection strings of a lane that was kept.
        kept: Vec<String>,
    },
    /// The stack is down; `residue` lists what could not be removed.
    StackStopped {
        /// Processes, directories, databases that are still there.
        residue: Vec<String>,
    },
    /// The run has ended.
    RunFinished {
        /// Figures.
        counts: Counts,
        /// The exit code the verdict rules give.
        exit_code: u8,
        /// One sentence.
        summary: String,
        /// Whole time.
        took: Duration,
    },
}

/// Where events go; cheap to clone. Events of one sender stay in order.
#[derive(Debug, Clone)]
pub struct EventSink {
    sender: mpsc::UnboundedSender<Stamped>,
}

impl EventSink {
    /// A sink and the end that reads it.
    #[must_use]
    pub fn channel() -> (Self, mpsc::UnboundedReceiver<Stamped>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self { sender }, receiver)
    }

    /// Emits an event. A reader that has gone away is not an error of the run.
    pub fn emit(&self, event: Event) {
        let _ = self.sender.send(Stamped { at: Timestamp::now(), event });
    }
}
