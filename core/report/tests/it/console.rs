//! What a person sees.

use std::time::Duration;

use drillyard_engine::event::{Event, ServiceState, SnapshotResult};
use drillyard_engine::verdict::Verdict;
use drillyard_report::format::console::{Console, Look};
use drillyard_report::format::{self, report};
use drillyard_report::mask::Masker;

use crate::story;

fn shown(events: Vec<Event>, look: Look) -> String {
    let mut out = Vec::new();
    let mut console = Console::new(&mut out, look, Masker::default());
    for stamped in story::stamped(events) {
        console.event(&stamped).expect("it writes");
    }
    String::from_utf8(out).expect("text")
}

const WHOLE_RUN: &str = r##"stack ready in 2.15 s
1/2  passed        drills/quiet-night  No alert without a cause  412 ms
2/2  failed        drills/stuck-scheduling  A backlog raises STUCK_SCHEDULING  1.20 s

  failed  drills/stuck-scheduling.yaml:19:5  steps 2: triage makes the ticket ready to schedule
    covers Remediation/1
    did {"tool":{"call":"ticket.triage","ticket_id":"0191d0b0-0000-7000-8000-000000000001"}}
    drills/stuck-scheduling.yaml:21:13
      21 |     expect: { status: 200, body: { id: "#uuid", state: READY_TO_SCHEDULE, site: { zone: 4, "...": any }, "...": any } }
      body.site.zone
        expected  4
        actual    3
      body.state
        expected  READY_TO_SCHEDULE
        actual    TRIAGED
    body, expected against actual
      --- expected
      +++ actual
      @@ -1,4 +1,4 @@
       id: 0191d0b0-0000-7000-8000-000000000001
      -state: READY_TO_SCHEDULE
      +state: TRIAGED
       site:
      -  zone: 4
      +  zone: 3
    observed, the last 3 of 7 attempts
      5  10:00:00.500  12 ms  {"status":200,"body":{"id":"0191d0b0-0000-7000-8000-000000000001","state":"NEW","site":{"name":"North gate","zone":3},"version":2}}
      6  10:00:00.600  12 ms  no answer: connection refused
      7  10:00:00.700  12 ms  {"status":200,"body":{"id":"0191d0b0-0000-7000-8000-000000000001","state":"TRIAGED","site":{"name":"North gate","zone":3},"version":2}}
    service log during the step
      dispatch-api  WARN triage without a workflow outcome

  rerun: drillyard run drills/stuck-scheduling


1 passed, 1 failed; 2 of 2 units in 4.50 s; exit code 1
"##;

#[test]
fn a_failure_is_shown_in_full() {
    assert_eq!(shown(story::events(), Look::default()), WHOLE_RUN);
}

#[test]
fn a_bundle_shows_the_same_again() {
    let (_runs, dir) = story::bundle();
    let replayed = report(&dir, format::find("console").expect("listed")).expect("a report");
    // How long the stack took is the one line that belongs to no unit; members come back in canonical order.
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text
            .lines()
            .filter(|line| !line.starts_with("stack ready") && !line.contains("12 ms  {"))
            .map(str::to_owned)
            .collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&replayed), sorted(WHOLE_RUN));
}

#[test]
fn plain_text_has_no_escape_and_colour_only_comes_when_told() {
    assert!(!shown(story::events(), Look::default()).contains(['\x1b', '\r']));
    let colored = shown(story::events(), Look { color: true, terminal: false });
    assert!(colored.contains("\x1b[32mpassed"), "{colored}");
    assert!(!colored.contains('\r'));
}

#[test]
fn a_terminal_shows_progress_and_wipes_it_before_every_line() {
    let text = shown(story::events(), Look { color: false, terminal: true });
    assert!(text.contains("0/2 done, running drills/quiet-night, drills/stuck-scheduling"), "{text}");
    let second = text
        .split("\r\x1b[2K")
        .find(|part| part.starts_with("1/2 done, "))
        .expect("a second line of progress");
    assert!(
        second.contains("about ") && second.contains(" left, running drills/stuck-scheduling"),
        "{second}"
    );
    let last = text.rsplit("\r\x1b[2K").next().expect("text");
    assert!(!last.contains(", running drills"), "{last}");
    for line in text.lines().filter(|line| line.contains(", running drills")) {
        assert!(line.contains("\r\x1b[2K"), "a line was written behind progress: {line}");
    }
}

