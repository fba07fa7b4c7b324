//! The outcomes a step, a unit and a run can have, and the exit codes they give.

use drillyard_spec::source::Place;

/// Outcome of a step or a unit, from best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Every expectation held.
    Passed,
    /// A snapshot is new or different; everything else held.
    Snapshot,
    /// Proved neither way: a wait that never got an answer to judge.
    Inconclusive,
    /// Our world failed: the lane could not be raised, a double died.
    Aborted,
    /// An expectation does not hold.
    Failed,
}

impl Verdict {
    /// The verdict as a word.
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

    /// The verdict a word stands for.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Passed, Self::Snapshot, Self::Inconclusive, Self::Aborted, Self::Failed]
            .into_iter()
            .find(|verdict| verdict.as_str() == word)
    }
}

/// One expectation that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Path in the answer: `status`, `body.state`, `rows[0].n`.
    pub path: String,
    /// What the drill says, as one line.
    pub expected: String,
    /// What came back, as one line; `nothing` when it is absent.
    pub actual: String,
    /// Where the expectation is written.
    pub place: Place,
    /// The line of the drill, as written.
    pub line: String,
}

/// Exit codes of the command; one constant each, listed in the README.
pub mod exit {
    /// Everything that was asked for passed.
    pub const PASSED: u8 = 0;
    /// An expectation does not hold.
    pub const FAILED: u8 = 1;
    /// A text is wrong; nothing was started.
    pub const TEXT_WRONG: u8 = 2;
    /// Nothing was proved: no file, unit, step or check, or a filter that matches nothing.
    pub const NOTHING_PROVED: u8 = 3;
    /// The stack was not raised, or a unit was aborted.
    pub const NOT_RAISED: u8 = 4;
    /// An undo failed, or something was left behind.
    pub const RESIDUE: u8 = 5;
    /// The release gate refused.
    pub const GATE_REFUSED: u8 = 6;
    /// A unit proved neither way.
    pub const INCONCLUSIVE: u8 = 7;
    /// Evidence was tampered with.
    pub const TAMPERED: u8 = 8;
    /// A snapshot is new or different.
    pub const SNAPSHOT: u8 = 9;
    /// A bug of ours.
    pub const INTERNAL: u8 = 70;
    /// Interrupted.
    pub const INTERRUPTED: u8 = 130;
}
