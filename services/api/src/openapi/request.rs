//! Request bodies: the domain's payload schemas, with what the service accepts besides.

use dispatch_domain::{ToolName, schema};
use serde_json::{Map, Value, json};

/// What the service takes for an address: something@something.something without white space.
const EMAIL: &str = r"^[^\s\u0000@]+@[^\s\u0000@.][^\s\u0000@]*\.[^\s\u0000@]+$";

/// The body of a command.
pub(super) fn body(tool: ToolName) -> Value {
    let mut schema = schema::payload_schema(tool).cloned().unwrap_or_else(|| json!({ "type": "object" }));
    if let Some(members) = schema.as_object_mut() {
        members.shift_remove("$schema");
    }
    let union = schema.get("anyOf").is_some();
    let needed = !union && schema.get("required").is_some();
    let mut schema = published(&schema);
    if !needed {
        // No body, a blank one and null count as an empty object.
        schema = json!({ "anyOf": [schema, { "type": "null" }] });
    }
    json!({
        "required": needed,
        "description": "At most 1 MiB. The content type is not looked at.",
        "content": { "application/json": { "schema": schema } },
    })
}

/// The body of an operation: nothing, or a note.
pub(super) fn note() -> Value {
    let note =
        json!({ "type": "object", "properties": { "note": { "type": ["string", "null"], "minLength": 1 } } });
    json!({
        "required": false,
        "content": { "application/json": { "schema": { "anyOf": [note, { "type": "null" }] } } },
    })
}

/// Optional members may be null, which counts as absent, at every level.
fn published(schema: &Value) -> Value {
    let Value::Object(members) = schema else { return schema.clone() };
    let required: Vec<&str> = members
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    members
        .iter()
        .map(|(name, value)| {
            let value = match (name.as_str(), value) {
                // The standard's format takes less here and more there than the service does.
                ("format", Value::String(format)) if format == "email" => {
                    return ("pattern".to_owned(), EMAIL.into());
                }
                ("properties", Value::Object(properties)) => Value::Object(
                    properties
                        .iter()
                        .map(|(member, schema)| {
                            let below = published(schema);
                            let below =
                                if required.contains(&member.as_str()) { below } else { nullable(below) };
                            (member.clone(), below)
                        })
                        .collect::<Map<_, _>>(),
                ),
                ("items", items) => published(items),
                ("anyOf", Value::Array(shapes)) => shapes.iter().map(published).collect(),
                // A null member counts as absent, whatever its name.
                ("additionalProperties", Value::Bool(false)) => json!({ "type": "null" }),
                _ => value.clone(),
            };
            (name.clone(), value)
        })
        .collect()
}

fn nullable(mut schema: Value) -> Value {
    if let Some(kind) = schema.get("type").filter(|kind| kind.is_string()).cloned() {
        schema["type"] = json!([kind, "null"]);
    }
    if let Some(Value::Array(words)) = schema.get_mut("enum") {
        words.push(Value::Null);
    }
    if let Some(word) = schema.get("const").cloned() {
        schema["enum"] = json!([word, null]);
        schema.as_object_mut().and_then(|members| members.shift_remove("const"));
    }
    schema
}
