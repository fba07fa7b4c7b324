//! What is kept of an event: the evidence format's own shapes, which may outlive the engine's types.
//!
//! Names are kebab-case words, times RFC 3339 in UTC, durations whole microseconds (`…_us`). Whole numbers an IEEE
//! double cannot hold are kept as text, as RFC 8785 asks for, because canonical JSON would round them; so is what is
//! nested deeper than 100 levels, because common readers of JSON refuse more.

mod from_event;
mod word;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use word::{Outcome, PhaseWord, ServiceWord, SnapshotWord, UnitWord};

/// Name and version of the journal format; the record of the run's beginning carries it.
pub const FORMAT: &str = "drillyard.journal/1";

/// A line of the journal: an entry with its number, its moment and the digests that chain it to the line before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Position in the journal, from 1, without gaps.
    pub seq: u64,
    /// When the event was emitted, by the runner's clock.
    pub at: Timestamp,
    /// `sha256` of the record before, 64 zeros for the first.
    pub prev: String,
    /// What happened.
    pub event: Entry,
    /// SHA-256, lower-case hex, of this record's canonical JSON without this member.
    pub sha256: String,
}

/// What happened, by kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Entry {
    /// The run begins.
    RunStarted {
        /// Format of this journal.
        format: String,
        /// Unique, sortable name of the run.
        run_id: String,
        /// What the evidence is bound to: commit, digests, hashes, versions, backend, seed.
        facts: BTreeMap<String, Value>,
        /// How many units will run.
        units: u64,
    },
    /// A service changed state.
    Service {
        /// Name in the topology.
        service: String,
        /// Lane, or nothing for a shared service.
        lane: Option<String>,
        /// What it does now.
        state: ServiceWord,
        /// Process id, where it is a process.
        pid: Option<u32>,
        /// Address, process exit, or another detail for people.
        detail: String,
        /// Microseconds since it was started.
        took_us: u64,
    },
    /// The shared part of the stack answers.
    StackReady {
        /// Microseconds from nothing to ready.
        took_us: u64,
    },
    /// A unit got its private lane.
    LaneReady {
        /// The unit.
        unit: String,
        /// The lane's name.
        lane: String,
        /// Microseconds to ready.
        took_us: u64,
    },
    /// A drill or scenario begins.
    UnitStarted(UnitRecord),
    /// A step begins.
    StepStarted {
        /// The unit.
        unit: String,
        /// Phase.
        phase: PhaseWord,
        /// Position in the phase, from 0.
        index: u64,
        /// The step's title.
        title: String,
    },
    /// A step has ended.
    StepFinished {
        /// The unit.
        unit: String,
        /// Everything about the step.
        step: Box<StepRecord>,
    },
    /// A snapshot was compared.
    Snapshot(SnapshotRecord),
    /// A drill or scenario has ended.
    UnitFinished {
        /// The unit.
        unit: String,
        /// Outcome.
        verdict: Outcome,
        /// Why, when there is more to say than the steps show.
        reason: Option<String>,
        /// Microseconds including the lane.
        took_us: u64,
        /// Connection strings of a lane that was kept.
        kept: Vec<String>,
    },
    /// The stack is down.
    StackStopped {
        /// Processes, directories, databases that are still there.
        residue: Vec<String>,
    },
    /// The run has ended; nothing follows.
    RunFinished {
        /// Figures.
        counts: CountsRecord,
        /// The exit code.
        exit_code: u8,
        /// One sentence.
        summary: String,
        /// Microseconds in all.
        took_us: u64,
    },
}

/// A line and column in a file of the project, from 1.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlaceRecord {
    /// Path relative to the project's root.
    pub file: String,
    /// Line, from 1.
    pub line: u64,
    /// Column in characters, from 1.
    pub column: u64,
}

/// A drill or scenario.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnitRecord {
    /// Unique name.
    pub id: String,
    /// Drill or scenario.
    pub door: UnitWord,
    /// One line for people.
    pub title: String,
    /// Where it is written.
    pub place: PlaceRecord,
    /// Its tags, without `@`.
    pub tags: Vec<String>,
    /// SHA-256 of the text as run, lower-case hex.
    pub text_sha256: String,
    /// The command that runs this unit alone.
    pub rerun: String,
}

/// A step with what was done, expected and seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepRecord {
    /// Position in its phase, from 0.
    pub index: u64,
    /// Phase.
    pub phase: PhaseWord,
    /// Title, or the action in words.
    pub title: String,
    /// Where it is written.
    pub place: PlaceRecord,
    /// Runbook step it covers.
    pub covers: Option<String>,
    /// The action's name and its resolved arguments.
    pub action: Value,
    /// Field of the answer to pattern.
    pub expected: BTreeMap<String, Value>,
    /// The attempts that were kept.
    pub observations: Vec<ObservationRecord>,
    /// How many attempts there were in all.
    pub attempts: u32,
    /// Outcome.
    pub verdict: Outcome,
    /// Every failed expectation.
    pub failures: Vec<FailureRecord>,
    /// Lines the services logged during the step.
    pub log_window: Vec<String>,
    /// Microseconds of the whole step.
    pub took_us: u64,
}

/// One attempt of an action; exactly one of `answer` and `no_answer` is there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObservationRecord {
    /// Attempt, from 1.
    pub attempt: u32,
    /// When the attempt began.
    pub at: Timestamp,
    /// How long it took, in microseconds.
    pub took_us: u64,
    /// The answer as a document.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub answer: Option<Value>,
    /// Why there was no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_answer: Option<String>,
}

/// An answer of `null` is an answer; only a missing member means that there was none.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// One expectation that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailureRecord {
    /// Path in the answer.
    pub path: String,
    /// What the drill says, as one line.
    pub expected: String,
    /// What came back, as one line.
    pub actual: String,
    /// Where the expectation is written.
    pub place: PlaceRecord,
    /// The line of the drill, as written.
    pub line: String,
}

/// A snapshot that was compared; its text lies in the bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnapshotRecord {
    /// The unit.
    pub unit: String,
    /// Path of the snapshot relative to the project's root.
    pub file: String,
    /// How it compared.
    pub result: SnapshotWord,
    /// Unified diff from accepted to new, where it is different.
    pub diff: Option<String>,
    /// Path of the compared text in the bundle; nothing when no bundle was written.
    pub attachment: Option<String>,
    /// SHA-256 of the compared text, lower-case hex.
    pub text_sha256: String,
}

/// Figures of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountsRecord {
    /// Units that passed.
    pub passed: u64,
    /// Units with a failed expectation.
    pub failed: u64,
    /// Units that proved neither way.
    pub inconclusive: u64,
    /// Units whose world failed.
    pub aborted: u64,
    /// Units with a new or different snapshot and nothing worse.
    pub snapshot: u64,
}

impl CountsRecord {
    /// Counts one more unit of this outcome.
    pub fn add(&mut self, outcome: Outcome) {
        let figure = match outcome {
            Outcome::Passed => &mut self.passed,
            Outcome::Snapshot => &mut self.snapshot,
            Outcome::Inconclusive => &mut self.inconclusive,
            Outcome::Aborted => &mut self.aborted,
            Outcome::Failed => &mut self.failed,
        };
        *figure += 1;
    }

    /// All units.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.passed + self.failed + self.inconclusive + self.aborted + self.snapshot
    }
}
