//! What a drill is once it has been read: nothing optional that has a default, nothing that still has to be looked up.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::source::{Place, Source, Span};
use crate::template::Path;

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
    /// Environment by service that only this drill's lane sees.
    pub env: BTreeMap<String, BTreeMap<String, String>>,
    /// Checked before the steps and again after everything.
    pub steady: Vec<Step>,
    /// What is done.
    pub steps: Vec<Step>,
    /// What runs on success, failure and interruption alike.
    pub finally: Vec<Step>,
    /// SHA-256 of the text, lower-case hex.
    pub text_sha256: String,
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

/// What is known of a kind of action: one row of the catalog.
#[derive(Debug, Clone, Copy)]
pub struct ActionInfo {
    /// The key in a step.
    pub name: &'static str,
    /// One line.
    pub summary: &'static str,
    /// Fields of its answer that `expect`, `save` and `snapshot` may name.
    pub fields: &'static [&'static str],
    /// A step that uses it.
    pub example: &'static str,
}

/// The catalog of actions.
pub const ACTIONS: &[ActionInfo] = &[
    ActionInfo {
        name: "http",
        summary: "sends a request to a service",
        fields: &["status", "headers", "body", "latency_ms"],
        example: "as: dispatcher\nhttp: { get: dispatch-api/tickets/00000000-0000-4000-8000-000000000000 }\nexpect: { status: 404, body: { error: { code: TICKET_NOT_FOUND, \"...\": any } } }\n",
    },
    ActionInfo {
        name: "tool",
        summary: "calls a tool through the gateway, in either spelling",
        fields: &["http_status", "ok", "is_error", "status", "body", "error", "details", "latency_ms"],
        example: "as: dispatcher\ntool: { call: dispatcher_cockpit }\nexpect: { status: 200, body: { queue: \"#list\", \"...\": any } }\n",
    },
    ActionInfo {
        name: "sql",
        summary: "runs a statement on the lane's database",
        fields: &["rows", "row_count"],
        example: "sql: { query: \"select count(*) as n from tickets\" }\nexpect: { rows: [{ n: \"#int >= 0\" }] }\n",
    },
    ActionInfo {
        name: "object",
        summary: "puts, gets, heads, lists or deletes objects in the lane's bucket",
        fields: &["exists", "size", "sha256", "etag", "content_type", "text", "json", "keys", "count"],
        example: "object: { put: photos/a.txt, text: hello }\nexpect: { size: 5 }\n",
    },
    ActionInfo {
        name: "alerts",
        summary: "reads the alerts a service shows; `fires`, `clears`, `only` and `none` read best",
        fields: &["status", "codes", "alerts", "body", "fires", "clears", "only", "none"],
        example: "alerts: dispatch-api/ops/alerts\nexpect: { clears: STUCK_SCHEDULING }\nwithin: 5s\n",
    },
    ActionInfo {
        name: "job",
        summary: "runs a one-shot job of the topology in the lane",
        fields: &["exit", "output", "json"],
        example: "job: bootstrap\nexpect: { exit: 0 }\n",
    },
    ActionInfo {
        name: "last",
        summary: "looks again at the answer of the step before: `answer` is all of it, a path is a part (`value`)",
        fields: &["status", "headers", "body", "rows", "row_count", "codes", "error", "exit", "json", "value"],
        example: "last: body.id\nexpect: { value: \"#uuid\" }\n",
    },
    ActionInfo {
        name: "let",
        summary: "binds names to values",
        fields: &[],
        example: "let: { answer: 42 }\n",
    },
    ActionInfo { name: "note", summary: "says something in the report", fields: &[], example: "note: left for the handover\n" },
];

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
            Self::Sql(sql) => format!("sql {}", sql.statement.split_whitespace().collect::<Vec<_>>().join(" ")),
            Self::Object(object) => format!("object {:?} {}", object.operation, object.key).to_lowercase(),
            Self::Alerts(target) => format!("alerts of {}", target.service),
            Self::Job(job) => format!("job {job}"),
            Self::Last(_) => "the last answer".to_owned(),
            Self::Let(names) => {
                format!("let {}", names.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", "))
            }
            Self::Note(text) => format!("note: {text}"),
        }
    }
}
