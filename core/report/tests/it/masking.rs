//! Secret values never reach a bundle or the console.

use std::fs;

use drillyard_engine::event::{Event, Stamped};
use drillyard_report::bundle::BundleError;
use drillyard_report::format::console::{Console, Look};
use drillyard_report::mask::{MaskError, Masker};
use drillyard_report::verify::verify;
use serde_json::json;

use crate::story::{self, TOKEN};

fn leaking_events() -> Vec<Stamped> {
    let mut step = story::failed_step();
    step.action = json!({ "http": { "headers": { "authorization": format!("Bearer {TOKEN}") } } });
    step.log_window.push(format!("dispatch-api  token={TOKEN}"));
    let mut events = story::events();
    let place = events.len() - 4;
    events[place] = Event::StepFinished { unit: story::STUCK.to_owned(), step: Box::new(step) };
    if let Event::Snapshot { text, .. } = &mut events[9] {
        text.push_str(TOKEN);
    }
    story::stamped(events)
}

#[test]
fn a_known_value_is_replaced_everywhere_and_the_bundle_still_verifies() {
    let runs = tempfile::tempdir().expect("a folder");
    let log = runs.path().join("api.log");
    fs::write(&log, format!("start\n{TOKEN}\nurl ?t=p%40ss%20word\nend without a line feed {TOKEN}"))
        .expect("a log");
    let masker = Masker::new([("TOKEN", TOKEN), ("PASSWORD", "p@ss word")]).expect("long enough");
    let mut bundle = story::begin(runs.path(), masker);
    for stamped in leaking_events() {
        bundle.record(&stamped).expect("it is recorded");
    }
    bundle
        .attach("texts/drills/quiet-night.yaml", format!("{}{TOKEN}", story::QUIET_TEXT).as_bytes())
        .expect("a text");
    bundle.attach_file("logs/api.log", &log).expect("a log");
    let finished = bundle.finish().expect("no secret is left");
    for file in [
        "journal.jsonl",
        "logs/api.log",
        "texts/drills/quiet-night.yaml",
        story::SNAPSHOT,
        "reports/report.json",
    ] {
        let text = fs::read_to_string(finished.dir.join(file)).expect("a file");
        assert!(!text.contains(TOKEN), "{file}");
        assert!(text.contains("***TOKEN***"), "{file}");
    }
    let log = fs::read_to_string(finished.dir.join("logs/api.log")).expect("the log");
    assert_eq!(log, "start\n***TOKEN***\nurl ?t=***PASSWORD***\nend without a line feed ***TOKEN***");
    let masked: Vec<_> =
        finished.manifest.files.iter().filter(|f| f.masked).map(|f| f.path.as_str()).collect();
    assert_eq!(masked, ["logs/api.log", story::SNAPSHOT, "texts/drills/quiet-night.yaml"]);
    verify(&finished.dir).expect("masking is no tampering");
}

#[test]
fn a_value_that_became_known_too_late_fails_the_run_and_leaves_no_manifest() {
    let runs = tempfile::tempdir().expect("a folder");
    let masker = Masker::default();
    let mut bundle = story::begin(runs.path(), masker.clone());
    for stamped in leaking_events() {
        bundle.record(&stamped).expect("it is recorded");
    }
    // A service wrote into the folder by itself, with the value across two of the pieces the scan reads.
    let padding = "x".repeat(64 * 1024 - 10);
    fs::create_dir_all(bundle.dir().join("logs")).expect("a folder");
    fs::write(bundle.dir().join("logs/raw.log"), format!("{padding}{TOKEN}")).expect("a log");
    let dir = bundle.dir().to_owned();
    masker.add("TOKEN", TOKEN).expect("long enough");
    let Err(BundleError::Secret { found }) = bundle.finish() else { panic!("the secret was overlooked") };
    assert!(found.contains(&"journal.jsonl (***TOKEN***)".to_owned()), "{found:?}");
    assert!(found.contains(&"logs/raw.log (***TOKEN***)".to_owned()), "{found:?}");
    assert!(!found.iter().any(|file| file.contains(TOKEN)));
    assert!(!dir.join("manifest.json").exists());
    assert!(!runs.path().join("latest").exists());
}

#[test]
fn the_longest_value_wins_and_escaped_spellings_are_found() {
    let masker = Masker::new([("A", "password"), ("B", "password-two"), ("C", "line\none\"two")])
        .expect("long enough");
    assert_eq!(masker.text("password-two password"), "***B*** ***A***");
    assert_eq!(masker.text(r#"{"x":"line\none\"two"}"#), r#"{"x":"***C***"}"#);
    assert_eq!(
        masker.value(json!({ "password": ["line\none\"two", 1] })),
        json!({ "***A***": ["***C***", 1] })
    );
    assert_eq!(masker.text("nothing to see"), "nothing to see");
}

#[test]
fn a_value_too_short_to_hide_is_refused_by_name_only() {
    let Err(refused) = Masker::new([("PIN", "1234")]) else { panic!("it was taken") };
    assert!(matches!(&refused, MaskError::TooShort { name } if name == "PIN"));
    assert!(!refused.to_string().contains("1234"));
}

#[test]
fn the_console_masks_too() {
    let mut out = Vec::new();
    let masker = Masker::default();
    let mut console = Console::new(&mut out, Look::default(), masker.clone());
    masker.add("TOKEN", TOKEN).expect("long enough");
    for stamped in leaking_events() {
        console.event(&stamped).expect("it writes");
    }
    let text = String::from_utf8(out).expect("text");
    assert!(!text.contains(TOKEN), "{text}");
    assert!(text.contains("Bearer ***TOKEN***"), "{text}");
}
