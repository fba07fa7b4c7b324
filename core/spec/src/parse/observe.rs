//! Actions that watch what a service leaves behind: `logs`, `metrics`, `double`, `drained`.

use regex::Regex;

use crate::code::Code;
use crate::diagnostic::{Diagnostic, suggest};
use crate::drill::{Action, Double, DoubleOperation, Drained, Logs, Metrics};
use crate::fields::{Fields, text, wrong_type};
use crate::node::{Kind, Node};
use crate::parse::Reader;
use crate::template::Path;

impl<'a> Reader<'a, '_> {
    /// Reads `logs:`; text alone is the service.
    pub fn logs(&mut self, node: &'a Node) -> Option<Action> {
        if let Kind::Text(_) = node.kind {
            let service = self.service(node)?;
            return Some(Action::Logs(Logs { service, pattern: None, fields: Vec::new() }));
        }
        let mut fields = Fields::open(self.source, node, "a look at logs", self.out)?;
        let service = fields.require("of", self.out).and_then(|node| self.service(node));
        let written = fields.take("match");
        let members = fields.take("fields");
        fields.finish(self.out);
        let pattern = written.and_then(|node| self.regex(node));
        let members = members.map(|node| self.members(node)).unwrap_or_default();
        Some(Action::Logs(Logs { service: service?, pattern, fields: members }))
    }

    fn service(&mut self, node: &Node) -> Option<String> {
        let name = text(self.source, node, "of", self.out)?;
        self.known_service(&name, node.span).then_some(name)
    }

    fn regex(&mut self, node: &Node) -> Option<String> {
        let pattern = text(self.source, node, "match", self.out)?;
        // With a template in it, it can only be read once that is filled in.
        if !pattern.contains("${")
            && let Err(error) = Regex::new(&pattern)
        {
            let message = format!("not a regular expression: {}", last_line(&error.to_string()));
            self.out.push(Diagnostic::new(Code::BadMarker, self.source, node.span, message));
        }
        Some(pattern)
    }

    fn members(&mut self, node: &Node) -> Vec<(Path, String, serde_json::Value)> {
        let Kind::Map(entries) = &node.kind else {
            self.out.push(wrong_type(self.source, node, "fields", "a mapping of path to pattern"));
            return Vec::new();
        };
        self.check_markers(node);
        let mut members = Vec::new();
        for (key, value) in entries {
            match Path::parse(&key.name) {
                Ok(path) => members.push((path, key.name.clone(), value.to_value())),
                Err(message) => self.out.push(Diagnostic::new(Code::BadPath, self.source, key.span, message)),
            }
        }
        members
    }

    /// Reads `metrics:`.
    pub fn metrics(&mut self, node: &'a Node) -> Option<Action> {
        let mut fields = Fields::open(self.source, node, "a look at metrics", self.out)?;
        let of = fields.require("of", self.out).and_then(|node| self.service_path(node, "of"));
        let written = fields.require("name", self.out);
        let labels = fields.take("labels").map(|node| self.pairs(node, "labels")).unwrap_or_default();
        let since = fields.take("since").map(Node::to_value);
        fields.finish(self.out);
        let written = written?;
        let name = text(self.source, written, "name", self.out)?;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
        if !name.contains("${") && !name.chars().all(plain) {
            let message = format!("`{name}` is not the name of a metric");
            self.bad(written.span, message, "letters, digits, `_` and `:`; labels go under `labels`");
        }
        Some(Action::Metrics(Metrics { target: of?, name, labels, since }))
    }

    /// Reads `double:`.
    pub fn double(&mut self, node: &'a Node) -> Option<Action> {
        const VERBS: &[&str] = &["script", "calls", "messages", "reset"];
        let mut fields = Fields::open(self.source, node, "a double action", self.out)?;
        let mut found = None;
        for verb in VERBS {
            let Some((key, value)) = fields.take_entry(verb) else { continue };
            if found.is_some() {
                self.bad(key.span, "a double action has one verb", "make two steps of it");
            }
            found = found.or(Some((*verb, value)));
        }
        let answers = fields.take_entry("answers");
        let head = fields.head();
        fields.finish(self.out);
        let Some((verb, service)) = found else {
            self.bad(
                head,
                "a double action needs a verb",
                "one of `script`, `calls`, `messages`, `reset` with the double's name",
            );
            return None;
        };
        let service = self.service(service)?;
        let operation = match (verb, answers) {
            ("script", Some((_, Node { kind: Kind::List(items), .. }))) => {
                DoubleOperation::Script(items.iter().map(Node::to_value).collect())
            }
            ("script", Some((_, other))) => {
                self.out.push(wrong_type(self.source, other, "answers", "a list"));
                return None;
            }
            ("script", None) => {
                self.bad(
                    head,
                    "`script` needs `answers`",
                    "for example `answers: [{ status: 502, times: 2 }]`",
                );
                return None;
            }
            (_, Some((key, _))) => {
                let help = suggest("answers", ["script"]).unwrap_or_default();
                self.bad(key.span, "only `script` takes `answers`", &help);
                return None;
            }
            ("calls", None) => DoubleOperation::Calls,
            ("messages", None) => DoubleOperation::Messages,
            (_, None) => DoubleOperation::Reset,
        };
        Some(Action::Double(Double { service, operation }))
    }

    /// Reads `drained:`; `true` means the topology's query.
    pub fn drained(&mut self, node: &'a Node) -> Option<Action> {
        if let Kind::Bool(true) = node.kind {
            let Some(query) = self.context.names.drained.clone() else {
                self.bad(
                    node.span,
                    "the topology has no `drained` query",
                    "add one, or write `drained: { query: … }`",
                );
                return None;
            };
            let service = self.context.names.databases.iter().next().cloned();
            return service.map(|service| Action::Drained(Drained { service, query }));
        }
        let mut fields = Fields::open(self.source, node, "`drained`", self.out)?;
        let query =
            fields.require("query", self.out).and_then(|node| text(self.source, node, "query", self.out));
        let service = self.database(&mut fields);
        fields.finish(self.out);
        Some(Action::Drained(Drained { service: service?, query: query? }))
    }
}

fn last_line(text: &str) -> &str {
    text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or(text)
}
