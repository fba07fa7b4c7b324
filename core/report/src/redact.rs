//! What differs from run to run becomes a placeholder, after it was checked to be what it claims to be.
//!
//! Rules are declared once for all snapshots, in `snapshots/redactions.yaml`:
//!
//! ```yaml
//! rules:
//!   - { field: id, kind: uuid }                 # `*` stands for any part of a name
//!   - { field: "*_at", kind: time }
//!   - { path: "files[*].url", kind: url }       # `*` stops at a dot, `**` does not
//! ```
//!
//! A path begins at the value of the snapshot, which need not be the whole answer.
//! The first rule that fits a member decides; of a list it decides about every item. `null` and an absent member are
//! left as they are, because whether there is a value is part of what a snapshot shows. UUIDs get numbers in the order
//! in which they appear, the same UUID the same number in all places, also inside other texts and in member names.

mod kind;
mod rule;

use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};

pub use kind::Kind;
pub use rule::{Redactions, RedactionsError};

/// The only place a pattern of an UUID is written.
pub(crate) static UUID: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b")
        .expect("the pattern is constant and every test uses it")
});

/// A value that is not of the kind its rule says.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub struct NotOfKind {
    /// Path of the value in the document.
    pub path: String,
    /// The kind the rule says.
    pub kind: Kind,
    /// The value.
    pub value: Value,
}

impl fmt::Display for NotOfKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is not {}: {}", self.path, self.kind.description(), self.value)
    }
}

impl Redactions {
    /// The document with placeholders, in the order in which it was answered.
    ///
    /// # Errors
    ///
    /// Every value that is not of the kind its rule says.
    pub fn redact(&self, document: &Value) -> Result<Value, Vec<NotOfKind>> {
        let mut pass = Pass { rules: self, numbers: HashMap::new(), wrong: Vec::new() };
        let redacted = pass.value(document, "", None);
        if pass.wrong.is_empty() { Ok(redacted) } else { Err(pass.wrong) }
    }
}

/// A document as text for a reviewer: YAML, members in the order of the document.
///
/// # Errors
///
/// A number YAML cannot express; JSON has none.
pub fn render(document: &Value) -> Result<String, serde_yaml::Error> {
    serde_yaml::to_string(document)
}

/// One pass over one document.
struct Pass<'a> {
    rules: &'a Redactions,
    /// Number by UUID in lower case.
    numbers: HashMap<String, usize>,
    wrong: Vec<NotOfKind>,
}

impl Pass<'_> {
    fn value(&mut self, value: &Value, path: &str, kind: Option<Kind>) -> Value {
        match value {
            Value::Null => Value::Null,
            Value::Array(items) => Value::Array(
                items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| {
                        let inner = format!("{path}[{index}]");
                        // A rule may name the items by their path even where none names the list.
                        let kind = kind.or_else(|| self.rules.kind_of(None, &inner));
                        self.value(item, &inner, kind)
                    })
                    .collect(),
            ),
            Value::Object(members) => {
                if let Some(kind) = kind {
                    self.refuse(value, path, kind);
                }
                Value::Object(self.members(members, path))
            }
            _ => match kind {
                Some(kind) => self.scalar(value, path, kind),
                None => self.plain(value),
            },
        }
    }

    fn members(&mut self, members: &Map<String, Value>, path: &str) -> Map<String, Value> {
        members
            .iter()
            .map(|(name, value)| {
                let inner = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                let kind = self.rules.kind_of(Some(name), &inner);
                (self.numbered(name), self.value(value, &inner, kind))
            })
            .collect()
    }

    fn scalar(&mut self, value: &Value, path: &str, kind: Kind) -> Value {
        if !kind.fits(value) {
            self.refuse(value, path, kind);
            return value.clone();
        }
        match kind {
            Kind::Uuid | Kind::EmbeddedUuid => self.plain(value),
            _ => Value::String(format!("[{}]", kind.as_str())),
        }
    }

    /// What no rule hides still loses its UUIDs.
    fn plain(&mut self, value: &Value) -> Value {
        value.as_str().map_or_else(|| value.clone(), |text| Value::String(self.numbered(text)))
    }

    fn numbered(&mut self, text: &str) -> String {
        let numbers = &mut self.numbers;
        UUID.replace_all(text, |found: &regex::Captures<'_>| {
            let next = numbers.len() + 1;
            let number = *numbers.entry(found[0].to_ascii_lowercase()).or_insert(next);
            format!("[uuid:{number}]")
        })
        .into_owned()
    }

    fn refuse(&mut self, value: &Value, path: &str, kind: Kind) {
        self.wrong.push(NotOfKind { path: path.to_owned(), kind, value: value.clone() });
    }
}
