//! What must hold of an answer.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::code::Code;
use crate::diagnostic::{Diagnostic, suggest};
use crate::drill::{Action, ActionInfo, Check, Expectation};
use crate::fields::{text, wrong_type};
use crate::node::{Key, Kind, Node};
use crate::parse::Reader;
use crate::pattern::{MARKERS, Marker, PATTERN_KEYS};
use crate::select;
use crate::source::{Place, Span};

impl Reader<'_, '_> {
    /// Reads `expect:`; every field must be one that the action's answer has.
    pub fn expectations(&mut self, node: &Node, info: &ActionInfo) -> Vec<Expectation> {
        let entries = match &node.kind {
            Kind::Map(entries) if !entries.is_empty() => entries,
            Kind::Map(_) | Kind::Null => {
                self.out.push(
                    Diagnostic::new(
                        Code::EmptyExpect,
                        self.source,
                        node.span,
                        "an empty expectation holds whatever comes back",
                    )
                    .help("say what is expected, or remove `expect`"),
                );
                return Vec::new();
            }
            _ => {
                self.out.push(wrong_type(self.source, node, "expect", "a mapping of field to pattern"));
                return Vec::new();
            }
        };
        entries.iter().filter_map(|(key, value)| self.expectation(key, value, info)).collect()
    }

    fn expectation(&mut self, key: &Key, value: &Node, info: &ActionInfo) -> Option<Expectation> {
        if let Some(of) = document_of(info).filter(|_| matches!(key.name.as_str(), "jsonpath" | "schema")) {
            return self.deep_expectation(key, value, of);
        }
        if !info.fields.contains(&key.name.as_str()) {
            let message = format!("the answer of `{}` has no field `{}`", info.name, key.name);
            let deep = document_of(info).map_or(&[][..], |_| &["jsonpath", "schema"]);
            let help = suggest(&key.name, info.fields.iter().chain(deep).copied());
            self.out
                .push(Diagnostic::new(Code::UnknownField, self.source, key.span, message).maybe_help(help));
            return None;
        }
        self.check_markers(value);
        let (field, pattern) = self.sugar(key, value)?;
        let place = self.source.place(key.span);
        let line = self.source.line(place.line).to_owned();
        let mut parts = Vec::new();
        self.parts(value, &field, &mut parts);
        if field == "headers" {
            // Names of headers are the same in any case.
            parts.iter_mut().for_each(|(path, _, _)| path.make_ascii_lowercase());
        }
        Some(Expectation { field, pattern, place, line, parts, check: Check::Fits })
    }

    /// `jsonpath: { PATH: PATTERN }` and `schema: FILE`, over the document of the answer.
    fn deep_expectation(&mut self, key: &Key, value: &Node, of: &'static str) -> Option<Expectation> {
        let place = self.source.place(key.span);
        let line = self.source.line(place.line).to_owned();
        let field = key.name.clone();
        let mut parts = Vec::new();
        let check = if key.name == "schema" {
            Check::Conforms { of, schema: self.schema(value)? }
        } else {
            self.selections(value)?;
            self.parts(value, &field, &mut parts);
            Check::Selected { of }
        };
        Some(Expectation { field, pattern: value.to_value(), place, line, parts, check })
    }

    fn selections(&mut self, node: &Node) -> Option<()> {
        let Kind::Map(entries) = &node.kind else {
            self.out.push(wrong_type(self.source, node, "jsonpath", "a mapping of JSONPath to pattern"));
            return None;
        };
        if entries.is_empty() {
            self.out.push(Diagnostic::new(
                Code::EmptyExpect,
                self.source,
                node.span,
                "no path is given, so nothing is expected",
            ));
        }
        for (path, _) in entries.iter().filter(|(path, _)| !path.name.contains("${")) {
            if let Err(message) = select::check_path(&path.name) {
                let help = "for example `$.items[0].id` or `$.items[?@.state == 'NEW'].id`";
                self.out.push(Diagnostic::new(Code::BadPath, self.source, path.span, message).help(help));
            }
        }
        self.check_markers(node);
        Some(())
    }

    fn schema(&mut self, node: &Node) -> Option<Arc<Value>> {
        let path = text(self.source, node, "schema", self.out)?;
        if !self.inside(&path, node.span) {
            return None;
        }
        let mut bad = |message: String, help: Option<String>| {
            self.out.push(Diagnostic::new(Code::BadSchema, self.source, node.span, message).maybe_help(help));
            None
        };
        let Some(file) = self.context.texts.get(&path) else {
            let known = self.context.texts.iter().map(|source| source.path().as_ref());
            return bad(
                format!("there is no `{path}`"),
                suggest(&path, known.filter(|name| name.ends_with(".json"))),
            );
        };
        let schema: Value = match serde_json::from_str(file.text()) {
            Ok(schema) => schema,
            Err(error) => return bad(format!("`{path}` is not JSON: {error}"), None),
        };
        match select::check_schema(&schema) {
            Ok(()) => Some(Arc::new(schema)),
            Err(error) => bad(format!("`{path}` is not a JSON Schema: {error}"), None),
        }
    }

