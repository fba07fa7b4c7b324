//! The page of a run and what else is made from a bundle alone.

use std::time::{Duration, Instant};

use drillyard_engine::event::Event;
use drillyard_engine::verdict::Verdict;
use drillyard_report::compare::compare;
use drillyard_report::format::{find, report};
use drillyard_report::history::History;
use drillyard_report::mask::Masker;
use serde_json::json;

use crate::story;

fn page(dir: &std::path::Path) -> String {
    report(dir, find("html").expect("a format")).expect("a page")
}

#[test]
fn the_page_stands_alone_shows_failures_and_escapes_what_services_say() {
    let runs = tempfile::tempdir().expect("a folder");
    let mut events = story::events();
    for event in &mut events {
        if let Event::StepFinished { step, .. } = event {
            step.title = "<img src=x onerror=alert(1)>".to_owned();
        }
    }
    let dir = story::told(runs.path(), events).dir;
    let page = page(&dir);
    for foreign in ["<img", "http://", "https://", "src=", "<link", "@import", "url("] {
        assert!(!page.replace("&lt;img src=", "").contains(foreign), "the page has `{foreign}`");
    }
    for part in [
        "&lt;img",
        "body.state",
        "READY_TO_SCHEDULE",
        "TRIAGED",
        "1 passed, 1 failed",
        "prefers-color-scheme:dark",
    ] {
        assert!(page.contains(part), "`{part}` is missing");
    }
    let kept = std::fs::read_to_string(dir.join("reports/report.html")).expect("it is in the bundle");
    assert_eq!(kept, page, "the page is a function of the bundle");
}

#[test]
fn ten_thousand_steps_stay_within_five_megabytes() {
    let runs = tempfile::tempdir().expect("a folder");
    let mut bundle = story::begin(runs.path(), Masker::default());
    let mut events = story::events();
    // The story has passed steps of its own, and the page lists ten thousand of them in all.
    let steps = (0..9_990).map(|index| {
        let mut step = story::passed_step(story::QUIET);
        step.index = index;
        step.title = format!("Step {index} of a long run that checks one thing after the other");
        Event::StepFinished { unit: story::QUIET.to_owned(), step: Box::new(step) }
    });
    events.splice(8..8, steps);
    for stamped in story::stamped(events) {
        bundle.record(&stamped).expect("it is recorded");
    }
    let begun = Instant::now();
    let page = page(bundle.dir());
    assert!(page.len() <= 5 << 20, "{} bytes", page.len());
    // The aim is a second in a release build, which `cargo xtask bench harness` measures; this bound only finds a cost
    // that grows with the square, also on a busy machine.
    assert!(begun.elapsed() < Duration::from_secs(180), "{:?}", begun.elapsed());
    assert!(page.matches("a long run").count() >= 9_990, "steps are missing");
}

#[test]
fn a_comparison_sees_verdicts_and_answers_and_not_identities_or_times() {
    let (a, b) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let old = story::told(a.path(), story::events()).dir;
    let mut events = story::events();
    for event in &mut events {
        if let Event::StepFinished { unit, step } = event {
            if unit == story::STUCK {
                let answer = json!({ "status": 200, "body": {
                    "id": "0191d0b0-0000-7000-8000-00000000000f", "state": "TRIAGED",
                    "site": { "name": "North gate", "zone": 3 }, "version": 2 } });
                step.observations.last_mut().expect("one").answer = Ok(answer);
            } else {
                step.observations[0].answer = Ok(json!({ "status": 200, "body": { "alerts": ["NEW_ONE"] } }));
                step.verdict = Verdict::Failed;
            }
        }
        if let Event::UnitFinished { unit, verdict, .. } = event
            && unit == story::QUIET
        {
            *verdict = Verdict::Failed;
        }
    }
    let new = story::told(b.path(), events).dir;
    let read = |dir: &std::path::Path| History::read(dir).expect("a run");
    let same = compare(&read(&old), &read(&old));
    assert_eq!((same.verdicts, same.answers), (0, 0), "{}", same.text);
    let other = compare(&read(&old), &read(&new));
    assert_eq!((other.verdicts, other.answers), (2, 1), "{}", other.text);
    assert!(other.text.contains("NEW_ONE"), "{}", other.text);
}
