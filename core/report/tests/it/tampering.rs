//! Every kind of change to a real bundle is found, and the first bad record is named.

use std::fs;
use std::path::Path;

use drillyard_report::manifest::Manifest;
use drillyard_report::record::Outcome;
use drillyard_report::verify::{Problem, RecordFault, verify};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::story;

fn lines(dir: &Path) -> Vec<String> {
    let text = fs::read_to_string(dir.join("journal.jsonl")).expect("the journal");
    text.lines().map(str::to_owned).collect()
}

fn write_lines(dir: &Path, lines: &[String]) {
    fs::write(dir.join("journal.jsonl"), format!("{}\n", lines.join("\n"))).expect("it writes");
}

/// Gives a record the digest that fits it, as someone who knows the format would.
fn reseal(record: &mut Value) -> String {
    record.as_object_mut().expect("a record").remove("sha256");
    let body = serde_json_canonicalizer::to_string(record).expect("canonical");
    record["sha256"] = json!(sha256(body.as_bytes()));
    serde_json_canonicalizer::to_string(record).expect("canonical")
}

/// Gives every record from the first on its number, predecessor and digest.
fn rechain(lines: &mut [String]) -> String {
    let mut prev = "0".repeat(64);
    for (seq, line) in (1..).zip(lines.iter_mut()) {
        let mut record: Value = serde_json::from_str(line).expect("a record");
        (record["prev"], record["seq"]) = (json!(prev), json!(seq));
        *line = reseal(&mut record);
        prev = record["sha256"].as_str().expect("a digest").to_owned();
    }
    prev
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn edit_manifest(dir: &Path, edit: impl FnOnce(&mut Manifest)) {
    let path = dir.join("manifest.json");
    let mut manifest = serde_json::from_slice(&fs::read(&path).expect("it")).expect("a manifest");
    edit(&mut manifest);
    fs::write(path, serde_json_canonicalizer::to_vec(&manifest).expect("canonical")).expect("it writes");
}

fn problems(dir: &Path) -> Vec<Problem> {
    verify(dir).expect_err("it was tampered with")
}

/// The first bad record: line, number and fault.
fn bad_record(dir: &Path) -> (u64, Option<u64>, RecordFault) {
    let problems = problems(dir);
    let bad: Vec<_> = problems
        .iter()
        .filter_map(|problem| match problem {
            Problem::Record { line, seq, fault } => Some((*line, *seq, fault.clone())),
            _ => None,
        })
        .collect();
    assert_eq!(bad.len(), 1, "{problems:?}");
    bad[0].clone()
}

#[test]
fn any_flipped_bit_of_the_journal_is_found_in_its_line() {
    let (_runs, dir) = story::bundle();
    let path = dir.join("journal.jsonl");
    let whole = fs::read(&path).expect("the journal");
    // Every 97th byte: all kinds of places without a run of many minutes.
    for place in (0..whole.len()).step_by(97) {
        let mut bytes = whole.clone();
        bytes[place] ^= 1;
        fs::write(&path, &bytes).expect("it writes");
        let line = 1 + whole[..place].iter().filter(|byte| **byte == b'\n').count() as u64;
        assert_eq!(bad_record(&dir).0, line, "byte {place}");
    }
}

#[test]
fn an_altered_record_is_named_even_when_it_is_still_a_record() {
    let (_runs, dir) = story::bundle();
    let mut lines = lines(&dir);
    lines[11] = lines[11].replace("\"verdict\":\"passed\"", "\"verdict\":\"failed\"");
    let last = lines.len() - 1;
    lines[last] = lines[last].replace("\"exit_code\":1", "\"exit_code\":0");
    write_lines(&dir, &lines);
    assert_eq!(bad_record(&dir), (last as u64 + 1, Some(last as u64 + 1), RecordFault::Altered));
}

#[test]
fn a_replaced_record_with_a_fitting_digest_breaks_the_chain() {
    let (_runs, dir) = story::bundle();
    let mut lines = lines(&dir);
    let mut record: Value = serde_json::from_str(&lines[4]).expect("a record");
    record["event"]["title"] = json!("Another title");
    lines[4] = reseal(&mut record);
    write_lines(&dir, &lines);
    assert_eq!(bad_record(&dir), (6, Some(6), RecordFault::NotChained));
}

#[test]
fn a_deleted_record_is_named_by_the_one_that_stands_in_its_place() {
    let (_runs, dir) = story::bundle();
    let mut lines = lines(&dir);
    lines.remove(6);
    write_lines(&dir, &lines);
    assert_eq!(bad_record(&dir), (7, Some(8), RecordFault::OutOfOrder { expected: 7 }));
}

#[test]
fn reordered_records_are_named_where_the_order_breaks() {
    let (_runs, dir) = story::bundle();
    let mut lines = lines(&dir);
    lines.swap(2, 5);
    write_lines(&dir, &lines);
    assert_eq!(bad_record(&dir), (3, Some(6), RecordFault::OutOfOrder { expected: 3 }));
}

#[test]
fn an_added_record_is_named() {
    let (_runs, dir) = story::bundle();
    let mut copied = lines(&dir);
    copied.insert(5, copied[4].clone());
    write_lines(&dir, &copied);
    assert_eq!(bad_record(&dir), (6, Some(5), RecordFault::OutOfOrder { expected: 6 }));
}

#[test]
fn a_record_added_at_the_end_is_found_whatever_it_says() {
    let (_runs, dir) = story::bundle();
    let mut lines = lines(&dir);
    let last: Value = serde_json::from_str(&lines[lines.len() - 1]).expect("a record");
    let seq = lines.len() as u64 + 1;
    let mut added = json!({ "at": last["at"], "event": { "kind": "stack-stopped", "residue": [] }, "prev": last["sha256"], "seq": seq });
    lines.push(reseal(&mut added));
    write_lines(&dir, &lines);
    let (line, number, fault) = bad_record(&dir);
    assert_eq!((line, number), (seq, Some(seq)));
    assert!(matches!(fault, RecordFault::OutOfPlace(_)), "{fault:?}");
}

#[test]
fn a_truncated_tail_is_found_at_a_record_and_inside_one() {
    let (_runs, dir) = story::bundle();
    let mut lines = lines(&dir);
    let all = lines.len() as u64;
    lines.truncate(lines.len() - 2);
    write_lines(&dir, &lines);
    let found = problems(&dir);
    assert!(found.contains(&Problem::RecordCount { manifest: all, journal: all - 2 }), "{found:?}");

    let text = fs::read(dir.join("journal.jsonl")).expect("the journal");
    fs::write(dir.join("journal.jsonl"), &text[..text.len() - 9]).expect("it writes");
    assert_eq!(bad_record(&dir), (all - 2, None, RecordFault::Unfinished));
}

#[test]
fn a_journal_with_a_repaired_chain_does_not_have_the_head_of_the_manifest() {
    let (_runs, dir) = story::bundle();
    let mut lines = lines(&dir);
    lines[4] = lines[4].replace("A backlog raises", "A backlog never raises");
    let head = rechain(&mut lines);
    write_lines(&dir, &lines);
    let found = problems(&dir);
    assert!(
        found.iter().any(|p| matches!(p, Problem::Head { journal, .. } if *journal == head)),
        "{found:?}"
    );
    assert!(
        found.iter().any(|p| matches!(p, Problem::Altered { file, .. } if file == "journal.jsonl")),
        "{found:?}"
    );
}

#[test]
fn a_line_in_another_form_is_refused_though_its_digest_holds() {
    let forms: [(&str, &str); 4] = [
        ("{\"at\"", "{ \"at\""),
        ("\"seq\":1", "\"seq\":01"),
        ("\"seq\":1", "\"seq\": 1"),
        ("{\"at\":", "{\"a\":1,\"at\":"),
    ];
    for (from, to) in forms {
        let (_runs, dir) = story::bundle();
        let mut lines = lines(&dir);
        let body = lines[0][..lines[0].len() - 77].replacen(from, to, 1);
        lines[0] = format!("{body},\"sha256\":\"{}\"}}", sha256(format!("{body}}}").as_bytes()));
        write_lines(&dir, &lines);
        let (line, seq, fault) = bad_record(&dir);
        assert_eq!((line, seq), (1, None), "{to}");
        assert!(matches!(fault, RecordFault::NotARecord(_)), "{fault:?}");
    }
}

#[test]
fn an_event_of_no_known_kind_is_no_record() {
    let (_runs, dir) = story::bundle();
    for event in [
        "{\"kind\":\"waved-through\"}",
        "{\"kind\":\"step-finished\",\"unit\":\"a\"}",
        "{}",
        "[]",
        "{\"kind\":\"stack-ready\"",
        "1}",
    ] {
        let mut lines = lines(&dir);
        let body = format!(
            "{{\"at\":\"2026-11-22T10:00:00Z\",\"event\":{event},\"prev\":\"{}\",\"seq\":1",
            "0".repeat(64)
        );
        lines[0] = format!("{body},\"sha256\":\"{}\"}}", sha256(format!("{body}}}").as_bytes()));
        write_lines(&dir, &lines);
        let (line, seq, fault) = bad_record(&dir);
        assert_eq!((line, seq), (1, Some(1)), "{event}");
        assert!(matches!(fault, RecordFault::NotARecord(_)), "{event}: {fault:?}");
    }
}

#[test]
fn missing_extra_and_altered_files_are_each_named() {
    let (_runs, dir) = story::bundle();
    fs::remove_file(dir.join("texts/ops/compose.yaml")).expect("it goes");
    fs::write(dir.join("logs/other.log"), "x").expect("it comes");
    fs::write(dir.join("logs/l2/dispatch-api.log"), "Listening\n").expect("it changes");
    let found = problems(&dir);
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found.contains(&Problem::Missing { file: "texts/ops/compose.yaml".to_owned() }));
    assert!(found.contains(&Problem::Extra { file: "logs/other.log".to_owned() }));
    assert!(
        found
            .iter()
            .any(|p| matches!(p, Problem::Altered { file, .. } if file == "logs/l2/dispatch-api.log"))
    );
}

