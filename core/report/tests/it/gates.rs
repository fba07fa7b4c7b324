//! The release gate: each way in which evidence can fall short has its own reason, and none of them is a pass.

use std::fs;
use std::path::{Path, PathBuf};

use drillyard_engine::event::{Counts, Event};
use drillyard_engine::verdict::Verdict;
use drillyard_report::gate::sign_off::{self, SignOff};
use drillyard_report::gate::{Answer, Case, Decision, Evidence, Gate, decide, packet, read};
use drillyard_report::mask::Masker;
use drillyard_report::sign::Signer;
use drillyard_report::verify::Trust;
use drillyard_spec::source::Source;
use jiff::Timestamp;
use serde_json::json;

use crate::story;

const GATE: &str = "gate: pilot\ntitle: Pilot\nmax_age: 24h\nrequire:\n- unit: drills/quiet-night\n";

fn gate(more: &str) -> Gate {
    let mut mistakes = Vec::new();
    let gate = read(&Source::new("pilot.gate.yaml", &format!("{GATE}{more}")), &mut mistakes);
    gate.unwrap_or_else(|| panic!("{mistakes:?}"))
}

/// A signed bundle in which the quiet night ends as `verdict`.
fn bundle(runs: &Path, verdict: Verdict, commit: &str) -> PathBuf {
    let passed = verdict == Verdict::Passed;
    let counts = Counts {
        passed: usize::from(passed),
        failed: usize::from(verdict == Verdict::Failed),
        inconclusive: usize::from(verdict == Verdict::Inconclusive),
        ..Counts::default()
    };
    let code = [(Verdict::Passed, 0), (Verdict::Failed, 1), (Verdict::Inconclusive, 7)];
    let exit_code = code.iter().find(|(one, _)| *one == verdict).expect("a known verdict").1;
    let mut events = Vec::new();
    for event in story::events() {
        match event {
            Event::RunStarted { run_id, mut facts, .. } => {
                facts.insert("commit".to_owned(), json!(commit));
                facts.insert("dirty".to_owned(), json!(false));
                facts.insert("binaries_sha256".to_owned(), json!({ "dispatch-api": "ab" }));
                events.push(Event::RunStarted { run_id, facts, units: 1 });
            }
            Event::UnitStarted(unit) if unit.id == story::QUIET => events.push(Event::UnitStarted(unit)),
            Event::StepFinished { unit, mut step } if unit == story::QUIET => {
                step.verdict = verdict;
                events.push(Event::StepFinished { unit, step });
            }
            Event::UnitFinished { unit, reason, took, kept, .. } if unit == story::QUIET => {
                events.push(Event::UnitFinished { unit, verdict, reason, took, kept });
            }
            Event::RunFinished { took, .. } => {
                events.push(Event::RunFinished { counts, exit_code, summary: "done".to_owned(), took });
            }
            _ => {}
        }
    }
    let mut bundle = story::begin(runs, Masker::default()).signed_by(Signer::generate().expect("a key"));
    for stamped in story::stamped(events) {
        bundle.record(&stamped).expect("it is recorded");
    }
    bundle.finish().expect("the bundle is complete").dir
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a moment")
}

fn decided(
    gate: &Gate,
    dirs: &[&Path],
    sign_offs: &[SignOff],
    commit: Option<&str>,
    moment: &str,
) -> Decision {
    let evidence: Vec<Evidence> = dirs.iter().map(|dir| Evidence::read(dir, &Trust::default())).collect();
    let commit = commit.map(str::to_owned);
    decide(gate, &Case { evidence: &evidence, baseline: None, commit, at: at(moment), sign_offs })
}

const SOON: &str = "2026-11-22T12:00:00Z";

fn codes(decision: &Decision) -> Vec<(Answer, &'static str)> {
    decision.reasons.iter().map(|reason| (reason.answer, reason.code)).collect()
}

