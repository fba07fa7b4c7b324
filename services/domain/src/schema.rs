//! Payload schemas of the mutating tools, as JSON Schema (2020-12), and validation against them.
//!
//! Optional members may be null; a null one counts as absent. Unknown members are accepted, except by the two
//! autonomy commands.

mod payload;

use crate::field_error::{FieldCode, FieldError, dotted};
use crate::ids::parse_uuid;
use crate::schedule::parse_instant;
use crate::tool::{self, ToolName};
use jsonschema::Validator;
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Largest amount that every client can represent: 2^53 - 1.
pub const MAX_AMOUNT: u64 = 9_007_199_254_740_991;

/// Message of the refusal that carries validation errors.
pub const REFUSAL_MESSAGE: &str = "Request payload violates dispatch contract";

/// Reads an amount or limit that passed its schema; `5.0` is the whole number 5.
pub fn whole_number(value: &Value) -> Option<i64> {
    // A double up to 2^53 - 1 without a fraction converts exactly.
    let from_double =
        |double: f64| (double.fract() == 0.0 && double.abs() <= MAX_AMOUNT as f64).then_some(double as i64);
    value.as_i64().or_else(|| value.as_f64().and_then(from_double))
}

/// One violation; serialises as an entry of `validation_errors`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ValidationError {
    /// What was expected, for example `Expected string`.
    pub message: String,
    /// JSON pointer into the payload; empty for the payload itself.
    pub path: String,
    /// JSON pointer into the schema.
    pub schema_path: String,
    /// The stable code; none on the second entry of a missing member, which only repeats its type.
    #[serde(skip)]
    pub code: Option<FieldCode>,
}

/// The violations as entries of `error.fields`, each member's reasons once.
pub fn fields(errors: &[ValidationError]) -> Vec<FieldError> {
    errors
        .iter()
        .filter_map(|error| {
            let message = error.message.clone();
            Some(FieldError { field: dotted(&error.path), code: error.code?, message })
        })
        .collect()
}

struct Compiled {
    schema: Value,
    validator: Validator,
}

static COMPILED: LazyLock<BTreeMap<ToolName, Compiled>> = LazyLock::new(|| {
    tool::all()
        .iter()
        .filter_map(|tool| {
            let schema = payload::schema(tool.name)?;
            let validator = jsonschema::options()
                .should_validate_formats(true)
                .with_format("uuid", |text: &str| parse_uuid(text).is_some())
                .with_format("date-time", |text: &str| parse_instant(text).is_ok())
                .with_format("email", is_email)
                .build(&schema)
                .expect("payload schemas are constants, and a test compiles every one");
            Some((tool.name, Compiled { schema, validator }))
        })
        .collect()
});

/// `something@something.something` without white space.
fn is_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(name, host)| {
        let dotted = host.split_once('.').is_some_and(|(left, right)| !left.is_empty() && !right.is_empty());
        !name.is_empty() && dotted && !host.contains('@') && !text.contains(char::is_whitespace)
    })
}

/// The schema of a tool's payload; reads have none.
pub fn payload_schema(name: ToolName) -> Option<&'static Value> {
    COMPILED.get(&name).map(|compiled| &compiled.schema)
}

/// The payload with null optional members left out, at every level the schema describes; no payload is `{}`.
pub fn normalise(name: ToolName, payload: &Value) -> Value {
    if payload.is_null() {
        return Value::Object(Map::new());
    }
    payload_schema(name).map_or_else(|| payload.clone(), |schema| without_nulls(schema, payload))
}

fn without_nulls(schema: &Value, value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let required = |name: &str| names(schema, "required").any(|required| required == name);
            let properties = schema.get("properties").and_then(Value::as_object);
            let known = |name: &str| properties.is_some_and(|known| known.contains_key(name));
            // Each shape of a union lists its own members, so there every null member is left out.
            let union = schema.get("anyOf").is_some();
            members
                .iter()
                .filter(|(name, member)| !member.is_null() || (!union && (required(name) || !known(name))))
                .map(|(name, member)| {
                    let below = properties.and_then(|known| known.get(name)).unwrap_or(&Value::Null);
                    (name.clone(), without_nulls(below, member))
                })
                .collect()
        }
        Value::Array(items) => {
            let below = schema.get("items").unwrap_or(&Value::Null);
            items.iter().map(|item| without_nulls(below, item)).collect()
        }
        plain => plain.clone(),
    }
}

fn names<'a>(schema: &'a Value, member: &str) -> impl Iterator<Item = &'a str> {
    schema.get(member).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// Checks a payload; no violations means it is well formed. Reads accept anything.
