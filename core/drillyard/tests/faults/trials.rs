//! The tests.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use drillyard_spec::fault::FAULTS;
use libtest_mimic::{Failed, Trial};
use serde_json::Value;

use crate::aborts;
use crate::cases::{AS_BEFORE, CASES, SEEN, biting, holding, idle};
use crate::project::{Project, chain, until};

type Done = Result<(), Failed>;

/// Bound for all lanes to be up with their faults at work, on a machine that others use as well.
const ALL_AT_WORK: Duration = Duration::from_secs(90);
/// Bound for the end of a run that was asked to end.
const ENDS: Duration = Duration::from_secs(60);
/// Bound for the reaper.
const REAPED: Duration = Duration::from_secs(15);

pub fn all() -> Vec<Trial> {
    macro_rules! trials {
        ($($name:ident),* $(,)?) => { vec![$(Trial::test(stringify!($name), || { $name(); Done::Ok(()) })),*] };
    }
    trials![
        every_kind_of_the_catalog_is_tested,
        the_witness_of_every_kind_sees_it_and_all_is_as_before_afterwards,
        a_fault_of_any_kind_that_hits_nothing_proves_nothing,
        nothing_of_any_kind_is_left_after_an_interrupt,
        nothing_of_any_kind_is_left_after_a_termination,
        nothing_of_any_kind_is_left_after_a_kill,
        aborts_at_random_instants_leave_nothing_and_a_readable_journal,
    ]
}

fn every_kind_of_the_catalog_is_tested() {
    let tested: BTreeSet<&str> = CASES.iter().map(|case| case.kind).collect();
    let known: BTreeSet<&str> = FAULTS.iter().map(|info| info.name).collect();
    assert_eq!(tested, known);
}

fn steps(project: &Project) -> Vec<(String, Value)> {
    let records = project.journal().into_iter().map(|line| serde_json::from_str::<Value>(&line).unwrap());
    let events = records.map(|record| record["event"].clone());
    events
        .filter(|event| event["kind"] == "step-finished")
        .map(|event| (event["unit"].as_str().unwrap().to_owned(), event["step"].clone()))
        .collect()
}

fn the_witness_of_every_kind_sees_it_and_all_is_as_before_afterwards() {
    let project = Project::new("bites");
    for case in CASES {
        project.write(&format!("drills/bites-{}.yaml", case.kind), &biting(case));
    }
    let (code, text) = project.run(&["run", "--jobs", "6"]);
    assert_ne!(code, 5, "{text}");
    let steps = steps(&project);
    let mut missing = Vec::new();
    for case in CASES {
        let unit = format!("drills/bites-{}", case.kind);
        let passed = |title: &str| {
            let of_title = |(name, step): &&(String, Value)| *name == unit && step["title"] == title;
            let found = steps.iter().filter(of_title);
            found.filter(|(_, step)| step["verdict"] == "passed").count()
        };
        if passed(SEEN) != 1 || passed(AS_BEFORE) != 4 {
            missing.push(format!(
                "{}: seen {}, as before {} of 4",
                case.kind,
                passed(SEEN),
                passed(AS_BEFORE)
            ));
        }
    }
    assert!(missing.is_empty(), "{missing:#?}\n{text}");
    assert_eq!(project.gone_within(REAPED), Vec::<String>::new());
}

fn a_fault_of_any_kind_that_hits_nothing_proves_nothing() {
    let project = Project::new("idle");
    for case in CASES {
        project.write(&format!("drills/idle-{}.yaml", case.kind), &idle(case));
    }
    let (code, text) = project.run(&["run", "--jobs", "6"]);
    assert_eq!(code, 7, "{text}");
    let finished = project.journal().into_iter().filter_map(|line| {
        let event = serde_json::from_str::<Value>(&line).unwrap()["event"].take();
        (event["kind"] == "unit-finished").then_some(event)
    });
    let wrong: Vec<String> = finished
        .filter(|event| event["verdict"] != "inconclusive")
        .map(|event| format!("{} {} {}", event["unit"], event["verdict"], event["reason"]))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}\n{text}");
    assert_eq!(project.gone_within(REAPED), Vec::<String>::new());
}

fn nothing_of_any_kind_is_left_after_an_interrupt() {
    all_at_work_then("INT", Some(130));
}

fn nothing_of_any_kind_is_left_after_a_termination() {
    all_at_work_then("TERM", Some(130));
}

fn nothing_of_any_kind_is_left_after_a_kill() {
    all_at_work_then("KILL", None);
}

/// Every kind at work at the same time, each in a lane of its own; then the runner gets a signal.
fn all_at_work_then(signal: &str, code: Option<i32>) {
    let project = Project::new(&signal.to_lowercase());
    for case in CASES {
        project.write(&format!("drills/holds-{}.yaml", case.kind), &holding(case));
    }
    let mut run = project.spawn(&["run", "--jobs", &CASES.len().to_string()]);
    let waiting = |line: &String| line.contains("step-started") && line.contains("\"never\"");
    let at_work = || project.journal().iter().filter(|line| waiting(line)).count();
    until("every fault at work", ALL_AT_WORK, || at_work() == CASES.len() || a_unit_is_over(&project));
    assert_eq!(project.open_faults(), CASES.len(), "{}", project.said());
    send(run.id(), signal);
    let ended = run.ended(ENDS);
    assert_eq!(ended, code, "{}", project.said());
    assert_eq!(project.gone_within(REAPED), Vec::<String>::new(), "{}", project.said());
    let lines = project.journal();
    assert_eq!(chain(&lines), Ok(lines.len()));
    assert!(lines.len() > CASES.len());
    // By hand there is nothing left to undo.
    let (code, text) = project.run(&["undo"]);
    assert_eq!(code, 0, "{text}");
}

/// A unit that ended early would be waited for in vain.
fn a_unit_is_over(project: &Project) -> bool {
    let over = project.journal().iter().any(|line| line.contains("unit-finished"));
    assert!(!over, "a unit ended before the runner got its signal\n{}", project.said());
    false
}

pub fn send(pid: u32, signal: &str) {
    let done = Command::new("kill").arg(format!("-{signal}")).arg(pid.to_string()).status().unwrap();
    assert!(done.success());
}

fn aborts_at_random_instants_leave_nothing_and_a_readable_journal() {
    let outcome = aborts::abort_all(6, 20_260_213);
    assert_eq!(outcome.wrong, Vec::<String>::new());
    assert_eq!(outcome.aborted, 6);
    assert!(outcome.with_faults > 0, "no fault was at work at any of the instants: {outcome:?}");
}
