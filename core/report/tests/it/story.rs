//! The run that the tests tell.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use drillyard_engine::event::{
    Counts, Event, Observation, Phase, ServiceState, SnapshotResult, Stamped, StepReport, Unit, UnitKind,
};
use drillyard_engine::verdict::{Failure, Verdict};
use drillyard_report::bundle::{BundleWriter, Finished};
use drillyard_report::mask::Masker;
use drillyard_spec::source::Place;
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub const QUIET: &str = "drills/quiet-night";
pub const STUCK: &str = "drills/stuck-scheduling";
pub const QUIET_TEXT: &str = "drill: quiet-night\ntitle: No alert without a cause\n";
pub const STUCK_TEXT: &str = "drill: stuck-scheduling\ntitle: A backlog raises STUCK_SCHEDULING\n";
pub const SNAPSHOT: &str = "snapshots/drills/quiet-night/alerts.snap";
pub const TOKEN: &str = "eyJhbGciOi.secret.token";

pub fn place(file: &str, line: usize, column: usize) -> Place {
    Place { file: file.into(), line, column }
}

/// `ms` milliseconds after ten o'clock.
pub fn at(ms: i64) -> Timestamp {
    let ten: Timestamp = "2026-11-22T10:00:00Z".parse().expect("a time");
    ten + jiff::SignedDuration::from_millis(ms)
}

pub fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unit(id: &str, title: &str, text: &str) -> Unit {
    Unit {
        id: id.to_owned(),
        kind: UnitKind::Drill,
        title: title.to_owned(),
        place: place(&format!("{id}.yaml"), 1, 1),
        tags: vec!["on-call".to_owned()],
        text_sha256: sha256(text),
        rerun: format!("drillyard run {id}"),
    }
}

fn answer(attempt: u32, ms: i64, answer: Result<Value, String>) -> Observation {
    Observation { attempt, at: at(ms), took: Duration::from_millis(12), answer }
}

pub fn passed_step(id: &str) -> StepReport {
    StepReport {
        index: 0,
        phase: Phase::Steps,
        title: "nobody is woken".to_owned(),
        place: place(&format!("{id}.yaml"), 6, 5),
        covers: None,
        action: json!({ "alerts": { "on": "dispatch-api/ops/alerts" } }),
        expected: BTreeMap::from([("status".to_owned(), json!(200))]),
        observations: vec![answer(1, 20, Ok(json!({ "status": 200, "body": { "alerts": [] } })))],
        attempts: 1,
        verdict: Verdict::Passed,
        failures: Vec::new(),
        log_window: Vec::new(),
        took: Duration::from_millis(14),
    }
}

pub fn failed_step() -> StepReport {
    let file = "drills/stuck-scheduling.yaml";
    let body = |state: &str| {
        json!({ "status": 200, "body": {
            "id": "0191d0b0-0000-7000-8000-000000000001", "state": state,
            "site": { "name": "North gate", "zone": 3 }, "version": 2 } })
    };
    let line = "    expect: { status: 200, body: { id: \"#uuid\", state: READY_TO_SCHEDULE, site: { zone: 4, \"...\": any }, \"...\": any } }";
    let failure = |path: &str, expected: &str, actual: &str| Failure {
        path: path.to_owned(),
        expected: expected.to_owned(),
        actual: actual.to_owned(),
        place: place(file, 21, 13),
        line: line.to_owned(),
    };
    StepReport {
        index: 1,
        phase: Phase::Steps,
        title: "triage makes the ticket ready to schedule".to_owned(),
        place: place(file, 19, 5),
        covers: Some("Remediation/1".to_owned()),
        action: json!({ "tool": { "call": "ticket.triage", "ticket_id": "0191d0b0-0000-7000-8000-000000000001" } }),
        expected: BTreeMap::from([
            (
                "body".to_owned(),
                json!({ "id": "#uuid", "state": "READY_TO_SCHEDULE", "site": { "zone": 4, "...": "any" }, "...": "any" }),
            ),
            ("status".to_owned(), json!(200)),
        ]),
        observations: vec![
            answer(1, 100, Err("connection refused".to_owned())),
            answer(5, 500, Ok(body("NEW"))),
            answer(6, 600, Err("connection refused".to_owned())),
            answer(7, 700, Ok(body("TRIAGED"))),
        ],
        attempts: 7,
        verdict: Verdict::Failed,
        failures: vec![
            failure("body.site.zone", "4", "3"),
            failure("body.state", "READY_TO_SCHEDULE", "TRIAGED"),
        ],
        log_window: vec!["dispatch-api  WARN triage without a workflow outcome".to_owned()],
        took: Duration::from_millis(1_100),
    }
}

