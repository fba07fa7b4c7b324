//! What a run leaves behind.

use std::fs;

use drillyard_engine::event::Event;
use drillyard_report::bundle::{BundleError, BundleWriter};
use drillyard_report::history::History;
use drillyard_report::journal::JournalReader;
use drillyard_report::manifest::Manifest;
use drillyard_report::mask::Masker;
use drillyard_report::record::{Entry, Outcome};
use drillyard_report::verify::{Problem, RecordFault, verify};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::story;

#[test]
fn a_bundle_verifies_and_its_manifest_names_every_file() {
    let (_runs, dir) = story::bundle();
    let verified = verify(&dir).expect("nothing was touched");
    assert!(verified.complete);
    assert_eq!(verified.signed, drillyard_report::verify::Signed::No);
    assert_eq!(verified.to_string(), "16 records, 8 files and 2 verdicts agree; exit code 1; unsigned");
    let manifest = verified.manifest;
    let paths: Vec<&str> = manifest.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "logs/l2/dispatch-api.log",
            "reports/junit.xml",
            "reports/report.html",
            "reports/report.json",
            story::SNAPSHOT,
            "texts/drills/quiet-night.yaml",
            "texts/drills/stuck-scheduling.yaml",
            "texts/ops/compose.yaml",
        ]
    );
    assert_eq!(manifest.exit_code, Some(1));
    assert_eq!(manifest.journal.records, story::events().len() as u64);
    assert_eq!(manifest.facts["commit"], json!("45bc5e8"));
    let verdicts: Vec<(&str, Outcome)> =
        manifest.units.iter().map(|u| (u.unit.as_str(), u.verdict)).collect();
    assert_eq!(verdicts, [(story::QUIET, Outcome::Passed), (story::STUCK, Outcome::Failed)]);
}

/// The ten lines of the format's description, with a JSON parser and SHA-256 and nothing of ours.
#[test]
fn a_stranger_can_check_the_chain_as_the_format_describes_it() {
    let (_runs, dir) = story::bundle();
    let journal = fs::read(dir.join("journal.jsonl")).expect("the journal");
    let (mut prev, mut count) = ("0".repeat(64), 0_u64);
    for line in journal.split_inclusive(|byte| *byte == b'\n') {
        count += 1;
        let record: Value = serde_json::from_slice(line).expect("a record");
        let body = [&line[..line.len() - 78], b"}"].concat();
        let digest: String = Sha256::digest(&body).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(record["sha256"], json!(digest));
        assert_eq!((&record["prev"], &record["seq"]), (&json!(prev), &json!(count)));
        prev = digest;
    }
    let manifest: Value =
        serde_json::from_slice(&fs::read(dir.join("manifest.json")).expect("it")).expect("JSON");
    assert_eq!(manifest["journal"]["records"], json!(count));
    assert_eq!(manifest["journal"]["head"], json!(prev));
}

#[test]
fn numbers_that_canonical_json_would_round_are_kept_as_text() {
    let (_runs, dir) = story::bundle();
    let history = History::read(&dir).expect("it reads back");
    assert_eq!(history.facts["seed"], json!("18446744073709551615"));
}

#[test]
fn an_answer_nested_deeper_than_readers_follow_is_kept_as_text() {
    let deep = (0..127).fold(json!(1), |inner, _| json!([inner]));
    let runs = tempfile::tempdir().expect("a folder");
    let mut events = story::events();
    let mut step = story::passed_step(story::QUIET);
    step.observations[0].answer = Ok(deep.clone());
    events[8] = Event::StepFinished { unit: story::QUIET.to_owned(), step: Box::new(step) };
    let dir = story::told(runs.path(), events).dir;
    verify(&dir).expect("it holds together");
    let history = History::read(&dir).expect("it reads back");
    let mut kept = history.units[0].steps[0].observations[0].answer.clone().expect("an answer");
    while let Value::Array(mut items) = kept {
        kept = items.remove(0);
    }
    let rest: Value = serde_json::from_str(kept.as_str().expect("text")).expect("JSON");
    assert_eq!(rest, (0..27).fold(json!(1), |inner, _| json!([inner])));
}

#[test]
fn what_was_told_reads_back() {
    let (_runs, dir) = story::bundle();
    let history = History::read(&dir).expect("it reads back");
    assert_eq!(history.units.len(), 2);
    assert_eq!(history.units[0].lane.as_deref(), Some("l1"));
    assert_eq!(history.units[1].lane.as_deref(), Some("l2"));
    let step = &history.units[1].steps[0];
    assert_eq!(step.failures.len(), 2);
    assert_eq!(step.observations[0].no_answer.as_deref(), Some("connection refused"));
    assert_eq!(step.observations[3].answer.as_ref().expect("an answer")["body"]["state"], json!("TRIAGED"));
    assert_eq!(step.took_us, 1_100_000);
    assert_eq!(history.units[0].snapshots[0].attachment.as_deref(), Some(story::SNAPSHOT));
}

