//! The catalog of actions: name, documentation, keys, answer and example of each come from its one row.

use crate::shape::Shape;

/// What is known of a kind of action: one row of the catalog.
#[derive(Debug, Clone, Copy)]
pub struct ActionInfo {
    /// The key in a step.
    pub name: &'static str,
    /// One line.
    pub summary: &'static str,
    /// What is written under it, and what each part means.
    pub keys: &'static [(&'static str, &'static str)],
    /// What it looks like.
    pub shape: Shape,
    /// Fields of its answer that `expect`, `save` and `snapshot` may name.
    pub fields: &'static [&'static str],
    /// A step that uses it.
    pub example: &'static str,
}

mod shapes;

/// Keys of a `fault` step that are no kind of fault.
pub const FAULT_KEYS: &[(&str, &str)] = &[
    ("name", "what the fault is called; its target where no name is given"),
    ("after", "`0ms..2s`: at a moment in between, drawn from the run's seed"),
    ("witness", "the name of a fault: says what it did so far"),
    ("heal", "the name of a fault: undoes it and says what it did"),
    ("recovered", "the name of a fault: all is as before, so its recovery ends here and is recorded"),
    ("acknowledged", "with `recovered`: effects that were promised"),
    ("kept", "with `recovered`: effects that are there"),
];