///
/// Missing required members come first, then the rest in schema order, where each missing member is listed a second
/// time with its type.
pub fn validate(name: ToolName, payload: &Value) -> Vec<ValidationError> {
    let Some(compiled) = COMPILED.get(&name) else { return Vec::new() };
    let payload = normalise(name, payload);
    if compiled.schema.get("anyOf").is_some() {
        if compiled.validator.is_valid(&payload) {
            return Vec::new();
        }
        let code = Some(FieldCode::NotOneOf);
        return vec![violation("Expected union value".to_owned(), String::new(), "/anyOf".to_owned(), code)];
    }
    let (mut missing, mut rest) = (Vec::new(), Vec::new());
    for error in compiled.validator.iter_errors(&payload) {
        let path = error.instance_path().as_str().to_owned();
        let schema_path = error.schema_path().as_str().to_owned();
        if let Kind::Required { property } = error.kind() {
            let member = property.as_str().unwrap_or_default();
            let path = format!("{path}/{member}");
            let parent = schema_path.trim_end_matches("/required");
            let member_schema = format!("{parent}/properties/{member}");
            if let Some(message) = compiled.schema.pointer(&member_schema).and_then(expected_type) {
                rest.push(violation(message, path.clone(), format!("{member_schema}/type"), None));
            }
            let code = Some(FieldCode::Required);
            missing.push(violation("Expected required property".to_owned(), path, schema_path, code));
        } else {
            rest.push(violation(message(error.kind()), path, schema_path, Some(code(error.kind()))));
        }
    }
    let order = |path: &str| schema_order(&compiled.schema, path);
    missing.sort_by_key(|error| order(&error.path));
    rest.sort_by_key(|error| order(&error.path));
    missing.append(&mut rest);
    missing
}

fn violation(message: String, path: String, schema_path: String, code: Option<FieldCode>) -> ValidationError {
    ValidationError { message, path, schema_path, code }
}

fn code(kind: &Kind) -> FieldCode {
    match kind {
        Kind::Type { .. } => FieldCode::Type,
        Kind::Enum { .. } | Kind::Constant { .. } | Kind::AnyOf { .. } | Kind::OneOfNotValid { .. } => {
            FieldCode::NotOneOf
        }
        Kind::MinLength { .. } => FieldCode::TooShort,
        Kind::MaxLength { .. } => FieldCode::TooLong,
        Kind::Format { .. } | Kind::Pattern { .. } => FieldCode::Format,
        Kind::Minimum { .. } | Kind::ExclusiveMinimum { .. } => FieldCode::TooSmall,
        Kind::Maximum { .. } | Kind::ExclusiveMaximum { .. } => FieldCode::TooLarge,
        Kind::MinItems { .. } => FieldCode::TooFew,
        _ => FieldCode::Invalid,
    }
}

/// Position of a payload member in the schema's listing; elements of an array keep their own order.
fn schema_order(schema: &Value, path: &str) -> (usize, String) {
    let member = path.split('/').nth(1).unwrap_or_default();
    let listed = schema.get("properties").and_then(Value::as_object);
    let place = listed.and_then(|members| members.keys().position(|name| name == member));
    (place.map_or(0, |place| place + 1), path.split('/').skip(2).collect::<Vec<_>>().join("/"))
}

fn expected_type(schema: &Value) -> Option<String> {
    if schema.get("enum").is_some() {
        return Some("Expected union value".to_owned());
    }
    schema.get("type").and_then(Value::as_str).map(|kind| format!("Expected {kind}"))
}

fn message(kind: &Kind) -> String {
    match kind {
        Kind::Type { kind: TypeKind::Single(expected) } => format!("Expected {expected}"),
        Kind::Enum { .. } | Kind::AnyOf { .. } | Kind::OneOfNotValid { .. } => {
            "Expected union value".to_owned()
        }
        Kind::MinLength { limit } => format!("Expected string length greater or equal to {limit}"),
        Kind::MaxLength { limit } => format!("Expected string length less or equal to {limit}"),
        Kind::Format { format } => format!("Expected string to match '{format}' format"),
        Kind::Minimum { limit } => format!("Expected number to be greater or equal to {limit}"),
        Kind::Maximum { limit } => format!("Expected number to be less or equal to {limit}"),
        Kind::MinItems { limit } => format!("Expected array length to be greater or equal to {limit}"),
        other => format!("Violates '{}'", other.keyword()),
    }
}

#[cfg(test)]
mod tests;
