//! One JSON object per line: information to standard output, errors to standard error.
//!
//! A process whose standard output carries a protocol sends everything to standard error instead.

use serde_json::{Map, Value};
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};

static STDOUT_IS_TAKEN: AtomicBool = AtomicBool::new(false);

/// Keeps standard output free: from now on every line goes to standard error.
pub fn leave_stdout() {
    STDOUT_IS_TAKEN.store(true, Ordering::Relaxed);
}

/// Writes an information line with the members of `record` (a JSON object).
pub fn info(record: Value) {
    write_out(&line("info", record));
}

/// Writes a warning line.
pub fn warn(record: Value) {
    write_out(&line("warn", record));
}

/// Writes an error line.
pub fn error(record: Value) {
    let _ = std::io::stderr().lock().write_all(line("error", record).as_bytes());
}

fn write_out(line: &str) {
    // A closed pipe must not end the gateway.
    let _ = if STDOUT_IS_TAKEN.load(Ordering::Relaxed) {
        std::io::stderr().lock().write_all(line.as_bytes())
    } else {
        std::io::stdout().lock().write_all(line.as_bytes())
    };
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
