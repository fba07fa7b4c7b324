//! What may be written where, as data: editors, JSON Schemas and the reference are made from it.
//!
//! The readers under [`parse`](crate::parse) decide; tests hold both together.

pub mod gate;
pub mod project;
pub mod topology;

/// What a value looks like.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// Anything.
    Any,
    /// Text that is not blank.
    Text,
    /// Text, a number or a boolean.
    Scalar,
    /// Text that names something of the project.
    Name(Named),
    /// One of these words.
    Words(&'static [&'static str]),
    /// `true` or `false`.
    Bool,
    /// `true`.
    True,
    /// Nothing at all.
    Null,
    /// A whole number in this range.
    Count(u64, u64),
    /// A duration with a unit.
    Duration,
    /// A moment such as `2026-12-01T00:00:00Z`.
    Moment,
    /// Text of this form, a regular expression.
    Form(&'static str),
    /// A list that begins with a text: a program and its arguments.
    Command,
    /// A list of at least so many.
    List(usize, &'static Self),
    /// A mapping from names to values, of at least so many.
    Map(usize, &'static Self),
    /// A mapping with fixed keys.
    Object(&'static Object),
    /// Any of these.
    Either(&'static [Self]),
    /// What stands under an action's key.
    Action(&'static str),
    /// What stands under `fault`.
    Fault,
    /// One step.
    Step,
    /// What a value is expected to be.
    Pattern,
    /// What stands under `expect`; it depends on the action.
    Expect,
    /// What stands under `save`; it depends on the action.
    Save,
}

/// What a text names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// SERVICE/PATH.
    Address,
    /// A service.
    Service,
    /// A database service.
    Database,
    /// A one-shot job.
    Job,
    /// An identity.
    Identity,
    /// A program of the machine.
    Program,
    /// A tool.
    Tool,
    /// A block under `drills/`.
    Block,
    /// A drill.
    Drill,
    /// A runbook.
    Runbook,
    /// A heading of the drill's runbook, or a heading and the number of an item.
    Heading,
    /// A file of the project.
    File,
}

/// A mapping with fixed keys.
#[derive(Debug)]
pub struct Object {
    /// The keys, in the order in which they are best written.
    pub members: &'static [Member],
    /// Keys of which exactly one is there; empty where there is no such choice.
    pub one_of: &'static [&'static str],
    /// Whether other keys are let through.
    pub open: bool,
    /// What each key means, as name and sentence.
    pub docs: &'static [(&'static str, &'static str)],
}

/// One key of an [`Object`].
#[derive(Debug, Clone, Copy)]
pub struct Member {
    /// The key.
    pub name: &'static str,
    /// Its value.
    pub shape: Shape,
    /// Whether it has to be there.
    pub needed: bool,
}

/// A key that has to be there.
pub const fn needs(name: &'static str, shape: Shape) -> Member {
    Member { name, shape, needed: true }
}

/// A key that may be there.
pub const fn may(name: &'static str, shape: Shape) -> Member {
    Member { name, shape, needed: false }
}

/// A mapping of exactly these keys; what they mean is said elsewhere.
pub const fn closed(members: &'static [Member]) -> Object {
    Object { members, one_of: &[], open: false, docs: &[] }
}

/// The same with a choice: exactly one of `one_of` is there.
pub const fn choice(one_of: &'static [&'static str], members: &'static [Member]) -> Object {
    Object { members, one_of, open: false, docs: &[] }
}

impl Object {
    /// The same, with what each key means.
    #[must_use]
    pub const fn with_docs(mut self, docs: &'static [(&'static str, &'static str)]) -> Self {
        self.docs = docs;
        self
    }
}

/// What a table says of a key; one row may be about several: `get, post, put`.
#[must_use]
pub fn doc_of(docs: &[(&'static str, &'static str)], name: &str) -> Option<&'static str> {
    docs.iter().find(|(names, _)| names.split(", ").any(|one| one == name)).map(|(_, doc)| *doc)
}
