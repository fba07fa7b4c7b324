//! From a gate and its evidence to an answer. Pure: the moment is given.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::sign_off::SignOff;
use super::{Answer, Bound, Criterion, Decision, Evidence, Gate, Reason, Row, Selector, Waiver};
use crate::record::Outcome;

/// What a decision looks at beside the gate.
#[derive(Debug)]
pub struct Case<'a> {
    /// The bundles.
    pub evidence: &'a [Evidence],
    /// The last accepted bundle, for relative bounds.
    pub baseline: Option<&'a Evidence>,
    /// Commit of the candidate; nothing means that of the evidence, which must agree.
    pub commit: Option<String>,
    /// The moment of the decision.
    pub at: Timestamp,
    /// Sign-offs whose signatures hold.
    pub sign_offs: &'a [SignOff],
}

/// Decides. The answer is the worst of all reasons, and a pass when there is none.
#[must_use]
pub fn decide(gate: &Gate, case: &Case<'_>) -> Decision {
    let mut deciding = Deciding { gate, case, reasons: Vec::new(), matrix: Vec::new() };
    let good = deciding.admitted();
    deciding.required(&good);
    deciding.flakes(&good);
    for criterion in &gate.criteria {
        deciding.criterion(criterion, &good);
    }
    for waiver in gate.waivers.iter().filter(|waiver| waiver.expires <= case.at) {
        let text = format!("the waiver of {} expired at {}: {}", waiver.owner, waiver.expires, waiver.reason);
        deciding.reason(Answer::Fail, "waiver-expired", &waiver.unit, text);
    }
    for freeze in gate.freeze.iter().filter(|freeze| freeze.from <= case.at && case.at < freeze.until) {
        let text = format!("nothing is released until {}: {}", freeze.until, freeze.reason);
        deciding.reason(Answer::Fail, "frozen", "freeze", text);
    }
    let sign_offs = deciding.sign_offs();
    let Deciding { reasons, matrix, .. } = deciding;
    Decision {
        gate: gate.name.clone(),
        title: gate.title.clone(),
        gate_sha256: gate.text_sha256.clone(),
        at: case.at,
        commit: case.commit.clone().or_else(|| good.first().and_then(|one| one.commit()).map(str::to_owned)),
        answer: reasons.iter().map(|reason| reason.answer).max().unwrap_or(Answer::Pass),
        reasons,
        matrix,
        waivers: gate.waivers.iter().filter(|waiver| waiver.expires > case.at).cloned().collect(),
        evidence: case.evidence.iter().map(|one| one.standing.clone()).collect(),
        alerts: good.iter().flat_map(|one| one.alert_times()).collect(),
        sign_offs,
    }
}

struct Deciding<'a> {
    gate: &'a Gate,
    case: &'a Case<'a>,
    reasons: Vec<Reason>,
    matrix: Vec<Row>,
}

impl<'a> Deciding<'a> {
    fn reason(&mut self, answer: Answer, code: &'static str, subject: &str, text: String) {
        self.reasons.push(Reason { answer, code, subject: subject.to_owned(), text });
    }

