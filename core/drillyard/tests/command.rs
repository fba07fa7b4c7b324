//! The command as its users meet it: exit codes, messages, evidence, and what is left when it is killed.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]
#![expect(clippy::disallowed_methods, reason = "the command is a process")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const TOPOLOGY: &str = r#"
name: tiny
services:
  postgres:
    image: postgres:15
    environment: { POSTGRES_USER: tiny, POSTGRES_PASSWORD: "${TINY_PASSWORD:-tiny}", POSTGRES_DB: tiny }
    x-drillyard: { process: { builtin: postgres }, lane_database: TINY_DATABASE }
  ghost:
    image: ghost:1
    expose: ["80"]
x-drillyard:
  secrets: [TINY_PASSWORD]
"#;

const GOOD: &str = "drill: good\ntitle: One is one\nsteps:\n- sql: { query: select 1 as n }\n  expect: { rows: [{ n: 1 }] }\n";

/// A project of its own, with the cache of initialised databases shared between the tests.
struct Project {
    dir: PathBuf,
    /// Its own folder for temporary files, short enough for a socket's path.
    scratch: PathBuf,
}

impl Project {
    fn new(name: &str) -> Self {
        let tmp = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let dir = tmp.join(format!("{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        let scratch = std::env::temp_dir().join(format!("dy-{name}-{}", std::process::id()));
        fs::create_dir_all(&scratch).unwrap();
        let project = Self { dir, scratch };
        project.write("ops/compose.yaml", TOPOLOGY);
        let cache = tmp.join("cache");
        fs::create_dir_all(&cache).unwrap();
        fs::create_dir_all(project.dir.join("target/drillyard")).unwrap();
        symlink(&cache, project.dir.join("target/drillyard/cache")).unwrap();
        project
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.dir.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_drillyard"));
        command.arg("--project").arg(&self.dir).args(args).env_remove("CI").env("TMPDIR", &self.scratch);
        command.stdin(Stdio::null());
        command
    }

    fn run(&self, args: &[&str]) -> (i32, String) {
        text_of(self.command(args).output().unwrap())
    }

    fn latest(&self) -> PathBuf {
        self.dir.join("target/drillyard/runs/latest").canonicalize().unwrap()
    }

    /// Folders with data of a run, which must not outlive it.
    fn data_folders(&self) -> Vec<PathBuf> {
        let below =
            |folder: PathBuf| fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        let runs = below(self.dir.join("target/drillyard/work"));
        let data = runs.flat_map(|run| ["pg", "s3"].map(|data| run.join(data))).filter(|path| path.exists());
        data.chain(below(self.scratch.clone())).collect()
    }

    /// Command lines of processes that carry the mark of one of the project's runs.
    fn processes(&self) -> Vec<String> {
        let runs = fs::read_dir(self.dir.join("target/drillyard/runs")).into_iter().flatten().flatten();
        let marks: Vec<String> =
            runs.map(|run| format!("DRILLYARD_RUN={}", run.file_name().to_string_lossy())).collect();
        let entries = fs::read_dir("/proc").unwrap().flatten();
        entries
            .filter(|entry| {
                let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
                let environment = String::from_utf8_lossy(&environment).into_owned();
                environment.split('\0').any(|variable| marks.iter().any(|mark| mark == variable))
            })
            .filter_map(|entry| fs::read(entry.path().join("cmdline")).ok())
            .map(|bytes| String::from_utf8_lossy(&bytes).replace('\0', " "))
            .collect()
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
        let _ = fs::remove_dir_all(&self.scratch);
    }
}

fn text_of(output: Output) -> (i32, String) {
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code().unwrap_or(-1), text)
}

fn until(what: &str, bound: Duration, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < bound, "{what} did not happen within {bound:?}");
        std::thread::yield_now();
    }
}