/// The reasons of one bundle that ends as `verdict`, at a moment.
fn reasons(verdict: Verdict, more: &str, moment: &str) -> Vec<(Answer, &'static str)> {
    let runs = tempfile::tempdir().expect("a folder");
    let dir = bundle(runs.path(), verdict, "c0ffee");
    codes(&decided(&gate(more), &[&dir], &[], None, moment))
}

#[test]
fn what_is_proved_passes_and_what_is_failed_or_unclear_does_not() {
    assert_eq!(reasons(Verdict::Passed, "", SOON), []);
    assert_eq!(reasons(Verdict::Failed, "", SOON), [(Answer::Fail, "failed")]);
    assert_eq!(reasons(Verdict::Inconclusive, "", SOON), [(Answer::Inconclusive, "inconclusive")]);
    assert_eq!(reasons(Verdict::Passed, "- tag: nobody-has-it\n", SOON), [(Answer::Inconclusive, "missing")]);
    assert_eq!(reasons(Verdict::Passed, "- unit: drills/gone\n", SOON), [(Answer::Inconclusive, "missing")]);
    assert_eq!(
        reasons(Verdict::Passed, "- { unit: drills/quiet-night, backends: [container] }\n", SOON),
        [(Answer::Inconclusive, "missing")]
    );
    let none = decided(&gate(""), &[], &[], None, SOON);
    assert_eq!(codes(&none), [(Answer::Inconclusive, "no-evidence"), (Answer::Inconclusive, "missing")]);
}

#[test]
fn stale_evidence_and_evidence_of_another_commit_do_not_count() {
    let missing = (Answer::Inconclusive, "missing");
    assert_eq!(
        reasons(Verdict::Passed, "", "2026-11-24T12:00:00Z"),
        [(Answer::Inconclusive, "stale"), missing]
    );
    assert_eq!(
        reasons(Verdict::Passed, "", "2026-11-22T09:00:00Z"),
        [(Answer::Inconclusive, "from-the-future"), missing]
    );
    let runs = tempfile::tempdir().expect("a folder");
    let dir = bundle(runs.path(), Verdict::Passed, "c0ffee");
    let other = decided(&gate(""), &[&dir], &[], Some("decaf0"), SOON);
    assert_eq!(codes(&other), [(Answer::Fail, "other-commit"), missing]);
    assert_eq!(decided(&gate(""), &[&dir], &[], Some("c0ffee"), SOON).answer, Answer::Pass);
}

#[test]
fn tampered_evidence_fails_the_gate_even_beside_good_evidence() {
    let (good, bad) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let (good, bad) =
        (bundle(good.path(), Verdict::Passed, "c0ffee"), bundle(bad.path(), Verdict::Passed, "c0ffee"));
    let journal = bad.join("journal.jsonl");
    let text =
        fs::read_to_string(&journal).expect("the journal").replace("nobody is woken", "somebody is woken");
    fs::write(&journal, text).expect("it writes");
    let decision = decided(&gate(""), &[&good, &bad], &[], None, SOON);
    assert_eq!(decision.answer, Answer::Fail);
    assert!(codes(&decision).iter().all(|one| *one == (Answer::Fail, "tampered")), "{:?}", decision.reasons);
}

#[test]
fn a_waiver_turns_a_failure_into_a_warning_until_it_expires() {
    let waiver = |until: &str| {
        format!(
            "waivers:\n- {{ unit: drills/quiet-night, owner: Ada, reason: known, expires: \"{until}\" }}\n"
        )
    };
    assert_eq!(reasons(Verdict::Failed, &waiver("2026-12-01T00:00:00Z"), SOON), [(Answer::Warn, "waived")]);
    assert_eq!(
        reasons(Verdict::Failed, &waiver("2026-11-01T00:00:00Z"), SOON),
        [(Answer::Fail, "failed"), (Answer::Fail, "waiver-expired")]
    );
}