#[test]
fn a_missing_journal_and_a_missing_manifest_are_named() {
    let (_runs, dir) = story::bundle();
    fs::remove_file(dir.join("journal.jsonl")).expect("it goes");
    assert_eq!(problems(&dir)[0], Problem::Missing { file: "journal.jsonl".to_owned() });
    fs::remove_file(dir.join("manifest.json")).expect("it goes");
    assert_eq!(problems(&dir)[0], Problem::Missing { file: "manifest.json".to_owned() });
}

#[test]
fn swapped_attachments_are_found_even_with_a_fitting_manifest() {
    let (_runs, dir) = story::bundle();
    let (a, b) = ("texts/drills/quiet-night.yaml", "texts/drills/stuck-scheduling.yaml");
    let (text_a, text_b) = (fs::read(dir.join(a)).expect("a text"), fs::read(dir.join(b)).expect("a text"));
    fs::write(dir.join(a), text_b).expect("it writes");
    fs::write(dir.join(b), text_a).expect("it writes");
    assert_eq!(problems(&dir).len(), 2);
    edit_manifest(&dir, |manifest| {
        let place = |path| manifest.files.iter().position(|file| file.path == path).expect("it is listed");
        let (a, b) = (place(a), place(b));
        let (first, second) = (manifest.files[a].clone(), manifest.files[b].clone());
        (manifest.files[a].sha256, manifest.files[a].size) = (second.sha256, second.size);
        (manifest.files[b].sha256, manifest.files[b].size) = (first.sha256, first.size);
    });
    let found = problems(&dir);
    assert!(
        found.iter().all(|p| matches!(p, Problem::Altered { file, .. } if [a, b].contains(&file.as_str()))),
        "{found:?}"
    );
    assert_eq!(found.len(), 2);
}

