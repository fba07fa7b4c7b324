//! The reference page, and the catalog it is written from.

use std::path::Path;

use drillyard_spec::catalog::{ACTIONS, DRILL_DOCS, STEP_DOCS};
use drillyard_spec::drill::Drill;
use drillyard_spec::fault::FAULTS;
use drillyard_spec::parse::{self, Context, Names};
use drillyard_spec::pattern::{MARKER_DOCS, MARKERS, PATTERN_KEY_DOCS, PATTERN_KEYS};
use drillyard_spec::phrase::{BUILT_IN, Meaning, Vocabulary};
use drillyard_spec::reference;
use drillyard_spec::source::Texts;

#[test]
fn the_reference_is_what_the_catalog_says() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("REFERENCE.md");
    let page = reference::page();
    if std::env::var_os("DRILLYARD_REWRITE").is_some() {
        std::fs::write(&file, &page).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    let differs = written.lines().zip(page.lines()).position(|(left, right)| left != right);
    assert!(
        written == page,
        "REFERENCE.md is not what the catalog says, from line {} on; DRILLYARD_REWRITE=1 writes it anew",
        differs.map_or(written.lines().count().min(page.lines().count()), |line| line) + 1
    );
}

/// `cargo test --test drills -- reference` carries them out.
#[test]
fn the_drill_of_the_examples_is_what_the_catalog_says() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../drills/reference.yaml");
    let drill = reference::drill();
    if std::env::var_os("DRILLYARD_REWRITE").is_some() {
        std::fs::write(&file, &drill).unwrap();
    }
    assert!(
        std::fs::read_to_string(&file).unwrap_or_default() == drill,
        "DRILLYARD_REWRITE=1 writes drills/reference.yaml anew"
    );
    let left_out =
        ACTIONS.iter().filter(|info| !drill.contains(&info.example.trim_end().replace('\n', "\n    ")));
    assert_eq!(left_out.map(|info| info.name).collect::<Vec<_>>(), ["human"]);
}

#[test]
fn every_example_of_the_reference_is_read_without_complaint() {
    let page = reference::page();
    let examples: Vec<&str> =
        page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(examples.len(), ACTIONS.len());
    for example in examples {
        let (drills, complaints) = read(example);
        assert_eq!(complaints, Vec::<String>::new(), "{example}");
        assert!(drills[0].steps.len() > 1, "{example}");
    }
}

fn read(step: &str) -> (Vec<Drill>, Vec<String>) {
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let names = Names {
        services: set(&["dispatch-api", "postgres", "sms"]),
        databases: set(&["postgres"]),
        jobs: set(&["bootstrap"]),
        identities: set(&["dispatcher"]),
        programs: set(&["sha256sum"]),
        drained: None,
        processes: set(&["dispatch-api"]),
        ..Names::default()
    };
    let step = step.trim_end().replace('\n', "\n  ");
    let text = format!(
        "drill: x\ntitle: X\nsteps:\n- sql: {{ query: select 1 }}\n  expect: {{ row_count: 1 }}\n- {step}\n"
    );
    let mut texts = Texts::default();
    texts.insert("drills/x.yaml", &text);
    let mut out = Vec::new();
    let source = texts.get("drills/x.yaml").expect("it was put there").clone();
    let drills = parse::drill(&source, Context { texts: &texts, names: &names }, &mut out);
    (drills, out.iter().map(|d| format!("{} {}", d.code, d.message)).collect())
}

#[test]
fn every_key_and_marker_is_documented() {
    let documented: Vec<&str> = STEP_DOCS.iter().map(|(key, _)| *key).collect();
    assert_eq!(documented, parse::step::STEP_KEYS);
    let markers: Vec<&str> =
        MARKER_DOCS.iter().map(|(marker, _)| marker.split(' ').next().unwrap()).collect();
    assert_eq!(markers, MARKERS);
    for (key, (documented, _)) in PATTERN_KEYS.iter().zip(PATTERN_KEY_DOCS) {
        assert!(documented.contains(&format!("\"{key}\"")), "{key}");
    }
    assert_eq!(PATTERN_KEYS.len(), PATTERN_KEY_DOCS.len());
    assert!(DRILL_DOCS.iter().any(|(key, _)| *key == "matrix"));
}

/// Every action, and every field that actions answer with but for a few that say the same in other words, can be said.
#[test]
fn there_is_a_sentence_for_every_action() {
    let mut out = Vec::new();
    let vocabulary = Vocabulary::read(None, &mut out);
    assert_eq!(out, []);
    for info in ACTIONS {
        let said = vocabulary.phrases.iter().any(|phrase| match &phrase.meaning {
            Meaning::Steps(steps) => {
                format!("{:?}", steps.to_value()).contains(&format!("\"{}\":", info.name))
            }
            Meaning::ActAs => false,
        });
        assert!(said, "no sentence for `{}`", info.name);
    }
    let any_fault = vocabulary.matches("the fault kill is done to \"dispatch-api\"");
    assert_eq!(any_fault.len(), 1);
    for info in FAULTS.iter().filter(|info| !info.needs.is_empty()) {
        let sentence = format!("the fault {} is done to \"x\" with {} \"5\"", info.name, info.needs[0]);
        // A mapping cannot stand in a sentence, and two keys need one of their own.
        let plain =
            info.needs.len() == 1 && info.needs != ["set"] && vocabulary.matches(&sentence).len() == 1;
        let own = BUILT_IN.contains(&format!("fault: {{ {}: ", info.name));
        assert!(plain || own, "no sentence for the fault `{}`", info.name);
    }
    for word in
        ["jsonpath:", "schema:", "snapshot:", "latency_ms:", "headers:", "#set", "fires:", "clears:", "none:"]
    {
        assert!(BUILT_IN.contains(word), "no sentence for `{word}`");
    }
}
