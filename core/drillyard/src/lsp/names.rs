//! Names that `${…}` may ask for, and where they are bound.

use std::collections::BTreeSet;

use drillyard_spec::node::{self, Kind, Node};
use drillyard_spec::parse::bindings::BUILT_IN;
use drillyard_spec::source::{Source, Span};

use super::project::{Open, Spot};

/// A name and where it is bound.
#[derive(Debug, Clone)]
pub struct Bound {
    /// The name.
    pub name: String,
    /// The text it is bound in.
    pub source: Source,
    /// Where; nothing for what is always there.
    pub span: Option<Span>,
    /// How, in a few words.
    pub how: &'static str,
}

/// Every name that is bound before the cursor, blocks included; in a feature those of the phrases it uses.
pub fn bound(spot: &Spot<'_>) -> Vec<Bound> {
    let mut walk = Walk { open: spot.open, found: Vec::new(), seen: BTreeSet::new() };
    walk.text(spot.source);
    let own = spot.source.path();
    let mut found = walk.found;
    found.retain(|one| one.source.path() != own || one.span.is_none_or(|span| span.start < spot.offset));
    let built_in = |name: &&'static str| Bound {
        name: (*name).to_owned(),
        source: spot.source.clone(),
        span: None,
        how: "always there",
    };
    let now = "now";
    found.extend(BUILT_IN.iter().chain([&now]).map(built_in));
    found
}

struct Walk<'o> {
    open: &'o Open,
    found: Vec<Bound>,
    seen: BTreeSet<String>,
}

impl Walk<'_> {
    fn text(&mut self, source: &Source) {
        if !self.seen.insert(source.path().to_string()) {
            return;
        }
        if let Some(root) = node::parse(source, &mut Vec::new()) {
            self.node(source, &root);
        } else {
            self.lines(source);
        }
    }

    fn push(&mut self, name: String, (source, span): (&Source, Span), how: &'static str) {
        self.found.push(Bound { name, source: source.clone(), span: Some(span), how });
    }

    fn node(&mut self, source: &Source, node: &Node) {
        match &node.kind {
            Kind::List(items) => items.iter().for_each(|item| self.node(source, item)),
            Kind::Map(entries) => {
                entries.iter().for_each(|(key, value)| self.entry(source, &key.name, value))
            }
            _ => {}
        }
    }

    fn entry(&mut self, source: &Source, key: &str, value: &Node) {
        match (key, &value.kind) {
            ("save" | "vars" | "let" | "with", Kind::Map(entries)) => {
                let how = match key {
                    "save" => "saved from an answer",
                    "with" => "an argument of a block",
                    _ => "a value",
                };
                entries.iter().for_each(|(name, _)| self.push(name.name.clone(), (source, name.span), how));
            }
            ("matrix", Kind::Map(axes)) => {
                for (axis, _) in axes {
                    self.push(format!("matrix.{}", axis.name), (source, axis.span), "an axis of the matrix");
                }
            }
            ("args", Kind::List(items)) => {
                for item in items {
                    if let Some(name) = item.as_text() {
                        self.push(name.to_owned(), (source, item.span), "an argument");
                    }
                }
            }
            ("each", Kind::Map(_)) => {
                if let Some((name, text)) = value.get("as").and_then(|name| Some((name, name.as_text()?))) {
                    self.push(text.to_owned(), (source, name.span), "the element of a loop");
                }
                self.node(source, value);
            }
            ("use", _) => self.blocks(value),
            _ => self.node(source, value),
        }
    }

    fn blocks(&mut self, node: &Node) {
        match &node.kind {
            Kind::Text(name) => {
                if let Some(block) = self.open.texts.get(&format!("drills/{name}.yaml")).cloned() {
                    self.text(&block);
                }
            }
            Kind::List(items) => items.iter().for_each(|item| self.blocks(item)),
            Kind::Map(_) => {
                if let Some(block) = node.get("block") {
                    self.blocks(block);
                }
            }
            _ => {}
        }
    }

    /// While the text cannot be read: the names on lines with `save:`, `let:` or `vars:`.
    fn lines(&mut self, source: &Source) {
        for (number, line) in source.text().lines().enumerate() {
            let start = source.line_start(number + 1);
            for key in ["save: {", "let: {", "vars: {"] {
                let Some(at) = line.find(key) else { continue };
                for part in line[at + key.len()..].trim_end_matches('}').split(',') {
                    let Some((name, _)) = part.split_once(':') else { continue };
                    let from = start + (name.trim().as_ptr() as usize - line.as_ptr() as usize);
                    let span = Span { start: from, end: from + name.trim().len() };
                    self.push(name.trim().to_owned(), (source, span), "bound here");
                }
            }
            if let Some(block) = line.trim_start_matches([' ', '-']).strip_prefix("use: ") {
                let node = Node { span: Span::default(), kind: Kind::Text(block.trim().to_owned()) };
                self.blocks(&node);
            }
        }
    }
}
