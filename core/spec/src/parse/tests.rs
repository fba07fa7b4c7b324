//! What the reader accepts, and what it says about the rest.

use super::*;
use crate::drill::{ACTIONS, Action};

fn names() -> Names {
    let set = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
    Names {
        services: set(&["dispatch-api", "postgres", "sms"]),
        databases: set(&["postgres"]),
        jobs: set(&["bootstrap"]),
        identities: set(&["dispatcher", "technician"]),
        programs: set(&["git", "sha256sum"]),
        drained: Some("select count(*) from outbox".to_owned()),
        processes: set(&["dispatch-api"]),
        object_stores: set(&["objects"]),
        edges: [("dispatch-api".to_owned(), "postgres".to_owned())].into(),
        ..Names::default()
    }
}

fn read_with(blocks: &[(&str, &str)], drill_text: &str) -> (Option<Drill>, Vec<Diagnostic>) {
    let (drills, out) = read_all(blocks, drill_text);
    (drills.into_iter().next(), out)
}

fn read_all(blocks: &[(&str, &str)], drill_text: &str) -> (Vec<Drill>, Vec<Diagnostic>) {
    let mut texts = Texts::default();
    texts.insert("drills/x.yaml", drill_text);
    for (path, text) in blocks {
        texts.insert(path, text);
    }
    let names = names();
    let mut out = Vec::new();
    let source = texts.get("drills/x.yaml").unwrap().clone();
    let read = drill(&source, Context { texts: &texts, names: &names }, &mut out);
    (read, out)
}

fn complaints(text: &str) -> Vec<(Code, usize)> {
    read_with(&[], text).1.iter().map(|d| (d.code, d.place.line)).collect()
}

const HEAD: &str = "drill: x\ntitle: A title\n";

fn with_steps(steps: &str) -> Vec<(Code, usize)> {
    complaints(&format!("{HEAD}steps:\n{steps}"))
}

#[test]
fn a_whole_drill_is_read_without_complaint() {
    let text = format!(
        "{HEAD}tags: [a]\nbudget: 30s\nenv: {{ dispatch-api: {{ N: 1 }} }}\nvars: {{ account: a1 }}\nsteps:\n\
         - as: dispatcher\n  http: {{ post: dispatch-api/tickets, body: {{ account_id: \"${{account}}\" }} }}\n  \
         expect: {{ status: 201, body: {{ id: \"#uuid\", \"...\": any }} }}\n  save: {{ ticket: body.id }}\n\
         - http: {{ get: \"dispatch-api/tickets/${{ticket}}\" }}\n  expect: {{ status: 200 }}\n  within: 5s\n"
    );
    let (read, out) = read_with(&[], &text);
    assert_eq!(out, []);
    let read = read.unwrap();
    assert_eq!(read.id, "drills/x");
    assert_eq!(read.budget, Duration::from_secs(30));
    assert_eq!(read.env["dispatch-api"]["N"], "1");
    // The variables are a step of their own before the two written ones.
    assert_eq!(read.steps.len(), 3);
}

#[test]
fn nothing_can_be_green_on_nothing() {
    assert_eq!(complaints("# only a comment\n"), [(Code::EmptyFile, 1)]);
    assert_eq!(complaints(""), [(Code::EmptyFile, 1)]);
    assert_eq!(complaints(&format!("{HEAD}steps: []\n")), [(Code::NoSteps, 3)]);
    assert_eq!(complaints(HEAD), [(Code::MissingKey, 1)]);
    assert_eq!(with_steps("- note: hello\n"), [(Code::NoChecks, 1)]);
    assert_eq!(
        with_steps("- http: { get: dispatch-api/x }\n  expect: {}\n"),
        [(Code::NoChecks, 1), (Code::EmptyExpect, 5)].into_iter().rev().collect::<Vec<_>>()
    );
}

#[test]
fn a_misspelt_key_is_found_with_the_nearest_one() {
    let (_, out) = read_with(
        &[],
        &format!("{HEAD}steps:\n- htpp: {{ get: dispatch-api/x }}\n  expect: {{ status: 200 }}\n"),
    );
    assert_eq!((out[0].code, out[0].place.line, out[0].place.column), (Code::UnknownKey, 4, 3));
    assert_eq!(out[0].help.as_deref(), Some("did you mean `http`?"));
    let (_, out) = read_with(
        &[],
        &format!("{HEAD}steps:\n- http: {{ get: dispatch-api/x }}\n  expcet: {{ status: 200 }}\n"),
    );
    assert!(out.iter().any(|d| d.code == Code::UnknownKey && d.place.line == 5), "{out:?}");
}

