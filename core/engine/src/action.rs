//! Actions: one file each. Every one gives an answer as a document, or a sentence why there was none.

use std::time::Duration;

use drillyard_spec::drill::Action;
use drillyard_spec::fault::{Fault, FaultStep, Recovered};
use drillyard_spec::template::fill_value;
use serde_json::{Value, json};

use crate::bindings::Names;
use crate::clock;
use crate::fault::Book;
use crate::stack::Lane;

pub mod alerts;
pub mod double;
pub mod drained;
pub mod exec;
pub mod http;
pub mod human;
pub mod job;
pub mod load;
pub mod logs;
pub mod metrics;
pub mod object;
pub mod sql;
pub mod tool;

/// What an action may use.
pub struct Scene<'a> {
    /// The unit's name.
    pub unit: &'a str,
    /// The private stack.
    pub lane: &'a Lane,
    /// Values for templates.
    pub names: &'a Names,
    /// Who acts.
    pub identity: Option<&'a str>,
    /// The answer of the step before.
    pub last: Option<&'a Value>,
    /// The faults of the unit.
    pub faults: &'a Book,
    /// One HTTP client for the unit.
    pub client: &'a reqwest::Client,
    /// Asks people.
    pub desk: &'a human::Desk,
    /// Bound for the attempt.
    pub timeout: Duration,
}

/// An action carried out: what was done, for the record, and what came back.
#[derive(Debug)]
pub struct Done {
    /// The action with templates filled in; secrets are masked by whoever writes it.
    pub what: Value,
    /// The answer, or why there was none.
    pub answer: Result<Value, String>,
}

impl Done {
    /// An action that could not even be put together.
    fn unresolved(name: &str, reason: String) -> Self {
        Self { what: json!({ "action": name }), answer: Err(reason) }
    }
}

/// Carries out an action once, within the scene's time bound. The time before a fault that has a moment of its own is
/// not part of that.
pub async fn perform(action: &Action, scene: &Scene<'_>) -> Done {
    if let Action::Fault(FaultStep::Inject(Fault { after: Some(bounds), .. })) = action {
        let wait = scene.names.between(*bounds);
        clock::sleep(wait).await;
        let mut done = perform_now(action, scene).await;
        if let Ok(Value::Object(members)) = &mut done.answer {
            members.insert("after_ms".to_owned(), json!(wait.as_millis()));
        }
        return done;
    }
    perform_now(action, scene).await
}

async fn perform_now(action: &Action, scene: &Scene<'_>) -> Done {
    if let Some(reason) = scene.lane.refuses(action) {
        return Done { what: json!({ "action": action.describe() }), answer: Err(reason) };
    }
    let work = async {
        match action {
            Action::Http(http) => http::perform(http, scene).await,
            Action::Tool(tool) => tool::perform(tool, scene).await,
            Action::Sql(sql) => sql::perform(sql, scene).await,
            Action::Object(object) => object::perform(object, scene).await,
            Action::Alerts(target) => alerts::perform(target, scene).await,
            Action::Job(name) => job::perform(name, scene).await,
            Action::Fault(step) => fault(step, scene).await,
            Action::Logs(wanted) => logs::perform(wanted, scene),
            Action::Metrics(wanted) => metrics::perform(wanted, scene).await,
            Action::Double(double) => double::perform(double, scene).await,
            Action::Drained(wanted) => drained::perform(wanted, scene).await,
            Action::Exec(wanted) => exec::perform(wanted, scene).await,
            Action::Human(wanted) => human::perform(wanted, scene).await,
            Action::Load(wanted) => load::perform(wanted, scene).await,
            // The session carries these out itself, step by step.
            Action::Parallel(_) | Action::Each(_) | Action::Always(_) | Action::Defer(_) => {
                Done::unresolved(action.info().name, "it holds steps and cannot be tried as one".to_owned())
            }
            Action::Last(path) => last(path, scene),
            Action::Let(names) => bind(names, scene),
            Action::Note(text) => Done { what: json!({ "note": text }), answer: Ok(json!({})) },
        }
    };
    match tokio::time::timeout(scene.timeout, work).await {
        Ok(done) => done,
        Err(_) => Done {
            what: json!({ "action": action.describe() }),
            answer: Err(format!("no answer within {} ms", scene.timeout.as_millis())),
        },
    }
}

fn last(path: &drillyard_spec::template::Path, scene: &Scene<'_>) -> Done {
    let what = json!({ "action": "last" });
    let answer = match scene.last {
        None => Err("no step before this one had an answer".to_owned()),
        Some(document) => {
            let mut document = document.clone();
            let value = path.get(&document).cloned();
            if let (Value::Object(members), Some(value)) = (&mut document, value) {
                members.insert("value".to_owned(), value);
            }
            Ok(document)
        }
    };
    Done { what, answer }
}

/// Lets a fault happen, asks it or undoes it.
async fn fault(step: &FaultStep, scene: &Scene<'_>) -> Done {
    let what = json!({ "fault": step.describe() });
    let filled = match step {
        FaultStep::Recovered(recovered) => filled(recovered, scene).map(FaultStep::Recovered),
        other => Ok(other.clone()),
    };
    match filled {
        Ok(step) => Done { what, answer: scene.faults.perform(&step, scene.lane).await },
        Err(reason) => Done { what, answer: Err(reason) },
    }
}

fn filled(recovered: &Recovered, scene: &Scene<'_>) -> Result<Recovered, String> {
    let fill = |value: &Option<Value>| value.as_ref().map(|value| fill_value(value, scene.names)).transpose();
    let (acknowledged, kept) = (fill(&recovered.acknowledged)?, fill(&recovered.kept)?);
    Ok(Recovered { name: recovered.name.clone(), acknowledged, kept })
}

/// The values of `let`, in order; a later one may use an earlier one only through a step of its own.
fn bind(names: &[(String, Value)], scene: &Scene<'_>) -> Done {
    let filled: Result<serde_json::Map<String, Value>, String> =
        names.iter().map(|(name, value)| Ok((name.clone(), fill_value(value, scene.names)?))).collect();
    match filled {
        Ok(values) => Done { what: json!({ "let": values }), answer: Ok(Value::Object(values)) },
        Err(reason) => Done::unresolved("let", reason),
    }
}