/// The catalog of actions.
pub const ACTIONS: &[ActionInfo] = &[
    ActionInfo {
        name: "http",
        summary: "sends a request to a service",
        keys: &[
            ("get, post, put, patch, delete, head, options", "the address, SERVICE/PATH"),
            ("query", "mapping of query parameters"),
            ("headers", "mapping of headers; `null` takes away one the topology gives"),
            ("body", "a JSON document"),
            ("text", "a body as it is, instead of `body`"),
        ],
        shape: shapes::HTTP,
        fields: &["status", "headers", "body", "latency_ms"],
        example: "as: dispatcher\nhttp: { get: dispatch-api/tickets/00000000-0000-4000-8000-000000000000 }\nexpect: { status: 404, body: { error: { code: TICKET_NOT_FOUND, \"...\": any } } }\n",
    },
    ActionInfo {
        name: "tool",
        summary: "calls a tool through the gateway, in either spelling",
        keys: &[("call", "the tool's name"), ("anything else", "an argument of the tool")],
        shape: shapes::TOOL,
        fields: &["http_status", "ok", "is_error", "status", "body", "error", "details", "latency_ms"],
        example: "as: dispatcher\ntool: { call: dispatcher_cockpit }\nexpect: { status: 200, body: { queue: \"#list\", \"...\": any } }\n",
    },
    ActionInfo {
        name: "sql",
        summary: "runs a statement on the lane's database",
        keys: &[
            ("query", "a statement that gives rows"),
            ("execute", "a statement that gives a count of rows, instead of `query`"),
            ("params", "list of values for `$1`, `$2`, sent as text and cast in the statement"),
            ("on", "the database service, where the topology has several"),
        ],
        shape: shapes::SQL,
        fields: &["rows", "row_count"],
        example: "sql: { query: \"select count(*) as n from tickets\" }\nexpect: { rows: [{ n: \"#int >= 0\" }] }\n",
    },
    ActionInfo {
        name: "object",
        summary: "puts, gets, heads, lists or deletes objects in the lane's bucket",
        keys: &[
            ("put, get, head, delete", "the key"),
            ("list", "a prefix of keys"),
            ("text, json", "what to put"),
            ("content_type", "content type of what is put"),
        ],
        shape: shapes::OBJECT,
        fields: &["exists", "size", "sha256", "etag", "content_type", "text", "json", "keys", "count"],
        example: "object: { put: photos/a.txt, text: hello }\nexpect: { size: 5 }\n",
    },
    ActionInfo {
        name: "alerts",
        summary: "reads the alerts a service shows; `fires`, `clears`, `only` and `none` read best",
        keys: &[("SERVICE/PATH", "where they are shown")],
        shape: shapes::ALERTS,
        fields: &["status", "codes", "alerts", "body", "fires", "clears", "only", "none"],
        example: "alerts: dispatch-api/ops/alerts\nexpect: { clears: STUCK_SCHEDULING }\nwithin: 5s\n",
    },
    ActionInfo {
        name: "job",
        summary: "runs a one-shot job of the topology in the lane",
        keys: &[("NAME", "the job")],
        shape: shapes::JOB,
        fields: &["exit", "output", "json"],
        example: "job: bootstrap\nexpect: { exit: 0 }\n",
    },
    ActionInfo {
        name: "logs",
        summary: "reads the lines a service wrote in this lane; those count that fit everything given",
        keys: &[
            ("of", "the service"),
            ("match", "a regular expression the line contains"),
            ("fields", "mapping of path to pattern, for lines that are JSON objects"),
        ],
        shape: shapes::LOGS,
        fields: &["count", "lines", "entries"],
        example: "logs: { of: dispatch-api, fields: { level: { \"#oneof\": [ERROR, WARN] } } }\nexpect: { count: \"#int >= 0\" }\nwithin: 5s\n",
    },
    ActionInfo {
        name: "metrics",
        summary: "reads a metric from a service's Prometheus text; several series are added up",
        keys: &[
            ("of", "where the text is, SERVICE/PATH"),
            ("name", "the metric, such as `http_requests_total`"),
            ("labels", "mapping of labels a series must have"),
            ("since", "a value saved before; `delta` is the difference"),
        ],
        shape: shapes::METRICS,
        fields: &["value", "delta", "found", "series"],
        example: "metrics: { of: dispatch-api/metrics, name: dispatch_api_requests_total }\nexpect: { value: \"#number >= 0\" }\nsave: { before: value }\n",
    },
    ActionInfo {
        name: "double",
        summary: "scripts a third party's double, or reads what reached it",
        keys: &[
            ("script", "the double that gets its next `answers`"),
            ("answers", "list of answers in the double's own words; an empty list takes the script back"),
            ("calls", "the double whose calls are read, refused ones too"),
            ("messages", "the double whose effects are read"),
            ("reset", "the double that forgets everything"),
        ],
        shape: shapes::DOUBLE,
        fields: &["status", "count", "items"],
        example: "double: { calls: sms }\nexpect: { count: 0, items: [] }\n",
    },
    ActionInfo {
        name: "drained",
        summary: "counts the work that is left, which has to become none within ten seconds or the `within` given",
        keys: &[
            ("true", "the query under `drained` of the topology"),
            ("query", "a query of one's own, which gives one number"),
            ("on", "the database service, where the topology has several"),
        ],
        shape: shapes::DRAINED,
        fields: &["left"],
        example: "drained: { query: \"select count(*) from dispatch_outbox where status = 'PENDING'\" }\nwithin: 5s\n",
    },
    ActionInfo {
        name: "exec",
        summary: "runs a program that the topology lists under `exec`; nothing else can be run",
        keys: &[
            ("run", "list of the program and its arguments; no shell reads them"),
            ("env", "mapping of variables; beside `PATH` it gets no other"),
            ("stdin", "text, or a document that is sent as JSON"),
        ],
        shape: shapes::EXEC,
        fields: &["exit", "output", "stdout", "stderr", "json"],
        example: "exec: { run: [sha256sum], stdin: hello }\nexpect: { stdout: \"#contains 2cf24dba5fb0a30e26e83b2ac5b9e29e\" }\n",
    },
    ActionInfo {
        name: "human",
        summary: "asks a person on the terminal to do and confirm something; without confirmation nothing is proved",
        keys: &[("owner", "who is asked"), ("ask", "what"), ("deadline", "how long they have")],
        shape: shapes::HUMAN,
        fields: &["confirmed", "by", "took_ms"],
        example: "human: { owner: on-call, ask: Acknowledge the page, deadline: 5m }\n",
    },
    ActionInfo {
        name: "load",
        summary: "sends a request at a steady rate for a while; `parallel` puts it beside other steps",
        keys: &[
            ("request", "as under `http`"),
            ("rate", "requests per second, at most 2000"),
            ("duration", "for how long, at most 10 minutes"),
            (
                "collect",
                "a path in every answer with a status of 2xx; `collected` is the list of what is there",
            ),
        ],
        shape: shapes::LOAD,
        fields: &["collected", "requests", "errors", "error_share", "statuses", "p50_ms", "p99_ms", "max_ms"],
        example: "load: { request: { get: dispatch-api/readyz }, rate: 20, duration: 500ms }\nexpect: { error_share: 0, p99_ms: \"#number < 1000\" }\n",
    },
    ActionInfo {
        name: "parallel",
        summary: "runs lists of steps at the same time in the same lane; every one runs to its end and is reported",
        keys: &[(
            "a list of at least two lists of steps",
            "the branches; a name saved by two keeps the later branch's value",
        )],
        shape: shapes::PARALLEL,
        fields: &[],
        example: "parallel:\n  - - http: { get: dispatch-api/readyz }\n      expect: { status: 200 }\n  - - sql: { query: select 1 as n }\n      expect: { rows: [{ n: 1 }] }\n",
    },
    ActionInfo {
        name: "each",
        summary: "does steps once for each element of a list or row of a table, which may not be empty",
        keys: &[
            ("of", "the list, or a template that gives one"),
            ("as", "the name each element is bound to"),
            ("steps", "what is done with each"),
        ],
        shape: shapes::EACH,
        fields: &[],
        example: "each:\n  of: [{ kind: PHOTO }, { kind: NOTE }]\n  as: row\n  steps:\n    - object: { put: \"a/${row.kind}\", text: x }\n      expect: { exists: true }\n",
    },
    ActionInfo {
        name: "always",
        summary: "looks again and again whether something holds while other steps run; the first time it does not fails, with the moment",
        keys: &[
            ("holds", "a list of steps; each passes at every look"),
            ("every", "pause between two looks, by default 100ms"),
            ("during", "the steps that run meanwhile"),
        ],
        shape: shapes::ALWAYS,
        fields: &[],
        example: "always:\n  holds:\n    - http: { get: dispatch-api/readyz }\n      expect: { status: 200 }\n  during:\n    - job: bootstrap\n      expect: { exit: 0 }\n",
    },
    ActionInfo {
        name: "defer",
        summary: "keeps steps for the end, once this point was reached; the last kept is the first to run, before `finally`",
        keys: &[(
            "a step, or a list of steps",
            "how to undo what was done; names have the values they have here",
        )],
        shape: shapes::DEFER,
        fields: &[],
        example: "defer:\n  - object: { delete: photos/a.txt }\n",
    },
    ActionInfo {
        name: "fault",
        summary: "lets something go wrong: a service, an edge, the database or the object store; undone by `heal`, or at the end",
        keys: &[
            (
                "KIND",
                "the kind, with its target: `kill: SERVICE`, `reset: FROM -> TO`, `read-only: DATABASE`",
            ),
            ("name", "what it is called; its target where none is given"),
            ("witness", "the name of a fault: says what it did so far"),
            ("after", "`0ms..2s`: at a moment in between, drawn from the run's seed"),
            ("heal", "the name of a fault: undoes it and says what it did"),
            ("recovered", "the name of a fault: all is as before, so its recovery ends here and is recorded"),
            (
                "acknowledged, kept",
                "with `recovered`: effects that were promised and those that are there, as numbers or lists",
            ),
        ],
        shape: shapes::FAULT,
        fields: &["name", "seen", "bytes", "detail", "healed", "after_ms", "rto_ms", "outage_ms", "lost"],
        example: "fault: { kill: dispatch-api, name: crash }\n",
    },
    ActionInfo {
        name: "last",
        summary: "looks again at the answer of the step before: `answer` is all of it, a path is a part (`value`)",
        keys: &[("answer", "the whole answer"), ("PATH", "a part of it, such as `body.id`")],
        shape: shapes::LAST,
        fields: &[
            "status",
            "headers",
            "body",
            "rows",
            "row_count",
            "codes",
            "error",
            "exit",
            "json",
            "count",
            "items",
            "lines",
            "entries",
            "latency_ms",
            "value",
        ],
        example: "last: headers.content-type\nexpect: { value: \"#contains json\" }\n",
    },
    ActionInfo {
        name: "let",
        summary: "binds names to values",
        keys: &[("NAME", "its value")],
        shape: shapes::LET,
        fields: &[],
        example: "let: { answer: 42 }\n",
    },
    ActionInfo {
        name: "note",
        summary: "says something in the report",
        keys: &[("TEXT", "what")],
        shape: shapes::NOTE,
        fields: &[],
        example: "note: left for the handover\n",
    },
];

