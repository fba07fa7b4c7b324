//! JSONPath (RFC 9535) and JSON Schema over a part of an answer.

use jsonpath_rust::parser::parse_json_path;
use jsonpath_rust::query::js_path_vals;
use serde_json::Value;

use crate::pattern::{self, Mismatch};

/// What is wrong with a JSONPath, or nothing.
///
/// # Errors
/// A sentence on what is wrong.
pub fn check_path(path: &str) -> Result<(), String> {
    parse_json_path(path).map(|_| ()).map_err(|error| {
        let text = error.to_string();
        let reason =
            text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("it cannot be read");
        format!("`{path}` is not a JSONPath: {}", reason.trim_start_matches("= "))
    })
}

/// Whether a path can lead to at most one value: names and indexes only.
#[must_use]
pub fn is_singular(path: &str) -> bool {
    let mut quote = None;
    let mut before = ' ';
    for c in path.chars() {
        match quote {
            Some(open) if c == open && before != '\\' => quote = None,
            Some(_) => {}
            None if matches!(c, '\'' | '"') => quote = Some(c),
            None if matches!(c, '*' | '?' | ':' | ',') || (c == '.' && before == '.') => return false,
            None => {}
        }
        before = c;
    }
    true
}

/// Compares what every path selects with its pattern. A path of names and indexes gives its one value, or nothing; any
/// other path gives the list of everything it selects, in document order.
#[must_use]
pub fn compare(patterns: &Value, document: Option<&Value>, of: &str) -> Vec<Mismatch> {
    let Value::Object(patterns) = patterns else { return Vec::new() };
    patterns
        .iter()
        .flat_map(|(path, pattern)| {
            let shown = format!("{of} {path}");
            let found = match document.map(|document| js_path_vals(path, document)) {
                Some(Ok(found)) => found,
                Some(Err(error)) => {
                    return vec![Mismatch {
                        path: shown,
                        expected: "a JSONPath".to_owned(),
                        actual: Some(error.to_string()),
                    }];
                }
                None => Vec::new(),
            };
            if is_singular(path) {
                return pattern::compare(pattern, found.first().copied(), &shown);
            }
            let list = Value::Array(found.into_iter().cloned().collect());
            pattern::compare(pattern, Some(&list), &shown)
        })
        .collect()
}

/// What is wrong with a JSON Schema, or nothing.
///
/// # Errors
/// A sentence on what is wrong.
pub fn check_schema(schema: &Value) -> Result<(), String> {
    jsonschema::validator_for(schema).map(|_| ()).map_err(|error| error.to_string())
}

/// Every place where `document` does not conform to `schema`.
#[must_use]
pub fn conform(schema: &Value, document: Option<&Value>, of: &str) -> Vec<Mismatch> {
    let miss = |path: String, expected: String, actual: Option<String>| Mismatch { path, expected, actual };
    let Some(document) = document else { return vec![miss(of.to_owned(), "a document".to_owned(), None)] };
    let validator = match jsonschema::validator_for(schema) {
        Ok(validator) => validator,
        Err(error) => return vec![miss(of.to_owned(), "a JSON Schema".to_owned(), Some(error.to_string()))],
    };
    validator
        .iter_errors(document)
        .map(|error| {
            let at = error.instance_path().to_string();
            miss(
                format!("{of}{}", at.replace('/', ".")),
                format!("the schema: {error}"),
                Some(document.pointer(&at).unwrap_or(document).to_string()),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_of_names_gives_its_value_and_any_other_a_list() {
        let body = json!({ "items": [{ "id": 1, "ok": true }, { "id": 2, "ok": false }], "a.b": 7 });
        let fits = |patterns: Value| compare(&patterns, Some(&body), "body");
        assert_eq!(fits(json!({ "$.items[0].id": 1, "$.items[-1].ok": false, "$['a.b']": 7 })), []);
        assert_eq!(fits(json!({ "$.items[*].id": [1, 2], "$.items[?@.ok == true].id": [1] })), []);
        assert_eq!(fits(json!({ "$.gone": "#absent", "$..nothing": [] })), []);
        let wrong = fits(json!({ "$.items[0].id": 3, "$.gone": "#any" }));
        assert_eq!(
            wrong.iter().map(|m| m.path.as_str()).collect::<Vec<_>>(),
            ["body $.items[0].id", "body $.gone"]
        );
        assert!(check_path("$.items[").is_err());
        assert!(check_path("items").is_err());
        assert!(check_path("$.items[?@.ok == true].id").is_ok());
    }

    #[test]
    fn every_place_that_does_not_conform_is_named() {
        let schema =
            json!({ "type": "object", "properties": { "n": { "type": "integer" } }, "required": ["n", "m"] });
        assert!(check_schema(&schema).is_ok());
        assert!(check_schema(&json!({ "type": "objekt" })).is_err());
        let wrong = conform(&schema, Some(&json!({ "n": "x" })), "body");
        assert_eq!(wrong.len(), 2, "{wrong:?}");
        assert!(wrong.iter().any(|m| m.path == "body.n"), "{wrong:?}");
        assert_eq!(conform(&schema, Some(&json!({ "n": 1, "m": 2 })), "body"), []);
    }
}
