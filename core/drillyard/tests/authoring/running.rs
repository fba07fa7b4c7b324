//! The switches of `run`: seeds, repetition, stopping after a step, colours.

use std::io::Write as _;
use std::process::Stdio;

use crate::project::{GOOD, Project};

/// A drill that passes every second time: the mark of the first run lies outside of its lane.
fn moody(project: &Project) -> String {
    let mark = project.dir.join("mark");
    format!(
        "drill: moody\ntitle: It depends\nsteps:\n- exec: {{ run: [sh, -c, \"if test -f {mark}; then rm {mark}; exit 1; else touch {mark}; fi\"] }}\n  expect: {{ exit: 0 }}\n",
        mark = mark.display()
    )
}

#[test]
fn a_drill_that_passes_and_fails_is_flaky_and_fails_the_run_in_every_report() {
    let project = Project::new("flaky");
    project.write("drills/moody.yaml", &moody(&project));
    project.write("drills/good.yaml", GOOD);
    let (code, text) = project.run(&["run", "--repeat", "4"]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("flaky: drills/moody passed 2 of 4 times"), "{text}");
    assert!(!text.contains("flaky: drills/good"), "{text}");
    assert!(text.contains("8 of 8 units"), "{text}");
    assert_eq!(project.run(&["verify"]).0, 0);
    for format in ["console", "markdown", "github", "junit", "json", "html"] {
        let (_, text) = project.run(&["report", "--format", format]);
        let words = if format == "json" { "\"ran\": 4" } else { "passed 2 of 4 times" };
        assert!(text.contains(words), "{format} does not say it:\n{text}");
    }
    let (code, text) = project.run(&["run", "good", "--repeat", "2"]);
    assert_eq!(code, 0, "{text}");
}

#[test]
fn a_seed_is_kept_and_repeats_what_was_drawn() {
    let project = Project::new("seed");
    let drill = "drill: drawn\ntitle: T\nsteps:\n- let: { id: \"${fresh.uuid}\" }\n- sql: { query: \"select $1 as id\", params: [\"${id}\"] }\n  expect: { rows: [{ id: \"#uuid\" }] }\n";
    project.write("drills/drawn.yaml", drill);
    let drawn = || {
        let (code, text) = project.run(&["run", "--seed", "42"]);
        assert!(code == 0 && text.contains("seed 42"), "{text}");
        let journal = project.journal();
        let at = journal.find("\"rows\":[{\"id\":\"").unwrap();
        journal[at..at + 60].to_owned()
    };
    assert_eq!(drawn(), drawn());
}

const STAGED: &str = "drill: staged\ntitle: T\nsteps:\n- id: make\n  sql: { execute: create table made (n int) }\n- id: fill\n  sql: { execute: insert into made values (7) }\n  expect: { row_count: 1 }\n\
- id: never\n  sql: { execute: drop table made }\nfinally:\n- sql: { execute: drop table if exists made }\n";

