//! From expectations and an observation to failures. Pure: no clock, no network, nothing but its arguments.

use drillyard_spec::drill::{Action, Check, Expectation};
use drillyard_spec::fault::FaultStep;
use drillyard_spec::pattern::{self, Mismatch};
use drillyard_spec::select;
use serde_json::{Value, json};

use crate::event::Observation;
use crate::verdict::{Failure, Verdict};

/// An expectation whose templates are filled in.
#[derive(Debug, Clone)]
pub struct Expected<'a> {
    /// Field of the answer.
    pub field: &'a str,
    /// The pattern.
    pub pattern: Value,
    /// Where it is written.
    pub written: &'a Expectation,
}

/// Longest value shown in a failure, in characters.
const SHOWN: usize = 600;

/// Every expectation that an observation does not meet. An attempt without an answer meets none.
#[must_use]
pub fn judge(expected: &[Expected<'_>], observation: &Observation) -> Vec<Failure> {
    let document = match &observation.answer {
        Ok(document) => document,
        Err(reason) => return expected.first().map(|e| no_answer(e, reason)).into_iter().collect(),
    };
    expected
        .iter()
        .flat_map(|one| mismatches(one, document).into_iter().map(|mismatch| failure(one, mismatch)))
        .collect()
}

fn mismatches(one: &Expected<'_>, document: &Value) -> Vec<Mismatch> {
    match &one.written.check {
        Check::Fits if one.field == "headers" => pattern::compare(
            &lower_case(&one.pattern),
            document.get(one.field).map(lower_case).as_ref(),
            one.field,
        ),
        Check::Fits => pattern::compare(&one.pattern, document.get(one.field), one.field),
        Check::Selected { of } => select::compare(&one.pattern, document.get(*of), of),
        Check::Conforms { of, schema } => select::conform(schema, document.get(*of), of),
        Check::Documented { document: allowed } => allowed.compare(&one.pattern, document),
    }
}

/// Headers with their names in small letters: RFC 9110 section 5.1 makes no difference between the cases.
fn lower_case(headers: &Value) -> Value {
    match headers {
        Value::Object(members) => Value::Object(
            members.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect(),
        ),
        other => other.clone(),
    }
}

/// The verdict of a step from its last failures and from whether any attempt got an answer.
///
/// A wait that never got an answer proved nothing about the service; a single attempt without one is a failure of
/// the service to answer.
#[must_use]
pub fn step_verdict(failures: &[Failure], waited: bool, answered: bool) -> Verdict {
    match (failures.is_empty(), waited && !answered) {
        (_, true) => Verdict::Inconclusive,
        (true, false) => Verdict::Passed,
        (false, false) => Verdict::Failed,
    }
}

/// Whether a fault could be injected, where the step is about that; one that could not is no failure of the service,
/// and nothing was proved.
#[must_use]
pub fn fault_happened(action: &Action, answer: Option<&Value>) -> bool {
    answer.is_some() || !matches!(action, Action::Fault(FaultStep::Inject(_)))
}

/// Whether a fault that the step healed had an effect; whatever held meanwhile was otherwise not proved to hold under it.
#[must_use]
pub fn fault_hit(action: &Action, answer: Option<&Value>) -> bool {
    let idle = |answer: &Value| answer["healed"] == json!(true) && answer["seen"] == json!(0);
    !(matches!(action, Action::Fault(_)) && answer.is_some_and(idle))
}

/// The verdict of a unit from those of its steps.
#[must_use]
pub fn unit_verdict(steps: impl IntoIterator<Item = Verdict>) -> Verdict {
    steps.into_iter().max().unwrap_or(Verdict::Inconclusive)
}

fn no_answer(expected: &Expected<'_>, reason: &str) -> Failure {
    Failure {
        path: expected.field.to_owned(),
        expected: shorten(&expected.pattern.to_string()),
        actual: format!("no answer: {reason}"),
        place: expected.written.place.clone(),
        line: expected.written.line.clone(),
    }
}

fn failure(expected: &Expected<'_>, mismatch: Mismatch) -> Failure {
    // What a JSONPath selects is written under `jsonpath`, not under the field it looks into.
    let written = match &expected.written.check {
        Check::Selected { of } => {
            mismatch.path.strip_prefix(of).map(|path| format!("jsonpath.{}", path.trim_start()))
        }
        _ => None,
    };
    let (place, line) = expected.written.locate(written.as_deref().unwrap_or(&mismatch.path));
    Failure {
        path: mismatch.path,
        expected: shorten(&mismatch.expected),
        actual: shorten(mismatch.actual.as_deref().unwrap_or("nothing")),
        place: place.clone(),
        line: line.to_owned(),
    }
}

fn shorten(text: &str) -> String {
    if text.chars().count() <= SHOWN {
        return text.to_owned();
    }
    let head: String = text.chars().take(SHOWN).collect();
    format!("{head}… ({} characters)", text.chars().count())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use drillyard_spec::source::Place;
    use jiff::Timestamp;

    fn place(line: usize) -> Place {
        Place { file: "drills/x.yaml".into(), line, column: 1 }
    }

    fn written() -> Expectation {
        Expectation {
            field: "body".to_owned(),
            pattern: Value::Null,
            place: place(3),
            line: "body:".to_owned(),
            parts: vec![("body.state".to_owned(), place(4), "state: NEW".to_owned())],
            check: Check::Fits,
        }
    }

    fn observation(answer: Result<Value, String>) -> Observation {
        Observation { attempt: 1, at: Timestamp::UNIX_EPOCH, took: Duration::ZERO, answer }
    }

    #[test]
    fn a_failure_points_at_the_deepest_written_line() {
        let written = written();
        let expected = [Expected { field: "body", pattern: json!({"state": "NEW"}), written: &written }];
        let failures = judge(&expected, &observation(Ok(json!({"body": {"state": "OLD"}}))));
        assert_eq!(failures.len(), 1);
        assert_eq!((failures[0].place.line, failures[0].line.as_str()), (4, "state: NEW"));
        assert_eq!(failures[0].actual, "\"OLD\"");
    }

    #[test]
    fn a_field_that_is_missing_and_an_attempt_without_answer_both_fail() {
        let written = written();
        let expected = [Expected { field: "body", pattern: json!("#any"), written: &written }];
        assert_eq!(judge(&expected, &observation(Ok(json!({})))).len(), 1);
        assert_eq!(judge(&expected, &observation(Err("refused".to_owned()))).len(), 1);
    }

    #[test]
    fn names_of_headers_are_the_same_in_any_case() {
        let written = Expectation { field: "headers".to_owned(), ..written() };
        let expected = |pattern| [Expected { field: "headers", pattern, written: &written }];
        let answer = observation(Ok(json!({"headers": {"content-type": "text/plain"}})));
        assert_eq!(judge(&expected(json!({"Content-Type": "text/plain"})), &answer), []);
        assert_eq!(judge(&expected(json!({"Content-Type": "text/html"})), &answer).len(), 1);
    }

    #[test]
    fn what_a_path_selects_is_judged_and_located() {
        let mut written = written();
        written.check = Check::Selected { of: "body" };
        written.parts = vec![("jsonpath.$.items[0].id".to_owned(), place(5), "$.items[0].id: 1".to_owned())];
        let expected =
            [Expected { field: "jsonpath", pattern: json!({"$.items[0].id": 1}), written: &written }];
        assert_eq!(judge(&expected, &observation(Ok(json!({"body": {"items": [{"id": 1}]}})))), []);
        let failures = judge(&expected, &observation(Ok(json!({"body": {"items": [{"id": 2}]}}))));
        assert_eq!((failures[0].path.as_str(), failures[0].place.line), ("body $.items[0].id", 5));
    }

    #[test]
    fn a_wait_without_any_answer_is_inconclusive_and_no_step_is_no_pass() {
        assert_eq!(step_verdict(&[], true, false), Verdict::Inconclusive);
        assert_eq!(step_verdict(&[], true, true), Verdict::Passed);
        assert_eq!(unit_verdict([]), Verdict::Inconclusive);
        assert_eq!(unit_verdict([Verdict::Passed, Verdict::Failed, Verdict::Snapshot]), Verdict::Failed);
    }
}