#[test]
fn a_slow_unit_a_freeze_and_a_flake_are_reasons() {
    let bound = |pass: &str| {
        format!("criteria:\n- {{ unit: drills/quiet-night, pass: \"{pass}\", warn: \"<= 450ms\" }}\n")
    };
    assert_eq!(reasons(Verdict::Passed, &bound("<= 412ms"), SOON), []);
    assert_eq!(reasons(Verdict::Passed, &bound("<= 400ms"), SOON), [(Answer::Warn, "slow")]);
    let bound = "criteria:\n- { unit: drills/quiet-night, pass: \"<= +10%\" }\n";
    assert_eq!(reasons(Verdict::Passed, bound, SOON), [(Answer::Inconclusive, "no-baseline")]);
    let freeze =
        "freeze:\n- { from: \"2026-11-22T00:00:00Z\", until: \"2026-11-23T00:00:00Z\", reason: holiday }\n";
    assert_eq!(reasons(Verdict::Passed, freeze, SOON), [(Answer::Fail, "frozen")]);
    let (a, b) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let (a, b) = (bundle(a.path(), Verdict::Failed, "c0ffee"), bundle(b.path(), Verdict::Passed, "c0ffee"));
    assert!(codes(&decided(&gate(""), &[&a, &b], &[], None, SOON)).contains(&(Answer::Fail, "flake-budget")));
    let lenient = decided(&gate("flake_budget: 1\n"), &[&a, &b], &[], None, SOON);
    assert!(codes(&lenient).contains(&(Answer::Warn, "flaky")));
}

#[test]
fn a_sign_off_counts_for_the_evidence_it_was_given_for_and_shows_in_the_packet() {
    let runs = tempfile::tempdir().expect("a folder");
    let dir = bundle(runs.path(), Verdict::Passed, "c0ffee");
    let gate = gate("sign_offs:\n- { role: release-manager }\n");
    let unsigned = decided(&gate, &[&dir], &[], None, SOON);
    assert_eq!(codes(&unsigned), [(Answer::Inconclusive, "sign-off-missing")]);
    assert!(packet::html(&unsigned).contains("UNSIGNED"));
    assert!(packet::markdown(&unsigned).contains("- [ ] release-manager: **unsigned**"));

    let signer = Signer::generate().expect("a key");
    let sign_off = SignOff {
        gate: gate.name.clone(),
        gate_sha256: gate.text_sha256.clone(),
        role: "release-manager".to_owned(),
        name: "Ada <script>".to_owned(),
        at: at("2026-11-22T11:00:00Z"),
        evidence: unsigned.evidence.clone(),
    };
    sign_off.keep(runs.path(), &signer).expect("it is kept");
    let kept = sign_off::read(runs.path(), &signer.public()).expect("it holds");
    let signed = decided(&gate, &[&dir], &kept, None, SOON);
    assert_eq!((signed.answer, codes(&signed)), (Answer::Pass, Vec::new()));
    let page = packet::html(&signed);
    assert!(page.contains("Ada &lt;script&gt;") && !page.contains("UNSIGNED"));

    let mut other = sign_off;
    other.evidence[0].manifest_sha256 = "0".repeat(64);
    assert_eq!(
        codes(&decided(&gate, &[&dir], &[other], None, SOON)),
        [(Answer::Inconclusive, "sign-off-missing")]
    );
    let foreign = Signer::generate().expect("a key").public();
    assert!(sign_off::read(runs.path(), &foreign).is_err(), "a foreign signature was accepted");
}

#[test]
fn every_mistake_of_a_gate_is_found_in_one_pass() {
    let text = "gate: pilot\nmax_age: 24\nrequire: []\nwaivers:\n- { unit: x, owner: y, expires: tomorrow }\nfreez: []\n";
    let mut mistakes = Vec::new();
    assert_eq!(read(&Source::new("g.gate.yaml", text), &mut mistakes), None);
    let all: String = mistakes.iter().map(|one| format!("{}:{}\n", one.place.line, one.message)).collect();
    for part in [
        "needs the key `title`",
        "2:`max_age`",
        "3:a gate that requires nothing",
        "needs the key `reason`",
        "5:`expires`",
        "6:a gate has no key `freez`",
    ] {
        assert!(all.contains(part), "`{part}` is missing in\n{all}");
    }
}
