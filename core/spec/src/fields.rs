//! Reading a mapping key by key, so that every mistake is reported and none stops the next.

use std::time::Duration;

use crate::code::Code;
use crate::diagnostic::{Diagnostic, suggest};
use crate::node::{Key, Kind, Node};
use crate::source::{Source, Span};

/// A mapping that is being read: each known key is taken once, and what is left over at the end is unknown.
pub struct Fields<'a> {
    source: &'a Source,
    /// Where the mapping stands.
    pub span: Span,
    what: &'static str,
    entries: Vec<(&'a Key, &'a Node, bool)>,
    known: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// Opens `node` as the mapping of a `what` ("a drill", "a step"); reports anything that is not a mapping.
    pub fn open(
        source: &'a Source,
        node: &'a Node,
        what: &'static str,
        out: &mut Vec<Diagnostic>,
    ) -> Option<Self> {
        let Kind::Map(entries) = &node.kind else {
            out.push(Diagnostic::new(
                Code::WrongType,
                source,
                node.span,
                format!("{what} is a mapping, this is {}", node.describe()),
            ));
            return None;
        };
        let entries = entries.iter().map(|(k, v)| (k, v, false)).collect();
        Some(Self { source, span: node.span, what, entries, known: Vec::new() })
    }

    /// Takes the value of `name`, if it is there.
    pub fn take(&mut self, name: &'static str) -> Option<&'a Node> {
        self.take_entry(name).map(|(_, node)| node)
    }

    /// Takes key and value of `name`, if they are there.
    pub fn take_entry(&mut self, name: &'static str) -> Option<(&'a Key, &'a Node)> {
        self.known.push(name);
        let entry = self.entries.iter_mut().find(|(k, _, _)| k.name == name)?;
        entry.2 = true;
        Some((entry.0, entry.1))
    }

    /// Takes the value of a key that must be there.
    pub fn require(&mut self, name: &'static str, out: &mut Vec<Diagnostic>) -> Option<&'a Node> {
        let found = self.take(name);
        if found.is_none() {
            let message = format!("{} needs the key `{name}`", self.what);
            out.push(Diagnostic::new(Code::MissingKey, self.source, self.head(), message));
        }
        found
    }

    /// Takes text under `name`.
    pub fn text(&mut self, name: &'static str, out: &mut Vec<Diagnostic>) -> Option<String> {
        let node = self.take(name)?;
        text(self.source, node, name, out)
    }

    /// Takes a duration with a unit under `name`.
    pub fn duration(&mut self, name: &'static str, out: &mut Vec<Diagnostic>) -> Option<Duration> {
        let node = self.take(name)?;
        duration(self.source, node, name, out)
    }

    /// Takes a list of texts under `name`; nothing there is an empty list.
    pub fn texts(&mut self, name: &'static str, out: &mut Vec<Diagnostic>) -> Vec<(String, Span)> {
        let Some(node) = self.take(name) else { return Vec::new() };
        let Kind::List(items) = &node.kind else {
            out.push(wrong_type(self.source, node, name, "a list of texts"));
            return Vec::new();
        };
        items.iter().filter_map(|item| text(self.source, item, name, out).map(|t| (t, item.span))).collect()
    }

    /// Takes a boolean under `name`.
    pub fn boolean(&mut self, name: &'static str, out: &mut Vec<Diagnostic>) -> Option<bool> {
        let node = self.take(name)?;
        if let Kind::Bool(value) = node.kind {
            return Some(value);
        }
        out.push(wrong_type(self.source, node, name, "`true` or `false`"));
        None
    }

    /// Reports every key that nothing took.
    pub fn finish(self, out: &mut Vec<Diagnostic>) {
        for (key, _, taken) in &self.entries {
            if !taken && !self.known.contains(&key.name.as_str()) {
                let message = format!("{} has no key `{}`", self.what, key.name);
                out.push(
                    Diagnostic::new(Code::UnknownKey, self.source, key.span, message)
                        .maybe_help(suggest(&key.name, self.known.iter().copied())),
                );
            }
        }
    }

    /// Keys that nothing has taken so far, with their values.
    pub fn remaining(&self) -> Vec<(&'a Key, &'a Node)> {
        self.entries.iter().filter(|(_, _, taken)| !taken).map(|(k, n, _)| (*k, *n)).collect()
    }

    /// Marks a key found through [`Fields::remaining`] as read.
    pub fn mark(&mut self, name: &str) {
        for entry in &mut self.entries {
            entry.2 |= entry.0.name == name;
        }
    }

    /// Adds names that are valid here, for suggestions.
    pub fn also_known(&mut self, names: &[&'static str]) {
        self.known.extend_from_slice(names);
    }

    /// The first key's place, which points better than the whole mapping.
    #[must_use]
    pub fn head(&self) -> Span {
        self.entries.first().map_or(self.span, |(key, _, _)| key.span)
    }
}

/// The text of a node, with numbers and booleans refused so that `1.10` is never read as `1.1`.
pub fn text(source: &Source, node: &Node, name: &str, out: &mut Vec<Diagnostic>) -> Option<String> {
    match &node.kind {
        Kind::Text(text) if text.trim().is_empty() => {
            out.push(Diagnostic::new(Code::EmptyText, source, node.span, format!("`{name}` is blank")));
            None
        }
        Kind::Text(text) => Some(text.clone()),
        _ => {
            out.push(wrong_type(source, node, name, "text").help("put it in quotes if it is meant as text"));
            None
        }
    }
}

/// A duration written as a whole number with a unit: `250ms`, `5s`, `2m`, `1h`.
pub fn duration(source: &Source, node: &Node, name: &str, out: &mut Vec<Diagnostic>) -> Option<Duration> {
    let parsed = node.as_text().and_then(parse_duration);
    if parsed.is_some_and(|duration| duration.is_zero()) {
        let message = format!("`{name}` is no time at all, so nothing could happen in it");
        out.push(
            Diagnostic::new(Code::BadDuration, source, node.span, message)
                .help("leave it out, or give it a length"),
        );
        return None;
    }
    if parsed.is_none() {
        let message = format!("`{name}` is a duration with a unit");
        out.push(
            Diagnostic::new(Code::BadDuration, source, node.span, message)
                .help("for example `250ms`, `5s`, `2m` or `1h`"),
        );
    }
    parsed
}

/// Reads `250ms`, `5s`, `5 s`, `2m` or `1h`.
#[must_use]
pub fn parse_duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let count: u64 = text[..digits].parse().ok()?;
    let millis = match text[digits..].trim() {
        "ms" => Some(count),
        "s" => count.checked_mul(1_000),
        "m" | "min" => count.checked_mul(60_000),
        "h" => count.checked_mul(3_600_000),
        _ => None,
    }?;
    Some(Duration::from_millis(millis))
}

/// "`name` is X, this is Y".
#[must_use]
pub fn wrong_type(source: &Source, node: &Node, name: &str, wanted: &str) -> Diagnostic {
    Diagnostic::new(
        Code::WrongType,
        source,
        node.span,
        format!("`{name}` is {wanted}, this is {}", node.describe()),
    )
}
