//! Patterns of expectations: plain values, typed markers, and objects that may be open.

use std::cmp::Ordering;
use std::fmt;

use regex::Regex;
use serde_json::{Number, Value};

pub mod number;
mod set;

/// The key that opens an object to members that are not named: `"...": any`.
pub const OPEN: &str = "...";

/// A typed marker, the text `#name` in an expectation.
#[derive(Debug, Clone)]
pub enum Marker {
    /// `#uuid`: 8-4-4-4-12 hexadecimal digits.
    Uuid,
    /// `#time`: RFC 3339 with an offset.
    Time,
    /// `#int`, optionally compared: `#int > 0`.
    Int(Option<Comparison>),
    /// `#number`, optionally compared.
    Number(Option<Comparison>),
    /// `#text`: text that is not empty.
    Text,
    /// `#bool`
    Bool,
    /// `#null`
    Null,
    /// `#any`: anything that is there, null included.
    Any,
    /// `#absent`: the member is not there.
    Absent,
    /// `#list`, optionally with a compared length: `#list >= 1`.
    List(Option<Comparison>),
    /// `#object`
    Object,
    /// `#regex PATTERN`: text that the pattern finds.
    Regex(Box<Regex>),
    /// `#contains TEXT`: text that contains it.
    Contains(String),
    /// `#not TEXT`: anything but this text.
    Not(String),
    /// `#hex64`: a SHA-256 as 64 lower-case hexadecimal digits.
    Hex64,
    /// `#2xx`: a status from 200 to 299.
    Success,
    /// `#approx 100 +- 5` or `#approx 100 +- 5%`: a number no further away than that.
    Approx {
        /// The middle.
        near: f64,
        /// The furthest distance.
        tolerance: f64,
    },
}

/// `> 0`, `>= 1`, `< 5`, `<= 5`, `= 3`.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    operator: Operator,
    bound: Number,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Greater,
    AtLeast,
    Less,
    AtMost,
    Equal,
}

impl Comparison {
    fn parse(text: &str) -> Result<Option<Self>, String> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let operators = [
            (">=", Operator::AtLeast),
            ("<=", Operator::AtMost),
            (">", Operator::Greater),
            ("<", Operator::Less),
            ("=", Operator::Equal),
        ];
        let found = operators.iter().find_map(|(sign, operator)| Some((text.strip_prefix(sign)?, *operator)));
        let (rest, operator) = found.ok_or_else(|| format!("`{text}` is not a comparison such as `> 0`"))?;
        let bound =
            serde_json::from_str(rest.trim()).map_err(|_| format!("`{}` is not a number", rest.trim()))?;
        Ok(Some(Self { operator, bound }))
    }

    /// Whether `value` satisfies the comparison.
    #[must_use]
    pub fn holds(&self, value: &Number) -> bool {
        let order = number::order(value, &self.bound);
        match self.operator {
            Operator::Greater => order == Ordering::Greater,
            Operator::AtLeast => order != Ordering::Less,
            Operator::Less => order == Ordering::Less,
            Operator::AtMost => order != Ordering::Greater,
            Operator::Equal => order == Ordering::Equal,
        }
    }
}

/// Names of all markers, for messages and completion.
pub const MARKERS: &[&str] = &[
    "#uuid",
    "#time",
    "#int",
    "#number",
    "#text",
    "#bool",
    "#null",
    "#any",
    "#absent",
    "#list",
    "#object",
    "#regex",
    "#contains",
    "#not",
    "#hex64",
    "#2xx",
    "#approx",
];

/// Markers with what each accepts, for the reference.
pub const MARKER_DOCS: &[(&str, &str)] = &[
    ("#uuid", "8-4-4-4-12 hexadecimal digits"),
    ("#time", "RFC 3339 with an offset"),
    ("#int", "a whole number; compared: `#int > 0`, `#int <= 5`, `#int = 3`"),
    ("#number", "any number; compared the same way"),
    ("#text", "text that is not empty"),
    ("#bool", "`true` or `false`"),
    ("#null", "`null`"),
    ("#any", "anything that is there, `null` included"),
    ("#absent", "the member is not there"),
    ("#list", "a list; its length compared: `#list >= 1`"),
    ("#object", "an object"),
    ("#regex PATTERN", "text the pattern finds"),
    ("#contains TEXT", "text that contains it"),
    ("#not TEXT", "anything but this text"),
    ("#hex64", "64 lower-case hexadecimal digits, as of a SHA-256"),
    ("#2xx", "a status from 200 to 299"),
    ("#approx N +- T", "a number no further than T from N; `T%` is a share of N"),
];

