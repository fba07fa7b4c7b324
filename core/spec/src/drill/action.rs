//! What a step does.

use std::time::Duration;

use serde_json::Value;

use super::Step;
use crate::catalog::{ACTIONS, ActionInfo};
use crate::template::Path;

/// What a step does. Values still hold templates.
#[derive(Debug, Clone)]
pub enum Action {
    /// An HTTP request to a service.
    Http(Http),
    /// A tool call through the gateway.
    Tool(Tool),
    /// A statement on the lane's database.
    Sql(Sql),
    /// An operation on the lane's bucket.
    Object(Object),
    /// The alerts a service shows.
    Alerts(ServicePath),
    /// A one-shot job of the topology, run in the lane.
    Job(String),
    /// Something that goes wrong on purpose.
    Fault(crate::fault::FaultStep),
    /// Lines a service of the lane wrote.
    Logs(Logs),
    /// A value of a service's metrics.
    Metrics(Metrics),
    /// A third party faked over the wire: what it answers, and what it was asked.
    Double(Double),
    /// How much work is left in the lane.
    Drained(Drained),
    /// A program the topology grants.
    Exec(Exec),
    /// Something a person does and confirms.
    Human(Human),
    /// Requests at a steady rate for a while.
    Load(Load),
    /// Lists of steps that run at the same time in the same lane.
    Parallel(Vec<Vec<Step>>),
    /// Steps once for each element of a list.
    Each(Each),
    /// An invariant looked at again and again while steps run.
    Always(Always),
    /// Steps to run at the end, once this point was reached.
    Defer(Vec<Step>),
    /// The answer of the step before, looked at again; the path picks a part of it.
    Last(Path),
    /// Binds names.
    Let(Vec<(String, Value)>),
    /// Says something in the report.
    Note(String),
}

/// A service and a path on it.
#[derive(Debug, Clone)]
pub struct ServicePath {
    /// Name in the topology.
    pub service: String,
    /// Path with a leading slash, and a query where there is one.
    pub path: String,
}

/// An HTTP request.
#[derive(Debug, Clone)]
pub struct Http {
    /// Method in capitals.
    pub method: &'static str,
    /// Where to.
    pub target: ServicePath,
    /// Query parameters.
    pub query: Vec<(String, Value)>,
    /// Headers.
    pub headers: Vec<(String, Value)>,
    /// The body.
    pub body: Body,
}

/// A request's body.
#[derive(Debug, Clone)]
pub enum Body {
    /// None.
    Empty,
    /// A JSON document.
    Json(Value),
    /// Text as it is.
    Text(String),
}

/// A tool call.
#[derive(Debug, Clone)]
pub struct Tool {
    /// The tool's name in either spelling.
    pub name: String,
    /// Its arguments.
    pub args: Value,
}

/// A statement.
#[derive(Debug, Clone)]
pub struct Sql {
    /// Database service of the topology.
    pub service: String,
    /// The statement, with `$1`, `$2` for the parameters.
    pub statement: String,
    /// Whether rows are wanted back.
    pub query: bool,
    /// Parameters, sent as text and cast in the statement.
    pub params: Vec<Value>,
}

/// An operation on objects.
#[derive(Debug, Clone)]
pub struct Object {
    /// What to do.
    pub operation: ObjectOperation,
    /// The key, or for a list its prefix.
    pub key: String,
    /// What to write.
    pub content: Body,
    /// Content type of what is written.
    pub content_type: Option<String>,
}

/// What to do with an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectOperation {
    /// Write it.
    Put,
    /// Read it.
    Get,
    /// Ask for its size and digest.
    Head,
    /// List keys under a prefix.
    List,
    /// Remove it.
    Delete,
}

/// Which lines of a service's log are meant: all that fit everything given.
#[derive(Debug, Clone)]
pub struct Logs {
    /// The service.
    pub service: String,
    /// Regular expression the line contains.
    pub pattern: Option<String>,
    /// Members of a line that is a JSON object, as path, path as written, and pattern.
    pub fields: Vec<(Path, String, Value)>,
}

/// Which series of a service's Prometheus text are meant.
#[derive(Debug, Clone)]
pub struct Metrics {
    /// Where the text is.
    pub target: ServicePath,
    /// Name of the metric.
    pub name: String,
    /// Labels a series must have, others aside.
    pub labels: Vec<(String, Value)>,
    /// A value saved before, for the difference.
    pub since: Option<Value>,
}

/// An operation on a double.
#[derive(Debug, Clone)]
pub struct Double {
    /// The double's service.
    pub service: String,
    /// What to do with it.
    pub operation: DoubleOperation,
}

/// What to do with a double.
#[derive(Debug, Clone)]
pub enum DoubleOperation {
    /// Give it the list of its next answers; an empty list takes back what it had.
    Script(Value),
    /// Read every call that arrived.
    Calls,
    /// Read what took effect.
    Messages,
    /// Forget calls, messages and script.
    Reset,
}

/// A query that counts the work that is left.
#[derive(Debug, Clone)]
pub struct Drained {
    /// Database service of the topology.
    pub service: String,
    /// Gives one row with one number.
    pub query: String,
}

