//! A draft as a feature, in the sentences every project has.

use std::fmt::Write as _;

use serde_json::Value;

use super::{Draft, DraftError, StepDraft};

/// The text of a feature with one scenario.
///
/// # Errors
/// A step that the built-in sentences cannot say.
pub fn text(draft: &Draft) -> Result<String, DraftError> {
    let stem = draft.name.rsplit('/').next().unwrap_or(&draft.name).replace(['-', '_'], " ");
    let mut out = format!("Feature: {stem}\n\n  Scenario: {}\n", draft.title);
    for (name, value) in &draft.vars {
        let _ = writeln!(out, "    Given {name} stands for \"{}\"", value.as_str().unwrap_or_default());
    }
    let mut acting: Option<&str> = None;
    for step in &draft.steps {
        if let Some(identity) = step.identity.as_deref().filter(|identity| acting != Some(identity)) {
            let _ = writeln!(out, "    Given I am the {identity}");
            acting = Some(identity);
        }
        sentences(step, &mut out)?;
    }
    Ok(out)
}

fn sentences(step: &StepDraft, out: &mut String) -> Result<(), DraftError> {
    let cannot = |what: &str| {
        DraftError::Unreadable(format!(
            "no built-in sentence says {what}; write a drill, or a phrase in features/vocabulary.yaml"
        ))
    };
    let (name, value) = &step.action;
    match name.as_str() {
        "http" => request(value, out).map_err(|what| cannot(&what))?,
        "sql" => {
            let query = value["query"].as_str().unwrap_or_default();
            let _ = writeln!(out, "    Then the query \"{query}\" gives 1");
            return Ok(());
        }
        "human" => {
            let (owner, ask) =
                (value["owner"].as_str().unwrap_or("on-call"), value["ask"].as_str().unwrap_or_default());
            let _ = writeln!(out, "    When the {owner} confirms \"{}\" within 5 min", ask.replace('"', "'"));
        }
        other => return Err(cannot(other)),
    }
    if let Some(status) = step.expect.get("status") {
        match status.as_u64() {
            Some(status) => drop(writeln!(out, "    Then the status is {status}")),
            None => drop(writeln!(out, "    Then the status is 200")),
        }
    }
    if let Some(Value::Object(members)) = step.expect.get("body") {
        for (key, member) in members {
            let plain = |text: &str| !text.starts_with('#') && !text.contains(['"', '\n', '$']);
            match member {
                Value::String(text) if key != "..." && plain(text) => {
                    let _ = writeln!(out, "    And the answer's body.{key} is \"{text}\"");
                }
                Value::Number(number) if number.is_i64() => {
                    let _ = writeln!(out, "    And the answer's body.{key} is {number}");
                }
                _ => {}
            }
        }
    }
    for (name, path) in &step.save {
        let _ = writeln!(out, "    And I keep the answer's {path} as {name}");
    }
    Ok(())
}

fn request(http: &Value, out: &mut String) -> Result<(), String> {
    let Some(members) = http.as_object() else { return Ok(()) };
    if members.contains_key("headers") {
        return Err("headers of its own".to_owned());
    }
    let Some((method, address)) = members.iter().next() else { return Ok(()) };
    let mut address = address.as_str().unwrap_or_default().to_owned();
    if let Some(query) = members.get("query").and_then(Value::as_object) {
        let pairs: Vec<String> = query
            .iter()
            .map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default()))
            .collect();
        address = format!("{address}?{}", pairs.join("&"));
    }
    let body = members.get("body").map(|body| format!("{body:#}"));
    let body = body.or_else(|| members.get("text")?.as_str().map(str::to_owned));
    match (method.as_str(), body) {
        ("get" | "delete", None) => drop(writeln!(out, "    When I {method} \"{address}\"")),
        ("post" | "put", body) => {
            let _ = writeln!(out, "    When I {method} to \"{address}\":\n      \"\"\"");
            for line in body.unwrap_or_else(|| "{}".to_owned()).lines() {
                let _ = writeln!(out, "      {line}");
            }
            out.push_str("      \"\"\"\n");
        }
        (method, _) => return Err(format!("a {method} request")),
    }
    Ok(())
}