/// Patterns that are written as an object with one key.
pub const PATTERN_KEYS: &[&str] = &["#has", "#lacks", "#each", "#set", "#oneof"];

/// The same, with what each accepts, for the reference.
pub const PATTERN_KEY_DOCS: &[(&str, &str)] = &[
    ("\"#has\": PATTERN", "a list of which at least one element fits"),
    ("\"#lacks\": PATTERN", "a list of which no element fits"),
    ("\"#each\": PATTERN", "a list of which every element fits, and which has at least one"),
    ("\"#set\": [PATTERN, …]", "a list with exactly one element for each pattern, in any order"),
    ("\"#oneof\": [PATTERN, …]", "a value that at least one of the patterns fits"),
];

impl Marker {
    /// Reads a marker; text that does not begin with `#`, or begins with `##`, is none.
    ///
    /// # Errors
    /// A sentence when the text begins with `#` and is no marker.
    pub fn parse(text: &str) -> Option<Result<Self, String>> {
        if !text.starts_with('#') || text.starts_with("##") {
            return None;
        }
        let (name, rest) = text.split_once(' ').unwrap_or((text, ""));
        Some(Self::from_parts(name, rest.trim()))
    }

    fn from_parts(name: &str, rest: &str) -> Result<Self, String> {
        let marker = match name {
            "#int" => return Comparison::parse(rest).map(Self::Int),
            "#number" => return Comparison::parse(rest).map(Self::Number),
            "#list" => return Comparison::parse(rest).map(Self::List),
            "#regex" if rest.is_empty() => return Err("`#regex` needs a pattern".to_owned()),
            "#regex" => {
                return Regex::new(rest)
                    .map(|r| Self::Regex(Box::new(r)))
                    .map_err(|e| format!("bad pattern: {e}"));
            }
            "#approx" => return approx(rest),
            "#contains" if rest.is_empty() => return Err("`#contains` needs a text".to_owned()),
            "#contains" => return Ok(Self::Contains(rest.to_owned())),
            "#not" if rest.is_empty() => return Err("`#not` needs a text".to_owned()),
            "#not" => return Ok(Self::Not(rest.to_owned())),
            "#uuid" => Self::Uuid,
            "#time" => Self::Time,
            "#text" => Self::Text,
            "#bool" => Self::Bool,
            "#null" => Self::Null,
            "#any" => Self::Any,
            "#absent" => Self::Absent,
            "#object" => Self::Object,
            "#hex64" => Self::Hex64,
            "#2xx" => Self::Success,
            _ => return Err(format!("there is no marker `{name}`")),
        };
        if rest.is_empty() { Ok(marker) } else { Err(format!("`{name}` takes nothing after it")) }
    }

    /// Whether a value that is there satisfies the marker.
    #[must_use]
    pub fn accepts(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Any, _) => true,
            (Self::Absent, _) => false,
            (Self::Null, value) => value.is_null(),
            (Self::Bool, value) => value.is_boolean(),
            (Self::Object, value) => value.is_object(),
            (Self::List(bound), Value::Array(items)) => {
                bound.as_ref().is_none_or(|b| b.holds(&items.len().into()))
            }
            (Self::Int(bound), Value::Number(n)) => {
                (n.is_i64() || n.is_u64()) && bound.as_ref().is_none_or(|b| b.holds(n))
            }
            (Self::Number(bound), Value::Number(n)) => bound.as_ref().is_none_or(|b| b.holds(n)),
            (Self::Approx { near, tolerance }, Value::Number(n)) => {
                n.as_f64().is_some_and(|value| (value - near).abs() <= *tolerance)
            }
            (Self::Success, Value::Number(n)) => {
                n.as_u64().is_some_and(|status| (200..300).contains(&status))
            }
            (Self::Not(text), Value::String(value)) => text != value,
            (Self::Not(_), _) => true,
            (_, Value::String(text)) => self.accepts_text(text),
            _ => false,
        }
    }

    fn accepts_text(&self, text: &str) -> bool {
        match self {
            Self::Uuid => is_uuid(text),
            Self::Time => is_time(text),
            Self::Text => !text.is_empty(),
            Self::Regex(regex) => regex.is_match(text),
            Self::Contains(part) => text.contains(part),
            Self::Hex64 => text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')),
            _ => false,
        }
    }
}