#[test]
fn latest_points_to_the_newest_bundle() {
    let (runs, dir) = story::bundle();
    let latest = fs::canonicalize(runs.path().join("latest")).expect("the link");
    assert_eq!(latest, fs::canonicalize(dir).expect("the bundle"));
    let second =
        BundleWriter::create(runs.path(), "20261122-110000-cd34", Masker::default()).expect("another");
    let second = second.finish().expect("an empty run is a bundle too").dir;
    let latest = fs::canonicalize(runs.path().join("latest")).expect("the link");
    assert_eq!(latest, fs::canonicalize(second).expect("the bundle"));
}

#[test]
fn an_interrupted_run_reads_up_to_its_last_whole_record() {
    let runs = tempfile::tempdir().expect("a folder");
    let mut bundle = story::begin(runs.path(), Masker::default());
    for stamped in story::stamped(story::events()).into_iter().take(9) {
        bundle.record(&stamped).expect("it is recorded");
    }
    let dir = bundle.dir().to_owned();
    drop(bundle);
    let path = dir.join("journal.jsonl");
    let mut text = fs::read(&path).expect("the journal");
    text.extend(b"{\"at\":\"2026-11-22T10:0");
    fs::write(&path, text).expect("a half line");
    let records: Vec<_> =
        JournalReader::open(&path).expect("it").collect::<Result<_, _>>().expect("whole records");
    assert_eq!(records.len(), 9);
    assert!(matches!(records[8].event, Entry::StepFinished { .. }));
    let history = History::read(&dir).expect("it reads back");
    assert!(history.end.is_none());
    let problems = verify(&dir).expect_err("it has no manifest");
    assert!(problems.contains(&Problem::Missing { file: "manifest.json".to_owned() }), "{problems:?}");
}

#[test]
fn a_run_that_never_said_that_it_ended_is_true_but_not_complete() {
    let runs = tempfile::tempdir().expect("a folder");
    let mut events = story::events();
    events.truncate(events.len() - 2);
    let dir = story::told(runs.path(), events).dir;
    let verified = verify(&dir).expect("it holds together");
    assert!(!verified.complete);
    assert_eq!(verified.manifest.exit_code, None);
}

#[test]
fn every_text_of_a_repeated_snapshot_is_kept() {
    let runs = tempfile::tempdir().expect("a folder");
    let mut events = story::events();
    let again = events[9].clone();
    events.insert(10, again);
    let dir = story::told(runs.path(), events).dir;
    assert!(dir.join(story::SNAPSHOT).is_file());
    assert!(dir.join(format!("{}.2", story::SNAPSHOT)).is_file());
    verify(&dir).expect("it holds together");
}

#[test]
fn attachments_stay_inside_the_bundle_and_off_its_own_files() {
    let runs = tempfile::tempdir().expect("a folder");
    let mut bundle = story::begin(runs.path(), Masker::default());
    for path in
        ["../x", "/etc/x", "a//b", "a/./b", "", "journal.jsonl", "manifest.json", "manifest.dsse.json"]
    {
        let refused = bundle.attach(path, b"x");
        assert!(matches!(refused, Err(BundleError::Path { .. })), "{path}: {refused:?}");
    }
}

#[test]
fn a_bundle_is_never_written_over() {
    let (runs, _dir) = story::bundle();
    assert!(BundleWriter::create(runs.path(), "20261122-100000-ab12", Masker::default()).is_err());
    for name in ["latest", "", ".hidden", "a/b", "a b"] {
        let refused = BundleWriter::create(runs.path(), name, Masker::default());
        assert!(matches!(refused, Err(BundleError::RunId { .. })), "{name}");
    }
}

#[test]
fn the_manifest_is_canonical_json() {
    let (_runs, dir) = story::bundle();
    let text = fs::read_to_string(dir.join("manifest.json")).expect("it");
    let manifest: Manifest = serde_json::from_str(&text).expect("a manifest");
    assert_eq!(serde_json_canonicalizer::to_string(&manifest).expect("canonical"), text);
    assert!(!text.contains('\n'));
}

#[test]
fn the_stack_is_raised_before_the_run_begins_and_nothing_else_is() {
    let runs = tempfile::tempdir().expect("a folder");
    let mut events = story::events();
    events.swap(0, 1);
    verify(&story::told(runs.path(), events).dir).expect("services come first");
    let runs = tempfile::tempdir().expect("a folder");
    let mut events = story::events();
    events.swap(0, 3);
    let problems = verify(&story::told(runs.path(), events).dir).expect_err("a unit cannot");
    assert!(
        matches!(&problems[0], Problem::Record { line: 1, fault: RecordFault::OutOfPlace(_), .. }),
        "{problems:?}"
    );
}
