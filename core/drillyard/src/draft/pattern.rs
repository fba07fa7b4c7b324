//! From an answer that was recorded to what is expected of the next one.

use drillyard_spec::pattern::{is_time, is_uuid};
use serde_json::{Map, Value, json};

use super::mask::{is_secret_name, is_secret_value};

/// How deep an answer is spelled out.
const DEEPEST: usize = 4;
/// The most elements of a list that are spelled out.
const LONGEST: usize = 3;

/// Text as a drill writes it, so that nothing in it is taken for a template or a marker.
#[must_use]
pub fn literal(text: &str) -> String {
    let text = text.replace("${", "$${");
    if text.starts_with('#') { format!("#{text}") } else { text }
}

/// A pattern that the value fits, and that the next run's answer fits too: what differs from run to run is a marker.
/// `bound` gives the name of a value that was saved before.
#[must_use]
pub fn of(value: &Value, bound: &dyn Fn(&str) -> Option<String>) -> Value {
    at(value, bound, 0)
}

fn at(value: &Value, bound: &dyn Fn(&str) -> Option<String>, depth: usize) -> Value {
    match value {
        Value::String(text) => Value::String(text_pattern(text, bound)),
        Value::Array(items) if depth >= DEEPEST || items.len() > LONGEST => {
            json!(format!("#list >= {}", items.len().min(1)))
        }
        Value::Array(items) => items.iter().map(|item| at(item, bound, depth + 1)).collect(),
        Value::Object(_) if depth >= DEEPEST => json!("#object"),
        Value::Object(members) => {
            let mut pattern: Map<String, Value> = members
                .iter()
                .map(|(key, member)| {
                    let hidden = is_secret_name(key) && !member.is_object() && !member.is_array();
                    (
                        key.replace("${", "$${"),
                        if hidden { json!("#any") } else { at(member, bound, depth + 1) },
                    )
                })
                .collect();
            pattern.insert("...".to_owned(), json!("any"));
            Value::Object(pattern)
        }
        other => other.clone(),
    }
}

fn text_pattern(text: &str, bound: &dyn Fn(&str) -> Option<String>) -> String {
    let hex = text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    match bound(text) {
        Some(name) => format!("${{{name}}}"),
        None if is_uuid(text) => "#uuid".to_owned(),
        None if is_time(text) => "#time".to_owned(),
        None if hex => "#hex64".to_owned(),
        None if is_secret_value(text) => "#text".to_owned(),
        None => literal(text),
    }
}
