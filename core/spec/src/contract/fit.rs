//! Whether a value as a drill writes it fits a JSON Schema, as far as that can be known before the run.
//!
//! Text with `${…}` in it has no type yet and fits anything. The keywords that matter for requests are followed; others
//! are left to the service.

use serde_json::Value;

use crate::diagnostic::nearest;
use crate::node::{Kind, Node};
use crate::pattern::{is_time, is_uuid};
use crate::source::Span;

/// References that are followed in a row; more would be a ring.
const MOST_REFERENCES: usize = 16;

/// One place where a value does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// Where.
    pub span: Span,
    /// A sentence.
    pub message: String,
    /// The way out.
    pub help: Option<String>,
}

/// The value a reference leads to; anything else is itself.
#[must_use]
pub fn follow<'d>(document: &'d Value, schema: &'d Value) -> &'d Value {
    let mut at = schema;
    for _ in 0..MOST_REFERENCES {
        let Some(next) = at.get("$ref").and_then(Value::as_str) else { return at };
        match next.strip_prefix('#').and_then(|pointer| document.pointer(pointer)) {
            Some(found) => at = found,
            None => return &Value::Null,
        }
    }
    &Value::Null
}

/// Every place where `node` does not fit `schema`, whose references lead into `document`. `path` names the value.
#[must_use]
pub fn misfits(document: &Value, schema: &Value, (node, path): (&Node, &str)) -> Vec<Misfit> {
    let mut out = Vec::new();
    Fitter { document }.fit(schema, (node, path), &mut out);
    out
}

struct Fitter<'d> {
    document: &'d Value,
}

fn is_open(node: &Node) -> bool {
    node.as_text().is_some_and(|text| text.contains("${"))
}

impl Fitter<'_> {
    fn fit(&self, schema: &Value, (node, path): (&Node, &str), out: &mut Vec<Misfit>) {
        let schema = follow(self.document, schema);
        if is_open(node) || !schema.is_object() {
            return;
        }
        let before = out.len();
        self.kind(schema, (node, path), out);
        if out.len() > before {
            return;
        }
        self.choices(schema, (node, path), out);
        match &node.kind {
            Kind::Map(_) => self.members(schema, (node, path), out),
            Kind::List(items) => self.elements(schema, (items, node.span, path), out),
            Kind::Text(text) => text_fits(schema, (text, node.span, path), out),
            Kind::Number(number) => number_fits(schema, (number, node.span, path), out),
            Kind::Null | Kind::Bool(_) => {}
        }
    }

    /// `type`, `enum` and `const`.
    fn kind(&self, schema: &Value, (node, path): (&Node, &str), out: &mut Vec<Misfit>) {
        let mut miss = |message: String, help: Option<String>| {
            out.push(Misfit { span: node.span, message, help });
        };
        let wanted: Vec<&str> = match &schema["type"] {
            Value::String(one) => vec![one.as_str()],
            Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        if !wanted.is_empty() && !wanted.iter().any(|wanted| is_of(node, wanted)) {
            let quoted = matches!(node.kind, Kind::Number(_) | Kind::Bool(_)) && wanted.contains(&"string");
            let help = quoted.then(|| "put it in quotes to send it as text".to_owned());
            let bare = node.as_text().filter(|text| {
                let number =
                    text.parse::<f64>().is_ok() && wanted.iter().any(|w| ["integer", "number"].contains(w));
                number || (["true", "false"].contains(text) && wanted.contains(&"boolean"))
            });
            let help = help.or_else(|| bare.map(|text| format!("write {text} without quotes")));
            miss(format!("`{path}` is {}, and {} is asked for", node.describe(), wanted.join(" or ")), help);
            return;
        }
        let allowed = schema.get("enum").and_then(Value::as_array);
        let value = node.to_value();
        if let Some(allowed) = allowed.filter(|allowed| !holds_open(node) && !allowed.contains(&value)) {
            let words: Vec<&str> = allowed.iter().filter_map(Value::as_str).collect();
            let near = node.as_text().and_then(|text| nearest(text, words.iter().copied()));
            let help = near.map(|near| format!("did you mean `{near}`?"));
            let help = help.or_else(|| Some(format!("one of {}", listed(allowed))));
            miss(format!("`{path}` cannot be {value}"), help);
        }
        if let Some(only) = schema.get("const").filter(|only| !holds_open(node) && **only != value) {
            miss(format!("`{path}` cannot be {value}"), Some(format!("it is always {only}")));
        }
    }

    fn choices(&self, schema: &Value, at: (&Node, &str), out: &mut Vec<Misfit>) {
        for all in schema["allOf"].as_array().into_iter().flatten() {
            self.fit(all, at, out);
        }
        for key in ["anyOf", "oneOf"] {
            let Some(forms) = schema.get(key).and_then(Value::as_array) else { continue };
            let tried: Vec<Vec<Misfit>> = forms
                .iter()
                .map(|form| {
                    let mut found = Vec::new();
                    self.fit(form, at, &mut found);
                    found
                })
                .collect();
            if tried.iter().any(Vec::is_empty) {
                continue;
            }
            // The form that is nearest says most.
            out.extend(tried.into_iter().min_by_key(Vec::len).unwrap_or_default());
        }
    }

    fn members(&self, schema: &Value, (node, path): (&Node, &str), out: &mut Vec<Misfit>) {
        let Kind::Map(entries) = &node.kind else { return };
        if entries.iter().any(|(key, _)| key.name.contains("${")) {
            return;
        }
        let none = serde_json::Map::new();
        let known = schema["properties"].as_object().unwrap_or(&none);
        let unset = || known.keys().map(String::as_str).filter(|name| node.get(name).is_none());
        let mut strangers = Vec::new();
        for (key, value) in entries {
            let below = format!("{path}.{}", key.name);
            if let Some(member) = known.get(&key.name) {
                self.fit(member, (value, &below), out);
                continue;
            }
            let rest = &schema["additionalProperties"];
            if rest.is_object() {
                self.fit(rest, (value, &below), out);
            }
            let near = nearest(&key.name, unset());
            if near.is_some() || *rest == Value::Bool(false) {
                strangers.extend(near);
                let help = near.map(|near| format!("did you mean `{near}`?"));
                let names: Vec<&str> = known.keys().map(String::as_str).collect();
                let help = help.or_else(|| Some(format!("known here: {}", names.join(", "))));
                let message = format!("`{path}` has no member `{}`", key.name);
                out.push(Misfit { span: key.span, message, help });
            }
        }
        for needed in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if node.get(needed).is_none() && !strangers.contains(&needed) {
                let span = entries.first().map_or(node.span, |(key, _)| key.span);
                out.push(Misfit {
                    span,
                    message: format!("`{path}` lacks the member `{needed}`"),
                    help: None,
                });
            }
        }
    }

    fn elements(&self, schema: &Value, (items, span, path): (&[Node], Span, &str), out: &mut Vec<Misfit>) {
        for (index, item) in items.iter().enumerate() {
            self.fit(&schema["items"], (item, &format!("{path}[{index}]")), out);
        }
        let count = items.len() as u64;
        if let Some(least) = schema["minItems"].as_u64().filter(|least| count < *least) {
            out.push(Misfit {
                span,
                message: format!("`{path}` needs at least {least} elements"),
                help: None,
            });
        }
        if let Some(most) = schema["maxItems"].as_u64().filter(|most| count > *most) {
            out.push(Misfit { span, message: format!("`{path}` has at most {most} elements"), help: None });
        }
    }
}

