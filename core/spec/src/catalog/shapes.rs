//! What stands under each action's key.

use crate::shape::{Named, Object, Shape, choice, closed, may, needs};

const ADDRESS: Shape = Shape::Name(Named::Address);
const SERVICE: Shape = Shape::Name(Named::Service);
const DATABASE: Shape = Shape::Name(Named::Database);
const VALUES: Shape = Shape::Map(0, &Shape::Any);
const SOME_STEPS: Shape = Shape::List(1, &Shape::Step);

pub const HTTP: Shape = Shape::Object(&choice(
    &["get", "post", "put", "patch", "delete", "head", "options"],
    &[
        may("get", ADDRESS),
        may("post", ADDRESS),
        may("put", ADDRESS),
        may("patch", ADDRESS),
        may("delete", ADDRESS),
        may("head", ADDRESS),
        may("options", ADDRESS),
        may("query", VALUES),
        may("headers", VALUES),
        may("body", Shape::Any),
        may("text", Shape::Text),
    ],
));
pub const TOOL: Shape = Shape::Object(&Object {
    members: &[needs("call", Shape::Name(Named::Tool))],
    one_of: &[],
    open: true,
    docs: &[],
});
pub const SQL: Shape = Shape::Object(&choice(
    &["query", "execute"],
    &[
        may("query", Shape::Text),
        may("execute", Shape::Text),
        may("params", Shape::List(0, &Shape::Any)),
        may("on", DATABASE),
    ],
));
pub const OBJECT: Shape = Shape::Object(&choice(
    &["put", "get", "head", "list", "delete"],
    &[
        may("put", Shape::Text),
        may("get", Shape::Text),
        may("head", Shape::Text),
        may("delete", Shape::Text),
        may("list", Shape::Either(&[Shape::Text, Shape::Null])),
        may("text", Shape::Text),
        may("json", Shape::Any),
        may("content_type", Shape::Text),
    ],
));
pub const ALERTS: Shape = Shape::Either(&[ADDRESS, Shape::Object(&closed(&[needs("on", ADDRESS)]))]);
pub const JOB: Shape = Shape::Name(Named::Job);
pub const LOGS: Shape = Shape::Either(&[
    SERVICE,
    Shape::Object(&closed(&[
        needs("of", SERVICE),
        may("match", Shape::Text),
        may("fields", Shape::Map(0, &Shape::Pattern)),
    ])),
]);
pub const METRICS: Shape = Shape::Object(&closed(&[
    needs("of", ADDRESS),
    needs("name", Shape::Text),
    may("labels", VALUES),
    may("since", Shape::Any),
]));
pub const DOUBLE: Shape = Shape::Object(&choice(
    &["script", "calls", "messages", "reset"],
    &[
        may("script", SERVICE),
        may("answers", Shape::List(0, &Shape::Any)),
        may("calls", SERVICE),
        may("messages", SERVICE),
        may("reset", SERVICE),
    ],
));
pub const DRAINED: Shape = Shape::Either(&[
    Shape::True,
    Shape::Object(&closed(&[needs("query", Shape::Text), may("on", DATABASE)])),
]);
pub const EXEC: Shape =
    Shape::Object(&closed(&[needs("run", Shape::Command), may("env", VALUES), may("stdin", Shape::Any)]));
pub const HUMAN: Shape = Shape::Object(&closed(&[
    needs("owner", Shape::Text),
    needs("ask", Shape::Text),
    needs("deadline", Shape::Duration),
]));
pub const LOAD: Shape = Shape::Object(&closed(&[
    needs("request", Shape::Action("http")),
    needs("rate", Shape::Count(1, 2_000)),
    needs("duration", Shape::Duration),
    may("collect", Shape::Text),
]));
pub const PARALLEL: Shape = Shape::List(2, &SOME_STEPS);
pub const EACH: Shape = Shape::Object(&closed(&[
    needs("of", Shape::Either(&[Shape::List(1, &Shape::Any), Shape::Form(r"^\s*\$\{")])),
    needs("as", Shape::Text),
    needs("steps", SOME_STEPS),
]));
pub const ALWAYS: Shape = Shape::Object(&closed(&[
    needs("holds", SOME_STEPS),
    may("every", Shape::Duration),
    needs("during", SOME_STEPS),
]));
pub const DEFER: Shape = Shape::Either(&[Shape::Step, SOME_STEPS]);
pub const FAULT: Shape = Shape::Fault;
pub const LAST: Shape = Shape::Text;
pub const LET: Shape = VALUES;
pub const NOTE: Shape = Shape::Text;
