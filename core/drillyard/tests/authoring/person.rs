//! `human` steps, asked on a terminal.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::project::Project;

const DRILL: &str = "drill: asked\ntitle: Somebody looks\nsteps:\n- human: { owner: on-call, ask: Look at the page, deadline: 3s }\n";

/// Runs the drill on a pseudo-terminal on which `typed` is typed; gives the exit code and what the terminal showed.
fn on_terminal(project: &Project, typed: Option<&str>) -> (i32, String) {
    let drillyard = env!("CARGO_BIN_EXE_drillyard");
    let line = format!("{drillyard} --project {} run asked", project.dir.display());
    let mut child = Command::new("script")
        .args(["-qec", &line, "/dev/null"])
        .env_remove("CI")
        .env("TERM", "xterm")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("util-linux has `script`");
    let mut keyboard = child.stdin.take().unwrap();
    if let Some(typed) = typed {
        keyboard.write_all(typed.as_bytes()).unwrap();
    }
    let output = child.wait_with_output();
    // The keyboard stays until the end: a terminal that is hung up would answer for the person.
    drop(keyboard);
    let output = output.unwrap();
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn initials_confirm_no_declines_and_silence_ends_with_the_deadline() {
    let project = Project::new("human");
    project.write("drills/asked.yaml", DRILL);
    let (code, shown) = on_terminal(&project, Some("ab\n"));
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("on-call is asked: Look at the page"), "{shown}");
    assert!(project.journal().contains("\"by\":\"ab\""));
    let (code, shown) = on_terminal(&project, Some("no\n"));
    assert_eq!(code, 7, "{shown}");
    assert!(shown.contains("was not there to confirm it"), "{shown}");
    let (code, shown) = on_terminal(&project, None);
    assert_eq!(code, 7, "{shown}");
    assert!(shown.contains("did not confirm it within 3 s"), "{shown}");
}

#[test]
fn without_a_terminal_nobody_is_asked_and_nothing_is_proved() {
    let project = Project::new("nobody");
    project.write("drills/asked.yaml", DRILL);
    let (code, text) = project.run(&["run"]);
    assert_eq!(code, 7, "{text}");
}

#[test]
fn a_terminal_shows_counts_and_the_time_that_is_left() {
    let project = Project::new("progress");
    project.write("drills/asked.yaml", DRILL);
    let check = "steps:\n- sql: { query: select 1 as n }\n  expect: { rows: [{ n: 1 }] }\n";
    project.write("drills/first.yaml", &format!("drill: first\ntitle: T\n{check}"));
    let drillyard = env!("CARGO_BIN_EXE_drillyard");
    let line = format!("{drillyard} --project {} run first --repeat 3 --jobs 1", project.dir.display());
    let output = Command::new("script")
        .args(["-qec", &line, "/dev/null"])
        .env_remove("CI")
        .env("TERM", "xterm")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(shown.contains("1/3 done, about "), "{shown}");
    assert!(shown.contains("\u{1b}["), "a terminal has colours: {shown}");
}
