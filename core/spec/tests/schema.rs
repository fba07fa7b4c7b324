//! The JSON Schemas for editors: they are current, accept what the checker accepts, and refuse what it refuses.

use std::fs;
use std::path::{Path, PathBuf};

use drillyard_spec::catalog::ACTIONS;
use drillyard_spec::code::Code;
use drillyard_spec::diagnostic::Diagnostic;
use drillyard_spec::node;
use drillyard_spec::parse::{self, Context, Names, step::STEP_KEYS};
use drillyard_spec::phrase::{BUILT_IN, Vocabulary};
use drillyard_spec::schema;
use drillyard_spec::shape::{Shape, doc_of, project};
use drillyard_spec::source::{Source, Texts};
use drillyard_spec::topology;
use jsonschema::Validator;
use serde_json::{Value, json};

fn project_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn validator(kind: &str) -> Validator {
    jsonschema::validator_for(&schema::of(kind).expect("there is such a kind")).expect("it is a schema")
}

fn complaints(validator: &Validator, value: &Value) -> Vec<String> {
    validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

fn value_of(path: &str, text: &str) -> Value {
    node::parse(&Source::new(path, text), &mut Vec::new())
        .unwrap_or_else(|| panic!("{path} is YAML"))
        .to_value()
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
    found
}

#[test]
fn the_committed_schemas_are_those_of_the_catalog() {
    for (kind, _) in schema::KINDS {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("schema/{kind}.json"));
        let text = schema::text(kind).expect("every kind has a schema");
        if std::env::var_os("DRILLYARD_REWRITE").is_some() {
            fs::create_dir_all(file.parent().expect("it has one")).expect("the folder can be made");
            fs::write(&file, &text).expect("it can be written");
        }
        let written = fs::read_to_string(&file).unwrap_or_default();
        assert!(
            written == text,
            "schema/{kind}.json is not what the catalog says; DRILLYARD_REWRITE=1 writes it anew"
        );
    }
}

#[test]
fn every_file_of_this_repository_fits_its_schema() {
    let root = project_root();
    let yaml = |folder: &str| files(&root.join(folder), ".yaml");
    let mut checked = 0;
    for (kind, paths) in [
        ("drill", yaml("drills")),
        ("topology", vec![root.join("ops/compose.yaml")]),
        ("vocabulary", vec![root.join("features/vocabulary.yaml")]),
        ("gate", yaml("ops/readiness")),
    ] {
        let validator = validator(kind);
        for path in paths {
            let text = fs::read_to_string(&path).expect("it is text");
            let found = complaints(&validator, &value_of(&path.to_string_lossy(), &text));
            assert_eq!(found, Vec::<String>::new(), "{}", path.display());
            checked += 1;
        }
    }
    assert!(checked > 20, "{checked}");
    assert_eq!(complaints(&validator("vocabulary"), &value_of("built-in", BUILT_IN)), Vec::<String>::new());
}

#[test]
fn every_key_of_an_action_is_documented_and_every_documented_key_has_a_shape() {
    let members: Vec<&str> = project::STEP_MEMBERS.iter().map(|member| member.name).collect();
    assert_eq!(members, STEP_KEYS);
    for member in project::DRILL.members {
        assert!(doc_of(project::DRILL.docs, member.name).is_some(), "{}", member.name);
    }
    assert_eq!(project::DRILL.docs.len(), project::DRILL.members.len());
    for info in ACTIONS {
        let Shape::Object(object) = info.shape else { continue };
        for member in object.members {
            assert!(doc_of(info.keys, member.name).is_some(), "{}: {}", info.name, member.name);
        }
        let documented = info.keys.iter().flat_map(|(names, _)| names.split(", "));
        for name in documented.filter(|name| !name.contains(' ')) {
            assert!(object.members.iter().any(|member| member.name == name), "{}: {name}", info.name);
        }
    }
}