#[test]
fn a_passing_run_leaves_evidence_that_verifies_and_tampering_is_found() {
    let project = Project::new("passing");
    project.write("drills/good.yaml", GOOD);
    let (code, text) = project.run(&["run"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("1 passed"), "{text}");
    assert_eq!(project.run(&["verify"]).0, 0);
    assert_eq!(project.processes(), Vec::<String>::new());
    assert_eq!(project.data_folders(), Vec::<PathBuf>::new());
    let journal = project.latest().join("journal.jsonl");
    let honest = fs::read_to_string(&journal).unwrap();
    assert!(honest.contains("\"drills/good\""));
    fs::write(&journal, honest.replacen("One is one", "Two is one", 1)).unwrap();
    let (code, text) = project.run(&["verify"]);
    assert_eq!(code, 8, "{text}");
    let lines: Vec<&str> = honest.lines().collect();
    fs::write(&journal, format!("{}\n", lines[..lines.len() - 1].join("\n"))).unwrap();
    assert_eq!(project.run(&["verify"]).0, 8);
    fs::write(&journal, honest).unwrap();
    assert_eq!(project.run(&["verify"]).0, 0);
}

#[test]
fn a_failing_expectation_names_file_line_and_both_values() {
    let project = Project::new("failing");
    project.write("drills/bad.yaml", &GOOD.replace("drill: good", "drill: bad").replace("n: 1", "n: 2"));
    let (code, text) = project.run(&["run"]);
    assert_eq!(code, 1, "{text}");
    for part in [
        "drills/bad.yaml:5:",
        "rows[0].n",
        "expected  2",
        "actual    1",
        "rerun: drillyard run 'drills/bad' --seed ",
    ] {
        assert!(text.contains(part), "`{part}` is missing in\n{text}");
    }
}

#[test]
fn wrong_texts_are_refused_before_anything_starts() {
    let project = Project::new("wrong");
    project.write("drills/good.yaml", &GOOD.replace("expect:", "expcet:"));
    project.write("drills/empty.yaml", "drill: empty\ntitle: Nothing\nsteps: []\n");
    project.write(
        "features/f.feature",
        "Feature: F\n  Scenario: S\n    Givn I get \"ghost/\"\n    Then the status is 200\n",
    );
    for verb in ["check", "run"] {
        let (code, text) = project.run(&[verb]);
        assert_eq!(code, 2, "{text}");
        for part in ["did you mean `expect`?", "DY020", "did you mean `Given`?"] {
            assert!(text.contains(part), "`{part}` is missing in\n{text}");
        }
    }
    assert!(!project.dir.join("target/drillyard/runs").exists(), "a run was begun");
    let (code, text) = project.run(&["check", "--format", "json"]);
    assert_eq!(code, 2);
    assert!(text.lines().all(|line| line.starts_with('{')), "{text}");
}

#[test]
fn nothing_is_never_a_pass() {
    let project = Project::new("nothing");
    assert_eq!(project.run(&["run"]).0, 3);
    project.write("drills/good.yaml", GOOD);
    let (code, text) = project.run(&["run", "no-such-drill"]);
    assert_eq!(code, 3, "{text}");
    let (code, text) = project.run(&["run", "good", "no-such-drill"]);
    assert_eq!((code, text.contains("no-such-drill")), (3, true), "one name of two means nothing: {text}");
    assert_eq!(project.run(&["run", "drills/*", "feat*"]).0, 3, "nor does a pattern");
    assert_eq!(project.run(&["run", "--tag", "typo"]).0, 3);
    assert_eq!(project.run(&["verify"]).0, 3);
}

#[test]
fn an_unreachable_service_is_inconclusive_when_waited_for_and_a_failure_when_not() {
    let project = Project::new("unreachable");
    let drill = |within: &str| {
        format!(
            "drill: d\ntitle: T\nsteps:\n- http: {{ get: ghost/ }}\n  expect: {{ status: 200 }}\n{within}"
        )
    };
    project.write("drills/d.yaml", &drill("  within: 300ms\n"));
    let (code, text) = project.run(&["run"]);
    assert_eq!(code, 7, "{text}");
    project.write("drills/d.yaml", &drill(""));
    assert_eq!(project.run(&["run"]).0, 1);
}

#[test]
fn snapshots_are_accepted_by_a_person_and_only_compared_on_ci() {
    let project = Project::new("snapshot");
    let drill = "drill: s\ntitle: T\nsteps:\n- sql: { query: select 'a' as letter }\n  snapshot: rows\n";
    project.write("drills/s.yaml", drill);
    assert_eq!(project.run(&["run"]).0, 9);
    let (code, text) = text_of(project.command(&["review", "--accept"]).env("CI", "true").output().unwrap());
    assert_eq!(code, 9, "{text}");
    assert_eq!(project.run(&["review", "--accept"]).0, 0);
    let accepted = fs::read_to_string(project.dir.join("snapshots/drills/s/rows.snap")).unwrap();
    assert!(accepted.contains("letter: a"), "{accepted}");
    assert_eq!(project.run(&["run"]).0, 0);
    project.write("drills/s.yaml", &drill.replace("'a'", "'b'"));
    let (code, text) = project.run(&["run"]);
    assert_eq!(code, 9, "{text}");
    assert!(text.contains("+letter: b") || text.contains("+- letter: b"), "{text}");
    project.write("drills/s.yaml", &drill.replace("  snapshot: rows\n", "  expect: { row_count: 1 }\n"));
    let (code, text) = project.run(&["run"]);
    assert_eq!(code, 9, "a snapshot nobody compares is found: {text}");
}

#[test]
fn a_missing_database_is_one_clear_sentence_with_the_way_out() {
    let project = Project::new("missing");
    project.write("drills/good.yaml", GOOD);
    let (code, text) = project.run(&["run", "--pg-bin", "/nowhere"]);
    assert_eq!(code, 4, "{text}");
    assert!(text.contains("/nowhere"), "{text}");
    assert_eq!(project.processes(), Vec::<String>::new());
}

#[test]
fn lanes_that_run_at_the_same_time_do_not_see_each_other() {
    let project = Project::new("lanes");
    for name in ["one", "two", "three", "four"] {
        let text = format!(
            "drill: {name}\ntitle: T\nsteps:\n- sql: {{ execute: create table mine (name text) }}\n\
             - sql: {{ execute: insert into mine values ('{name}') }}\n- sql: {{ query: \"select name, pg_sleep(0.3)::text as s from mine\" }}\n  \
             expect: {{ rows: [{{ name: {name}, s: \"\" }}] }}\n"
        );
        project.write(&format!("drills/{name}.yaml"), &text);
    }
    let (code, text) = project.run(&["run", "--jobs", "4"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("4 passed"), "{text}");
}

const SLOW: &str = "drill: slow\ntitle: T\nsteps:\n- sql: { query: \"select pg_sleep(30)::text as s\" }\n  expect: { row_count: 1 }\n  timeout: 40s\n\
    finally:\n- sql: { query: select 1 as n }\n  title: the clean-up ran\n";

fn start_slow(project: &Project) -> Child {
    project.write("drills/slow.yaml", SLOW);
    let child = project.command(&["run"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let busy = || project.processes().iter().any(|line| line.contains("postgres"));
    until("the database comes up", Duration::from_secs(60), busy);
    let journal = || {
        let runs = fs::read_dir(project.dir.join("target/drillyard/runs")).into_iter().flatten().flatten();
        runs.map(|run| fs::read_to_string(run.path().join("journal.jsonl")).unwrap_or_default())
            .collect::<String>()
    };
    until("the step begins", Duration::from_secs(60), || {
        journal().contains("pg_sleep") || journal().contains("step-started")
    });
    child
}

fn signal(child: &Child, name: &str) {
    let done = Command::new("kill").arg(format!("-{name}")).arg(child.id().to_string()).status().unwrap();
    assert!(done.success());
}

#[test]
fn a_killed_runner_leaves_no_process_and_no_data() {
    let project = Project::new("killed");
    let mut child = start_slow(&project);
    signal(&child, "KILL");
    child.wait().unwrap();
    until("everything is gone", Duration::from_secs(5), || {
        project.processes().is_empty() && project.data_folders().is_empty()
    });
}

#[test]
fn an_interrupted_runner_cleans_up_and_says_so() {
    for name in ["INT", "TERM"] {
        let project = Project::new(&format!("interrupted-{name}"));
        let child = start_slow(&project);
        signal(&child, name);
        let (code, text) = text_of(child.wait_with_output().unwrap());
        assert_eq!(code, 130, "{text}");
        assert!(text.contains("interrupted"), "{text}");
        assert_eq!(project.processes(), Vec::<String>::new());
        assert_eq!(project.data_folders(), Vec::<PathBuf>::new());
        let journal = fs::read_to_string(project.latest().join("journal.jsonl")).unwrap();
        assert!(journal.contains("the clean-up ran"), "`finally` did not run");
        assert_eq!(project.run(&["verify"]).0, 0);
    }
}

#[test]
fn a_stack_stays_up_until_it_is_taken_down_and_then_leaves_nothing() {
    let project = Project::new("kept");
    project.write("drills/good.yaml", GOOD);
    assert_eq!(project.run(&["stack", "status"]).0, 4);
    let (code, text) = project.run(&["stack", "up"]);
    assert_eq!(code, 0, "{text}");
    let (code, status) = project.run(&["stack", "status", "--json"]);
    assert_eq!(code, 0, "{status}");
    assert!(status.contains("\"up\":true") && status.contains("postgres://"), "{status}");
    assert_eq!(project.run(&["stack", "up"]).0, 0, "up again says so and changes nothing");
    assert_eq!(project.run(&["stack", "down"]).0, 0);
    assert_eq!(project.run(&["stack", "status"]).0, 4);
    assert_eq!(project.data_folders(), Vec::<PathBuf>::new());
    assert_eq!(
        fs::read_dir(project.dir.join("target/drillyard/work")).unwrap().count(),
        0,
        "`down` leaves nothing"
    );
}

#[test]
fn codes_and_actions_are_explained() {
    let project = Project::new("explain");
    assert!(project.run(&["explain", "DY010"]).1.contains("misspelt"));
    assert!(project.run(&["explain", "http"]).1.contains("status"));
    assert_eq!(project.run(&["explain", "DY9"]).0, 2);
}

#[test]
fn a_fault_that_hit_nothing_is_inconclusive_healed_or_not() {
    let project = Project::new("faults");
    let head = "title: A database that may not be written\nsteps:\n- fault: { read-only: postgres }\n  expect: { healed: false }\n";
    project.write("drills/idle.yaml", &format!("drill: idle\n{head}"));
    let (code, text) = project.run(&["run"]);
    assert_eq!(code, 7, "{text}");
    assert!(text.contains("nothing was hit by the fault read-only postgres"), "{text}");
    let healed = "- fault: { heal: postgres }\n  expect: { seen: 0 }\n";
    project.write("drills/idle.yaml", &format!("drill: idle\n{head}{healed}"));
    let (code, text) = project.run(&["run"]);
    assert_eq!(code, 7, "healing is no proof either: {text}");
    assert_eq!(project.run(&["undo"]), (0, "no run has left anything to undo\n".to_owned()));
    assert_eq!(project.processes(), Vec::<String>::new());
}
