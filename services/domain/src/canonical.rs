//! Canonical JSON and its SHA-256: request hashes, identity signatures, outbox ids, redaction tokens, artifact hashes.
//!
//! The text is what an ECMAScript engine prints for a value with sorted keys, because stored hashes come from one:
//! integer-like keys first in numeric order, then the rest by UTF-16 code units; numbers as shortest doubles.

use serde_json::{Map, Number, Value};
use sha2::{Digest, Sha256};
use std::cmp::Ordering;
use std::fmt::Write;

/// Canonical text of a value.
pub fn text(value: &Value) -> String {
    let mut out = String::new();
    write_value(&mut out, value);
    out
}

/// SHA-256 of the canonical text, lower-case hex.
pub fn hash(value: &Value) -> String {
    sha256_hex(text(value).as_bytes())
}

/// SHA-256 of bytes, lower-case hex.
pub fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn write_value(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&number_text(number)),
        Value::String(string) => write_string(out, string),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_value(out, item);
            }
            out.push(']');
        }
        Value::Object(members) => write_object(out, members),
    }
}

fn write_object(out: &mut String, members: &Map<String, Value>) {
    let mut keys: Vec<&String> = members.keys().collect();
    keys.sort_by(|left, right| compare_keys(left, right));
    out.push('{');
    for (index, key) in keys.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_string(out, key);
        out.push(':');
        write_value(out, &members[key]);
    }
    out.push('}');
}

fn compare_keys(left: &str, right: &str) -> Ordering {
    match (array_index(left), array_index(right)) {
        (Some(left), Some(right)) => left.cmp(&right),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => left.encode_utf16().cmp(right.encode_utf16()),
    }
}

/// A key that is a canonical non-negative integer below 2^32 - 1, which an engine keeps apart as an array index.
fn array_index(key: &str) -> Option<u32> {
    let index: u32 = key.parse().ok().filter(|index| *index != u32::MAX)?;
    (index.to_string() == key).then_some(index)
}

fn write_string(out: &mut String, string: &str) {
    out.push('"');
    for character in string.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if control < ' ' => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

/// A number as ECMAScript prints the double nearest to it.
fn number_text(number: &Number) -> String {
    match number.as_f64() {
        Some(double) if double.is_finite() => double_text(double),
        _ => "null".to_owned(),
    }
}

fn double_text(double: f64) -> String {
    if double == 0.0 {
        return "0".to_owned();
    }
    let sign = if double < 0.0 { "-" } else { "" };
    // Rust's exponent form has the shortest digits that read back: "d.ddde±x".
    let scientific = format!("{:e}", double.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let digits: String = mantissa.chars().filter(|character| *character != '.').collect();
    format!("{sign}{}", place_point(&digits, exponent + 1))
}

/// Places the decimal point `point` digits from the left, or an exponent where ECMAScript uses one.
fn place_point(digits: &str, point: i32) -> String {
    let count = digits.len() as i32;
    match point {
        1..=21 if count <= point => format!("{digits}{}", "0".repeat((point - count) as usize)),
        1..=21 => {
            let (whole, fraction) = digits.split_at(point as usize);
            format!("{whole}.{fraction}")
        }
        -5..=0 => format!("0.{}{digits}", "0".repeat(point.unsigned_abs() as usize)),
        _ => {
            let (first, rest) = digits.split_at(1);
            let fraction = if rest.is_empty() { String::new() } else { format!(".{rest}") };
            let exponent = point - 1;
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{first}{fraction}e{sign}{}", exponent.abs())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_print_as_ecmascript_prints_them() {
        for (input, expected) in [
            ("1", "1"),
            ("1.0", "1"),
            ("-0", "0"),
            ("0.1", "0.1"),
            ("-12.5", "-12.5"),
            ("1e21", "1e+21"),
            ("1e-7", "1e-7"),
            ("0.000001", "0.000001"),
            ("1.5e-9", "1.5e-9"),
            ("100000000000000000000", "100000000000000000000"),
            ("123456789012345680000", "123456789012345680000"),
            ("9007199254740993", "9007199254740992"),
            ("1.7976931348623157e308", "1.7976931348623157e+308"),
        ] {
            let value: Value = serde_json::from_str(input).unwrap();
            assert_eq!(text(&value), expected, "{input}");
        }
    }

    #[test]
    fn integer_like_keys_come_first_in_numeric_order() {
        let value = json!({ "b": 1, "10": 2, "9": 3, "01": 4, "4294967295": 5, "4294967294": 6, "-1": 7 });
        assert_eq!(text(&value), r#"{"9":3,"10":2,"4294967294":6,"-1":7,"01":4,"4294967295":5,"b":1}"#);
    }

    #[test]
    fn keys_compare_by_utf16_units() {
        // U+1F600 is written with surrogates, which sort before U+FF61.
        let value = json!({ "\u{ff61}": 1, "\u{1f600}": 2 });
        assert_eq!(text(&value), "{\"\u{1f600}\":2,\"\u{ff61}\":1}");
    }

    #[test]
    fn control_characters_are_escaped_and_the_rest_is_raw() {
        assert_eq!(
            text(&json!("a\"\\\u{8}\u{c}\n\r\t\u{1}\u{7f}é")),
            "\"a\\\"\\\\\\b\\f\\n\\r\\t\\u0001\u{7f}é\""
        );
    }
}
