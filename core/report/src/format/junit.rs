//! JUnit XML: `failure` where the service is wrong, `error` where nothing was proved about it.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use super::words::Paint;
use super::{Format, ReportError, explain};
use crate::history::{History, UnitHistory};
use crate::record::Outcome;

/// One `testsuite` per file, one `testcase` per unit.
pub const FORMAT: Format = Format {
    name: "junit",
    about: "JUnit XML, one suite per file",
    file: "junit.xml",
    in_bundle: true,
    render,
};

fn render(history: &History, _: &Path, out: &mut dyn Write) -> Result<(), ReportError> {
    let mut report = Report::new("drillyard");
    if let Some(end) = &history.end {
        report.set_time(Duration::from_micros(end.took_us));
    }
    let mut files: Vec<&str> = Vec::new();
    for unit in &history.units {
        if !files.contains(&unit.unit.place.file.as_str()) {
            files.push(&unit.unit.place.file);
        }
    }
    for file in files {
        let mut suite = TestSuite::new(file);
        let mut took = Duration::ZERO;
        for unit in history.units.iter().filter(|unit| unit.unit.place.file == file) {
            let case = case(unit);
            took += case.time.unwrap_or_default();
            suite.add_test_case(case);
        }
        suite.set_time(took);
        report.add_test_suite(suite);
    }
    if let Some(suite) = run_itself(history) {
        report.add_test_suite(suite);
    }
    Ok(report.serialize(out)?)
}

fn case(unit: &UnitHistory) -> TestCase {
    let mut case = TestCase::new(unit.unit.id.as_str(), status(unit));
    case.set_classname(unit.unit.place.file.as_str());
    if let Some(end) = &unit.end {
        case.set_time(Duration::from_micros(end.took_us));
    }
    case.set_assertions(unit.judged);
    case.add_property(Property::new("title", unit.unit.title.as_str()));
    for tag in &unit.unit.tags {
        case.add_property(Property::new("tag", tag.as_str()));
    }
    case
}

fn status(unit: &UnitHistory) -> TestCaseStatus {
    let (kind, ty) = match unit.end.as_ref().map(|end| end.verdict) {
        Some(Outcome::Passed) => return TestCaseStatus::success(),
        Some(Outcome::Failed) => (NonSuccessKind::Failure, Outcome::Failed.as_str()),
        Some(other) => (NonSuccessKind::Error, other.as_str()),
        None => (NonSuccessKind::Error, "interrupted"),
    };
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(ty).set_message(message(unit));
    status.set_description(explain::unit(unit, Paint { color: false }).join("\n"));
    status
}

/// The first failure in a line; tools list it beside the test's name.
fn message(unit: &UnitHistory) -> String {
    if let Some(failure) = unit.steps.iter().flat_map(|step| &step.failures).next() {
        return format!("{}: expected {}, actual {}", failure.path, failure.expected, failure.actual);
    }
    let reason = unit.end.as_ref().and_then(|end| end.reason.clone());
    reason.unwrap_or_else(|| match &unit.end {
        Some(end) => end.verdict.as_str().to_owned(),
        None => "the run ended before this unit did".to_owned(),
    })
}

/// What is wrong with the run and belongs to no unit: something was left behind, or there was no end.
fn run_itself(history: &History) -> Option<TestSuite> {
    let mut suite = TestSuite::new("run");
    let mut wrong = |name: &str, ty: &str, message: String| {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_type(ty).set_message(message);
        suite.add_test_case(TestCase::new(name, status));
    };
    for (unit, passed, ran) in history.flaky() {
        wrong(&format!("{unit} is not flaky"), "flaky", format!("{unit} passed {passed} of {ran} times"));
    }
    if !history.residue.is_empty() {
        wrong("nothing is left behind", "residue", history.residue.join("; "));
    }
    if history.end.is_none() {
        wrong("the run ends", "interrupted", "the journal has no end of the run".to_owned());
    }
    (!suite.test_cases.is_empty()).then_some(suite)
}
