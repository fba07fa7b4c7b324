//! What may stand at a cursor: from the path above it to the shapes of the language.

use drillyard_spec::catalog::ACTIONS;
use drillyard_spec::fault::{FAULTS, shape_of};
use drillyard_spec::shape::project::{BLOCK, DRILL, STEP, USE, VOCABULARY};
use drillyard_spec::shape::{Shape, doc_of, gate, topology};

use super::cursor::Step;

/// A key that may be written, and what it means.
#[derive(Debug, Clone)]
pub struct Known {
    /// The key.
    pub name: String,
    /// What it means.
    pub doc: String,
    /// An example, where there is one.
    pub example: Option<&'static str>,
}

/// What a file is, by its path and text; nothing for other files.
pub fn root_of(path: &str, text: &str) -> Option<Shape> {
    if path.starts_with("drills/") && path.ends_with(".yaml") {
        let block = text.lines().any(|line| line.starts_with("block:"));
        return Some(Shape::Object(if block { &BLOCK } else { &DRILL }));
    }
    match path {
        "features/vocabulary.yaml" => Some(Shape::Object(&VOCABULARY)),
        path if path.ends_with(".gate.yaml") => Some(Shape::Object(&gate::GATE)),
        _ => None,
    }
}

/// Everything that may stand at the end of a path.
pub fn shapes(root: Shape, path: &[Step]) -> Vec<Shape> {
    let mut at = flat(root);
    for step in path {
        at = at.into_iter().flat_map(|shape| into(&shape, step)).flat_map(flat).collect();
    }
    at
}

/// Shapes of a topology, whose `x-drillyard` keys stand at two depths.
pub fn topology_shapes(path: &[Step]) -> Vec<Shape> {
    let key = |at: usize| match path.get(at) {
        Some(Step::Key(key)) => key.as_str(),
        _ => "",
    };
    if key(0) == "x-drillyard" {
        return shapes(Shape::Object(&topology::FILE), &path[1..]);
    }
    if key(0) == "services" && key(2) == "x-drillyard" {
        return shapes(topology::SERVICE, &path[3..]);
    }
    Vec::new()
}

fn flat(shape: Shape) -> Vec<Shape> {
    match shape {
        Shape::Either(shapes) => shapes.iter().flat_map(|shape| flat(*shape)).collect(),
        Shape::Action(name) => {
            ACTIONS.iter().filter(|info| info.name == name).flat_map(|info| flat(info.shape)).collect()
        }
        other => vec![other],
    }
}

fn into(shape: &Shape, step: &Step) -> Option<Shape> {
    match (shape, step) {
        (Shape::List(_, of) | Shape::Map(_, of), _) => Some(**of),
        (Shape::Object(object), Step::Key(key)) => {
            object.members.iter().find(|member| member.name == key).map(|member| member.shape)
        }
        (Shape::Step, Step::Key(key)) => {
            let member = STEP.members.iter().find(|member| member.name == key).map(|member| member.shape);
            let action = ACTIONS.iter().find(|info| info.name == key).map(|info| info.shape);
            member.or(action).or((key == "use").then_some(USE))
        }
        (Shape::Fault, Step::Key(key)) => {
            let own = FAULTS.iter().any(|info| info.name == key)
                || ["name", "witness", "heal"].contains(&key.as_str());
            Some(if own { Shape::Text } else { shape_of(key) })
        }
        (Shape::Expect | Shape::Pattern, _) => Some(Shape::Pattern),
        (Shape::Save, _) => Some(Shape::Any),
        _ => None,
    }
}

/// The keys that may be written in a mapping of one of these shapes; `action` is that of the step it is in.
pub fn keys(shapes: &[Shape], path: &[Step], action: Option<&str>) -> Vec<Known> {
    let mut known: Vec<Known> = shapes.iter().flat_map(|shape| keys_of(shape, path, action)).collect();
    let mut seen = std::collections::BTreeSet::new();
    known.retain(|one| seen.insert(one.name.clone()));
    known
}

fn known(name: &str, doc: impl Into<String>) -> Known {
    Known { name: name.to_owned(), doc: doc.into(), example: None }
}

fn keys_of(shape: &Shape, path: &[Step], action: Option<&str>) -> Vec<Known> {
    match shape {
        Shape::Object(object) => {
            let docs = if object.docs.is_empty() { docs_of_action(path) } else { object.docs };
            let key = |name: &'static str| known(name, doc_of(docs, name).unwrap_or_default());
            object.members.iter().map(|member| key(member.name)).collect()
        }
        Shape::Step => {
            let own = STEP
                .members
                .iter()
                .map(|member| known(member.name, doc_of(STEP.docs, member.name).unwrap_or_default()));
            let action = |info: &drillyard_spec::catalog::ActionInfo| Known {
                name: info.name.to_owned(),
                doc: format!("The step {}.", info.summary),
                example: Some(info.example),
            };
            let block = known("use", "lays out the steps of a block here");
            ACTIONS.iter().map(action).chain([block]).chain(own).collect()
        }
        Shape::Fault => {
            let kinds = FAULTS.iter().map(|info| known(info.name, info.summary));
            let beside = drillyard_spec::catalog::FAULT_KEYS.iter().map(|(name, doc)| known(name, *doc));
            kinds.chain(beside).collect()
        }
        Shape::Expect => {
            let info = ACTIONS.iter().find(|info| Some(info.name) == action);
            let fields = info.into_iter().flat_map(|info| info.fields);
            let deep = info.and_then(drillyard_spec::parse::expect::document_of).map(|_| {
                [
                    known("jsonpath", "what a JSONPath (RFC 9535) selects in the document fits a pattern"),
                    known("schema", "the document conforms to a JSON Schema of the project"),
                ]
            });
            fields
                .map(|field| known(field, "a field of the answer"))
                .chain(deep.into_iter().flatten())
                .collect()
        }
        Shape::Pattern => drillyard_spec::pattern::PATTERN_KEY_DOCS
            .iter()
            .map(|(key, doc)| known(key.split(':').next().unwrap_or(key), *doc))
            .collect(),
        _ => Vec::new(),
    }
}

/// The rows of the catalog for the action whose mapping a path ends in.
fn docs_of_action(path: &[Step]) -> &'static [(&'static str, &'static str)] {
    let Some(Step::Key(name)) = path.last() else { return &[] };
    let name = if name == "request" { "http" } else { name.as_str() };
    ACTIONS.iter().find(|info| info.name == name).map_or(&[], |info| info.keys)
}
