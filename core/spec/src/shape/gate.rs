//! Gates: what a candidate has to prove.

use super::{Object, Shape, choice, closed, may, needs};

const TEXTS: Shape = Shape::List(0, &Shape::Text);
const BOUND: Shape = Shape::Form(r"^\s*<=\s*(\+\s*[0-9]+(\.[0-9]+)?\s*%|0*[0-9]+\s*(ms|s|m|min|h))\s*$");

const REQUIRED: Object =
    choice(&["unit", "tag"], &[may("unit", Shape::Text), may("tag", Shape::Text), may("backends", TEXTS)])
        .with_docs(&[
            ("unit", "full name of a drill or scenario"),
            ("tag", "all units with this tag"),
            ("backends", "on each of which it has to pass, by default `[process]`"),
        ]);

const CRITERION: Object =
    closed(&[needs("unit", Shape::Text), may("step", Shape::Text), needs("pass", BOUND), may("warn", BOUND)])
        .with_docs(&[
            ("unit", "whose time is measured"),
            ("step", "only this step of it"),
            ("pass", "the bound: `<= 800ms`, or against the baseline `<= +10%`"),
            ("warn", "a wider bound within which it passes with a warning"),
        ]);

const WAIVER: Object = closed(&[
    needs("unit", Shape::Text),
    needs("owner", Shape::Text),
    needs("reason", Shape::Text),
    needs("expires", Shape::Moment),
])
.with_docs(&[
    ("unit", "what is waived"),
    ("owner", "who answers for it"),
    ("reason", "why"),
    ("expires", "from when on it counts no more"),
]);

const ROLE: Object = closed(&[needs("role", Shape::Text), may("quorum", Shape::Count(1, u32::MAX as u64))])
    .with_docs(&[("role", "who has to agree"), ("quorum", "how many of them, by default 1")]);

const FREEZE: Object =
    closed(&[needs("from", Shape::Moment), needs("until", Shape::Moment), needs("reason", Shape::Text)])
        .with_docs(&[
            ("from", "when it begins"),
            ("until", "when it ends"),
            ("reason", "why nothing goes out then"),
        ]);

/// Keys of a gate, with what each means.
pub const GATE_DOCS: &[(&str, &str)] = &[
    ("gate", "its name"),
    ("title", "one line for people"),
    ("max_age", "how old evidence may be"),
    ("allow_dirty", "whether evidence of a tree with changes counts"),
    ("require", "units and tags that have to pass"),
    ("criteria", "bounds on times"),
    ("flake_budget", "how many units may be flaky, by default none"),
    ("waivers", "failures that are let through until a day, with an owner"),
    ("sign_offs", "roles that have to agree"),
    ("freeze", "times in which nothing goes out"),
];

/// A gate.
pub const GATE: Object = closed(&[
    needs("gate", Shape::Text),
    needs("title", Shape::Text),
    needs("max_age", Shape::Duration),
    may("allow_dirty", Shape::Bool),
    needs("require", Shape::List(1, &Shape::Object(&REQUIRED))),
    may("criteria", Shape::List(0, &Shape::Object(&CRITERION))),
    may("flake_budget", Shape::Count(0, u32::MAX as u64)),
    may("waivers", Shape::List(0, &Shape::Object(&WAIVER))),
    may("sign_offs", Shape::List(0, &Shape::Object(&ROLE))),
    may("freeze", Shape::List(0, &Shape::Object(&FREEZE))),
])
.with_docs(GATE_DOCS);
