//! `${…}` in texts: parsed when the drill is read, filled in when it runs.

use std::time::Duration;

use serde_json::Value;

use crate::fields::parse_duration;

/// Text with holes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Hole(Expr),
}

/// What a hole asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expr {
    /// The moment of use, moved by some milliseconds.
    Now {
        /// Milliseconds to add; negative for the past.
        offset_ms: i64,
    },
    /// A bound name and a path into its value.
    Name {
        /// First segment.
        name: String,
        /// The rest.
        path: Path,
    },
}

/// A path into a document.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Path(pub Vec<Segment>);

/// One step of a [`Path`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// Member of an object.
    Key(String),
    /// Element of a list, from 0; negative counts from the end.
    Index(i64),
}

/// Gives values to names; the engine implements it with what was saved, the lane and the run.
pub trait Bindings {
    /// The value bound to `name`, or nothing.
    fn value(&self, name: &str) -> Option<Value>;
    /// The moment of use moved by `offset_ms`, as RFC 3339 in UTC with milliseconds.
    fn now(&self, offset_ms: i64) -> String;
}

impl Path {
    /// Reads `body.items[0].id`.
    ///
    /// # Errors
    /// A sentence on what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut segments = Vec::new();
        for piece in text.split('.') {
            let (key, indexes) = piece.find('[').map_or((piece, ""), |at| piece.split_at(at));
            if key.is_empty() && (indexes.is_empty() || !segments.is_empty()) {
                return Err(format!("`{text}` has an empty segment"));
            }
            if !key.is_empty() {
                segments.push(Segment::Key(key.to_owned()));
            }
            for index in indexes.split_terminator(']') {
                let number = index.strip_prefix('[').and_then(|digits| digits.parse().ok());
                segments.push(Segment::Index(
                    number.ok_or_else(|| format!("`{text}` has an index that is no number"))?,
                ));
            }
        }
        Ok(Self(segments))
    }

    /// The value at this path in `document`.
    #[must_use]
    pub fn get<'a>(&self, document: &'a Value) -> Option<&'a Value> {
        self.0.iter().try_fold(document, |at, segment| match segment {
            Segment::Key(key) => at.get(key),
            Segment::Index(index) => {
                let list = at.as_array()?;
                let index = if *index < 0 { index + i64::try_from(list.len()).ok()? } else { *index };
                list.get(usize::try_from(index).ok()?)
            }
        })
    }
}

impl Template {
    /// Reads text with `${…}` holes; `$${` stands for a literal `${`.
    ///
    /// # Errors
    /// A sentence on what is wrong with a hole.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            if rest[..at].ends_with('$') {
                literal.push_str(&rest[..at - 1]);
                literal.push_str("${");
                rest = &rest[at + 2..];
                continue;
            }
            literal.push_str(&rest[..at]);
            let close = rest[at..].find('}').ok_or("a `${` is not closed")? + at;
            if !literal.is_empty() {
                parts.push(Part::Literal(std::mem::take(&mut literal)));
            }
            parts.push(Part::Hole(Expr::parse(&rest[at + 2..close])?));
            rest = &rest[close + 1..];
        }
        literal.push_str(rest);
        if !literal.is_empty() || parts.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(Self { parts })
    }

    /// Names the holes ask for.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Hole(Expr::Name { name, .. }) => Some(name.as_str()),
            _ => None,
        })
    }

    /// Names the holes ask for, each with the part of its value.
    pub fn uses(&self) -> impl Iterator<Item = (&str, &Path)> {
        self.parts.iter().filter_map(|part| match part {
            Part::Hole(Expr::Name { name, path }) => Some((name.as_str(), path)),
            _ => None,
        })
    }

    /// Whether the text is one hole and nothing else.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        matches!(self.parts.as_slice(), [Part::Hole(_)])
    }

    /// Fills the holes. Text that is one hole and nothing else keeps the type of its value.
    ///
    /// # Errors
    /// The name or path that has no value.
    pub fn fill(&self, bindings: &dyn Bindings) -> Result<Value, String> {
        if let [Part::Hole(expr)] = self.parts.as_slice() {
            return expr.value(bindings);
        }
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Hole(expr) => match expr.value(bindings)? {
                    Value::String(value) => text.push_str(&value),
                    value => text.push_str(&value.to_string()),
                },
            }
        }
        Ok(Value::String(text))
    }
}

