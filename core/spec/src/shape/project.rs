//! Drills, blocks, steps and the vocabulary.

use super::{Member, Named, Object, Shape, closed, may, needs};
use crate::catalog::{DRILL_DOCS, STEP_DOCS};

const TEXTS: Shape = Shape::List(0, &Shape::Text);
const STEPS: Shape = Shape::List(0, &Shape::Step);
const SOME_STEPS: Shape = Shape::List(1, &Shape::Step);
const ENV: Shape = Shape::Map(0, &Shape::Map(0, &Shape::Scalar));
const VALUES: Shape = Shape::Map(0, &Shape::Any);

/// One inclusion with its arguments.
pub const INCLUSION: Object = closed(&[needs("block", Shape::Name(Named::Block)), may("with", VALUES)])
    .with_docs(&[
        ("block", "the block, `drills/NAME.yaml` without folder and ending"),
        ("with", "its arguments"),
    ]);

/// What stands under `use` of a step.
pub const USE: Shape = Shape::Either(&[Shape::Name(Named::Block), Shape::Object(&INCLUSION)]);

/// A drill.
pub const DRILL: Object = closed(&[
    needs("drill", Shape::Text),
    needs("title", Shape::Text),
    may("runbook", Shape::Name(Named::Runbook)),
    may("tags", TEXTS),
    may("budget", Shape::Duration),
    may("env", ENV),
    may("matrix", Shape::Map(1, &Shape::List(1, &Shape::Scalar))),
    may("needs", Shape::List(0, &Shape::Name(Named::Drill))),
    may("exclusive", TEXTS),
    may("vars", VALUES),
    may("use", Shape::Either(&[Shape::Name(Named::Block), Shape::Object(&INCLUSION), Shape::List(0, &USE)])),
    may("steady", STEPS),
    needs("steps", SOME_STEPS),
    may("finally", STEPS),
])
.with_docs(DRILL_DOCS);

/// Keys of a block, with what each means.
pub const BLOCK_DOCS: &[(&str, &str)] = &[
    ("block", "its name, for people; it is used by its path"),
    ("title", "one line for people"),
    ("args", "names it needs, given under `with` or bound before"),
    ("vars", "mapping of names to values"),
    ("steps", "what is done"),
];

/// A block.
pub const BLOCK: Object = closed(&[
    needs("block", Shape::Text),
    may("title", Shape::Text),
    may("args", TEXTS),
    may("vars", VALUES),
    may("steps", STEPS),
])
.with_docs(BLOCK_DOCS);

const SNAPSHOT: Object = closed(&[needs("name", Shape::Text), may("of", Shape::Text)])
    .with_docs(&[("name", "name of the file"), ("of", "path of the part that is compared")]);

/// Keys of a step beside its action.
pub const STEP_MEMBERS: &[Member] = &[
    may("id", Shape::Text),
    may("title", Shape::Text),
    may("covers", Shape::Name(Named::Heading)),
    may("as", Shape::Name(Named::Identity)),
    may("when", Shape::Map(1, &Shape::Either(&[Shape::Scalar, Shape::List(1, &Shape::Scalar)]))),
    may("expect", Shape::Expect),
    may("save", Shape::Save),
    may("within", Shape::Duration),
    may("stays_for", Shape::Duration),
    may("timeout", Shape::Duration),
    may("snapshot", Shape::Either(&[Shape::Text, Shape::Object(&SNAPSHOT)])),
    may("undocumented", Shape::Text),
    may("with", VALUES),
];

/// A step without its action.
pub const STEP: Object = closed(STEP_MEMBERS).with_docs(STEP_DOCS);

/// Keys that a step with `use` may have beside it.
pub const BESIDE_USE: &[&str] = &["use", "with", "covers", "as", "title", "when"];

/// Keys of a phrase, with what each means.
pub const PHRASE_DOCS: &[(&str, &str)] = &[
    ("phrase", "the sentence as a cucumber expression: `I create a ticket {string}`"),
    ("args", "names of its parameters, in order"),
    ("act_as", "the first parameter names who acts from here on"),
    ("env", "environment by service that a scenario using it adds to its lane"),
    ("steps", "what the sentence does, as in a drill; `${table}` and `${text}` are what stands below it"),
];

const PHRASE: Object = closed(&[
    needs("phrase", Shape::Text),
    may("args", TEXTS),
    may("act_as", Shape::Bool),
    may("env", ENV),
    may("steps", STEPS),
])
.with_docs(PHRASE_DOCS);

/// A vocabulary.
pub const VOCABULARY: Object = closed(&[needs("phrases", Shape::List(0, &Shape::Object(&PHRASE)))])
    .with_docs(&[("phrases", "sentences that features may use")]);
