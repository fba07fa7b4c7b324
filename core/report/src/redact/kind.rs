//! What a volatile value has to be before it is hidden.

use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::civil::Date;
use regex::Regex;
use serde::Deserialize;
use serde_json::Value;

use super::UUID;

static TIME: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$")
        .expect("the pattern is constant and every test uses it")
});

/// The kind of a volatile value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A UUID with hyphens and nothing else.
    Uuid,
    /// A text with at least one UUID in it.
    EmbeddedUuid,
    /// A moment as RFC 3339 has it, with its offset.
    Time,
    /// A day, `2026-11-22`.
    Date,
    /// A number.
    Number,
    /// A whole number.
    Integer,
    /// 64 lower-case hex digits, such as a SHA-256.
    Hex64,
    /// At least 16 characters of an access token or signature, without white space.
    Token,
    /// An address with a scheme and a host.
    Url,
    /// A text that is not blank.
    Text,
    /// A duration: a number that is not negative, `250ms`, `5s`, or ISO 8601 such as `PT5S`.
    Duration,
}

impl Kind {
    /// The kind as rules and placeholders name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Uuid => "uuid",
            Self::EmbeddedUuid => "embedded-uuid",
            Self::Time => "time",
            Self::Date => "date",
            Self::Number => "number",
            Self::Integer => "integer",
            Self::Hex64 => "hex64",
            Self::Token => "token",
            Self::Url => "url",
            Self::Text => "text",
            Self::Duration => "duration",
        }
    }

    /// What a value of the kind is, in words.
    pub(super) const fn description(self) -> &'static str {
        match self {
            Self::Uuid => "a UUID",
            Self::EmbeddedUuid => "a text with a UUID in it",
            Self::Time => "an RFC 3339 time",
            Self::Date => "a date",
            Self::Number => "a number",
            Self::Integer => "a whole number",
            Self::Hex64 => "64 lower-case hex digits",
            Self::Token => "a token of at least 16 characters",
            Self::Url => "a URL",
            Self::Text => "a text that says something",
            Self::Duration => "a duration",
        }
    }

    /// Whether a value is of this kind.
    pub(super) fn fits(self, value: &Value) -> bool {
        match (self, value) {
            (Self::Number, Value::Number(_)) => true,
            (Self::Integer, Value::Number(number)) => number.is_i64() || number.is_u64(),
            (Self::Duration, Value::Number(number)) => number.as_f64().is_some_and(|amount| amount >= 0.0),
            (_, Value::String(text)) => self.fits_text(text),
            _ => false,
        }
    }

    fn fits_text(self, text: &str) -> bool {
        match self {
            Self::Uuid => UUID.find(text).is_some_and(|found| found.len() == text.len()),
            Self::EmbeddedUuid => UUID.is_match(text),
            // The parser knows more spellings than RFC 3339, and a new spelling must not hide behind a placeholder.
            Self::Time => TIME.is_match(text) && text.parse::<Timestamp>().is_ok(),
            Self::Date => text.len() == "2026-11-22".len() && text.parse::<Date>().is_ok(),
            Self::Hex64 => text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')),
            Self::Token => {
                text.len() >= 16
                    && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~+/=:".contains(&b))
            }
            Self::Url => is_url(text),
            Self::Text => !text.trim().is_empty(),
            Self::Duration => is_duration(text),
            Self::Number | Self::Integer => false,
        }
    }
}

fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
        && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && !host.is_empty()
        && !text.contains(char::is_whitespace)
}

fn is_duration(text: &str) -> bool {
    let amount = ["ms", "us", "s", "m", "h", "d"].iter().find_map(|unit| text.strip_suffix(unit));
    let plain = amount.is_some_and(|amount| {
        amount.starts_with(|c: char| c.is_ascii_digit()) && amount.parse::<f64>().is_ok()
    });
    plain || (text.starts_with('P') && text.parse::<jiff::Span>().is_ok())
}
