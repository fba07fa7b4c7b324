//! What a drill is once it has been read: nothing optional that has a default, nothing that still has to be looked up.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::openapi::Document;
use crate::source::{Place, Source, Span};
use crate::template::Path;

mod action;

pub use crate::catalog::{ACTIONS, ActionInfo};
pub use action::{
    Action, Always, Body, Double, DoubleOperation, Drained, Each, Exec, Http, Human, Load, Logs, Metrics,
    Object, ObjectOperation, ServicePath, Sql, Tool,
};

/// A drill, or a scenario lowered to one.
#[derive(Debug, Clone)]
pub struct Drill {
    /// Unique name: the path without its ending, such as `drills/stuck-scheduling`.
    pub id: String,
    /// One line for people.
    pub title: String,
    /// Where it is written.
    pub place: Place,
    /// The runbook it rehearses, relative to the project's root.
    pub runbook: Option<String>,
    /// Tags without `@`.
    pub tags: Vec<String>,
    /// Bound for the whole drill.
    pub budget: Duration,
    /// Full names of the units that have to pass before this one begins.
    pub needs: Vec<Need>,
    /// Keys of which two units that run at the same time have none in common.
    pub exclusive: Vec<String>,
    /// The cell of the matrix this unit is, as axis and value; empty without a matrix.
    pub cell: Vec<(String, String)>,
    /// Environment by service that only this drill's lane sees.
    pub env: BTreeMap<String, BTreeMap<String, String>>,
    /// Checked before the steps and again after everything.
    pub steady: Vec<Step>,
    /// What is done.
    pub steps: Vec<Step>,
    /// What runs on success, failure and interruption alike.
    pub finally: Vec<Step>,
    /// Why only its first steps are run, when somebody asked for that; such a run proves nothing.
    pub cut: Option<String>,
    /// SHA-256 of the text, lower-case hex.
    pub text_sha256: String,
}

/// A unit that has to pass first.
#[derive(Debug, Clone)]
pub struct Need {
    /// Its full name, once the project has been read; before that the name as written.
    pub unit: String,
    /// The text it is written in.
    pub source: Source,
    /// Where.
    pub span: Span,
}

impl Drill {
    /// Every step, those inside of others included, in the order in which they begin.
    #[must_use]
    pub fn every_step(&self) -> Vec<&Step> {
        let mut all = Vec::new();
        for steps in [&self.steady, &self.steps, &self.finally] {
            collect(steps, &mut all);
        }
        all
    }
}

fn collect<'a>(steps: &'a [Step], all: &mut Vec<&'a Step>) {
    for step in steps {
        all.push(step);
        for inner in step.action.inner() {
            collect(inner, all);
        }
    }
}

impl Step {
    /// Changes this step and every step inside of it.
    pub fn change(&mut self, change: &mut dyn FnMut(&mut Self)) {
        change(self);
        for inner in self.action.inner_mut() {
            for step in inner {
                step.change(change);
            }
        }
    }
}

/// One step: an action, what must hold of its answer, and what is kept of it.
#[derive(Debug, Clone)]
pub struct Step {
    /// Name for `save`, reports and `--until`, unique in its drill.
    pub id: Option<String>,
    /// One line for people; made from the action where none is written.
    pub title: String,
    /// Where it is written.
    pub place: Place,
    /// The line as written.
    pub line: String,
    /// The runbook step it covers.
    pub covers: Option<String>,
    /// Who acts: an identity of the topology.
    pub identity: Option<String>,
    /// What is done.
    pub action: Action,
    /// What must hold of the answer.
    pub expect: Vec<Expectation>,
    /// Whether any of it was written down, rather than implied.
    pub checked: bool,
    /// What is kept of the answer.
    pub save: Vec<Save>,
    /// Repeat until the expectations hold, at most this long.
    pub within: Option<Duration>,
    /// Then they must go on holding this long.
    pub stays_for: Option<Duration>,
    /// Bound for one attempt.
    pub timeout: Duration,
    /// Backends it applies to; empty for all.
    pub backends: Vec<String>,
    /// Compare a part of the answer with an accepted snapshot.
    pub snapshot: Option<SnapshotSpec>,
    /// Names its templates ask for, for the binding check.
    pub uses: Vec<NameUse>,
}

/// A name that a template asks for.
#[derive(Debug, Clone)]
pub struct NameUse {
    /// The name.
    pub name: String,
    /// The part of its value that is asked for.
    pub path: Path,
    /// Whether the text is this template and nothing else, so that the value keeps its type.
    pub whole: bool,
    /// The text it stands in.
    pub source: Source,
    /// Where.
    pub span: Span,
}

/// Something that must hold of one field of an answer.
#[derive(Debug, Clone)]
pub struct Expectation {
    /// Field of the answer: `status`, `body`, `rows`.
    pub field: String,
    /// The pattern, with templates still in it.
    pub pattern: Value,
    /// Where the field is written.
    pub place: Place,
    /// That line as written.
    pub line: String,
    /// Where the parts of the pattern are written: path such as `body.state`, place, line.
    pub parts: Vec<(String, Place, String)>,
    /// How the pattern is meant.
    pub check: Check,
}

/// How the pattern of an expectation is meant.
#[derive(Debug, Clone)]
pub enum Check {
    /// The field fits the pattern.
    Fits,
    /// The pattern is a mapping of JSONPath (RFC 9535) to pattern, over the named field of the answer.
    Selected {
        /// Field of the answer.
        of: &'static str,
    },
    /// The named field of the answer conforms to a JSON Schema; the pattern is the schema's path.
    Conforms {
        /// Field of the answer.
        of: &'static str,
        /// The schema.
        schema: Arc<Value>,
    },
    /// The whole answer is one that the service's OpenAPI document allows; the pattern says what was asked.
    Documented {
        /// The document.
        document: Arc<Document>,
    },
}

impl Expectation {
    /// The place and line of the deepest written part of `path`.
    #[must_use]
    pub fn locate(&self, path: &str) -> (&Place, &str) {
        let within = |part: &str| {
            path.strip_prefix(part).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        self.parts
            .iter()
            .filter(|(part, _, _)| within(part))
            .max_by_key(|(part, _, _)| part.len())
            .map_or((&self.place, self.line.as_str()), |(_, place, line)| (place, line.as_str()))
    }
}

/// A value kept under a name.
#[derive(Debug, Clone)]
pub struct Save {
    /// The name.
    pub name: String,
    /// Path in the answer.
    pub path: Path,
    /// The path as written.
    pub text: String,
    /// Where it is written.
    pub place: Place,
    /// Whether the value is masked in everything that is written.
    pub secret: bool,
}

/// A part of an answer that is compared with an accepted text.
#[derive(Debug, Clone)]
pub struct SnapshotSpec {
    /// Name of the snapshot file without its folder and ending.
    pub name: String,
    /// Path in the answer.
    pub path: Path,
    /// Where it is written.
    pub place: Place,
}
