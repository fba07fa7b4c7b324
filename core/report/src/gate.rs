//! The release gate: what a candidate has to prove, and whether the evidence at hand proves it.
//!
//! It works on bundles alone. Whatever is not known is inconclusive, and only a pass or a warning lets a release through.

mod decide;
mod evidence;
pub mod packet;
pub mod sign_off;
mod text;

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

pub use decide::{Case, decide};
pub use evidence::{Evidence, Standing};
pub use text::read;

/// What is asked of a candidate.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    /// Name, such as `pilot`.
    pub name: String,
    /// One line for people.
    pub title: String,
    /// SHA-256 of the text, lower-case hex; sign-offs are bound to it.
    pub text_sha256: String,
    /// How old evidence may be.
    pub max_age: Duration,
    /// Whether evidence of a source with changes that are not committed counts.
    pub allow_dirty: bool,
    /// What has to be proved.
    pub required: Vec<Required>,
    /// Figures with bounds.
    pub criteria: Vec<Criterion>,
    /// How many units may have passed only in some of the runs.
    pub flake_budget: usize,
    /// Requirements that somebody answers for instead.
    pub waivers: Vec<Waiver>,
    /// Who has to agree.
    pub sign_offs: Vec<Role>,
    /// When nothing is released.
    pub freeze: Vec<Freeze>,
}

/// A unit, or all units with a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Required {
    /// What is meant.
    pub what: Selector,
    /// On which backends each of them has to be proved.
    pub backends: Vec<String>,
}

/// Which units are meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Selector {
    /// The unit of that name.
    Unit(String),
    /// Every unit with that tag, and at least one.
    Tag(String),
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unit(name) => f.write_str(name),
            Self::Tag(tag) => write!(f, "@{tag}"),
        }
    }
}

/// A time with bounds, in milliseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Criterion {
    /// The unit.
    pub unit: String,
    /// Title of the step that is timed; nothing means the whole unit.
    pub step: Option<String>,
    /// Good up to here.
    pub pass: Bound,
    /// A warning up to here; nothing means that anything above `pass` fails.
    pub warn: Option<Bound>,
}

/// A largest time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// In milliseconds.
    Absolute(f64),
    /// In percent above the accepted bundle's figure.
    Relative(f64),
}

/// Somebody answers for something that is not proved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Waiver {
    /// Unit that is waived.
    pub unit: String,
    /// Who answers for it.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// Until when.
    pub expires: Timestamp,
}

/// A role that has to agree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Role {
    /// Its name.
    pub role: String,
    /// How many different people.
    pub quorum: usize,
}

/// A time in which nothing is released.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freeze {
    /// First moment.
    pub from: Timestamp,
    /// First moment after it.
    pub until: Timestamp,
    /// Why.
    pub reason: String,
}

/// The answer of a gate, from best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Everything is proved.
    Pass,
    /// Everything is proved, with something to know.
    Warn,
    /// Something is not known.
    Inconclusive,
    /// Something is proved wrong.
    Fail,
}

impl Answer {
    /// The answer as a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Inconclusive => "inconclusive",
            Self::Fail => "fail",
        }
    }

    /// Whether the release may go.
    #[must_use]
    pub const fn lets_through(self) -> bool {
        matches!(self, Self::Pass | Self::Warn)
    }
}

/// One reason of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// What it makes of the answer.
    pub answer: Answer,
    /// A word that stays the same, such as `stale`.
    pub code: &'static str,
    /// What it is about.
    pub subject: String,
    /// A sentence.
    pub text: String,
}

/// A requirement against what was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The unit, or the tag when no unit has it.
    pub unit: String,
    /// The backend.
    pub backend: String,
    /// What came of it.
    pub answer: Answer,
    /// The run that says so.
    pub run: Option<String>,
    /// Milliseconds it took there.
    pub took_ms: Option<u64>,
    /// A word on it.
    pub note: String,
}

/// How long a step waited for an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AlertTime {
    /// The unit.
    pub unit: String,
    /// Title of the step.
    pub step: String,
    /// Milliseconds until the alerts were as expected.
    pub took_ms: u64,
}

/// A decision with everything it rests on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Decision {
    /// The gate.
    pub gate: String,
    /// Its title.
    pub title: String,
    /// SHA-256 of its text.
    pub gate_sha256: String,
    /// When it was decided.
    pub at: Timestamp,
    /// Commit of the candidate.
    pub commit: Option<String>,
    /// The answer: the worst of the reasons.
    pub answer: Answer,
    /// Every reason against a pass.
    pub reasons: Vec<Reason>,
    /// Required against proved.
    pub matrix: Vec<Row>,
    /// Waivers that hold.
    pub waivers: Vec<Waiver>,
    /// Bundles: run and digest of the manifest.
    pub evidence: Vec<Standing>,
    /// How long alerts took to fire or to clear.
    pub alerts: Vec<AlertTime>,
    /// Roles, and who signed for each.
    pub sign_offs: Vec<(Role, Vec<String>)>,
}
