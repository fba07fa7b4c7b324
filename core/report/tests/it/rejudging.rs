//! Verdicts follow from observations, under the text of the run and under another.

use drillyard_engine::event::Event;
use drillyard_report::history::History;
use drillyard_report::record::Outcome;
use drillyard_report::rejudge::{Rejudged, again, texts, under};
use drillyard_spec::project::Project;
use drillyard_spec::source::Texts;
use serde_json::{Value, json};

use crate::story;

const PATH: &str = "drills/quiet-night.yaml";
const TOPOLOGY: &str = "name: tiny\nservices:\n  dispatch-api:\n    image: api:1\n    expose: [\"80\"]\n";
/// Its step stands where the told run's step stands.
const TEXT: &str = "drill: quiet-night\ntitle: No alert without a cause\n# why\n# where\nsteps:\n- alerts: dispatch-api/ops/alerts\n  title: nobody is woken\n  expect: { status: 200 }\n";

/// The told run with this answer to its one good step, and the texts it was made from.
fn told(answer: Result<Value, String>) -> (History, Texts) {
    let runs = tempfile::tempdir().expect("a folder");
    let mut events = story::events();
    // The snapshot of the told run belongs to a text with a snapshot.
    events.retain(|event| !matches!(event, Event::Snapshot { .. }));
    for event in &mut events {
        if let Event::StepFinished { unit, step } = event
            && unit == story::QUIET
        {
            step.observations[0].answer = answer.clone();
        }
    }
    let dir = story::told(runs.path(), events).dir;
    let mut texts = texts(&dir);
    texts.insert(PATH, TEXT);
    texts.insert("ops/compose.yaml", TOPOLOGY);
    (History::read(&dir).expect("a run"), texts)
}

fn quiet(judged: &[Rejudged]) -> &Rejudged {
    judged.iter().find(|one| one.unit == story::QUIET).expect("the unit")
}

fn calm() -> Result<Value, String> {
    Ok(json!({ "status": 200, "body": { "alerts": [] } }))
}

fn under_text(answer: Result<Value, String>, text: &str) -> (Outcome, Vec<String>) {
    let (history, mut texts) = told(answer);
    let old = Project::read(&texts);
    texts.insert(PATH, text);
    let judged = under(&history, (&old, &Project::read(&texts)), PATH);
    let one = quiet(&judged);
    (one.now, one.steps.iter().flat_map(|step| step.why.clone()).collect())
}

#[test]
fn an_honest_run_is_judged_as_it_was_and_a_flattered_one_is_not() {
    let (history, texts) = told(calm());
    let judged = again(&history, &texts);
    assert_eq!((quiet(&judged).now, quiet(&judged).changed()), (Outcome::Passed, false), "{judged:?}");
    let (history, texts) = told(Ok(json!({ "status": 503 })));
    let judged = again(&history, &texts);
    assert_eq!((quiet(&judged).now, quiet(&judged).changed()), (Outcome::Failed, true));
    assert!(quiet(&judged).steps[0].why[0].contains("status"), "{judged:?}");
}

#[test]
fn a_step_whose_text_is_not_at_hand_is_never_a_pass() {
    let (history, _) = told(calm());
    let judged = again(&history, &Texts::default());
    assert_eq!(quiet(&judged).now, Outcome::Inconclusive);
}

#[test]
fn another_text_changes_the_verdicts_it_changes_and_no_other() {
    assert_eq!(under_text(calm(), TEXT), (Outcome::Passed, Vec::new()));
    let (now, why) = under_text(calm(), &TEXT.replace("status: 200", "status: 201"));
    assert_eq!(now, Outcome::Failed);
    assert!(why[0].contains("expected 201, actual 200"), "{why:?}");
    let longer = format!(
        "{TEXT}- alerts: dispatch-api/ops/alerts\n  title: still nobody\n  expect: {{ status: 200 }}\n"
    );
    let (now, why) = under_text(calm(), &longer);
    assert_eq!(
        (now, why),
        (Outcome::Inconclusive, vec!["the run has no observation for this step".to_owned()])
    );
    let (now, _) = under_text(Err("refused".to_owned()), &format!("{TEXT}  within: 2s\n"));
    assert_eq!(now, Outcome::Inconclusive, "a wait that was never answered proves nothing");
    let (now, _) = under_text(Err("refused".to_owned()), TEXT);
    assert_eq!(now, Outcome::Failed);
}