/// `100 +- 5`, `100 ± 5` or `100 +- 5%`.
fn approx(rest: &str) -> Result<Marker, String> {
    let wrong = || "`#approx` is written `#approx 100 +- 5` or `#approx 100 +- 5%`".to_owned();
    let (near, tolerance) = rest.split_once("+-").or_else(|| rest.split_once('±')).ok_or_else(wrong)?;
    let near: f64 = near.trim().parse().map_err(|_| wrong())?;
    let tolerance = tolerance.trim();
    let read =
        |text: &str| text.trim().parse::<f64>().ok().filter(|t| t.is_finite() && *t >= 0.0).ok_or_else(wrong);
    let tolerance = match tolerance.strip_suffix('%') {
        Some(share) => near.abs() * read(share)? / 100.0,
        None => read(tolerance)?,
    };
    if near.is_finite() { Ok(Marker::Approx { near, tolerance }) } else { Err(wrong()) }
}

/// 8-4-4-4-12 hexadecimal digits in either case.
#[must_use]
pub fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// RFC 3339 with an offset, checked digit by digit; a calendar is not consulted.
#[must_use]
pub fn is_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() < 20 || !text.is_ascii() {
        return false;
    }
    let date = bytes[..19].iter().enumerate().all(|(at, byte)| match at {
        4 | 7 => *byte == b'-',
        10 => matches!(byte, b'T' | b't' | b' '),
        13 | 16 => *byte == b':',
        _ => byte.is_ascii_digit(),
    });
    let mut rest = &text[19..];
    if let Some(fraction) = rest.strip_prefix('.') {
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            return false;
        }
        rest = &fraction[digits..];
    }
    let offset = rest.as_bytes();
    let zone = matches!(offset, b"Z" | b"z")
        || (offset.len() == 6
            && matches!(offset[0], b'+' | b'-')
            && offset[3] == b':'
            && [1, 2, 4, 5].iter().all(|at| offset[*at].is_ascii_digit()));
    date && zone
}

/// One place where a value does not fit its pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// Path in the answer, beginning with the field.
    pub path: String,
    /// The pattern, as one line.
    pub expected: String,
    /// The value, as one line; nothing when it is absent.
    pub actual: Option<String>,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let actual = self.actual.as_deref().unwrap_or("nothing");
        write!(f, "{}: expected {}, got {actual}", self.path, self.expected)
    }
}

/// Compares a value with a pattern and reports every place that does not fit.
///
/// Objects must have exactly the named members unless they are open (`"...": any`); lists must have exactly the
/// elements given, in order, unless the last is `...`, which allows more.
#[must_use]
pub fn compare(pattern: &Value, actual: Option<&Value>, path: &str) -> Vec<Mismatch> {
    let mut out = Vec::new();
    walk(pattern, actual, path, &mut out);
    out
}