#[test]
fn a_link_in_a_bundle_is_refused() {
    let (_runs, dir) = story::bundle();
    fs::remove_file(dir.join("texts/ops/compose.yaml")).expect("it goes");
    std::os::unix::fs::symlink("/etc/hostname", dir.join("texts/ops/compose.yaml")).expect("a link");
    assert!(problems(&dir).iter().any(|p| matches!(p, Problem::Unreadable { .. })));
}

#[test]
fn a_manifest_that_contradicts_the_journal_is_found_claim_by_claim() {
    type Edit = fn(&mut Manifest);
    let edits: [(&str, Edit); 8] = [
        ("the exit code", |m| m.exit_code = Some(0)),
        ("a verdict", |m| m.units[1].verdict = Outcome::Passed),
        ("the number of verdicts", |m| drop(m.units.pop())),
        ("the figures", |m| m.counts = None),
        ("the facts", |m| drop(m.facts.insert("commit".to_owned(), json!("other")))),
        ("the run's name", |m| m.run_id = "other".to_owned()),
        ("the beginning", |m| m.started_at = None),
        ("the end", |m| m.ended_at = m.started_at),
    ];
    for (claim, edit) in edits {
        let (_runs, dir) = story::bundle();
        edit_manifest(&dir, edit);
        let found = problems(&dir);
        assert_eq!(found.len(), 1, "{claim}: {found:?}");
        assert!(
            matches!(&found[0], Problem::Contradiction { what, .. } if what.starts_with(claim)),
            "{found:?}"
        );
    }
}

