//! The example of a service that is not ours: it is drilled with YAML alone, its answers are held against its document,
//! and what a drill that is wrong says is all that one needs to put it right.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]
#![expect(clippy::disallowed_methods, reason = "the command is a process")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The example in a folder of its own.
struct Library {
    dir: PathBuf,
    scratch: PathBuf,
}

impl Library {
    fn new(name: &str) -> Self {
        let tmp = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let dir = tmp.join(format!("library-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/foreign"), &dir);
        let scratch = std::env::temp_dir().join(format!("dl-{name}-{}", std::process::id()));
        fs::create_dir_all(&scratch).unwrap();
        let (cache, state) = (tmp.join("cache"), dir.join("target/drillyard"));
        fs::create_dir_all(&cache).unwrap();
        fs::create_dir_all(&state).unwrap();
        std::os::unix::fs::symlink(&cache, state.join("cache")).unwrap();
        Self { dir, scratch }
    }

    fn write(&self, path: &str, text: &str) {
        fs::write(self.dir.join(path), text).unwrap();
    }

    fn change(&self, path: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.dir.join(path)).unwrap();
        assert!(text.contains(from), "{path} has no `{from}`");
        self.write(path, &text.replace(from, to));
    }

    fn run(&self, args: &[&str]) -> (i32, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_drillyard"));
        command.arg("--project").arg(&self.dir).args(args).env_remove("CI").env("TMPDIR", &self.scratch);
        let output = command.stdin(Stdio::null()).output().unwrap();
        let text =
            [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        (output.status.code().unwrap_or(-1), text)
    }

    fn bundle(&self, file: &str) -> String {
        fs::read_to_string(self.dir.join("target/drillyard/runs/latest").join(file)).unwrap()
    }
}