impl Expr {
    fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Some(rest) = text.strip_prefix("now") {
            let rest = rest.trim_start();
            if rest.is_empty() {
                return Ok(Self::Now { offset_ms: 0 });
            }
            if rest.starts_with(['+', '-']) {
                return Self::parse_offset(rest)
                    .ok_or_else(|| format!("`${{{text}}}` is not `${{now + DURATION}}`"));
            }
        }
        let path = Path::parse(text)?;
        let mut segments = path.0.into_iter();
        let Some(Segment::Key(first)) = segments.next() else {
            return Err(format!("`${{{text}}}` names nothing"));
        };
        let rest: Vec<Segment> = segments.collect();
        // `fresh.uuid`, `lane.bucket`, `matrix.axis` and `run.seed` are names with a dot of their own.
        let (name, path) = match (first.as_str(), rest.split_first()) {
            ("fresh" | "lane" | "matrix" | "run", Some((Segment::Key(second), tail))) => {
                (format!("{first}.{second}"), Path(tail.to_vec()))
            }
            _ => (first, Path(rest)),
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if !name.chars().all(plain) {
            return Err(format!("`${{{text}}}` is not a name"));
        }
        Ok(Self::Name { name, path })
    }

    fn parse_offset(rest: &str) -> Option<Self> {
        let duration: Duration = parse_duration(&rest[1..])?;
        let millis = i64::try_from(duration.as_millis()).ok()?;
        Some(Self::Now { offset_ms: if rest.starts_with('-') { -millis } else { millis } })
    }

    fn value(&self, bindings: &dyn Bindings) -> Result<Value, String> {
        match self {
            Self::Now { offset_ms } => Ok(Value::String(bindings.now(*offset_ms))),
            Self::Name { name, path } => {
                let value = bindings.value(name).ok_or_else(|| format!("`{name}` has no value yet"))?;
                path.get(&value).cloned().ok_or_else(|| format!("`{name}` has no such member"))
            }
        }
    }
}

/// Fills every text of a document, keys included.
///
/// # Errors
/// The first hole that has no value, or cannot be read.
pub fn fill_value(value: &Value, bindings: &dyn Bindings) -> Result<Value, String> {
    Ok(match value {
        Value::String(text) if text.contains("${") => Template::parse(text)?.fill(bindings)?,
        Value::Array(items) => {
            Value::Array(items.iter().map(|item| fill_value(item, bindings)).collect::<Result<_, _>>()?)
        }
        Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(key, member)| {
                    let key = match fill_text(key, bindings)? {
                        Value::String(key) => key,
                        other => other.to_string(),
                    };
                    Ok((key, fill_value(member, bindings)?))
                })
                .collect::<Result<_, String>>()?,
        ),
        other => other.clone(),
    })
}

fn fill_text(text: &str, bindings: &dyn Bindings) -> Result<Value, String> {
    if text.contains("${") {
        Template::parse(text)?.fill(bindings)
    } else {
        Ok(Value::String(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    struct Fixed;

    impl Bindings for Fixed {
        fn value(&self, name: &str) -> Option<Value> {
            match name {
                "ticket" => Some(json!({"id": "t1", "version": 3, "list": [1, 2]})),
                "n" => Some(json!(7)),
                "lane.bucket" => Some(json!("b")),
                _ => None,
            }
        }

        fn now(&self, offset_ms: i64) -> String {
            format!("now{offset_ms:+}")
        }
    }

    fn fill(text: &str) -> Result<Value, String> {
        Template::parse(text)?.fill(&Fixed)
    }

    #[test]
    fn a_lone_hole_keeps_the_type_and_text_around_it_makes_text() {
        assert_eq!(fill("${n}").unwrap(), json!(7));
        assert_eq!(fill("n=${n}!").unwrap(), json!("n=7!"));
        assert_eq!(fill("/tickets/${ticket.id}/x").unwrap(), json!("/tickets/t1/x"));
        assert_eq!(fill("${ticket.list[-1]}").unwrap(), json!(2));
        assert_eq!(fill("${lane.bucket}").unwrap(), json!("b"));
    }

    #[test]
    fn moments_are_moved_by_durations() {
        assert_eq!(fill("${now}").unwrap(), json!("now+0"));
        assert_eq!(fill("${now + 2h}").unwrap(), json!("now+7200000"));
        assert_eq!(fill("${now-5s}").unwrap(), json!("now-5000"));
    }

    #[test]
    fn an_escaped_hole_stays_literal_and_broken_ones_are_refused() {
        assert_eq!(fill("a $${n} b").unwrap(), json!("a ${n} b"));
        assert!(Template::parse("${n").is_err());
        assert!(Template::parse("${now + soon}").is_err());
        assert!(Template::parse("${a b}").is_err());
        assert!(fill("${missing}").is_err());
        assert!(fill("${ticket.nothing}").is_err());
    }
}