#[test]
fn a_wrong_count_head_size_or_format_in_the_manifest_is_found() {
    type Edit = fn(&mut Manifest);
    type Expected = fn(&Problem) -> bool;
    let edits: [(Edit, Expected); 4] = [
        (|m| m.journal.records += 1, |p| matches!(p, Problem::RecordCount { .. })),
        (|m| m.journal.head = "0".repeat(64), |p| matches!(p, Problem::Head { .. })),
        (|m| m.files[0].size += 1, |p| matches!(p, Problem::Size { .. })),
        (|m| m.format = "drillyard.manifest/2".to_owned(), |p| matches!(p, Problem::Format { .. })),
    ];
    for (edit, expected) in edits {
        let (_runs, dir) = story::bundle();
        edit_manifest(&dir, edit);
        let found = problems(&dir);
        assert!(found.len() == 1 && expected(&found[0]), "{found:?}");
    }
}

#[test]
fn a_manifest_in_another_form_is_refused() {
    let (_runs, dir) = story::bundle();
    let path = dir.join("manifest.json");
    let text = fs::read_to_string(&path).expect("it");
    fs::write(&path, format!("{text}\n")).expect("it writes");
    assert_eq!(problems(&dir), [Problem::ManifestNotCanonical]);
    fs::write(&path, "{").expect("it writes");
    assert!(matches!(&problems(&dir)[0], Problem::Unreadable { file, .. } if file == "manifest.json"));
}

/// A runner that flatters itself writes a chain that holds; its totals still have to follow from its records.
#[test]
fn verdicts_and_figures_and_exit_codes_that_do_not_follow_from_the_records_are_found() {
    use drillyard_engine::event::{Counts, Event};
    use drillyard_engine::verdict::Verdict;
    type Edit = fn(&mut Vec<Event>);
    let edits: [(&str, Edit); 3] = [
        ("the verdict of `drills/stuck-scheduling`", |events| {
            let place = events.len() - 3;
            if let Event::UnitFinished { verdict, .. } = &mut events[place] {
                *verdict = Verdict::Passed;
            }
        }),
        ("the figures in the journal", |events| {
            if let Some(Event::RunFinished { counts, .. }) = events.last_mut() {
                *counts = Counts { passed: 2, ..Counts::default() };
            }
        }),
        ("the exit code in the journal", |events| {
            if let Some(Event::RunFinished { exit_code, .. }) = events.last_mut() {
                *exit_code = 0;
            }
        }),
    ];
    for (claim, edit) in edits {
        let runs = tempfile::tempdir().expect("a folder");
        let mut events = story::events();
        edit(&mut events);
        let found = problems(&story::told(runs.path(), events).dir);
        assert!(
            found.iter().any(|p| matches!(p, Problem::Contradiction { what, .. } if what.starts_with(claim))),
            "{claim}: {found:?}"
        );
    }
}