fn walk(pattern: &Value, actual: Option<&Value>, path: &str, out: &mut Vec<Mismatch>) {
    let mut miss = |expected: String| {
        out.push(Mismatch { path: path.to_owned(), expected, actual: actual.map(ToString::to_string) });
    };
    match (pattern, actual) {
        (Value::String(text), _) if text.starts_with('#') && !text.starts_with("##") => {
            let accepted = match (Marker::parse(text), actual) {
                (Some(Ok(Marker::Absent)), None) => true,
                (Some(Ok(marker)), Some(value)) => marker.accepts(value),
                _ => false,
            };
            if !accepted {
                miss(text.clone());
            }
        }
        (Value::String(text), Some(Value::String(value))) => {
            if text.strip_prefix('#').filter(|t| t.starts_with('#')).unwrap_or(text) != value {
                miss(pattern.to_string());
            }
        }
        (Value::Object(wanted), Some(value)) if pattern_key(wanted).is_some() => {
            if let Some((key, pattern)) = pattern_key(wanted) {
                walk_key((key, pattern), value, path, out);
            }
        }
        (Value::Object(wanted), Some(Value::Object(_))) => walk_object(wanted, actual, path, out),
        (Value::Array(wanted), Some(Value::Array(items))) => {
            let open = wanted.last().is_some_and(|last| last == OPEN);
            let named = if open { &wanted[..wanted.len() - 1] } else { &wanted[..] };
            if items.len() < named.len() || (!open && items.len() > named.len()) {
                miss(format!("a list of {}{}", if open { "at least " } else { "" }, named.len()));
            }
            for (index, (pattern, item)) in named.iter().zip(items).enumerate() {
                walk(pattern, Some(item), &format!("{path}[{index}]"), out);
            }
        }
        (Value::Number(wanted), Some(Value::Number(value))) => {
            if number::order(wanted, value) != Ordering::Equal {
                miss(pattern.to_string());
            }
        }
        (_, Some(value)) if pattern == value => {}
        _ => miss(pattern.to_string()),
    }
}

/// The pattern an object with one key stands for, if it is one.
#[must_use]
pub fn pattern_key(wanted: &serde_json::Map<String, Value>) -> Option<(&str, &Value)> {
    let (key, pattern) = wanted.iter().next().filter(|_| wanted.len() == 1)?;
    PATTERN_KEYS.contains(&key.as_str()).then_some((key.as_str(), pattern))
}

fn walk_key((key, pattern): (&str, &Value), value: &Value, path: &str, out: &mut Vec<Mismatch>) {
    let mut miss = |expected: String| {
        out.push(Mismatch { path: path.to_owned(), expected, actual: Some(value.to_string()) });
    };
    let fits = |pattern: &Value, item: &Value| compare(pattern, Some(item), path).is_empty();
    let choices = pattern.as_array().map_or(&[][..], Vec::as_slice);
    match (key, value) {
        ("#oneof", value) => {
            if !choices.iter().any(|choice| fits(choice, value)) {
                miss(format!("one of {pattern}"));
            }
        }
        (_, Value::Array(items)) => match key {
            "#has" if !items.iter().any(|item| fits(pattern, item)) => {
                miss(format!("an element like {pattern}"))
            }
            "#lacks" if items.iter().any(|item| fits(pattern, item)) => {
                miss(format!("no element like {pattern}"))
            }
            "#each" if items.is_empty() => miss("at least one element".to_owned()),
            "#each" => {
                for (index, item) in items.iter().enumerate() {
                    walk(pattern, Some(item), &format!("{path}[{index}]"), out);
                }
            }
            "#set" => {
                for expected in set::mismatches(choices, items) {
                    miss(expected);
                }
            }
            _ => {}
        },
        _ => miss(format!("a list with {key} {pattern}")),
    }
}

fn walk_object(
    wanted: &serde_json::Map<String, Value>,
    actual: Option<&Value>,
    path: &str,
    out: &mut Vec<Mismatch>,
) {
    let Some(Value::Object(members)) = actual else { return };
    for (key, pattern) in wanted.iter().filter(|(key, _)| *key != OPEN) {
        walk(pattern, members.get(key), &format!("{path}.{key}"), out);
    }
    if !wanted.contains_key(OPEN) {
        for (key, value) in members.iter().filter(|(key, _)| !wanted.contains_key(*key)) {
            out.push(Mismatch {
                path: format!("{path}.{key}"),
                expected: "no such member (add `\"...\": any` to allow more)".to_owned(),
                actual: Some(value.to_string()),
            });
        }
    }
}

#[cfg(test)]
mod tests;