impl Drop for Library {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
        let _ = fs::remove_dir_all(&self.scratch);
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap).filter(|entry| entry.file_name() != "target")
    {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

const CONFLICT: &str = r##""409": { "$ref": "#/components/responses/Refusal" }, "##;

#[test]
fn a_service_in_another_language_is_drilled_with_yaml_alone() {
    let library = Library::new("whole");
    let (code, said) = library.run(&["run"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("4 passed"), "{said}");
    let (code, said) = library.run(&["judge"]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(library.run(&["verify"]).0, 0);
}

#[test]
fn an_answer_that_the_document_does_not_have_fails_its_step_with_the_place_in_the_document() {
    let library = Library::new("contract");
    library.change("service/openapi.json", CONFLICT, "");
    library.change(
        "service/openapi.json",
        r#""title": { "type": "string" }"#,
        r#""title": { "type": "integer" }"#,
    );
    let (code, said) = library.run(&["run", "lend-a-book"]);
    assert_eq!(code, 1, "{said}");
    let schema = "service/openapi.json#/components/responses/Book/content/application~1json/schema";
    for word in [
        "openapi body.title",
        "\"Middlemarch\" is not of type \"integer\"",
        schema,
        "drills/steps/new-book.yaml:6",
    ] {
        assert!(said.contains(word), "no `{word}` in\n{said}");
    }
    // What judges the bundle alone sees the same, from the document in the bundle.
    let (_, judged) = library.run(&["judge"]);
    assert!(judged.contains(" 0 of them otherwise than the run"), "{judged}");
    assert!(library.bundle("texts/service/openapi.json").contains("\"integer\""));

    library.change(
        "service/openapi.json",
        r#""title": { "type": "integer" }"#,
        r#""title": { "type": "string" }"#,
    );
    let (code, said) = library.run(&["run", "lend-a-book"]);
    let place = "a documented status (service/openapi.json#/paths/~1books~1{id}~1loan/post/responses)";
    assert!(code == 1 && said.contains(place) && said.contains("actual    409"), "{said}");
}

#[test]
fn a_step_can_say_why_its_answer_is_not_in_the_document() {
    let library = Library::new("undocumented");
    library.change("service/openapi.json", CONFLICT, "");
    let step = "  - title: Nobody else gets it meanwhile\n";
    let reason = "the refusal is documented in the next version";
    library.change("drills/lend-a-book.yaml", step, &format!("{step}    undocumented: {reason}\n"));
    let (code, said) = library.run(&["run", "lend-a-book"]);
    assert_eq!(code, 0, "{said}");
    assert!(
        library.bundle("journal.jsonl").contains(&format!("\"openapi\":{{\"off\":\"{reason}\"}}")),
        "the reason is kept"
    );
    for (word, wanted) in [("undocumented: \"\"", "DY014"), ("undocumented: [a]", "DY012")] {
        library.change("drills/lend-a-book.yaml", &format!("undocumented: {reason}"), word);
        let (code, said) = library.run(&["check"]);
        assert!(code == 2 && said.contains(wanted), "{word}:\n{said}");
        library.change("drills/lend-a-book.yaml", word, &format!("undocumented: {reason}"));
    }
    library.change(
        "drills/lend-a-book.yaml",
        "    sql:",
        "    undocumented: rows have no document\n    sql:",
    );
    let (code, said) = library.run(&["check"]);
    assert!(code == 2 && said.contains("there is no OpenAPI document"), "{said}");
}

#[test]
fn a_document_that_is_not_there_or_not_one_is_a_mistake_of_the_topology() {
    let library = Library::new("documents");
    for (path, wanted) in [
        ("service/openapy.json", "is not there"),
        ("../openapi.json", "leaves the project"),
        ("service/schema.json", "cannot be used: it has no `openapi: 3.…`"),
    ] {
        library.write("service/schema.json", "{}");
        library.change("ops/compose.yaml", "openapi: service/openapi.json", &format!("openapi: {path}"));
        let (code, said) = library.run(&["check"]);
        assert!(code == 2 && said.contains(wanted) && said.contains("compose.yaml"), "{path}:\n{said}");
        library.change("ops/compose.yaml", &format!("openapi: {path}"), "openapi: service/openapi.json");
    }
}

const WRONG: &str = r#"drill: wrong
title: A drill that is wrong about the service
use: { block: steps/new-book, with: { title: Romola } }
steps:
  - title: Something else happened before
    http: { get: "library/books/${book}" }
    expect: { status: 200 }
  - title: The book is with somebody else
    http: { get: "library/books/${book}?again" }
    expect:
      status: 200
      body:
        id: "${book}"
        title: Romola
        reader: Tito
    within: 3s
"#;

/// Rule 2: the line of the text, the values, a diff, the last three observations, the services' log during the step,
/// and the command that reruns it; on the console, in JUnit and on the page.
#[test]
fn a_failure_says_all_that_one_needs_to_put_it_right() {
    let library = Library::new("wrong");
    library.write("drills/wrong.yaml", WRONG);
    let (code, said) = library.run(&["run", "wrong", "--seed", "7"]);
    assert_eq!(code, 1, "{said}");
    let place = "    drills/wrong.yaml:15:9\n      15 |         reader: Tito\n";
    let values = "      body.reader\n        expected  \"Tito\"\n        actual    null\n";
    let diff = "       id: 1\n       title: Romola\n      -reader: Tito\n      +reader: null\n";
    let rerun = "  rerun: drillyard run 'drills/wrong' --seed 7\n";
    for part in [place, values, diff, rerun, "    observed, the last 3 of "] {
        assert!(said.contains(part), "no\n{part}in\n{said}");
    }
    let observed = said.split("observed, the last 3").nth(1).unwrap().split("service log").next().unwrap();
    assert_eq!(observed.matches("\"reader\":null").count(), 3, "{observed}");
    let log = said.split("service log during the step").nth(1).unwrap().split("rerun:").next().unwrap();
    assert!(log.contains("library | ") && log.contains("GET /books/1?again"), "{log}");
    assert!(
        !log.contains("GET /books/1 ") && !log.contains("POST"),
        "the log of other steps is not shown:\n{log}"
    );

    let junit = library.bundle("reports/junit.xml");
    for part in [
        "15 |         reader: Tito",
        "-reader: Tito",
        "+reader: null",
        "observed, the last 3 of",
        "GET /books/1?again",
        "--seed 7",
    ] {
        assert!(junit.contains(part), "no `{part}` in JUnit:\n{junit}");
    }
    let page = library.bundle("reports/report.html");
    for part in [
        "drills/wrong.yaml:15",
        "reader: Tito",
        "<span class=\"plus\">+reader: null",
        "tries, the last of them",
        "log lines during the step",
        "--seed 7",
    ] {
        assert!(page.contains(part), "no `{part}` on the page");
    }
}