fn names() -> Names {
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Names {
        services: set(&["dispatch-api", "postgres", "sms", "objects"]),
        databases: set(&["postgres"]),
        jobs: set(&["bootstrap"]),
        identities: set(&["dispatcher"]),
        programs: set(&["git", "sha256sum"]),
        drained: Some("select 1".to_owned()),
        processes: set(&["dispatch-api"]),
        object_stores: set(&["objects"]),
        edges: [("dispatch-api".to_owned(), "postgres".to_owned())].into(),
        ..Names::default()
    }
}

/// What the checker says of a drill.
fn checked(drill: &Value) -> Vec<Diagnostic> {
    let mut texts = Texts::default();
    texts.insert("drills/x.yaml", &drill.to_string());
    texts.insert("drills/steps/some.yaml", "block: some\nsteps: [{ note: hello }]\n");
    texts.insert("runbook.md", "## Signal\n");
    let names = names();
    let mut out = Vec::new();
    let source = texts.get("drills/x.yaml").expect("it was put there").clone();
    parse::drill(&source, Context { texts: &texts, names: &names }, &mut out);
    out
}

/// Mistakes of form, which a schema can see; others are of meaning.
fn is_of_form(found: &Diagnostic) -> bool {
    use Code::{
        BadDuration, BadMarker, EmptyText, MissingKey, NoAction, NoSteps, TwoActions, UnknownField,
        UnknownKey, WrongType,
    };
    let codes = [
        BadMarker,
        BadDuration,
        EmptyText,
        MissingKey,
        NoAction,
        NoSteps,
        TwoActions,
        UnknownField,
        UnknownKey,
        WrongType,
    ];
    codes.contains(&found.code)
}

/// Drills that together use every key.
fn samples() -> Vec<Value> {
    let whole = r##"
drill: x
title: A title
runbook: runbook.md
tags: [a]
budget: 30s
env: { dispatch-api: { N: 1, M: text } }
matrix: { axis: [a, 2] }
exclusive: [k]
vars: { name: 5 }
use: [steps/some, { block: steps/some }]
steady:
  - sql: { query: select 1 }
    expect: { row_count: 1 }
steps:
  - id: one
    title: A step
    covers: Signal
    as: dispatcher
    when: { axis: a, backend: [process] }
    http: { post: dispatch-api/x, query: { a: 1 }, headers: { b: c }, body: { any: thing } }
    expect: { status: 201, body: { id: "#uuid" }, jsonpath: { "$.id": "#uuid" } }
    save: { it: body.id, that: { secret: body.token } }
    within: 5s
    stays_for: 1s
    timeout: 2s
    snapshot: { name: it, of: body }
  - use: { block: steps/some }
    covers: Signal
    title: T
finally:
  - note: done
"##;
    let mut samples = vec![value_of("whole", whole)];
    for info in ACTIONS {
        let step = value_of(info.name, info.example);
        let check = json!({ "sql": { "query": "select 1" }, "expect": { "row_count": 1 } });
        samples.push(json!({ "drill": "x", "title": "A title", "steps": [check, step] }));
    }
    samples
}

/// Every place of a tree, as JSON pointers.
fn places(value: &Value, at: &str, out: &mut Vec<String>) {
    out.push(at.to_owned());
    let escaped = |key: &str| key.replace('~', "~0").replace('/', "~1");
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, item)| places(item, &format!("{at}/{i}"), out))
        }
        Value::Object(members) => {
            members.iter().for_each(|(key, member)| places(member, &format!("{at}/{}", escaped(key)), out));
        }
        _ => {}
    }
}