    /// `fires`, `clears`, `only` and `none` are words for patterns over the codes of the alerts.
    fn sugar(&mut self, key: &Key, value: &Node) -> Option<(String, Value)> {
        let codes = "codes".to_owned();
        let sorted = |node: &Node| {
            let mut list: Vec<Value> = node.to_value().as_array().cloned().unwrap_or_default();
            list.sort_by_key(ToString::to_string);
            Value::Array(list)
        };
        match (key.name.as_str(), &value.kind) {
            ("fires", Kind::Text(_)) => Some((codes, json!({ "#has": value.to_value() }))),
            ("clears", Kind::Text(_)) => Some((codes, json!({ "#lacks": value.to_value() }))),
            ("only", Kind::List(_)) => Some((codes, sorted(value))),
            ("none", Kind::Bool(true)) => Some((codes, json!([]))),
            ("fires" | "clears", _) => {
                self.out.push(wrong_type(self.source, value, &key.name, "the code of an alert"));
                None
            }
            ("only", _) => {
                self.out.push(wrong_type(self.source, value, "only", "a list of codes"));
                None
            }
            ("none", _) => {
                self.out.push(wrong_type(self.source, value, "none", "`true`"));
                None
            }
            _ => Some((key.name.clone(), value.to_value())),
        }
    }

    /// Reports markers and pattern keys that do not exist.
    pub fn check_markers(&mut self, node: &Node) {
        match &node.kind {
            Kind::Text(text) => {
                if let Some(Err(message)) = Marker::parse(text) {
                    let name = text.split(' ').next().unwrap_or(text);
                    let help = suggest(name, MARKERS.iter().copied());
                    self.out.push(
                        Diagnostic::new(Code::BadMarker, self.source, node.span, message).maybe_help(help),
                    );
                }
            }
            Kind::List(items) => items.iter().for_each(|item| self.check_markers(item)),
            Kind::Map(entries) => {
                for (key, value) in entries {
                    if key.name.starts_with('#') && !PATTERN_KEYS.contains(&key.name.as_str()) {
                        let message = format!("there is no pattern `{}`", key.name);
                        let help = suggest(&key.name, PATTERN_KEYS.iter().copied());
                        self.out.push(
                            Diagnostic::new(Code::BadMarker, self.source, key.span, message).maybe_help(help),
                        );
                    }
                    self.check_choices(key, value);
                    self.check_markers(value);
                }
            }
            Kind::Null | Kind::Bool(_) | Kind::Number(_) => {}
        }
    }

    /// `#set` and `#oneof` take lists, and the latter one that is not empty.
    fn check_choices(&mut self, key: &Key, value: &Node) {
        let least = match key.name.as_str() {
            "#set" => 0,
            "#oneof" => 1,
            _ => return,
        };
        let template = value.as_text().is_some_and(|text| text.contains("${"));
        match &value.kind {
            Kind::List(items) if items.len() >= least => {}
            Kind::List(_) => {
                let message = "nothing is one of no patterns, so this could never hold";
                self.out.push(Diagnostic::new(Code::BadMarker, self.source, key.span, message));
            }
            _ if template => {}
            _ => self.out.push(wrong_type(self.source, value, &key.name, "a list of patterns")),
        }
    }

    /// Where every part of a pattern is written.
    fn parts(&self, node: &Node, path: &str, out: &mut Vec<(String, Place, String)>) {
        let below: Vec<(String, Span, &Node)> = match &node.kind {
            Kind::Map(entries) => {
                entries.iter().map(|(key, value)| (format!("{path}.{}", key.name), key.span, value)).collect()
            }
            Kind::List(items) => items
                .iter()
                .enumerate()
                .map(|(index, item)| (format!("{path}[{index}]"), item.span, item))
                .collect(),
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) => Vec::new(),
        };
        for (path, span, value) in below {
            let place = self.source.place(span);
            let line = self.source.line(place.line).to_owned();
            self.parts(value, &path, out);
            out.push((path, place, line));
        }
    }

    /// What goes without saying: a request without an expected status expects success, so that a refusal never passes
    /// unseen, and the like for other actions.
    pub fn imply_success(&self, action: &Action, expect: &mut Vec<Expectation>, span: Span) {
        let (field, pattern) = match action {
            Action::Http(_) | Action::Tool(_) | Action::Alerts(_) | Action::Double(_) => {
                ("status", json!("#2xx"))
            }
            Action::Job(_) | Action::Exec(_) => ("exit", json!(0)),
            Action::Drained(_) => ("left", json!(0)),
            Action::Human(_) => ("confirmed", json!(true)),
            _ => return,
        };
        let spoken = |e: &Expectation| e.field == field || e.field == "error" || e.field == "http_status";
        if expect.iter().any(spoken) {
            return;
        }
        let place = self.source.place(span);
        let line = self.source.line(place.line).to_owned();
        let (field, check) = (field.to_owned(), Check::Fits);
        expect.insert(0, Expectation { field, pattern, place, line, parts: Vec::new(), check });
    }
}

/// The field of an action's answer that holds a document.
#[must_use]
pub fn document_of(info: &ActionInfo) -> Option<&'static str> {
    ["body", "json", "items", "entries", "rows"].into_iter().find(|field| info.fields.contains(field))
}
