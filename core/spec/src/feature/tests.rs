//! What the Gherkin door accepts, and what it refuses.

use super::*;
use crate::drill::Action;
use crate::parse::Names;
use crate::source::Texts;

const TEAM: &str = r##"
phrases:
  - phrase: I create a ticket {string}
    args: [summary]
    steps:
      - http: { post: dispatch-api/tickets, body: { summary: "${summary}" } }
        save: { ticket: body.id }
  - phrase: the ticket is {word} within {int} s
    args: [state, seconds]
    steps:
      - http: { get: "dispatch-api/tickets/${ticket}" }
        expect: { body: { state: "${state}", "...": any } }
        within: ${seconds} s
  - phrase: "these notes are stored:"
    steps:
      - each:
          of: "${table}"
          as: row
          steps:
            - http: { post: dispatch-api/notes, body: "${row}" }
              expect: { status: 201 }
  - phrase: "I say:"
    steps:
      - http: { post: dispatch-api/notes, text: "${text}" }
        expect: { status: 201 }
"##;

fn read_feature(text: &str) -> (Vec<Scenario>, Vec<Diagnostic>) {
    let set = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
    let names =
        Names { services: set(&["dispatch-api"]), identities: set(&["dispatcher"]), ..Names::default() };
    let texts = Texts::default();
    let mut out = Vec::new();
    let vocabulary = Vocabulary::read(Some(&Source::new("features/vocabulary.yaml", TEAM)), &mut out);
    let scenarios = read(
        &Source::new("features/f.feature", text),
        &vocabulary,
        Context { texts: &texts, names: &names },
        &mut out,
    );
    (scenarios, out)
}

fn codes(text: &str) -> Vec<(Code, usize)> {
    read_feature(text).1.iter().map(|d| (d.code, d.place.line)).collect()
}

const GOOD: &str = "@a\nFeature: F\n  Free text.\n\n  Background:\n    Given I am the dispatcher\n\n  Scenario: One\n    When I create a ticket \"Door\"\n    Then the ticket is NEW within 5 s\n";

#[test]
fn sentences_become_the_steps_yaml_would_give() {
    let (scenarios, out) = read_feature(GOOD);
    assert_eq!(out, []);
    let one = &scenarios[0];
    assert_eq!(one.drill.id, "features/f: One");
    assert_eq!(one.drill.tags, ["a"]);
    assert_eq!(one.sentences.iter().map(|s| s.steps).collect::<Vec<_>>(), [0, 1, 1]);
    assert_eq!(one.drill.steps[0].identity.as_deref(), Some("dispatcher"));
    assert_eq!(one.drill.steps[1].within, Some(std::time::Duration::from_secs(5)));
    assert_eq!(one.drill.steps[1].place.line, 10);
}

#[test]
fn a_misspelt_keyword_never_vanishes() {
    assert_eq!(codes(&GOOD.replace("When I", "Wen I"))[0], (Code::SwallowedLine, 9));
    assert_eq!(codes(&GOOD.replace("Scenario: One", "Scenrio: One"))[0], (Code::SwallowedLine, 8));
    assert_eq!(codes(&GOOD.replace("    Then the", "    Thn the"))[0], (Code::SwallowedLine, 10));
    assert_eq!(codes(&GOOD.replace("Free text.", "Scenari: gone"))[0], (Code::SwallowedLine, 3));
}

#[test]
fn nothing_can_be_green_on_nothing() {
    assert_eq!(codes("# nothing\n")[0].0, Code::EmptyFile);
    assert_eq!(codes("Feature: F\n"), [(Code::EmptyFeature, 1)]);
    assert_eq!(codes("Feature: F\n  Scenario: S\n"), [(Code::EmptyScenario, 2)]);
    assert_eq!(
        codes("Feature: F\n  Scenario: S\n    Given I am the dispatcher\n"),
        [(Code::NothingChecked, 2)]
    );
}

#[test]
fn unknown_sentences_and_identities_are_refused_with_the_nearest() {
    let (_, out) = read_feature(&GOOD.replace("I create a ticket", "I craete a ticket"));
    assert_eq!(out[0].code, Code::UnknownPhrase);
    assert!(out[0].help.as_deref().unwrap().contains("I create a ticket {string}"));
    assert_eq!(codes(&GOOD.replace("the dispatcher", "the dispatchr"))[0].0, Code::UnknownIdentity);
}

#[test]
fn outlines_give_a_scenario_for_each_row() {
    let text = "Feature: F\n  Scenario Outline: Is <state>\n    Given I am the dispatcher\n    When I create a ticket \"D\"\n    Then the ticket is <state> within 1 s\n    Examples:\n      | state |\n      | NEW |\n      | OLD |\n";
    let (scenarios, out) = read_feature(text);
    assert_eq!(out, []);
    let ids: Vec<&str> = scenarios.iter().map(|s| s.drill.id.as_str()).collect();
    assert_eq!(ids, ["features/f: Is NEW", "features/f: Is OLD"]);
    assert_eq!(codes(&text.replace("      | NEW |\n      | OLD |\n", ""))[0].0, Code::EmptyScenario);
}

#[test]
fn tables_and_texts_below_a_sentence_are_bound_for_its_phrase() {
    let text = "Feature: F\n  Scenario: S\n    Given I am the dispatcher\n    When these notes are stored:\n      | kind | n |\n      | a | 1 |\n      | b | 2 |\n    And I say:\n      \"\"\"\n      hello\n      \"\"\"\n";
    let (scenarios, out) = read_feature(text);
    assert_eq!(out, []);
    let steps = &scenarios[0].drill.steps;
    let Action::Let(names) = &steps[0].action else { panic!("{steps:?}") };
    assert_eq!(
        names[0],
        ("table".to_owned(), serde_json::json!([{ "kind": "a", "n": 1 }, { "kind": "b", "n": 2 }]))
    );
    let Action::Each(each) = &steps[1].action else { panic!("{steps:?}") };
    assert_eq!((each.steps[0].identity.as_deref(), each.steps[0].place.line), (Some("dispatcher"), 4));
    let Action::Let(names) = &steps[2].action else { panic!("{steps:?}") };
    assert_eq!(names[0].1, "hello");
}

#[test]
fn what_is_written_below_a_sentence_is_never_ignored() {
    let with =
        |sentence: &str| format!("Feature: F\n  Scenario: S\n    When I create a ticket \"D\"\n{sentence}");
    let table = "      | a |\n      | 1 |\n";
    for below in [table, "      \"\"\"\n      x\n      \"\"\"\n"] {
        assert_eq!(
            codes(&with(&format!("    Then the ticket is NEW within 5 s\n{below}")))[0],
            (Code::NothingToFill, 4)
        );
        assert_eq!(
            codes(&with(&format!("    Given I am the dispatcher\n{below}")))[0],
            (Code::NothingToFill, 4)
        );
    }
    assert_eq!(codes(&with("    When these notes are stored:\n"))[0], (Code::NothingToFill, 4));
    assert_eq!(codes(&with("    When these notes are stored:\n      | a |\n"))[0], (Code::NothingToFill, 4));
    // A table of an earlier sentence is not that of a later one.
    let both = format!("    When these notes are stored:\n{table}    And these notes are stored:\n");
    assert_eq!(codes(&with(&both))[0], (Code::NothingToFill, 7));
}