/// Whether any text of the tree is filled in at run time.
fn holds_open(node: &Node) -> bool {
    match &node.kind {
        Kind::List(items) => items.iter().any(holds_open),
        Kind::Map(entries) => entries.iter().any(|(_, value)| holds_open(value)),
        _ => is_open(node),
    }
}

fn is_of(node: &Node, wanted: &str) -> bool {
    match &node.kind {
        Kind::Null => wanted == "null",
        Kind::Bool(_) => wanted == "boolean",
        Kind::Number(number) => {
            let whole =
                number.is_i64() || number.is_u64() || number.as_f64().is_some_and(|n| n.fract() == 0.0);
            wanted == "number" || (wanted == "integer" && whole)
        }
        Kind::Text(_) => wanted == "string",
        Kind::List(_) => wanted == "array",
        Kind::Map(_) => wanted == "object",
    }
}

fn listed(values: &[Value]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn text_fits(schema: &Value, (text, span, path): (&str, Span, &str), out: &mut Vec<Misfit>) {
    let mut miss = |message: String| out.push(Misfit { span, message, help: None });
    let length = text.chars().count() as u64;
    match schema["format"].as_str() {
        Some("uuid") if !is_uuid(text) => return miss(format!("`{path}` is a UUID, `{text}` is none")),
        Some("date-time") if !is_time(text) => {
            return miss(format!("`{path}` is a moment such as `2026-01-01T00:00:00Z`, `{text}` is none"));
        }
        _ => {}
    }
    if let Some(least) = schema["minLength"].as_u64().filter(|least| length < *least) {
        miss(format!("`{path}` has at least {least} characters"));
    }
    if let Some(most) = schema["maxLength"].as_u64().filter(|most| length > *most) {
        miss(format!("`{path}` has at most {most} characters"));
    }
    let pattern = schema["pattern"].as_str().and_then(|pattern| regex::Regex::new(pattern).ok());
    if let Some(pattern) = pattern.filter(|pattern| !pattern.is_match(text)) {
        miss(format!("`{path}` is text like `{pattern}`, `{text}` is not"));
    }
}

fn number_fits(
    schema: &Value,
    (number, span, path): (&serde_json::Number, Span, &str),
    out: &mut Vec<Misfit>,
) {
    let mut miss = |message: String| out.push(Misfit { span, message, help: None });
    let Some(value) = number.as_f64() else { return };
    if let Some(least) = schema["minimum"].as_f64().filter(|least| value < *least) {
        miss(format!("`{path}` is at least {least}"));
    }
    if let Some(most) = schema["maximum"].as_f64().filter(|most| value > *most) {
        miss(format!("`{path}` is at most {most}"));
    }
}