/// A program and what it gets.
#[derive(Debug, Clone)]
pub struct Exec {
    /// Its name, which the topology lists.
    pub program: String,
    /// Arguments.
    pub args: Vec<Value>,
    /// Environment beside `PATH`.
    pub env: Vec<(String, Value)>,
    /// Standard input.
    pub stdin: Option<Value>,
}

/// Something a person is asked to do.
#[derive(Debug, Clone)]
pub struct Human {
    /// Who is asked: a role or a name.
    pub owner: String,
    /// What they are asked, with templates.
    pub ask: String,
    /// How long they have.
    pub deadline: Duration,
}

/// Requests at a steady rate.
#[derive(Debug, Clone)]
pub struct Load {
    /// The request, sent again and again.
    pub request: Http,
    /// Requests per second.
    pub rate: u32,
    /// For how long.
    pub duration: Duration,
    /// Path in each answer with a status of 2xx whose values are collected.
    pub collect: Option<Path>,
}

/// A loop.
#[derive(Debug, Clone)]
pub struct Each {
    /// The list, or a template that gives one.
    pub of: Value,
    /// Name each element is bound to.
    pub name: String,
    /// What is done with each.
    pub steps: Vec<Step>,
}

/// An invariant and the steps during which it must hold.
#[derive(Debug, Clone)]
pub struct Always {
    /// Steps that all have to pass at every look.
    pub holds: Vec<Step>,
    /// Pause between two looks.
    pub every: Duration,
    /// What is done meanwhile.
    pub during: Vec<Step>,
}

impl Action {
    /// The catalog's row for this action.
    #[must_use]
    pub fn info(&self) -> &'static ActionInfo {
        let name = match self {
            Self::Http(_) => "http",
            Self::Tool(_) => "tool",
            Self::Sql(_) => "sql",
            Self::Object(_) => "object",
            Self::Alerts(_) => "alerts",
            Self::Job(_) => "job",
            Self::Fault(_) => "fault",
            Self::Logs(_) => "logs",
            Self::Metrics(_) => "metrics",
            Self::Double(_) => "double",
            Self::Drained(_) => "drained",
            Self::Exec(_) => "exec",
            Self::Human(_) => "human",
            Self::Load(_) => "load",
            Self::Parallel(_) => "parallel",
            Self::Each(_) => "each",
            Self::Always(_) => "always",
            Self::Defer(_) => "defer",
            Self::Last(_) => "last",
            Self::Let(_) => "let",
            Self::Note(_) => "note",
        };
        ACTIONS.iter().find(|info| info.name == name).expect("every action has a row in the catalog")
    }

    /// The action in a few words, for steps without a title.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Http(http) => format!("{} {}{}", http.method, http.target.service, http.target.path),
            Self::Tool(tool) => format!("tool {}", tool.name),
            Self::Sql(sql) => {
                format!("sql {}", sql.statement.split_whitespace().collect::<Vec<_>>().join(" "))
            }
            Self::Object(object) => format!("object {:?} {}", object.operation, object.key).to_lowercase(),
            Self::Alerts(target) => format!("alerts of {}", target.service),
            Self::Job(job) => format!("job {job}"),
            Self::Fault(step) => step.describe(),
            Self::Logs(logs) => format!("logs of {}", logs.service),
            Self::Metrics(metrics) => format!("metric {} of {}", metrics.name, metrics.target.service),
            Self::Double(double) => double.describe(),
            Self::Drained(_) => "all work is done".to_owned(),
            Self::Exec(exec) => format!("exec {}", exec.program),
            Self::Human(human) => format!("{}: {}", human.owner, human.ask),
            Self::Load(load) => {
                let target = &load.request.target;
                format!("load of {}/s on {}{}", load.rate, target.service, target.path)
            }
            Self::Parallel(branches) => format!("{} branches at the same time", branches.len()),
            Self::Each(each) => format!("for each {}", each.name),
            Self::Always(_) => "what always holds".to_owned(),
            Self::Defer(_) => "to be undone at the end".to_owned(),
            Self::Last(_) => "the last answer".to_owned(),
            Self::Let(names) => {
                format!("let {}", names.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", "))
            }
            Self::Note(text) => format!("note: {text}"),
        }
    }

    /// The lists of steps inside of this action, in the order in which they begin.
    #[must_use]
    pub fn inner(&self) -> Vec<&[Step]> {
        match self {
            Self::Parallel(branches) => branches.iter().map(Vec::as_slice).collect(),
            Self::Each(each) => vec![&each.steps],
            Self::Always(always) => vec![&always.holds, &always.during],
            Self::Defer(steps) => vec![steps],
            _ => Vec::new(),
        }
    }

    /// As [`Action::inner`], to change them.
    pub fn inner_mut(&mut self) -> Vec<&mut Vec<Step>> {
        match self {
            Self::Parallel(branches) => branches.iter_mut().collect(),
            Self::Each(each) => vec![&mut each.steps],
            Self::Always(always) => vec![&mut always.holds, &mut always.during],
            Self::Defer(steps) => vec![steps],
            _ => Vec::new(),
        }
    }
}

impl Double {
    fn describe(&self) -> String {
        match self.operation {
            DoubleOperation::Script(_) => format!("next answers of {}", self.service),
            DoubleOperation::Calls => format!("calls that reached {}", self.service),
            DoubleOperation::Messages => format!("messages of {}", self.service),
            DoubleOperation::Reset => format!("{} forgets", self.service),
        }
    }
}