/// Keys of a step beside its action, with what each means.
pub const STEP_DOCS: &[(&str, &str)] = &[
    ("id", "a name, unique in the drill"),
    ("title", "one line for people; made from the action where none is written"),
    ("covers", "the runbook step it rehearses: a heading, or HEADING/NUMBER"),
    ("as", "who acts: an identity of the topology"),
    (
        "when",
        "only in these cells of the matrix or on these backends: `{ fault: [kill, stop] }`, `{ backend: process }`",
    ),
    ("expect", "mapping of field of the answer to pattern; `jsonpath` and `schema` look into its body"),
    (
        "save",
        "mapping of name to path in the answer; `{ secret: PATH }` masks the value in everything that is written",
    ),
    ("within", "repeat until the expectations hold, at most this long"),
    ("stays_for", "then they must go on holding this long"),
    ("timeout", "bound for one attempt, by default 10s"),
    ("snapshot", "compare a part of the answer with an accepted file: NAME, or `{ name: …, of: PATH }`"),
    (
        "undocumented",
        "why this answer is not held against the OpenAPI document that the topology names for the service",
    ),
    ("with", "arguments of an included block"),
];

/// Keys of a drill, with what each means.
pub const DRILL_DOCS: &[(&str, &str)] = &[
    ("drill", "its name, which is that of the file"),
    ("title", "one line for people"),
    ("runbook", "the runbook it rehearses, a Markdown file of the project"),
    ("tags", "list of words for `--tag`"),
    ("budget", "bound for the whole drill, by default 60s"),
    ("env", "environment by service that only this drill's lane sees"),
    (
        "matrix",
        "named axes, each a list of values; every cell is a unit of its own, and `${matrix.AXIS}` is its value",
    ),
    ("needs", "list of drills that have to pass before this one begins"),
    ("exclusive", "list of keys; two drills with a key in common never run at the same time"),
    ("vars", "mapping of names to values"),
    ("use", "blocks that are laid out before the steps"),
    ("steady", "steps that hold before the drill and again after everything"),
    ("steps", "what is done"),
    ("finally", "steps that run on success, failure and interruption alike"),
];
