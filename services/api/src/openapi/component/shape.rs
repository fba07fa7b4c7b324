//! Words for writing schemas. Objects are closed and all their members are always there, as the service sends them.

use serde_json::{Map, Value, json};

/// An object with exactly these members.
pub(super) fn closed(members: &[(&str, Value)]) -> Value {
    let names: Vec<&str> = members.iter().map(|(name, _)| *name).collect();
    let properties: Map<String, Value> =
        members.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    json!({ "type": "object", "required": names, "properties": properties, "additionalProperties": false })
}

/// The same, with members that are there only sometimes.
pub(super) fn closed_with(members: &[(&str, Value)], sometimes: &[(&str, Value)]) -> Value {
    let mut schema = closed(members);
    for (name, member) in sometimes {
        schema["properties"][*name] = member.clone();
    }
    schema
}

pub(super) fn text() -> Value {
    json!({ "type": "string" })
}

pub(super) fn uuid() -> Value {
    json!({ "type": "string", "format": "uuid" })
}

pub(super) fn instant() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

pub(super) fn integer() -> Value {
    json!({ "type": "integer" })
}

pub(super) fn flag() -> Value {
    json!({ "type": "boolean" })
}

/// An object with any members.
pub(super) fn free() -> Value {
    json!({ "type": "object" })
}

pub(super) fn word<T: serde::Serialize>(words: &[T]) -> Value {
    json!({ "type": "string", "enum": words })
}

pub(super) fn list(items: Value) -> Value {
    json!({ "type": "array", "items": items })
}

pub(super) fn is(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// The schema, or null.
pub(super) fn or_null(schema: Value) -> Value {
    json!({ "anyOf": [schema, { "type": "null" }] })
}