/// The sample with one thing wrong: a key nobody knows, a value of another kind, a member that is gone.
fn mutations(sample: &Value) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    places(sample, "", &mut all);
    let mut out = Vec::new();
    for at in all {
        let change = |what: &str, change: &dyn Fn(&mut Value)| {
            let mut copy = sample.clone();
            change(copy.pointer_mut(&at).expect("it is a place of it"));
            (format!("{what} at {at}"), copy)
        };
        let here = sample.pointer(&at).expect("it is a place of it");
        for other in [json!(7), json!("text"), json!([{ "a": 1 }]), json!({ "zzz": [] })] {
            if std::mem::discriminant(&other) != std::mem::discriminant(here) {
                out.push(change(&format!("{other}"), &|value| *value = other.clone()));
            }
        }
        if let Value::Object(members) = here {
            out.push(change("an unknown key", &|value| value["zzz"] = json!(1)));
            for key in members.keys() {
                out.push(change(&format!("without `{key}`"), &|value| {
                    value.as_object_mut().expect("it is a mapping").shift_remove(key);
                }));
            }
        }
    }
    out
}

#[test]
fn checker_and_schema_agree_on_thousands_of_mistakes() {
    let validator = validator("drill");
    let (mut refused, mut tried) = (0, 0);
    for sample in samples() {
        assert_eq!(complaints(&validator, &sample), Vec::<String>::new(), "{sample}");
        assert_eq!(checked(&sample), [], "{sample}");
        for (what, mutated) in mutations(&sample) {
            tried += 1;
            let said = checked(&mutated);
            let fits = validator.is_valid(&mutated);
            refused += usize::from(!fits);
            if !fits && said.is_empty() {
                panic!("only the schema refuses {what}: {:?}\n{mutated}", complaints(&validator, &mutated));
            }
            let form = said.iter().find(|one| is_of_form(one));
            assert!(form.is_none() || !fits, "only the checker refuses {what}: {form:?}\n{mutated}");
        }
    }
    assert!(tried > 1_000 && refused > 500, "{refused} of {tried}");
}

#[test]
fn checker_and_schema_agree_on_topologies() {
    let validator = validator("topology");
    let text = fs::read_to_string(project_root().join("ops/compose.yaml")).expect("it is there");
    let whole = value_of("ops/compose.yaml", &text);
    let read = |value: &Value| {
        let mut out = Vec::new();
        topology::parse(&Source::new("ops/compose.yaml", &value.to_string()), &mut out);
        out
    };
    assert_eq!(read(&whole), []);
    let mut refused = 0;
    for (what, mutated) in mutations(&whole) {
        // Beside the keys of the harness a Compose file is Compose's own business.
        if !what.contains("x-drillyard") {
            continue;
        }
        let said = read(&mutated);
        let complaints = complaints(&validator, &mutated);
        assert!(complaints.is_empty() || !said.is_empty(), "only the schema refuses {what}: {complaints:?}");
        let form = said.iter().find(|one| is_of_form(one));
        assert!(form.is_none() || !complaints.is_empty(), "only the checker refuses {what}: {form:?}");
        refused += usize::from(!complaints.is_empty());
    }
    assert!(refused > 150, "{refused}");
}

#[test]
fn checker_and_schema_agree_on_vocabularies() {
    let validator = validator("vocabulary");
    let sample = value_of(
        "v",
        "phrases:\n  - phrase: I do {string}\n    args: [what]\n    steps: [{ note: \"${what}\" }]\n  - phrase: I am {word}\n    args: [who]\n    act_as: true\n  - phrase: it is late\n    env: { dispatch-api: { LATE: 1 } }\n",
    );
    let read = |value: &Value| {
        let mut out = Vec::new();
        Vocabulary::read(Some(&Source::new("features/vocabulary.yaml", &value.to_string())), &mut out);
        out
    };
    assert_eq!(read(&sample), []);
    for (what, mutated) in mutations(&sample) {
        // The steps of a phrase are read where it is used.
        if what.contains("/steps/") {
            continue;
        }
        let (said, complaints) = (read(&mutated), complaints(&validator, &mutated));
        let form = said.iter().find(|one| is_of_form(one));
        assert!(form.is_none() || !complaints.is_empty(), "only the checker refuses {what}: {form:?}");
        let steps_or_env = what.ends_with("/steps") || what.ends_with("/env") || what.contains("`steps`");
        assert!(
            complaints.is_empty() || !said.is_empty() || steps_or_env,
            "only the schema refuses {what}: {complaints:?}"
        );
    }
}
