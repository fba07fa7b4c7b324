//! Redaction of personal and secret values before they are kept.

use crate::canonical;
use serde_json::{Map, Value};

/// A member whose name contains one of these (in any case) is redacted.
pub const SENSITIVE_NAME_PARTS: &[&str] =
    &["phone", "email", "access_code", "password", "token", "secret", "ssn", "dob"];

/// What a redaction token begins with; the canonical SHA-256 of the value follows.
pub const TOKEN_PREFIX: &str = "redacted:";

/// Whether a member of this name is redacted.
pub fn is_sensitive(name: &str) -> bool {
    let name = name.to_lowercase();
    SENSITIVE_NAME_PARTS.iter().any(|part| name.contains(part))
}

/// Replaces the value of every sensitive member at every depth by a token; nulls stay null.
///
/// Elements of an array inherit the array's name, so a list of phone numbers becomes a list of tokens.
pub fn redact(value: &Value) -> Value {
    redact_named("", value)
}

/// Redacts every member of a map, its top-level names included.
pub fn redact_members(members: &Map<String, Value>) -> Map<String, Value> {
    members.iter().map(|(name, value)| (name.clone(), redact_named(name, value))).collect()
}

fn redact_named(name: &str, value: &Value) -> Value {
    match value {
        Value::Null => Value::Null,
        Value::Array(items) => Value::Array(items.iter().map(|item| redact_named(name, item)).collect()),
        _ if is_sensitive(name) => Value::String(format!("{TOKEN_PREFIX}{}", canonical::hash(value))),
        Value::Object(members) => Value::Object(redact_members(members)),
        plain => plain.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const PHONE_TOKEN: &str = "redacted:6becb8aff098b59d8a358e9d8d3062013cdc65fc13d981d6f6a18140d669d534";

    #[test]
    fn sensitive_members_become_tokens_at_every_depth() {
        let phone = "+1 (555) 010-1234";
        let value =
            json!({ "a": { "Contact_Phone": phone, "phones": [phone, null] }, "email": null, "name": "Bob" });
        assert_eq!(
            redact(&value),
            json!({
                "a": { "Contact_Phone": PHONE_TOKEN, "phones": [PHONE_TOKEN, null] },
                "email": null,
                "name": "Bob",
            })
        );
    }

    #[test]
    fn a_sensitive_object_is_replaced_whole() {
        let token = redact(&json!({ "secrets": { "x": 1 } }));
        assert!(token["secrets"].as_str().is_some_and(|text| text.len() == TOKEN_PREFIX.len() + 64));
    }
}
