//! The closed sets of words in a journal.

use drillyard_engine::event::{Phase, ServiceState, SnapshotResult, UnitKind};
use drillyard_engine::verdict::Verdict;
use serde::{Deserialize, Serialize};

/// Outcome of a step or unit, from best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Every expectation held.
    Passed,
    /// A snapshot is new or different; everything else held.
    Snapshot,
    /// Proved neither way.
    Inconclusive,
    /// Our world failed, not the service.
    Aborted,
    /// An expectation does not hold.
    Failed,
}

impl Outcome {
    /// The outcome as a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Snapshot => "snapshot",
            Self::Inconclusive => "inconclusive",
            Self::Aborted => "aborted",
            Self::Failed => "failed",
        }
    }
}

impl From<Verdict> for Outcome {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Passed => Self::Passed,
            Verdict::Snapshot => Self::Snapshot,
            Verdict::Inconclusive => Self::Inconclusive,
            Verdict::Aborted => Self::Aborted,
            Verdict::Failed => Self::Failed,
        }
    }
}

/// Part of a drill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PhaseWord {
    /// The steady state before the steps.
    Steady,
    /// The steps.
    Steps,
    /// The clean-up.
    Finally,
    /// The steady state at the end.
    SteadyAfter,
}

impl PhaseWord {
    /// The phase as a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Steady => "steady",
            Self::Steps => "steps",
            Self::Finally => "finally",
            Self::SteadyAfter => "steady-after",
        }
    }
}

impl From<Phase> for PhaseWord {
    fn from(phase: Phase) -> Self {
        match phase {
            Phase::SteadyBefore => Self::Steady,
            Phase::Steps => Self::Steps,
            Phase::Finally => Self::Finally,
            Phase::SteadyAfter => Self::SteadyAfter,
        }
    }
}

/// By which door a unit came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnitWord {
    /// A YAML drill.
    Drill,
    /// A Gherkin scenario.
    Scenario,
}

impl From<UnitKind> for UnitWord {
    fn from(kind: UnitKind) -> Self {
        match kind {
            UnitKind::Drill => Self::Drill,
            UnitKind::Scenario => Self::Scenario,
        }
    }
}

/// What a service is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServiceWord {
    /// Answers its readiness probe.
    Ready,
    /// Ended, as asked.
    Stopped,
    /// Ended by itself while it was needed.
    Died,
}

impl From<ServiceState> for ServiceWord {
    fn from(state: ServiceState) -> Self {
        match state {
            ServiceState::Ready => Self::Ready,
            ServiceState::Stopped => Self::Stopped,
            ServiceState::Died => Self::Died,
        }
    }
}

/// How a snapshot compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SnapshotWord {
    /// Equal.
    Matched,
    /// None was accepted yet.
    New,
    /// Different from the accepted one.
    Different,
}

impl From<&SnapshotResult> for SnapshotWord {
    fn from(result: &SnapshotResult) -> Self {
        match result {
            SnapshotResult::Matched => Self::Matched,
            SnapshotResult::New => Self::New,
            SnapshotResult::Different(_) => Self::Different,
        }
    }
}