#[test]
fn a_run_stops_after_a_step_and_shows_how_to_reach_what_is_there() {
    let project = Project::new("until");
    project.write("drills/staged.yaml", STAGED);
    let mut child = project
        .command(&["run", "--until", "fill", "--keep"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    let mut out = std::io::BufReader::new(child.stdout.take().unwrap());
    while !said.contains("press Enter") {
        assert!(std::io::BufRead::read_line(&mut out, &mut said).unwrap() > 0, "{said}");
    }
    // The password is in what the terminal shows, so the address can be used as it is.
    let address = said.split_whitespace().rfind(|word| word.starts_with("postgres://")).unwrap().to_owned();
    assert!(!address.contains('*') && !address.contains("masked"), "{address}");
    let asked = std::process::Command::new("psql").args([&address, "-Atc", "select n from made"]).output();
    if let Ok(asked) = asked {
        assert_eq!(String::from_utf8_lossy(&asked.stdout).trim(), "7", "{asked:?}\n{said}");
    }
    child.stdin.take().unwrap().write_all(b"\n").unwrap();
    std::io::Read::read_to_string(&mut out, &mut said).unwrap();
    let status = child.wait().unwrap();
    // What was not run was not proved.
    assert_eq!(status.code(), Some(7), "{said}");
    assert!(said.contains("stopped after `fill`"), "{said}");
    let journal = project.journal();
    assert!(!journal.contains("drop table"), "a later step ran");
    assert!(!journal.contains(&address), "the password got into the evidence");
    let (code, text) = project.run(&["run", "--until", "fil"]);
    assert!(code == 3 && text.contains("did you mean `fill`?"), "{text}");
    let (code, text) = project.run(&["run", "--until", "7"]);
    assert_eq!(code, 7, "a line is a step, too: {text}");
}

#[test]
fn a_scenario_stops_after_a_sentence() {
    let project = Project::new("sentence");
    let text = "Feature: F\n  Scenario: S\n    When I get \"shop/up\"\n    Then the status is 200\n    Then the status is 500\n";
    project.write("features/f.feature", text);
    let (code, text) = project.run(&["run", "--until", "the status is 200"]);
    assert!(code == 7 && text.contains("stopped after"), "{text}");
    assert_eq!(project.run(&["run"]).0, 1);
}

#[test]
fn colour_is_for_terminals_and_for_those_who_ask() {
    let project = Project::new("colour");
    project.write("drills/good.yaml", &GOOD.replace("n: 1", "n: 2"));
    let shown = |variables: &[(&str, &str)]| {
        let output = project.command(&["run"]).envs(variables.iter().copied()).output().unwrap();
        String::from_utf8_lossy(&output.stdout).contains("\u{1b}[")
    };
    assert!(!shown(&[]), "a pipe is no terminal");
    assert!(shown(&[("CLICOLOR_FORCE", "1")]));
    assert!(!shown(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
    assert!(!shown(&[("CLICOLOR_FORCE", "0")]));
}

const NESTED: &str = "drill: nested\ntitle: T\nsteps:\n\
- parallel:\n  - - title: left\n      sql: { query: select 1 as n }\n      expect: { rows: [{ n: 1 }] }\n  - - title: right\n      sql: { query: select 2 as n }\n      expect: { rows: [{ n: 2 }] }\n\
- each:\n    of: [3, 4]\n    as: n\n    steps:\n    - title: turn\n      sql: { query: \"select $1::int as n\", params: [\"${n}\"] }\n      expect: { rows: [{ n: \"${n}\" }] }\n\
- title: watched\n  always:\n    holds:\n    - sql: { query: select 5 as n }\n      expect: { rows: [{ n: 5 }] }\n    during:\n    - title: meanwhile\n      sql: { query: select 6 as n }\n      expect: { rows: [{ n: 6 }] }\n\
- defer:\n  - title: undone\n    sql: { query: select 7 as n }\n    expect: { rows: [{ n: 7 }] }\n";

#[test]
fn a_changed_text_is_judged_inside_of_nested_steps() {
    let project = Project::new("nested");
    project.write("drills/nested.yaml", NESTED);
    let (code, text) = project.run(&["run"]);
    assert_eq!(code, 0, "{text}");
    let judge = |from: &str, to: &str| {
        assert!(NESTED.contains(from));
        project.write("changed/nested.yaml", &NESTED.replace(from, to));
        let file = project.dir.join("changed/nested.yaml");
        project.run(&["judge", "--with", file.to_str().unwrap()])
    };
    let (code, text) = judge("title: T", "title: U");
    assert_eq!(code, 0, "the same expectations hold: {text}");
    for (from, to, title) in [
        ("[{ n: 2 }]", "[{ n: 20 }]", "right"),
        ("[{ n: \"${n}\" }]", "[{ n: 3 }]", "turn"),
        ("[{ n: 5 }]", "[{ n: 50 }]", "watched"),
        ("[{ n: 6 }]", "[{ n: 60 }]", "meanwhile"),
        ("[{ n: 7 }]", "[{ n: 70 }]", "undone"),
    ] {
        let (code, text) = judge(from, to);
        assert_eq!(code, 1, "{from} -> {to}: {text}");
        let changed: Vec<&str> = text.lines().filter(|line| line.contains("passed -> failed")).collect();
        assert!(changed.iter().any(|line| line.contains(title)), "{title}:\n{text}");
        assert_eq!(changed.len(), 1, "that step alone:\n{text}");
    }
}
