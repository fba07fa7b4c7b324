//! Reports are functions of a bundle.

use std::fs;

use drillyard_engine::event::{Event, Phase};
use drillyard_engine::verdict::Verdict;
use drillyard_report::format::{self, FORMATS, report};
use serde_json::Value;

use crate::story;

#[test]
fn a_bundle_holds_what_its_journal_gives_again() {
    let (_runs, dir) = story::bundle();
    for format in FORMATS.iter().filter(|format| format.in_bundle) {
        let kept = fs::read_to_string(dir.join("reports").join(format.file)).expect("a report");
        assert_eq!(report(&dir, format).expect("a report"), kept, "{}", format.name);
    }
}

#[test]
fn every_format_is_found_by_a_name_of_its_own() {
    for format in FORMATS {
        assert!(std::ptr::eq(format::find(format.name).expect("it is listed"), format));
        assert!(!format.about.is_empty());
    }
    assert!(format::find("xlsx").is_none());
}

#[test]
fn json_holds_every_unit_with_its_steps() {
    let (_runs, dir) = story::bundle();
    let text = report(&dir, format::find("json").expect("listed")).expect("a report");
    let document: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(document["format"], "drillyard.report/1");
    assert_eq!(document["exit_code"], 1);
    assert_eq!(document["counts"]["failed"], 1);
    assert_eq!(document["units"][1]["id"], story::STUCK);
    assert_eq!(document["units"][1]["verdict"], "failed");
    assert_eq!(document["units"][1]["steps"][0]["failures"][1]["path"], "body.state");
    assert_eq!(document["units"][1]["steps"][0]["observations"].as_array().map(Vec::len), Some(4));
    assert_eq!(document["units"][0]["snapshots"][0]["result"], "matched");
}

