//! Bodies that nobody should send, made from ones that are right.

use rand::Rng;
use rand::rngs::StdRng;
use serde_json::{Map, Value, json};

/// Stands for text that is not JSON of itself, such as half of a surrogate pair.
const RAW: &str = "@@raw@@";

/// What JSON texts may hold and values cannot.
const RAW_TEXTS: [&str; 8] = [
    r#""\ud800""#,
    r#""\udc00\ud800 x""#,
    r#""a\u0000b""#,
    "1e999",
    "-1e308",
    "123456789012345678901234567890",
    "9007199254740993",
    "-0",
];

/// Types of content that are sent along.
pub const CONTENT_TYPES: [Option<&str>; 6] = [
    Some("application/json"),
    None,
    Some("text/plain"),
    Some("application/x-www-form-urlencoded"),
    Some("multipart/form-data; boundary=x"),
    Some("application/json; charset=utf-16"),
];

/// A body made from a valid one.
pub fn mutated(valid: &Value, random: &mut StdRng) -> Vec<u8> {
    match random.random_range(0..20) {
        0 => (0..random.random_range(0..200)).map(|_| random.random()).collect(),
        1 => {
            let mut text = valid.to_string().into_bytes();
            text.truncate(random.random_range(0..=text.len()));
            text
        }
        2 => {
            let mut text = valid.to_string().into_bytes();
            let place = random.random_range(0..text.len());
            text[place] = random.random();
            text
        }
        3 => nested(random),
        _ => {
            let mut body = valid.clone();
            for _ in 0..random.random_range(1..=3) {
                change(&mut body, random);
            }
            let raw = RAW_TEXTS[random.random_range(0..RAW_TEXTS.len())];
            body.to_string().replace(&format!("\"{RAW}\""), raw).into_bytes()
        }
    }
}

/// Deeper than any reader should follow.
fn nested(random: &mut StdRng) -> Vec<u8> {
    let depth = [10, 120, 130, 5_000, 100_000][random.random_range(0..5)];
    match random.random_range(0..3) {
        0 => "[".repeat(depth).into_bytes(),
        1 => format!("{}1{}", "[".repeat(depth), "]".repeat(depth)).into_bytes(),
        _ => format!("{}1{}", "{\"summary\":".repeat(depth), "}".repeat(depth)).into_bytes(),
    }
}

/// Changes one place of a value, the value itself included.
fn change(value: &mut Value, random: &mut StdRng) {
    match value {
        Value::Object(members) if !members.is_empty() && random.random_bool(0.9) => {
            change_member(members, random);
        }
        Value::Array(items) if !items.is_empty() && random.random_bool(0.7) => {
            let place = random.random_range(0..items.len());
            match random.random_range(0..4) {
                0 => drop(items.remove(place)),
                1 => items.push(items[place].clone()),
                _ => change(&mut items[place], random),
            }
        }
        other => *other = odd(other, random),
    }
}

fn change_member(members: &mut Map<String, Value>, random: &mut StdRng) {
    let names: Vec<String> = members.keys().cloned().collect();
    let name = &names[random.random_range(0..names.len())];
    match random.random_range(0..8) {
        0 => drop(members.shift_remove(name)),
        1 => drop(members.insert("unexpected".to_owned(), odd(&Value::Null, random))),
        2 => {
            if let Some(value) = members.shift_remove(name) {
                members.insert(name.to_uppercase(), value);
            }
        }
        _ => change(&mut members[name], random),
    }
}

/// Another value for this place.
fn odd(value: &Value, random: &mut StdRng) -> Value {
    match random.random_range(0..22) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(""),
        3 => json!("   "),
        4 => json!("\u{0}"),
        5 => json!("x".repeat(random.random_range(1..100_000))),
        6 => json!("🦀\u{202e}\u{feff}\u{fffd}'; DROP TABLE tickets; --"),
        7 => json!(-1),
        8 => json!(0.5),
        9 => json!(i64::MAX),
        10 => json!(u64::MAX),
        11 => json!([]),
        12 => json!({}),
        13 => json!([value]),
        14 => json!({ "value": value }),
        15 => json!("00000000-0000-0000-0000-000000000000"),
        16 => json!("2026-02-30T25:61:61Z"),
        17 => json!("-9999-12-31T23:59:59.999999999+23:59"),
        18 => json!("+262143-12-31T23:59:59Z"),
        _ => json!(RAW),
    }
}
