//! Nothing is green that proved nothing: every way to write a drill or a run that could not fail is refused, each with
//! its exit code and the word that says why.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]
#![expect(clippy::disallowed_methods, reason = "the command is a process")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

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
  exec: ["false"]
"#;

const GOOD: &str = "drill: good\ntitle: One is one\ntags: [quick]\nsteps:\n- sql: { query: select 1 as n }\n  expect: { rows: [{ n: 1 }] }\n";
const CHECK: &str = "- sql: { query: select 1 as n }\n  expect: { rows: [{ n: 1 }] }\n";

const TEXT_WRONG: i32 = 2;
const NOTHING_PROVED: i32 = 3;
const INCONCLUSIVE: i32 = 7;

/// Mistakes of texts that say nothing, or could not fail.
const SAYS_NOTHING: &[&str] =
    &["DY002", "DY020", "DY021", "DY022", "DY072", "DY073", "DY076", "DY090", "DY101", "DY102"];

/// A project in a folder of its own.
struct Project {
    dir: PathBuf,
    scratch: PathBuf,
}

impl Project {
    fn new(name: &str) -> Self {
        let tmp = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let dir = tmp.join(format!("vacuous-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        let scratch = std::env::temp_dir().join(format!("dv-{name}-{}", std::process::id()));
        fs::create_dir_all(&scratch).unwrap();
        fs::create_dir_all(dir.join("target/drillyard")).unwrap();
        let cache = tmp.join("cache");
        fs::create_dir_all(&cache).unwrap();
        std::os::unix::fs::symlink(&cache, dir.join("target/drillyard/cache")).unwrap();
        let project = Self { dir, scratch };
        project.write("ops/compose.yaml", TOPOLOGY);
        project
    }

    fn with(name: &str, files: &[(&str, &str)]) -> Self {
        let project = Self::new(name);
        files.iter().for_each(|(path, text)| project.write(path, text));
        project
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.dir.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn run(&self, args: &[&str]) -> (i32, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_drillyard"));
        command.arg("--project").arg(&self.dir).args(args).env_remove("CI").env("TMPDIR", &self.scratch);
        let output = command.stdin(Stdio::null()).output().unwrap();
        let text =
            [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        (output.status.code().unwrap_or(-1), text)
    }

    fn runs(&self) -> bool {
        self.dir.join("target/drillyard/runs").exists()
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
        let _ = fs::remove_dir_all(&self.scratch);
    }
}

/// Neither a check nor a run passes it, and nothing is started for it.
#[track_caller]
fn refused(name: &str, path: &str, text: &str, word: &str) {
    let project = Project::with(name, &[(path, text)]);
    let wanted = if SAYS_NOTHING.contains(&word) { NOTHING_PROVED } else { TEXT_WRONG };
    for verb in ["check", "run"] {
        let (code, said) = project.run(&[verb]);
        assert_eq!(code, wanted, "{verb} of {text}\n{said}");
        assert!(said.contains(word), "{verb} does not say `{word}`:\n{said}");
    }
    assert!(!project.runs(), "something was started");
}

#[track_caller]
fn refused_drill(name: &str, body: &str, word: &str) {
    refused(name, "drills/x.yaml", &format!("drill: x\ntitle: X\n{body}"), word);
}

#[track_caller]
fn refused_steps(name: &str, steps: &str, word: &str) {
    refused_drill(name, &format!("steps:\n{CHECK}{steps}"), word);
}

#[test]
fn files_that_say_nothing() {
    refused("empty", "drills/x.yaml", "", "DY002");
    refused("comment", "drills/x.yaml", "# only a comment\n\n# and another\n", "DY002");
    refused("feature", "features/x.feature", "# only a comment\n", "DY002");
    let project = Project::new("nothing");
    for verb in ["check", "run"] {
        let (code, said) = project.run(&[verb]);
        assert!(code == NOTHING_PROVED && said.contains("DY090"), "{verb}:\n{said}");
    }
    // Another mistake beside it is a mistake.
    project.write("drills/x.yaml", "");
    project.write("drills/y.yaml", "drill: y\ntitle: [\n");
    assert_eq!(project.run(&["check"]).0, TEXT_WRONG);
}

#[test]
fn drills_that_do_or_check_nothing() {
    refused_drill("no-steps", "steps: []\n", "DY020");
    refused_drill("no-key", "tags: [a]\n", "DY011");
    refused_drill("note", "steps:\n- note: hello\n", "DY021");
    refused_drill("bare", "steps:\n- sql: { query: select 1 }\n", "DY021");
    refused_drill("expect", "steps:\n- sql: { query: select 1 }\n  expect: {}\n", "DY022");
    refused_drill("null", "steps:\n- sql: { query: select 1 }\n  expect:\n", "DY022");
    refused_steps("paths", "- object: { put: a, json: {} }\n  expect: { jsonpath: {} }\n", "DY022");
    refused_drill("names", "vars: { a: 1 }\nsteps:\n- let: { b: 2 }\n", "DY021");
    refused_drill(
        "load",
        "steps:\n- load: { request: { get: ghost/x }, rate: 0, duration: 1s }\n  expect: { error_share: 0 }\n",
        "rate",
    );
    refused_drill(
        "moment",
        "steps:\n- load: { request: { get: ghost/x }, rate: 1, duration: 0s }\n  expect: { error_share: 0 }\n",
        "DY013",
    );
    refused("hollow-block", "drills/steps/x.yaml", "block: x\n", "DY020");
}

#[test]
fn misspelt_words() {
    refused_drill(
        "action",
        "steps:\n- sqll: { query: select 1 }\n  expect: { rows: [] }\n",
        "did you mean `sql`?",
    );
    refused_steps(
        "key",
        "- sql: { query: select 1 }\n  expcet: { row_count: 2 }\n",
        "did you mean `expect`?",
    );
    refused_steps(
        "field",
        "- sql: { query: select 1 }\n  expect: { row_cuont: 2 }\n",
        "did you mean `row_count`?",
    );
    refused_steps(
        "marker",
        "- sql: { query: select 1 }\n  expect: { row_count: \"#itn\" }\n",
        "did you mean `#int`?",
    );
    refused_drill("top", &format!("stesp:\n{CHECK}steps:\n{CHECK}"), "did you mean `steps`?");
}

#[test]
fn loops_and_matrices_over_nothing() {
    refused_steps("each", "- each: { of: [], as: row, steps: [{ sql: { query: select 1 } }] }\n", "DY102");
    refused_steps("parallel", "- parallel: []\n", "DY102");
    refused_steps("branches", "- parallel: [[], []]\n", "DY102");
    refused_steps("defer", "- defer: []\n", "DY102");
    refused_steps("body", "- each: { of: [1], as: row, steps: [] }\n", "DY102");
    refused_steps("holds", "- always: { holds: [], during: [{ note: n }] }\n", "DY102");
    refused_steps(
        "during",
        &format!(
            "- always:\n    holds: [{}]\n    during: []\n",
            CHECK.trim_start_matches("- ").replace("\n  ", ", ").trim_end().replace("sql:", "{ sql:") + " }"
        ),
        "DY102",
    );
    refused_drill("axis", &format!("matrix: {{ fault: [] }}\nsteps:\n{CHECK}"), "DY101");
    refused_drill("matrix", &format!("matrix: {{}}\nsteps:\n{CHECK}"), "DY101");
}

#[test]
fn conditions_that_are_never_true_and_waits_that_never_wait() {
    refused_steps("when", "- when: { backend: prcess }\n  note: n\n", "did you mean `process`?");
    refused_drill(
        "cell",
        &format!("matrix: {{ fault: [kill] }}\nsteps:\n{CHECK}- when: {{ fault: stop }}\n  note: n\n"),
        "DY100",
    );
    refused_drill(
        "bare-cell",
        "matrix: { fault: [kill, stop] }\nsteps:\n- when: { fault: kill }\n  sql: { query: select 1 }\n  expect: { row_count: 1 }\n- note: n\n",
        "DY021",
    );
    refused_steps("zero", "- sql: { query: select 1 }\n  expect: { row_count: 1 }\n  within: 0s\n", "DY013");
    refused_steps("wait", "- sql: { query: select 1 }\n  within: 5s\n", "DY022");
}

#[test]
fn features_that_gherkin_lets_pass() {
    let feature = |scenario: &str| format!("Feature: F\n  Scenario: S\n{scenario}");
    refused(
        "givn",
        "features/x.feature",
        &feature("    Givn the query \"select 1 as n\" gives 1\n"),
        "did you mean `Given`?",
    );
    refused("scenrio", "features/x.feature", "Feature: F\n  Scenrio: S\n", "did you mean `Scenario:`?");
    refused("no-scenario", "features/x.feature", "Feature: F\n", "DY072");
    refused("no-step", "features/x.feature", "Feature: F\n  Scenario: S\n", "DY073");
    refused(
        "undefined",
        "features/x.feature",
        &feature("    Given the qurey \"select 1 as n\" gives 1\n"),
        "DY074",
    );
    let outline = "Feature: F\n  Scenario Outline: S\n    Then the query \"select <n> as n\" gives <n>\n";
    refused("outline", "features/x.feature", outline, "DY074");
    refused(
        "examples",
        "features/x.feature",
        &format!("{}    Examples:\n      | n |\n", outline.replace("<n>", "1")),
        "DY073",
    );
    refused(
        "background",
        "features/x.feature",
        "Feature: F\n  Background:\n    Given I note \"n\"\n",
        "DY072",
    );
    refused("rule", "features/x.feature", "Feature: F\n  Rule: R\n", "DY072");
    refused("unchecked", "features/x.feature", &feature("    Given I note \"nothing\"\n"), "DY076");
    let table = "    Then the query \"select 1 as n\" gives 1\n      | ignored |\n      | 1 |\n";
    refused("table", "features/x.feature", &feature(table), "DY079");
    refused(
        "rows",
        "features/x.feature",
        &feature("    Then the query \"select 1 as n\" gives the rows:\n"),
        "DY079",
    );
}

#[test]
fn filters_that_match_nothing() {
    let project = Project::with("filter", &[("drills/good.yaml", GOOD)]);
    for verb in ["run", "list"] {
        assert_eq!(project.run(&[verb, "--tag", "quikc"]).0, NOTHING_PROVED, "{verb}");
        assert!(project.run(&[verb, "--tag", "quikc"]).1.contains("did you mean `quick`?"));
        assert_eq!(
            project.run(&[verb, "--tag", "not quikc"]).0,
            NOTHING_PROVED,
            "a typo behind `not` means everything"
        );
        assert_eq!(project.run(&[verb, "--tag", "not quick"]).0, NOTHING_PROVED);
        assert_eq!(project.run(&[verb, "godo"]).0, NOTHING_PROVED);
    }
    assert_eq!(project.run(&["list", "--tag", "quick and not not quick"]).0, 0);
    assert!(!project.runs(), "something was started");
}

/// The example of an action in the reference.
fn example_of(action: &str) -> &'static str {
    drillyard_spec::catalog::ACTIONS.iter().find(|info| info.name == action).unwrap().example
}

/// The control, and what only a run can find: a wait that never got an answer, a condition the backend never meets, a
/// human step nobody confirms, a loop over a list that turned out empty, an undo that fails.
#[test]
#[expect(clippy::too_many_lines, reason = "one table of drills and what becomes of each")]
fn what_a_run_finds_is_no_pass_either() {
    let drill = |name: &str, body: &str| format!("drill: {name}\ntitle: T\n{body}");
    let files = [
        ("drills/good.yaml", GOOD.to_owned()),
        (
            "drills/silent.yaml",
            drill("silent", "steps:\n- http: { get: ghost/x }\n  expect: { status: 200 }\n  within: 300ms\n"),
        ),
        (
            "drills/elsewhere.yaml",
            drill(
                "elsewhere",
                "steps:\n- when: { backend: container }\n  sql: { query: select 1 as n }\n  expect: { rows: [{ n: 1 }] }\n",
            ),
        ),
        ("drills/person.yaml", drill("person", &format!("steps:\n- {}", example_of("human")))),
        (
            "drills/hollow.yaml",
            drill(
                "hollow",
                &format!(
                    "steps:\n{CHECK}- sql: {{ query: select 1 as n where false }}\n  expect: {{ row_count: 0 }}\n  save: {{ found: rows }}\n- each: {{ of: \"${{found}}\", as: row, steps: [{{ sql: {{ query: select 1 }}, expect: {{ row_count: 1 }} }}] }}\n"
                ),
            ),
        ),
        (
            "drills/undone.yaml",
            drill("undone", &format!("steps:\n- defer: {{ sql: {{ execute: drop table gone }} }}\n{CHECK}")),
        ),
        (
            "drills/program.yaml",
            drill("program", &format!("steps:\n{CHECK}- exec: {{ run: [\"false\"] }}\n")),
        ),
        (
            "drills/nowhere.yaml",
            drill(
                "nowhere",
                "steps:\n- sql: { query: select 1 as n }\n  snapshot: { name: gone, of: 'rows[7]' }\n",
            ),
        ),
        (
            "drills/nobody.yaml",
            drill(
                "nobody",
                "steps:\n- sql: { query: \"select '[]'::json as list\" }\n  expect: { rows: [{ list: { \"#each\": 1 } }] }\n",
            ),
        ),
        ("drills/needy.yaml", drill("needy", &format!("needs: [silent]\nsteps:\n{CHECK}"))),
        (
            "drills/broken.yaml",
            drill(
                "broken",
                &format!(
                    "steps:\n{CHECK}- always:\n    holds: [{{ sql: {{ query: \"select count(*) as n from pg_tables where tablename = 'mark'\" }}, expect: {{ rows: [{{ n: 0 }}] }} }}]\n    every: 10ms\n    during: [{{ sql: {{ execute: create table mark () }} }}, {{ sql: {{ query: select pg_sleep(0.2) }} }}]\n"
                ),
            ),
        ),
        (
            "drills/masked.yaml",
            drill(
                "masked",
                "steps:\n- sql: { query: \"select md5('a') as token\" }\n  expect: { row_count: 1 }\n  save: { token: { secret: 'rows[0].token' } }\n- sql: { query: \"select $1 as shown\", params: [\"${token}\"] }\n  expect: { row_count: 1 }\n",
            ),
        ),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let project = Project::with("run", &files);
    let run = |name: &str| project.run(&["run", &format!("drills/{name}")]);
    for (name, wanted, word) in [
        ("good", 0, "1 passed"),
        ("silent", INCONCLUSIVE, "inconclusive"),
        ("elsewhere", INCONCLUSIVE, "none of its checks applies to the backend `process`"),
        ("person", INCONCLUSIVE, "on-call was not there to confirm it"),
        ("hollow", 1, "a list with at least one element"),
        ("undone", 5, "not undone"),
        ("program", 1, "exit"),
        ("nowhere", 1, "a value for the snapshot `gone`"),
        ("nobody", 1, "at least one element"),
        ("needy", INCONCLUSIVE, "it needs `drills/silent`, which did not pass"),
        ("broken", 1, "after the first look"),
    ] {
        let (code, said) = run(name);
        assert_eq!(code, wanted, "{name}:\n{said}");
        assert!(said.contains(word), "{name} does not say `{word}`:\n{said}");
        // Whoever judges the evidence again comes to the same verdict.
        let (_, judged) = project.run(&["judge"]);
        assert!(judged.contains(" 0 of them otherwise than the run"), "{name}:\n{judged}");
    }
    let (code, said) = run("masked");
    assert_eq!(code, 0, "{said}");
    let journal = fs::read_to_string(project.dir.join("target/drillyard/runs/latest/journal.jsonl")).unwrap();
    assert!(!journal.contains("0cc175b9c0f1b6a831c399e269772661"), "the secret is in the journal");
    assert!(journal.contains("token"), "{journal}");
}

/// Every branch runs to its end and is reported, also beside one that fails; undo steps run last first, with the values
/// names had when they were kept.
#[test]
fn branches_all_end_and_undo_steps_run_in_reverse() {
    let branches = "drill: branches\ntitle: T\nsteps:\n- parallel:\n  - - { title: left, sql: { query: select 1 }, expect: { row_count: 2 } }\n  - - { title: right first, sql: { query: select pg_sleep(0.2) } }\n    - { title: right second, sql: { query: select 1 as n }, expect: { row_count: 1 } }\n";
    let order = "drill: order\ntitle: T\nsteps:\n- sql: { execute: create table undone (n int) }\n- each:\n    of: [1, 2]\n    as: n\n    steps:\n    - defer: { title: undo, sql: { execute: insert into undone values ($1::int), params: [\"${n}\"] } }\n    - { sql: { query: select count(*) as n from undone }, expect: { rows: [{ n: 0 }] } }\nfinally:\n- { title: order, sql: { query: select array_agg(n order by ctid) as ns from undone }, expect: { rows: [{ ns: [2, 1] }] } }\n";
    let project =
        Project::with("nested", &[("drills/branches.yaml", branches), ("drills/order.yaml", order)]);
    let (code, said) = project.run(&["run", "drills/branches"]);
    assert_eq!(code, 1, "{said}");
    let journal = fs::read_to_string(project.dir.join("target/drillyard/runs/latest/journal.jsonl")).unwrap();
    for title in ["left", "right first", "right second"] {
        assert!(journal.contains(&format!("\"title\":\"{title}\"")), "{title} is not reported");
    }
    let (code, said) = project.run(&["run", "drills/order"]);
    assert_eq!(code, 0, "{said}");
}
