//! The unified diff between a structured expectation and what came back.
//!
//! Patterns such as `#uuid` never equal an answer, so a plain diff would be full of lines that are fine. Where no
//! failed path lies at or below a place, both sides show what came back; where one does, each side shows its own.

use serde_json::{Map, Value};
use similar::TextDiff;

use crate::record::StepRecord;

/// One diff per expected field that is a document and has a failure in it: the field and its unified diff.
pub(super) fn of_step(step: &StepRecord) -> Vec<(String, String)> {
    let Some(answer) = step.observations.last().and_then(|last| last.answer.as_ref()) else {
        return Vec::new();
    };
    let failing: Vec<&str> = step.failures.iter().map(|failure| failure.path.as_str()).collect();
    step.expected
        .iter()
        .filter(|(_, pattern)| pattern.is_object() || pattern.is_array())
        .filter_map(|(field, pattern)| {
            let (left, right) = sides(Some(pattern), lookup(answer, field), field, &failing);
            let diff = unified(&text(left.as_ref()), &text(right.as_ref()));
            (!diff.is_empty()).then(|| (field.clone(), diff))
        })
        .collect()
}

fn unified(expected: &str, actual: &str) -> String {
    TextDiff::from_lines(expected, actual)
        .unified_diff()
        .header("expected", "actual")
        .missing_newline_hint(false)
        .to_string()
}

fn text(value: Option<&Value>) -> String {
    value.and_then(|value| serde_yaml::to_string(value).ok()).unwrap_or_default()
}

fn lookup<'a>(answer: &'a Value, field: &str) -> Option<&'a Value> {
    answer.get(field).or_else(|| field.split('.').try_fold(answer, |value, name| value.get(name)))
}

type Sides = (Option<Value>, Option<Value>);

fn sides(expected: Option<&Value>, actual: Option<&Value>, path: &str, failing: &[&str]) -> Sides {
    if !failing.iter().any(|failed| lies_in(failed, path)) {
        return (actual.cloned(), actual.cloned());
    }
    match (expected, actual) {
        (Some(Value::Object(expected)), Some(Value::Object(actual))) => {
            members(expected, actual, path, failing)
        }
        (Some(Value::Array(expected)), Some(Value::Array(actual))) => items(expected, actual, path, failing),
        (expected, actual) => (expected.cloned(), actual.cloned()),
    }
}

fn members(
    expected: &Map<String, Value>,
    actual: &Map<String, Value>,
    path: &str,
    failing: &[&str],
) -> Sides {
    let (mut left, mut right) = (Map::new(), Map::new());
    let mut keep = |name: &str, sides: Sides| {
        left.extend(sides.0.map(|value| (name.to_owned(), value)));
        right.extend(sides.1.map(|value| (name.to_owned(), value)));
    };
    for (name, pattern) in expected.iter().filter(|(name, _)| *name != "...") {
        keep(name, sides(Some(pattern), actual.get(name), &format!("{path}.{name}"), failing));
    }
    // A member nobody expected is shown when it, or the whole object, is what failed.
    for (name, value) in actual.iter().filter(|(name, _)| !expected.contains_key(*name)) {
        let inner = format!("{path}.{name}");
        let closed = !expected.contains_key("...") && failing.contains(&path);
        if closed || failing.iter().any(|failed| lies_in(failed, &inner)) {
            keep(name, (None, Some(value.clone())));
        }
    }
    (Some(Value::Object(left)), Some(Value::Object(right)))
}

fn items(expected: &[Value], actual: &[Value], path: &str, failing: &[&str]) -> Sides {
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for index in 0..expected.len().max(actual.len()) {
        let (pattern, item) = (expected.get(index), actual.get(index));
        let sides = match (pattern, item) {
            (Some(_), Some(_)) => sides(pattern, item, &format!("{path}[{index}]"), failing),
            _ => (pattern.cloned(), item.cloned()),
        };
        left.extend(sides.0);
        right.extend(sides.1);
    }
    (Some(Value::Array(left)), Some(Value::Array(right)))
}

/// Whether a failed path is `path` or lies below it.
fn lies_in(failed: &str, path: &str) -> bool {
    failed.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}
