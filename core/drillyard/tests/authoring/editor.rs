//! The language server, as an editor speaks with it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::project::{GOOD, Project};

struct Editor<'p> {
    project: &'p Project,
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    next: u64,
    /// What was last published of each file.
    published: Vec<(String, Value)>,
}

impl<'p> Editor<'p> {
    fn open(project: &'p Project) -> Self {
        let mut child =
            project.command(&["lsp"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (to, from) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut editor = Self { project, child, to, from, next: 0, published: Vec::new() };
        let folder = json!([{ "uri": format!("file://{}", project.dir.display()), "name": "p" }]);
        let answer = editor.ask("initialize", &json!({ "capabilities": {}, "workspaceFolders": folder }));
        assert_eq!(answer["capabilities"]["hoverProvider"], true);
        editor.tell("initialized", &json!({}));
        editor
    }

    fn uri(&self, path: &str) -> String {
        format!("file://{}", self.project.dir.join(path).display())
    }

    fn send(&mut self, message: &Value) {
        let text = message.to_string();
        write!(self.to, "Content-Length: {}\r\n\r\n{text}", text.len()).unwrap();
        self.to.flush().unwrap();
    }

    fn tell(&mut self, method: &str, params: &Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    fn hear(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            assert!(self.from.read_line(&mut line).unwrap() > 0, "the server is gone");
            if let Some(given) = line.strip_prefix("Content-Length: ") {
                length = given.trim().parse().unwrap();
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut bytes = vec![0; length];
        self.from.read_exact(&mut bytes).unwrap();
        let message: Value = serde_json::from_slice(&bytes).unwrap();
        if message["method"] == "textDocument/publishDiagnostics" {
            let uri = message["params"]["uri"].as_str().unwrap().to_owned();
            self.published.retain(|(file, _)| *file != uri);
            self.published.push((uri, message["params"]["diagnostics"].clone()));
        }
        message
    }

    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.next += 1;
        let id = self.next;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        loop {
            let message = self.hear();
            if message["id"] == id {
                assert!(message.get("error").is_none(), "{message}");
                return message["result"].clone();
            }
        }
    }

    fn write(&mut self, path: &str, text: &str) {
        let uri = self.uri(path);
        let open =
            json!({ "textDocument": { "uri": uri, "languageId": "yaml", "version": 1, "text": text } });
        self.tell("textDocument/didOpen", &open);
    }

    fn change(&mut self, path: &str, text: &str) {
        let uri = self.uri(path);
        let change =
            json!({ "textDocument": { "uri": uri, "version": 2 }, "contentChanges": [{ "text": text }] });
        self.tell("textDocument/didChange", &change);
    }

    /// What is published of a file, once everything said so far has been heard.
    fn diagnostics(&mut self, path: &str) -> Vec<Value> {
        let at =
            json!({ "textDocument": { "uri": self.uri(path) }, "position": { "line": 0, "character": 0 } });
        self.ask("textDocument/hover", &at);
        let uri = self.uri(path);
        let found = self.published.iter().find(|(file, _)| *file == uri);
        found.map(|(_, list)| list.as_array().unwrap().clone()).unwrap_or_default()
    }

    /// Asks about the place of `|` in the text, which is written without it.
    fn at(&mut self, method: &str, path: &str, text: &str) -> Value {
        let offset = text.find('|').unwrap();
        let before = &text[..offset];
        let line = before.matches('\n').count();
        let character = before.rsplit('\n').next().unwrap().encode_utf16().count();
        self.write(path, &text.replacen('|', "", 1));
        let at = json!({ "textDocument": { "uri": self.uri(path) }, "position": { "line": line, "character": character } });
        self.ask(method, &at)
    }

    fn offered(&mut self, path: &str, text: &str) -> Vec<String> {
        let items = self.at("textDocument/completion", path, text);
        items.as_array().unwrap().iter().map(|item| item["label"].as_str().unwrap().to_owned()).collect()
    }

    fn hovered(&mut self, path: &str, text: &str) -> String {
        let found = self.at("textDocument/hover", path, text);
        found["contents"]["value"].as_str().unwrap_or_default().to_owned()
    }

    fn leads_to(&mut self, path: &str, text: &str) -> String {
        let found = self.at("textDocument/definition", path, text);
        let uri = found["uri"].as_str().unwrap_or("nowhere").to_owned();
        let file =
            uri.strip_prefix(&format!("file://{}/", self.project.dir.display())).unwrap_or(&uri).to_owned();
        format!("{file}:{}", found["range"]["start"]["line"].as_u64().map_or(0, |line| line + 1))
    }

    fn close(mut self) {
        self.ask("shutdown", &Value::Null);
        self.tell("exit", &Value::Null);
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }
}

const BLOCK: &str = "block: order\ntitle: An order is placed\nargs: [item]\nsteps:\n- http: { post: shop/orders, body: { item: \"${item}\" } }\n  expect: { status: 201 }\n  save: { order: body.id }\n";
const RUNBOOK: &str = "# Late\n\n## Signal\n\ntext\n\n## Remedy\n\n1. look\n2. restart\n";
const HEAD: &str = "drill: x\ntitle: T\nrunbook: ops/runbooks/late.md\nsteps:\n";

fn project(name: &str) -> Project {
    let project = Project::new(name);
    project.write("drills/good.yaml", GOOD);
    project.write("drills/steps/order.yaml", BLOCK);
    project.write("ops/runbooks/late.md", RUNBOOK);
    let phrases = "phrases:\n- phrase: the shop is up\n  steps:\n  - http: { get: shop/up }\n    expect: { status: 200 }\n";
    project.write("features/vocabulary.yaml", phrases);
    project
}

#[test]
fn what_is_wrong_is_shown_as_it_is_typed_and_is_what_check_says() {
    let project = project("lsp-check");
    let mut editor = Editor::open(&project);
    assert_eq!(editor.diagnostics("drills/good.yaml"), [] as [Value; 0]);
    let wrong = GOOD.replace("title: One is one", "title: Ünïcode \"😀\"").replace("expect:", "expcet:");
    editor.write("drills/good.yaml", GOOD);
    editor.change("drills/good.yaml", &wrong);
    let shown = editor.diagnostics("drills/good.yaml");
    assert_eq!(shown.len(), 2, "{shown:?}");
    // The disk has the good text still; the same text on disk gives the same mistakes.
    assert_eq!(project.run(&["check"]).0, 0);
    project.write("drills/good.yaml", &wrong);
    let (_, text) = project.run(&["check", "--format", "json"]);
    let said: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(said.len(), shown.len());
    for one in &said {
        let same = |shown: &&Value| {
            let message = shown["message"].as_str().unwrap();
            shown["code"] == one["code"]
                && message.starts_with(one["message"].as_str().unwrap())
                && message.contains(one["help"].as_str().unwrap_or_default())
                && shown["range"]["start"]["line"].as_u64().unwrap() + 1
                    == one["place"]["line"].as_u64().unwrap()
        };
        assert!(shown.iter().any(|one| same(&one)), "{one} is not among {shown:#?}");
    }
    let misspelt = shown.iter().find(|one| one["code"] == "DY010").unwrap();
    assert_eq!(
        misspelt["range"],
        json!({ "start": { "line": 5, "character": 2 }, "end": { "line": 5, "character": 8 } })
    );
    editor.change("drills/good.yaml", GOOD);
    assert_eq!(editor.diagnostics("drills/good.yaml"), [] as [Value; 0]);
    editor.change("drills/good.yaml", "drill: [");
    assert_eq!(editor.diagnostics("drills/good.yaml")[0]["code"], "DY001");
    editor.close();
}

#[test]
fn a_mistake_in_one_file_is_shown_where_it_matters() {
    let project = project("lsp-files");
    let mut editor = Editor::open(&project);
    editor.write(
        "ops/compose.yaml",
        &crate::project::TOPOLOGY.replace("ready: { http: /up }", "ready: { htp: /up }"),
    );
    assert!(!editor.diagnostics("ops/compose.yaml").is_empty());
    let uri = editor.uri("ops/compose.yaml");
    editor.tell("textDocument/didClose", &json!({ "textDocument": { "uri": uri } }));
    assert_eq!(editor.diagnostics("ops/compose.yaml"), [] as [Value; 0]);
    editor.close();
}

#[test]
fn keys_names_and_sentences_are_completed_while_the_text_is_half_written() {
    let project = project("lsp-complete");
    let mut editor = Editor::open(&project);
    let x = "drills/x.yaml";
    let mut offers = |text: &str, wanted: &[&str], unwanted: &[&str]| {
        let file = if text.starts_with("Feature") { "features/x.feature" } else { x };
        let offered = editor.offered(file, text);
        for one in wanted {
            assert!(
                offered.iter().any(|offer| offer == one),
                "`{one}` is not offered in\n{text}\n{offered:?}"
            );
        }
        for one in unwanted {
            assert!(!offered.iter().any(|offer| offer == one), "`{one}` is offered in\n{text}");
        }
    };
    offers("drill: x\nti|", &["title", "steps", "matrix"], &["http"]);
    offers(&format!("{HEAD}  - |"), &["http", "sql", "use", "as"], &["matrix"]);
    offers(&format!("{HEAD}  - as: c|"), &["clerk"], &["shop"]);
    offers(&format!("{HEAD}  - http: {{ po|"), &["post", "body"], &["query_"]);
    offers(&format!("{HEAD}  - http: {{ get: s|"), &["shop", "postgres"], &[]);
    offers(&format!("{HEAD}  - http: {{ get: shop/|"), &["shop/up", "shop/orders"], &[]);
    offers(
        &format!("{HEAD}  - http: {{ get: shop/up }}\n    expect: {{ st|"),
        &["status", "body", "jsonpath"],
        &["rows"],
    );
    offers(&format!("{HEAD}  - sql: {{ query: a }}\n    expect: {{ r|"), &["rows", "row_count"], &["status"]);
    offers(
        &format!("{HEAD}  - http: {{ get: shop/up }}\n    expect: {{ body: {{ id: \"#|"),
        &["#uuid", "#int"],
        &[],
    );
    offers(&format!("{HEAD}  - tool: {{ call: o|"), &["order.create", "order_create"], &[]);
    offers(&format!("{HEAD}  - use: s|"), &["steps/order"], &["good"]);
    offers(&format!("{HEAD}  - covers: R|"), &["Remedy", "Remedy/2", "Signal"], &[]);
    offers(&format!("{HEAD}  - fault: {{ la|"), &["latency", "kill"], &[]);
    offers(&format!("{HEAD}  - fault: {{ latency: s|"), &["shop -> postgres"], &["shop"]);
    offers(&format!("{HEAD}  - sql: {{ query: \"select * from o|"), &["orders"], &[]);
    offers(
        &format!("vars: {{ a: 1 }}\n{HEAD}  - use: steps/order\n  - note: \"${{|"),
        &["a", "order", "fresh.uuid"],
        &["later"],
    );
    offers("Feature: F\n  Scenario: S\n    When the s|", &["the shop is up", "I get {string}"], &[]);
    editor.close();
}

#[test]
fn hovers_explain_and_definitions_lead_to_the_place() {
    let project = project("lsp-hover");
    let mut editor = Editor::open(&project);
    let x = "drills/x.yaml";
    let said = editor.hovered(x, &format!("{HEAD}  - ht|tp: {{ get: shop/up }}\n"));
    assert!(said.contains("sends a request to a service") && said.contains("```yaml"), "{said}");
    assert!(
        editor.hovered(x, &format!("{HEAD}  - as: cl|erk\n    note: a\n")).contains("\"role\": \"clerk\"")
    );
    assert!(editor.hovered(x, &format!("{HEAD}  - note: a\n    with|in: 5s\n")).contains("repeat until"));
    assert!(editor.hovered(x, &format!("{HEAD}  - http: {{ get: shop/|up }}\n")).contains("GET `/up`"));
    assert!(
        editor
            .hovered(x, &format!("{HEAD}  - use: steps/order\n  - note: \"${{or|der}}\"\n"))
            .contains("saved from an answer")
    );
    let feature = "Feature: F\n  Scenario: S\n    Then the shop |is up\n";
    assert!(editor.hovered("features/x.feature", feature).contains("get: shop/up"));
    let mut leads = |text: &str, wanted: &str| assert_eq!(editor.leads_to(x, text), wanted, "{text}");
    leads(&format!("{HEAD}  - use: steps/or|der\n"), "drills/steps/order.yaml:1");
    leads(&format!("{HEAD}  - covers: Remedy/|2\n    note: a\n"), "ops/runbooks/late.md:10");
    leads(&format!("{HEAD}  - covers: Sig|nal\n    note: a\n"), "ops/runbooks/late.md:3");
    leads(&format!("{HEAD}  - use: steps/order\n  - note: \"${{or|der}}\"\n"), "drills/steps/order.yaml:7");
    leads(&format!("{HEAD}  - let: {{ mine: 1 }}\n  - note: \"${{mi|ne}}\"\n"), "drills/x.yaml:5");
    leads("drill: x\nrunbook: ops/runbooks/la|te.md\n", "ops/runbooks/late.md:1");
    leads(&format!("{HEAD}  - http: {{ get: sh|op/up }}\n"), "ops/compose.yaml:8");
    leads(&format!("{HEAD}  - as: cl|erk\n    note: a\n"), "ops/compose.yaml:20");
    assert_eq!(editor.leads_to("features/x.feature", feature), "features/vocabulary.yaml:2");
    editor.close();
}

#[test]
fn a_keystroke_in_this_repository_is_answered_at_once() {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    let project = project("lsp-speed");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_drillyard"));
    command.arg("--project").arg(&here).arg("lsp");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (to, from) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
    let mut editor = Editor { project: &project, child, to, from, next: 0, published: Vec::new() };
    editor.ask("initialize", &json!({ "capabilities": {}, "workspaceFolders": null }));
    editor.tell("initialized", &json!({}));
    let path = here.join("drills/canonical-lifecycle.yaml");
    let uri = format!("file://{}", path.display());
    let text = std::fs::read_to_string(&path).unwrap();
    let open = json!({ "textDocument": { "uri": uri, "languageId": "yaml", "version": 1, "text": text } });
    editor.tell("textDocument/didOpen", &open);
    let at = json!({ "textDocument": { "uri": uri }, "position": { "line": 9, "character": 4 } });
    editor.ask("textDocument/completion", &at);
    let mut took = Vec::new();
    for round in 0..10 {
        let begun = Instant::now();
        let typed = format!("{text}# {round}\n");
        let change =
            json!({ "textDocument": { "uri": uri, "version": 2 }, "contentChanges": [{ "text": typed }] });
        editor.tell("textDocument/didChange", &change);
        assert!(!editor.ask("textDocument/completion", &at).as_array().unwrap().is_empty());
        took.push(begun.elapsed());
    }
    took.sort();
    println!("a keystroke: {:?} at best, {:?} in the middle, {:?} at worst", took[0], took[5], took[9]);
    // An unoptimised build, perhaps on a busy machine; an optimised one takes a tenth of it.
    assert!(took[0] < Duration::from_millis(500), "{took:?}");
    editor.close();
}
