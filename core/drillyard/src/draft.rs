//! Drills that are written for somebody: from nothing, a runbook, a curl command, or a recording of traffic.
//!
//! Every source becomes a [`Draft`], which is written as a drill or as a feature. What was recorded is cleaned: secrets
//! are masked, hosts become services, and what one answer gives and a later request needs is saved and used.

use serde_json::{Map, Value, json};

pub mod curl;
pub mod feature;
pub mod har;
pub mod mask;
pub mod pattern;
pub mod request;
pub mod runbook;

/// A drill that is not written yet.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    /// Its name, which is that of the file.
    pub name: String,
    /// One line for people.
    pub title: String,
    /// The runbook it rehearses.
    pub runbook: Option<String>,
    /// Names bound before the steps.
    pub vars: Map<String, Value>,
    /// What is done.
    pub steps: Vec<StepDraft>,
    /// What whoever asked should know: what was left out, what is to be filled in.
    pub remarks: Vec<String>,
}

/// A step that is not written yet.
#[derive(Debug, Clone, Default)]
pub struct StepDraft {
    /// One line for people.
    pub title: Option<String>,
    /// The runbook step it covers.
    pub covers: Option<String>,
    /// Who acts.
    pub identity: Option<String>,
    /// The action's key and what stands under it.
    pub action: (String, Value),
    /// What must hold of the answer.
    pub expect: Map<String, Value>,
    /// Name to path in the answer.
    pub save: Vec<(String, String)>,
}

/// Why a draft cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum DraftError {
    /// The source cannot be read as what it was said to be.
    #[error("{0}")]
    Unreadable(String),
    /// An address belongs to no service.
    #[error("no service of the topology is at `{0}`; name one with --service: {1}")]
    UnknownHost(String, String),
    /// Nothing of it can become a step.
    #[error("{0}, so there is nothing to write")]
    Nothing(String),
}

impl Draft {
    /// The text of a drill.
    #[must_use]
    pub fn drill(&self) -> String {
        let mut drill = Map::new();
        let stem = self.name.rsplit('/').next().unwrap_or(&self.name);
        drill.insert("drill".to_owned(), json!(stem));
        drill.insert("title".to_owned(), json!(self.title));
        drill.extend(self.runbook.as_ref().map(|runbook| ("runbook".to_owned(), json!(runbook))));
        if !self.vars.is_empty() {
            drill.insert("vars".to_owned(), Value::Object(self.vars.clone()));
        }
        drill.insert("steps".to_owned(), self.steps.iter().map(StepDraft::value).collect());
        serde_yaml::to_string(&Value::Object(drill)).unwrap_or_default()
    }
}

impl StepDraft {
    fn value(&self) -> Value {
        let mut step = Map::new();
        let mut text = |key: &str, value: &Option<String>| {
            step.extend(value.as_ref().map(|value| (key.to_owned(), json!(value))));
        };
        text("covers", &self.covers);
        text("title", &self.title);
        text("as", &self.identity);
        step.insert(self.action.0.clone(), self.action.1.clone());
        if !self.expect.is_empty() {
            step.insert("expect".to_owned(), Value::Object(self.expect.clone()));
        }
        if !self.save.is_empty() {
            let save = self.save.iter().map(|(name, path)| (name.clone(), json!(path)));
            step.insert("save".to_owned(), Value::Object(save.collect()));
        }
        Value::Object(step)
    }
}

/// A drill from nothing: the first request that makes sense on this stack.
///
/// # Errors
/// The topology has neither a service nor a database that could be asked.
pub fn blank(name: &str, topology: &drillyard_spec::topology::Topology) -> Result<Draft, DraftError> {
    use drillyard_spec::topology::Ready;
    let probe = topology.services.iter().find_map(|service| match &service.ready {
        Ready::Http(path) => Some(format!("{}{path}", service.name)),
        _ => None,
    });
    let (title, action, expect) = match (probe, topology.postgres()) {
        (Some(address), _) => (
            format!("{} answers", address.split('/').next().unwrap_or_default()),
            ("http".to_owned(), json!({ "get": address })),
            json!({ "status": 200 }),
        ),
        (None, Some(_)) => (
            "The database answers".to_owned(),
            ("sql".to_owned(), json!({ "query": "select 1 as n" })),
            json!({ "rows": [{ "n": 1 }] }),
        ),
        (None, None) => {
            return Err(DraftError::Nothing(
                "the topology has no service that answers HTTP and no database".to_owned(),
            ));
        }
    };
    let Value::Object(expect) = expect else { return Err(DraftError::Nothing(String::new())) };
    let step = StepDraft { action, expect, ..StepDraft::default() };
    Ok(Draft { name: name.to_owned(), title, steps: vec![step], ..Draft::default() })
}

#[cfg(test)]
mod tests;
