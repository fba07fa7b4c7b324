//! Two runs side by side: what came out, what was answered, how long it took.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;
use similar::TextDiff;

use crate::history::{History, UnitHistory};
use crate::record::{Outcome, PhaseWord, StepRecord};

/// Identities, moments and the number of a lane differ between any two runs and mean nothing.
static VOLATILE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)|\b[0-9a-f]{32}\b|127\.0\.0\.1:\d+|\blane[-_]\d+[-_]")
        .expect("the pattern is constant")
});

/// Members that say how long something took or where it was, never what it is.
const SKIPPED: [&str; 5] = ["latency_ms", "duration_ms", "headers", "etag", "sha256"];

/// Lines of a difference between two answers that are shown.
const SHOWN: usize = 60;

/// What differs between two runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// The comparison as text.
    pub text: String,
    /// Units or steps with another verdict, or in one of the runs only.
    pub verdicts: usize,
    /// Steps with another answer.
    pub answers: usize,
}

/// Compares `old` with `new`, unit by unit and step by step. Times are shown and are not counted as differences.
#[must_use]
pub fn compare(old: &History, new: &History) -> Comparison {
    let mut out = Comparison::default();
    let (left, right) = (by_name(old), by_name(new));
    let names: BTreeSet<&(String, usize)> = left.keys().chain(right.keys()).collect();
    for name in names {
        match (left.get(name), right.get(name)) {
            (Some(a), Some(b)) => out.unit(a, b),
            (Some(_), None) => out.only(&name.0, "first"),
            (None, Some(_)) => out.only(&name.0, "second"),
            (None, None) => {}
        }
    }
    let _ = writeln!(out.text, "{} verdicts and {} answers differ", out.verdicts, out.answers);
    out
}

/// Units by name; a run may repeat one.
fn by_name(history: &History) -> BTreeMap<(String, usize), &UnitHistory> {
    let mut units = BTreeMap::new();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for unit in &history.units {
        let turn = seen.entry(&unit.unit.id).or_default();
        units.insert((unit.unit.id.clone(), *turn), unit);
        *turn += 1;
    }
    units
}

fn word(outcome: Option<Outcome>) -> &'static str {
    outcome.map_or("never ended", Outcome::as_str)
}

impl Comparison {
    fn only(&mut self, name: &str, which: &str) {
        self.verdicts += 1;
        let _ = writeln!(self.text, "{name}: only in the {which} run");
    }

    fn unit(&mut self, a: &UnitHistory, b: &UnitHistory) {
        let verdict = |unit: &UnitHistory| unit.end.as_ref().map(|end| end.verdict);
        let took = |unit: &UnitHistory| unit.end.as_ref().map_or(0, |end| end.took_us / 1_000);
        let (before, after) = (verdict(a), verdict(b));
        let mark = if before == after { ' ' } else { '!' };
        self.verdicts += usize::from(before != after);
        let text = if a.unit.text_sha256 == b.unit.text_sha256 { "" } else { "  (another text)" };
        let _ = writeln!(
            self.text,
            "{mark} {}: {} -> {}, {} ms -> {} ms{text}",
            a.unit.id,
            word(before),
            word(after),
            took(a),
            took(b)
        );
        let (left, right) = (by_step(a), by_step(b));
        let keys: BTreeSet<_> = left.keys().chain(right.keys()).collect();
        for key in keys {
            match (left.get(key), right.get(key)) {
                (Some(a), Some(b)) => self.step(a, b),
                (Some(one), None) => self.lone(one, "first"),
                (None, Some(one)) => self.lone(one, "second"),
                (None, None) => {}
            }
        }
    }

    fn lone(&mut self, step: &StepRecord, which: &str) {
        self.verdicts += 1;
        let _ = writeln!(
            self.text,
            "!   {} {}: {}: only in the {which} run",
            step.phase.as_str(),
            step.index + 1,
            step.title
        );
    }

    fn step(&mut self, a: &StepRecord, b: &StepRecord) {
        let (left, right) = (answer(a), answer(b));
        let (same_verdict, same_answer) = (a.verdict == b.verdict, left == right);
        self.verdicts += usize::from(!same_verdict);
        self.answers += usize::from(!same_answer);
        let (x, y) = (a.took_us / 1_000, b.took_us / 1_000);
        // Small and short steps differ by chance.
        let slower = x.abs_diff(y) >= 50 && x.max(y) >= 2 * x.min(y).max(1);
        if same_verdict && same_answer && !slower {
            return;
        }
        let mark = if same_verdict && same_answer { ' ' } else { '!' };
        let verdicts = if same_verdict {
            a.verdict.as_str().to_owned()
        } else {
            format!("{} -> {}", a.verdict.as_str(), b.verdict.as_str())
        };
        let _ = writeln!(
            self.text,
            "{mark}   {} {}: {}: {verdicts}, {x} ms -> {y} ms",
            a.phase.as_str(),
            a.index + 1,
            a.title
        );
        if !same_answer {
            let diff = TextDiff::from_lines(&left, &right)
                .unified_diff()
                .context_radius(1)
                .header("first", "second")
                .to_string();
            for line in diff.lines().take(SHOWN) {
                let short: String = line.chars().take(240).collect();
                let _ = writeln!(self.text, "        {short}");
            }
        }
    }
}

type StepKey<'a> = (PhaseWord, u64, &'a str);

fn by_step(unit: &UnitHistory) -> BTreeMap<StepKey<'_>, &StepRecord> {
    unit.steps.iter().map(|step| ((step.phase, step.index, step.title.as_str()), step)).collect()
}

/// The last answer of a step without what differs between any two runs.
fn answer(step: &StepRecord) -> String {
    let Some(last) = step.observations.last() else { return String::new() };
    let mut numbers = BTreeMap::new();
    match (&last.answer, &last.no_answer) {
        (Some(answer), _) => serde_yaml::to_string(&stable(answer, &mut numbers)).unwrap_or_default(),
        (None, why) => format!("no answer: {}\n", why.as_deref().unwrap_or_default()),
    }
}

fn stable(value: &Value, numbers: &mut BTreeMap<String, usize>) -> Value {
    match value {
        // A program's output is often one document in a line.
        Value::String(text) => match serde_json::from_str(text) {
            Ok(document @ Value::Object(_)) => stable(&document, numbers),
            _ => Value::String(plain(text, numbers)),
        },
        Value::Array(items) => Value::Array(items.iter().map(|item| stable(item, numbers)).collect()),
        Value::Object(members) => {
            let kept = members.iter().filter(|(name, _)| !SKIPPED.contains(&name.as_str()));
            Value::Object(
                kept.map(|(name, member)| (plain(name, numbers), stable(member, numbers))).collect(),
            )
        }
        other => other.clone(),
    }
}

/// The same identity has the same number, so that a mix-up of two of them still shows.
fn plain(text: &str, numbers: &mut BTreeMap<String, usize>) -> String {
    let named = |found: &regex::Captures<'_>| {
        let text = found[0].to_ascii_lowercase();
        if text.len() != 36 || text.contains([':', 't']) {
            return "[varies]".to_owned();
        }
        let next = numbers.len() + 1;
        format!("[uuid:{}]", numbers.entry(text).or_insert(next))
    };
    VOLATILE.replace_all(text, named).into_owned()
}