    /// Bundles that count: whole, fresh, and of the candidate. Of each other one it is said why it does not.
    fn admitted(&mut self) -> Vec<&'a Evidence> {
        if self.case.evidence.is_empty() {
            self.reason(Answer::Inconclusive, "no-evidence", "evidence", "no bundle was given".to_owned());
        }
        let evidence = self.case.evidence;
        let wanted = self.case.commit.as_deref().or_else(|| evidence.iter().find_map(Evidence::commit));
        let digests = evidence.iter().find_map(|one| one.fact("binaries_sha256"));
        evidence.iter().filter(|one| self.admit(one, wanted, digests)).collect()
    }

    fn admit(&mut self, one: &Evidence, commit: Option<&str>, digests: Option<&Value>) -> bool {
        let name = one.name();
        let before = self.reasons.len();
        for problem in &one.problems {
            self.reason(Answer::Fail, "tampered", &name, problem.clone());
        }
        if before != self.reasons.len() {
            return false;
        }
        match (one.commit(), commit) {
            (None, _) | (_, None) => self.reason(
                Answer::Inconclusive,
                "no-commit",
                &name,
                "the evidence names no commit".to_owned(),
            ),
            (Some(own), Some(wanted)) if own != wanted => {
                self.reason(
                    Answer::Fail,
                    "other-commit",
                    &name,
                    format!("it is of commit {own}, and the candidate is {wanted}"),
                );
            }
            _ => {}
        }
        if one.fact("dirty") != Some(&Value::Bool(false)) && !self.gate.allow_dirty {
            self.reason(
                Answer::Inconclusive,
                "dirty",
                &name,
                "the source had changes that were not committed, or it is not known".to_owned(),
            );
        }
        if one.fact("binaries_sha256") != digests {
            self.reason(
                Answer::Fail,
                "other-binaries",
                &name,
                "its binaries are not those of the other evidence".to_owned(),
            );
        }
        let age = one.ended().map(|ended| self.case.at.duration_since(ended));
        let most = SignedDuration::try_from(self.gate.max_age).unwrap_or(SignedDuration::MAX);
        match age {
            Some(age) if age > most => self.reason(
                Answer::Inconclusive,
                "stale",
                &name,
                format!("it is {} h old, and {} h are allowed", age.as_hours(), most.as_hours()),
            ),
            Some(age) if age < SignedDuration::ZERO => self.reason(
                Answer::Inconclusive,
                "from-the-future",
                &name,
                "it ended after the moment of the decision".to_owned(),
            ),
            Some(_) => {}
            None => {
                self.reason(Answer::Inconclusive, "stale", &name, "it is not known when it ended".to_owned())
            }
        }
        let counts = before == self.reasons.len();
        if counts && !one.signed {
            self.reason(Answer::Warn, "unsigned", &name, "the bundle is not signed".to_owned());
        }
        counts
    }

    fn required(&mut self, good: &[&Evidence]) {
        for required in &self.gate.required {
            let units: BTreeSet<String> = match &required.what {
                Selector::Unit(name) => BTreeSet::from([name.clone()]),
                Selector::Tag(tag) => good
                    .iter()
                    .flat_map(|one| &one.history.units)
                    .filter(|unit| unit.unit.tags.iter().any(|own| own.trim_start_matches('@') == tag))
                    .map(|unit| unit.unit.id.clone())
                    .collect(),
            };
            for backend in &required.backends {
                // A unit may be required by its name and by a tag.
                let seen = |unit: &str, rows: &[Row]| {
                    rows.iter().any(|row| row.unit == *unit && row.backend == *backend)
                };
                for unit in units.iter().filter(|unit| !seen(unit, &self.matrix)).cloned().collect::<Vec<_>>()
                {
                    self.unit(&unit, backend, good);
                }
                if units.is_empty() {
                    self.row((&required.what.to_string(), backend), Answer::Inconclusive, None, "missing");
                }
            }
        }
    }

    /// What the newest bundle of the backend says about the unit; where an older one says otherwise, that is a flake.
    fn unit(&mut self, unit: &str, backend: &str, good: &[&Evidence]) {
        let found =
            good.iter().filter(|one| one.backend() == backend).filter_map(|one| Some((one, one.unit(unit)?)));
        let newest = found.clone().max_by_key(|(one, _)| one.ended());
        let Some((one, ran)) = newest else {
            return self.row((unit, backend), Answer::Inconclusive, None, "missing");
        };
        let (answer, code) = match ran.end.as_ref().map(|end| end.verdict) {
            Some(Outcome::Passed) => (Answer::Pass, "passed"),
            Some(Outcome::Failed) => (Answer::Fail, "failed"),
            Some(Outcome::Snapshot) => (Answer::Inconclusive, "snapshot"),
            Some(Outcome::Inconclusive) => (Answer::Inconclusive, "inconclusive"),
            Some(Outcome::Aborted) => (Answer::Inconclusive, "aborted"),
            None => (Answer::Inconclusive, "never-ended"),
        };
        self.row((unit, backend), answer, Some((one, ran.end.as_ref().map(|end| end.took_us / 1_000))), code);
    }

    fn row(
        &mut self,
        (unit, backend): (&str, &str),
        answer: Answer,
        found: Option<(&Evidence, Option<u64>)>,
        code: &'static str,
    ) {
        let waiver: Option<&Waiver> =
            self.gate.waivers.iter().find(|waiver| waiver.unit == unit && waiver.expires > self.case.at);
        let mut note = code.to_owned();
        let mut counted = answer;
        if answer != Answer::Pass {
            let text = match code {
                "missing" => format!("no evidence that counts shows it on the backend `{backend}`"),
                code => format!("it ended as `{code}` on the backend `{backend}`"),
            };
            match waiver {
                Some(waiver) => {
                    counted = Answer::Warn;
                    note = format!("{code}, waived by {} until {}", waiver.owner, waiver.expires);
                    self.reason(
                        Answer::Warn,
                        "waived",
                        unit,
                        format!("{text}; {} answers for it: {}", waiver.owner, waiver.reason),
                    );
                }
                None => self.reason(answer, code, unit, text),
            }
        }
        let (run, took_ms) = found.map_or((None, None), |(one, took)| (Some(one.name()), took));
        self.matrix.push(Row {
            unit: unit.to_owned(),
            backend: backend.to_owned(),
            answer: counted,
            run,
            took_ms,
            note,
        });
    }

    /// A unit that passed in one bundle of the candidate and not in another is a flake.
    fn flakes(&mut self, good: &[&Evidence]) {
        let mut seen: BTreeMap<(&str, &str), BTreeSet<bool>> = BTreeMap::new();
        for one in good {
            for unit in &one.history.units {
                let passed = unit.end.as_ref().is_some_and(|end| end.verdict == Outcome::Passed);
                seen.entry((&unit.unit.id, one.backend())).or_default().insert(passed);
            }
        }
        let flaky: Vec<&str> =
            seen.iter().filter(|(_, both)| both.len() > 1).map(|((unit, _), _)| *unit).collect();
        if flaky.is_empty() {
            return;
        }
        let over = flaky.len() > self.gate.flake_budget;
        let answer = if over { Answer::Fail } else { Answer::Warn };
        let text = format!(
            "passed in some runs only: {}; the budget is {}",
            flaky.join(", "),
            self.gate.flake_budget
        );
        self.reason(answer, if over { "flake-budget" } else { "flaky" }, "flakes", text);
    }

    fn criterion(&mut self, criterion: &Criterion, good: &[&Evidence]) {
        let Criterion { unit, step, pass, warn } = criterion;
        let subject = step.as_ref().map_or_else(|| unit.clone(), |step| format!("{unit}: {step}"));
        let times = good.iter().filter_map(|one| one.took_ms(unit, step.as_deref()));
        let Some(slowest) = times.max_by(f64::total_cmp) else {
            return self.reason(
                Answer::Inconclusive,
                "no-figure",
                &subject,
                "no evidence that counts has a time for it".to_owned(),
            );
        };
        let before = self
            .case
            .baseline
            .filter(|one| one.problems.is_empty())
            .and_then(|one| one.took_ms(unit, step.as_deref()));
        let most = |bound: &Bound| match bound {
            Bound::Absolute(most) => Some(*most),
            Bound::Relative(percent) => Some(before? * (1.0 + percent / 100.0)),
        };
        match (most(pass), warn.as_ref().map(most)) {
            (None, _) => self.reason(
                Answer::Inconclusive,
                "no-baseline",
                &subject,
                "no accepted bundle has a time to compare with".to_owned(),
            ),
            (Some(bound), _) if slowest <= bound => {}
            (Some(bound), Some(Some(limit))) if slowest <= limit => {
                self.reason(
                    Answer::Warn,
                    "slow",
                    &subject,
                    format!("{slowest:.0} ms, more than {bound:.0} ms"),
                );
            }
            (Some(bound), _) => self.reason(
                Answer::Fail,
                "too-slow",
                &subject,
                format!("{slowest:.0} ms, more than {bound:.0} ms"),
            ),
        }
    }

    /// Only those count that are bound to this very gate and evidence.
    fn sign_offs(&mut self) -> Vec<(super::Role, Vec<String>)> {
        let mut standing: Vec<_> =
            self.case.evidence.iter().map(|one| one.standing.manifest_sha256.clone()).collect();
        standing.sort();
        let mut all = Vec::new();
        for role in &self.gate.sign_offs {
            let of_role =
                self.case.sign_offs.iter().filter(|one| one.role == role.role && one.at <= self.case.at);
            let (bound, other): (Vec<&SignOff>, Vec<&SignOff>) = of_role
                .partition(|one| one.gate_sha256 == self.gate.text_sha256 && one.manifests() == standing);
            let names: BTreeSet<String> = bound.iter().map(|one| one.name.clone()).collect();
            if names.len() < role.quorum {
                let mut text = format!("{} of {} signed", names.len(), role.quorum);
                if !other.is_empty() {
                    text.push_str(&format!("; {} signed for other evidence", other.len()));
                }
                self.reason(Answer::Inconclusive, "sign-off-missing", &role.role, text);
            }
            all.push((role.clone(), names.into_iter().collect()));
        }
        all
    }
}