#[test]
fn a_snapshot_to_review_shows_its_diff_and_the_way_to_review_it() {
    let mut events = story::events();
    let place = events.iter().position(|e| matches!(e, Event::Snapshot { .. })).expect("a snapshot");
    if let Event::Snapshot { result, .. } = &mut events[place] {
        *result = SnapshotResult::Different(
            "--- accepted\n+++ new\n@@ -1 +1 @@\n-alerts: [x]\n+alerts: []\n".to_owned(),
        );
    }
    if let Event::UnitFinished { verdict, .. } = &mut events[place + 1] {
        *verdict = Verdict::Snapshot;
    }
    let mut step = story::passed_step(story::QUIET);
    step.verdict = Verdict::Snapshot;
    step.log_window.push("dispatch-api  INFO nothing of interest".to_owned());
    events.insert(place, Event::StepFinished { unit: story::QUIET.to_owned(), step: Box::new(step) });
    let text = shown(events, Look::default());
    assert!(
        text.contains(
            "snapshots/drills/quiet-night/alerts.snap differs from what was accepted\n    --- accepted"
        ),
        "{text}"
    );
    assert!(text.contains("    +alerts: []\n    review: drillyard review\n"), "{text}");
    let unit = text.split("2/2").next().expect("the first unit");
    assert!(
        unit.contains("nobody is woken") && !unit.contains("observed") && !unit.contains("INFO"),
        "{unit}"
    );
}

#[test]
fn a_service_that_dies_and_a_unit_that_was_aborted_say_why() {
    let mut events = story::events();
    let place = events.iter().position(|e| matches!(e, Event::UnitFinished { .. })).expect("a unit ends");
    if let Event::UnitFinished { verdict, reason, kept, .. } = &mut events[place] {
        (*verdict, *reason) = (Verdict::Aborted, Some("dispatch-api died\nexit code 101".to_owned()));
        kept.push("postgres://127.0.0.1:5599/lane_l1".to_owned());
    }
    events.insert(
        place,
        Event::Service {
            service: "dispatch-api".to_owned(),
            lane: Some("l1".to_owned()),
            state: ServiceState::Died,
            pid: None,
            detail: "exit code 101".to_owned(),
            took: Duration::from_secs(1),
        },
    );
    let text = shown(events, Look::default());
    assert!(
        text.contains("dispatch-api (lane l1) died: exit code 101\n1/2  aborted       drills/quiet-night"),
        "{text}"
    );
    assert!(
        text.contains(
            "\n\n  dispatch-api died\n  exit code 101\n\n  kept: postgres://127.0.0.1:5599/lane_l1\n  rerun: "
        ),
        "{text}"
    );
}

#[test]
fn units_that_never_ran_are_counted() {
    let mut events = story::events();
    if let Event::RunStarted { units, .. } = &mut events[0] {
        *units = 5;
    }
    assert!(shown(events, Look::default()).contains("1 passed, 1 failed; 2 of 5 units in 4.50 s"));
}

#[test]
fn what_a_service_says_cannot_move_the_cursor() {
    let mut events = story::events();
    let place = events.iter().position(|e| matches!(e, Event::UnitFinished { .. })).expect("a unit ends");
    if let Event::UnitFinished { verdict, reason, .. } = &mut events[place] {
        (*verdict, *reason) = (Verdict::Aborted, Some("said \x1b[2J and\r left".to_owned()));
    }
    let mut step = story::failed_step();
    step.log_window.push("\x1b]0;title\x07".to_owned());
    step.failures[0].actual = "\x1b[31m".to_owned();
    events.insert(place, Event::StepFinished { unit: story::QUIET.to_owned(), step: Box::new(step) });
    let text = shown(events, Look::default());
    assert!(!text.contains(['\x1b', '\r', '\x07']), "{text:?}");
}
