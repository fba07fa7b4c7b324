//! The exit code of a run, from what its units came to.

use std::collections::BTreeMap;

use drillyard_engine::event::Counts;
use drillyard_engine::verdict::Verdict;
pub use drillyard_engine::verdict::exit::{
    FAILED, INCONCLUSIVE, INTERNAL, INTERRUPTED, NOT_RAISED, NOTHING_PROVED, PASSED, RESIDUE, SNAPSHOT,
    TAMPERED, TEXT_WRONG,
};
use drillyard_spec::diagnostic::Diagnostic;

/// The exit code for texts with these mistakes: texts that say nothing prove nothing, any other mistake is one.
#[must_use]
pub fn of_texts(mistakes: &[Diagnostic]) -> u8 {
    if mistakes.is_empty() {
        PASSED
    } else if mistakes.iter().all(|mistake| mistake.code.proves_nothing()) {
        NOTHING_PROVED
    } else {
        TEXT_WRONG
    }
}

/// What a run has to answer for.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Figures by verdict.
    pub counts: Counts,
    /// What was left behind.
    pub residue: Vec<String>,
    /// Whether somebody interrupted it.
    pub interrupted: bool,
    /// How often each unit passed, and how often it ran.
    pub ran: BTreeMap<String, (usize, usize)>,
}

impl Tally {
    /// Counts one unit.
    pub fn add(&mut self, verdict: Verdict) {
        let counts = &mut self.counts;
        *match verdict {
            Verdict::Passed => &mut counts.passed,
            Verdict::Snapshot => &mut counts.snapshot,
            Verdict::Inconclusive => &mut counts.inconclusive,
            Verdict::Aborted => &mut counts.aborted,
            Verdict::Failed => &mut counts.failed,
        } += 1;
    }

    /// Counts one run of a unit that may be run again.
    pub fn count(&mut self, unit: &str, verdict: Verdict) {
        self.add(verdict);
        let (passed, ran) = self.ran.entry(unit.to_owned()).or_default();
        *passed += usize::from(verdict == Verdict::Passed);
        *ran += 1;
    }

    /// Units that passed in some of their runs only, each with how often.
    #[must_use]
    pub fn flaky(&self) -> Vec<String> {
        let flaky = self.ran.iter().filter(|(_, (passed, ran))| *passed > 0 && passed < ran);
        flaky.map(|(unit, (passed, ran))| format!("{unit} (passed {passed} of {ran} times)")).collect()
    }

    /// Units counted.
    #[must_use]
    pub fn units(&self) -> usize {
        let Counts { passed, failed, inconclusive, aborted, snapshot } = self.counts;
        passed + failed + inconclusive + aborted + snapshot
    }

    /// The exit code: the gravest thing that happened decides, and nothing at all is not a pass.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        let counts = &self.counts;
        match () {
            () if self.interrupted => INTERRUPTED,
            () if !self.residue.is_empty() => RESIDUE,
            () if counts.failed > 0 || !self.flaky().is_empty() => FAILED,
            () if counts.aborted > 0 => NOT_RAISED,
            () if counts.inconclusive > 0 => INCONCLUSIVE,
            () if counts.snapshot > 0 => SNAPSHOT,
            () if counts.passed == 0 => NOTHING_PROVED,
            () => PASSED,
        }
    }

    /// One sentence for people.
    #[must_use]
    pub fn summary(&self) -> String {
        let counts = &self.counts;
        let parts = [
            (counts.passed, "passed"),
            (counts.failed, "failed"),
            (counts.aborted, "aborted"),
            (counts.inconclusive, "inconclusive"),
            (counts.snapshot, "with a snapshot to review"),
        ];
        let flaky = self.flaky();
        let mut shown: Vec<String> =
            parts.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
        if !flaky.is_empty() {
            shown.push(format!("flaky: {}", flaky.join(", ")));
        }
        match (self.interrupted, shown.is_empty()) {
            (true, true) => "interrupted before anything ran".to_owned(),
            (true, false) => format!("interrupted: {}", shown.join(", ")),
            (false, true) => "nothing was proved".to_owned(),
            (false, false) => shown.join(", "),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(verdicts: &[Verdict]) -> u8 {
        let mut tally = Tally::default();
        for verdict in verdicts {
            tally.add(*verdict);
        }
        tally.exit_code()
    }

    #[test]
    fn the_gravest_verdict_decides_and_nothing_is_not_a_pass() {
        assert_eq!(code(&[]), NOTHING_PROVED);
        assert_eq!(code(&[Verdict::Passed]), PASSED);
        assert_eq!(code(&[Verdict::Passed, Verdict::Snapshot]), SNAPSHOT);
        assert_eq!(code(&[Verdict::Snapshot, Verdict::Inconclusive]), INCONCLUSIVE);
        assert_eq!(code(&[Verdict::Inconclusive, Verdict::Aborted]), NOT_RAISED);
        assert_eq!(code(&[Verdict::Aborted, Verdict::Failed, Verdict::Passed]), FAILED);
        let mut flaky = Tally::default();
        for verdict in [Verdict::Passed, Verdict::Inconclusive] {
            flaky.count("drills/x", verdict);
        }
        assert_eq!(
            (flaky.exit_code(), flaky.flaky()),
            (FAILED, vec!["drills/x (passed 1 of 2 times)".to_owned()])
        );
        let left = Tally { residue: vec!["a process".to_owned()], ..Tally::default() };
        assert_eq!(left.exit_code(), RESIDUE);
    }
}
