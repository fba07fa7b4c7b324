//! What must hold of an answer.

use serde_json::{Value, json};

use crate::code::Code;
use crate::diagnostic::{Diagnostic, suggest};
use crate::drill::{Action, ActionInfo, Expectation};
use crate::fields::wrong_type;
use crate::node::{Key, Kind, Node};
use crate::parse::Reader;
use crate::pattern::{LIST_KEYS, MARKERS, Marker};
use crate::source::{Place, Span};

impl Reader<'_, '_> {
    /// Reads `expect:`; every field must be one that the action's answer has.
    pub fn expectations(&mut self, node: &Node, info: &ActionInfo) -> Vec<Expectation> {
        let entries = match &node.kind {
            Kind::Map(entries) if !entries.is_empty() => entries,
            Kind::Map(_) | Kind::Null => {
                self.out.push(
                    Diagnostic::new(Code::EmptyExpect, self.source, node.span, "an empty expectation holds whatever comes back")
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
        if !info.fields.contains(&key.name.as_str()) {
            let message = format!("the answer of `{}` has no field `{}`", info.name, key.name);
            let help = suggest(&key.name, info.fields.iter().copied());
            self.out.push(Diagnostic::new(Code::UnknownField, self.source, key.span, message).maybe_help(help));
            return None;
        }
        self.check_markers(value);
        let (field, pattern) = self.sugar(key, value)?;
        let place = self.source.place(key.span);
        let line = self.source.line(place.line).to_owned();
        let mut parts = Vec::new();
        self.parts(value, &field, &mut parts);
        Some(Expectation { field, pattern, place, line, parts })
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

    fn check_markers(&mut self, node: &Node) {
        match &node.kind {
            Kind::Text(text) => {
                if let Some(Err(message)) = Marker::parse(text) {
                    let name = text.split(' ').next().unwrap_or(text);
                    let help = suggest(name, MARKERS.iter().copied());
                    self.out.push(Diagnostic::new(Code::BadMarker, self.source, node.span, message).maybe_help(help));
                }
            }
            Kind::List(items) => items.iter().for_each(|item| self.check_markers(item)),
            Kind::Map(entries) => {
                for (key, value) in entries {
                    if key.name.starts_with('#') && !LIST_KEYS.contains(&key.name.as_str()) {
                        let message = format!("there is no pattern `{}`", key.name);
                        let help = suggest(&key.name, LIST_KEYS.iter().copied());
                        self.out.push(Diagnostic::new(Code::BadMarker, self.source, key.span, message).maybe_help(help));
                    }
                    self.check_markers(value);
                }
            }
            Kind::Null | Kind::Bool(_) | Kind::Number(_) => {}
        }
    }

    /// Where every part of a pattern is written.
    fn parts(&self, node: &Node, path: &str, out: &mut Vec<(String, Place, String)>) {
        let below: Vec<(String, Span, &Node)> = match &node.kind {
            Kind::Map(entries) => {
                entries.iter().map(|(key, value)| (format!("{path}.{}", key.name), key.span, value)).collect()
            }
            Kind::List(items) => {
                items.iter().enumerate().map(|(index, item)| (format!("{path}[{index}]"), item.span, item)).collect()
            }
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) => Vec::new(),
        };
        for (path, span, value) in below {
            let place = self.source.place(span);
            let line = self.source.line(place.line).to_owned();
            self.parts(value, &path, out);
            out.push((path, place, line));
        }
    }

    /// A request without an expected status expects success, so that a refusal never passes unseen.
    pub fn imply_success(&self, action: &Action, expect: &mut Vec<Expectation>, span: Span) {
        let implied = matches!(action, Action::Http(_) | Action::Tool(_) | Action::Alerts(_) | Action::Job(_));
        let field = if matches!(action, Action::Job(_)) { "exit" } else { "status" };
        let spoken = |e: &Expectation| e.field == field || e.field == "error" || e.field == "http_status";
        if !implied || expect.iter().any(spoken) {
            return;
        }
        let place = self.source.place(span);
        let line = self.source.line(place.line).to_owned();
        let pattern = if field == "exit" { json!(0) } else { json!("#2xx") };
        expect.insert(0, Expectation { field: field.to_owned(), pattern, place, line, parts: Vec::new() });
    }
}