fn start_of_run() -> Vec<Event> {
    let facts = BTreeMap::from([
        ("backend".to_owned(), json!("process")),
        ("commit".to_owned(), json!("45bc5e8")),
        ("seed".to_owned(), json!(18_446_744_073_709_551_615_u64)),
    ]);
    vec![
        Event::RunStarted { run_id: "20261122-100000-ab12".to_owned(), facts, units: 2 },
        Event::StackReady { took: Duration::from_millis(2_150) },
        Event::LaneReady { unit: QUIET.to_owned(), lane: "l1".to_owned(), took: Duration::from_millis(80) },
        Event::UnitStarted(unit(QUIET, "No alert without a cause", QUIET_TEXT)),
        Event::UnitStarted(unit(STUCK, "A backlog raises STUCK_SCHEDULING", STUCK_TEXT)),
        Event::LaneReady { unit: STUCK.to_owned(), lane: "l2".to_owned(), took: Duration::from_millis(90) },
        Event::Service {
            service: "dispatch-api".to_owned(),
            lane: Some("l2".to_owned()),
            state: ServiceState::Ready,
            pid: Some(4711),
            detail: "http://127.0.0.1:41999".to_owned(),
            took: Duration::from_millis(300),
        },
    ]
}

/// The whole run, in order.
pub fn events() -> Vec<Event> {
    let started = |unit: &str, index: usize, title: &str| Event::StepStarted {
        unit: unit.to_owned(),
        phase: Phase::Steps,
        index,
        title: title.to_owned(),
    };
    let finished =
        |unit: &str, step: StepReport| Event::StepFinished { unit: unit.to_owned(), step: Box::new(step) };
    let ended = |unit: &str, verdict, took| Event::UnitFinished {
        unit: unit.to_owned(),
        verdict,
        reason: None,
        took: Duration::from_millis(took),
        kept: Vec::new(),
    };
    let mut events = start_of_run();
    events.extend([
        started(QUIET, 0, "nobody is woken"),
        finished(QUIET, passed_step(QUIET)),
        Event::Snapshot {
            unit: QUIET.to_owned(),
            file: SNAPSHOT.to_owned(),
            text: "alerts: []\n".to_owned(),
            result: SnapshotResult::Matched,
        },
        ended(QUIET, Verdict::Passed, 412),
        started(STUCK, 1, "triage makes the ticket ready to schedule"),
        finished(STUCK, failed_step()),
        ended(STUCK, Verdict::Failed, 1_204),
        Event::StackStopped { residue: Vec::new() },
        Event::RunFinished {
            counts: Counts { passed: 1, failed: 1, ..Counts::default() },
            exit_code: 1,
            summary: "1 passed, 1 failed".to_owned(),
            took: Duration::from_millis(4_500),
        },
    ]);
    events
}

/// Events with moments 10 ms apart.
pub fn stamped(events: Vec<Event>) -> Vec<Stamped> {
    (0..).zip(events).map(|(n, event)| Stamped { at: at(n * 10), event }).collect()
}

pub fn begin(runs: &Path, masker: Masker) -> BundleWriter {
    BundleWriter::create(runs, "20261122-100000-ab12", masker).expect("the bundle begins")
}

/// Tells `events` into a bundle below `runs` and closes it.
pub fn told(runs: &Path, events: Vec<Event>) -> Finished {
    let mut bundle = begin(runs, Masker::default());
    for stamped in stamped(events) {
        bundle.record(&stamped).expect("it is recorded");
    }
    bundle.attach("texts/drills/quiet-night.yaml", QUIET_TEXT.as_bytes()).expect("a text");
    bundle.attach("texts/drills/stuck-scheduling.yaml", STUCK_TEXT.as_bytes()).expect("a text");
    bundle.attach("texts/ops/compose.yaml", b"services: {}\n").expect("the topology");
    bundle.attach("logs/l2/dispatch-api.log", b"listening\n").expect("a log");
    bundle.finish().expect("the bundle is complete")
}

/// A temporary folder with the bundle of the whole run.
pub fn bundle() -> (tempfile::TempDir, PathBuf) {
    let runs = tempfile::tempdir().expect("a folder");
    let dir = told(runs.path(), events()).dir;
    (runs, dir)
}