#[test]
fn all_mistakes_are_reported_in_one_pass() {
    let found = with_steps(
        "- http: { get: dispatch-app/x }\n  expect: { staus: 200 }\n- as: nobody\n  sql: { query: select 1 }\n  within: 5\n  \
         expect: { rows: [{ n: \"#uid\" }] }\n- http: { get: \"dispatch-api/${gone}\" }\n  expect: { status: 200 }\n",
    );
    let codes: Vec<Code> = found.iter().map(|(code, _)| *code).collect();
    for code in [
        Code::UnknownService,
        Code::UnknownField,
        Code::UnknownIdentity,
        Code::BadDuration,
        Code::BadMarker,
        Code::UnknownName,
    ] {
        assert!(codes.contains(&code), "{code} is missing in {found:?}");
    }
}

#[test]
fn keys_written_twice_and_two_actions_are_refused() {
    assert_eq!(
        complaints("drill: x\ndrill: y\ntitle: t\nsteps:\n- job: bootstrap\n  expect: { exit: 0 }\n")[0],
        (Code::RepeatedKey, 2)
    );
    let found = with_steps("- http: { get: dispatch-api/x }\n  job: bootstrap\n  expect: { status: 200 }\n");
    assert_eq!(found, [(Code::TwoActions, 5)]);
}

#[test]
fn blocks_are_laid_out_with_their_arguments() {
    let block = (
        "drills/steps/b.yaml",
        "block: b\nargs: [ticket]\nsteps:\n- http: { get: \"dispatch-api/${ticket}\" }\n  expect: { status: 200 }\n",
    );
    let (read, out) =
        read_with(&[block], &format!("{HEAD}steps:\n- use: steps/b\n  with: {{ ticket: t1 }}\n"));
    assert_eq!(out, []);
    assert!(matches!(read.unwrap().steps.last().unwrap().action, Action::Http(_)));
    let (_, out) = read_with(&[block], &format!("{HEAD}steps:\n- use: steps/b\n"));
    assert!(out.iter().all(|d| d.code == Code::UnknownName) && !out.is_empty(), "{out:?}");
    let (_, out) =
        read_with(&[block], &format!("{HEAD}steps:\n- use: steps/b\n  with: {{ ticket: t1, tcket: t2 }}\n"));
    assert_eq!(out[0].code, Code::BlockArguments);
    let (_, out) = read_with(&[], &format!("{HEAD}steps:\n- use: ../etc/passwd\n"));
    assert_eq!(out[0].code, Code::OutsideProject);
}

#[test]
fn blocks_that_use_each_other_are_refused() {
    let blocks = [
        ("drills/steps/a.yaml", "block: a\nsteps:\n- use: steps/b\n"),
        ("drills/steps/b.yaml", "block: b\nsteps:\n- use: steps/a\n"),
    ];
    let (_, out) = read_with(&blocks, &format!("{HEAD}steps:\n- use: steps/a\n"));
    assert!(out.iter().any(|d| d.code == Code::BlockCycle), "{out:?}");
}

#[test]
fn a_request_without_an_expected_status_expects_success() {
    let (read, _) = read_with(
        &[],
        &format!(
            "{HEAD}steps:\n- http: {{ get: dispatch-api/x }}\n- job: bootstrap\n  expect: {{ exit: 0 }}\n"
        ),
    );
    let read = read.unwrap();
    assert_eq!(read.steps[0].expect[0].pattern, "#2xx");
    assert!(!read.steps[0].checked);
}

#[test]
fn deep_nesting_and_alias_bombs_end_quickly_with_a_diagnostic() {
    let deep = format!("{HEAD}steps: {}{}\n", "[".repeat(5_000), "]".repeat(5_000));
    assert_eq!(complaints(&deep)[0].0, Code::NotYaml);
    let mut bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (from, to) in ('a'..='h').zip('b'..='i') {
        bomb.push_str(&format!(
            "{to}: &{to} [*{from}, *{from}, *{from}, *{from}, *{from}, *{from}, *{from}, *{from}]\n"
        ));
    }
    assert_eq!(complaints(&bomb)[0].0, Code::NotYaml);
}

#[test]
fn every_example_of_the_catalog_is_a_valid_step() {
    for info in ACTIONS {
        let indented = info.example.trim_end().replace('\n', "\n  ");
        let first = "- http: { get: dispatch-api/x }\n  expect: { status: 200 }\n";
        assert_eq!(with_steps(&format!("{first}- {indented}\n")), [], "{}", info.name);
    }
}

#[path = "tests/structure.rs"]
mod structure;
#[path = "tests/watching.rs"]
mod watching;
