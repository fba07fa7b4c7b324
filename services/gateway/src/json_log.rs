//! One JSON object per line: information to standard output, errors to standard error.

use serde_json::{Map, Value};
use std::io::Write;

/// Writes an information line with the members of `record` (a JSON object).
pub fn info(record: Value) {
    // A closed pipe must not end the gateway.
    let _ = std::io::stdout().lock().write_all(line("info", record).as_bytes());
}

/// Writes a warning line.
pub fn warn(record: Value) {
    let _ = std::io::stdout().lock().write_all(line("warn", record).as_bytes());
}

/// Writes an error line.
pub fn error(record: Value) {
    let _ = std::io::stderr().lock().write_all(line("error", record).as_bytes());
}

fn line(level: &str, record: Value) -> String {
    let mut members = Map::new();
    members.insert("level".to_owned(), level.into());
    members.insert("service".to_owned(), "dispatch-gateway".into());
    if let Value::Object(record) = record {
        members.extend(record);
    }
    format!("{}\n", Value::Object(members))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_record_is_one_line() {
        assert_eq!(
            line("info", json!({ "message": "a\nb" })),
            "{\"level\":\"info\",\"service\":\"dispatch-gateway\",\"message\":\"a\\nb\"}\n"
        );
    }
}