#[test]
fn junit_tells_a_failure_from_an_error() {
    let runs = tempfile::tempdir().expect("a folder");
    let mut events = story::events();
    let place = events.iter().position(|e| matches!(e, Event::UnitFinished { .. })).expect("a unit ends");
    if let Event::UnitFinished { verdict, reason, .. } = &mut events[place] {
        (*verdict, *reason) = (Verdict::Inconclusive, Some("no answer came in time".to_owned()));
    }
    let text = report(&story::told(runs.path(), events).dir, format::find("junit").expect("listed"))
        .expect("a report");
    assert!(
        text.contains(
            r#"<testsuite name="drills/quiet-night.yaml" tests="1" skipped="0" errors="1" failures="0""#
        ),
        "{text}"
    );
    assert!(
        text.contains(
            r#"<testsuite name="drills/stuck-scheduling.yaml" tests="1" skipped="0" errors="0" failures="1""#
        ),
        "{text}"
    );
    assert!(text.contains(r#"<error message="no answer came in time" type="inconclusive">"#), "{text}");
    assert!(
        text.contains(r#"<failure message="body.site.zone: expected 4, actual 3" type="failed">"#),
        "{text}"
    );
    assert!(text.contains("rerun: drillyard run drills/stuck-scheduling"), "{text}");
}

#[test]
fn every_other_outcome_is_an_error_of_its_own_type() {
    for (verdict, ty) in [(Verdict::Aborted, "aborted"), (Verdict::Snapshot, "snapshot")] {
        let runs = tempfile::tempdir().expect("a folder");
        let mut events = story::events();
        let place = events.iter().position(|e| matches!(e, Event::UnitFinished { .. })).expect("a unit ends");
        if let Event::UnitFinished { verdict: ended, .. } = &mut events[place] {
            *ended = verdict;
        }
        let dir = story::told(runs.path(), events).dir;
        let text = report(&dir, format::find("junit").expect("listed")).expect("a report");
        assert!(text.contains(&format!(r#"<error message="{ty}" type="{ty}">"#)), "{text}");
    }
}

#[test]
fn an_interrupted_run_and_what_it_left_behind_show_in_every_format() {
    let runs = tempfile::tempdir().expect("a folder");
    let mut events = story::events();
    events.truncate(events.len() - 3);
    events.push(Event::StepStarted {
        unit: story::STUCK.to_owned(),
        phase: Phase::Finally,
        index: 0,
        title: "tidy".to_owned(),
    });
    events.push(Event::StackStopped { residue: vec!["database lane_l2".to_owned()] });
    let dir = story::told(runs.path(), events).dir;
    let junit = report(&dir, format::find("junit").expect("listed")).expect("a report");
    assert!(junit.contains(r#"type="interrupted""#) && junit.contains("database lane_l2"), "{junit}");
    let console = report(&dir, format::find("console").expect("listed")).expect("a report");
    assert!(console.contains("never ended  drills/stuck-scheduling"), "{console}");
    assert!(
        console.contains("left behind: database lane_l2") && console.contains("the run was interrupted"),
        "{console}"
    );
    let github = report(&dir, format::find("github").expect("listed")).expect("a report");
    assert!(github.contains("title=left behind::database lane_l2\n"), "{github}");
    assert!(github.contains("title=interrupted::the run never ended\n"), "{github}");
    let markdown = report(&dir, format::find("markdown").expect("listed")).expect("a report");
    assert!(
        markdown.contains("**The run was interrupted.**") && markdown.contains("database lane\\_l2"),
        "{markdown}"
    );
    assert!(markdown.contains("| interrupted | drills/stuck-scheduling |"), "{markdown}");
    let json = report(&dir, format::find("json").expect("listed")).expect("a report");
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((&json["exit_code"], &json["units"][1]["verdict"]), (&Value::Null, &Value::Null));
    assert_eq!(json["residue"][0], "database lane_l2");
}

#[test]
fn github_annotates_the_lines_that_do_not_hold() {
    let (_runs, dir) = story::bundle();
    let text = report(&dir, format::find("github").expect("listed")).expect("a report");
    assert_eq!(
        text,
        "::error file=drills/stuck-scheduling.yaml,line=21,col=13,title=failed%3A drills/stuck-scheduling::body.site.zone: expected 4, actual 3\n\
         ::error file=drills/stuck-scheduling.yaml,line=21,col=13,title=failed%3A drills/stuck-scheduling::body.state: expected READY_TO_SCHEDULE, actual TRIAGED\n"
    );
}

#[test]
fn github_names_a_unit_that_has_no_failed_line_and_escapes_what_it_says() {
    for (reason, shown) in [(Some("100%\nlost".to_owned()), "100%25%0Alost"), (None, "aborted")] {
        let runs = tempfile::tempdir().expect("a folder");
        let mut events = story::events();
        let place = events.iter().position(|e| matches!(e, Event::UnitFinished { .. })).expect("a unit ends");
        if let Event::UnitFinished { verdict, reason: why, .. } = &mut events[place] {
            (*verdict, *why) = (Verdict::Aborted, reason);
        }
        let dir = story::told(runs.path(), events).dir;
        let text = report(&dir, format::find("github").expect("listed")).expect("a report");
        let line = format!(
            "::error file=drills/quiet-night.yaml,line=1,col=1,title=aborted%3A drills/quiet-night::{shown}\n"
        );
        assert!(text.starts_with(&line), "{text}");
    }
}

#[test]
fn markdown_has_a_row_per_unit_and_each_that_did_not_pass_in_full() {
    let (_runs, dir) = story::bundle();
    let text = report(&dir, format::find("markdown").expect("listed")).expect("a report");
    assert!(
        text.starts_with("# Run 20261122-100000-ab12\n\n1 passed, 1 failed; 4.50 s; exit code 1\n"),
        "{text}"
    );
    assert!(
        text.contains("\n| passed | drills/quiet-night | No alert without a cause | 412 ms |\n"),
        "{text}"
    );
    assert!(text.contains("| A backlog raises STUCK\\_SCHEDULING |"), "{text}");
    assert!(text.contains("\n## drills/stuck-scheduling\n\n```text\n  failed  drills/"), "{text}");
    assert!(!text.contains("## drills/quiet-night"), "{text}");
    assert!(text.ends_with("rerun: drillyard run drills/stuck-scheduling\n```\n"), "{text}");
}
