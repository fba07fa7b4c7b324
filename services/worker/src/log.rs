//! One JSON line per event: `level`, `service`, `worker`, `event`, `ts`, then the event's own members.

use std::io::Write;

use serde_json::{Map, Value, json};
use time::OffsetDateTime;

/// How bad an event is. Information goes to standard output, the rest to standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// The expected course of things.
    Info,
    /// Something an operator may want to know.
    Warn,
    /// Something failed.
    Error,
}

/// Writes events of one worker.
#[derive(Debug, Clone)]
pub struct EventLog {
    identity: String,
    /// In a run of so many passes standard output belongs to the summary.
    all_to_stderr: bool,
}

impl EventLog {
    /// A log whose lines carry `identity`.
    pub fn new(identity: &str, all_to_stderr: bool) -> Self {
        Self { identity: identity.to_owned(), all_to_stderr }
    }

    /// Writes one event; `fields` is an object.
    pub fn event(&self, level: Level, event: &str, fields: Value) {
        let line = format!("{}\n", self.line(level, event, fields));
        // Ignored: a reader that went away must not end the worker.
        let _ = if level == Level::Info && !self.all_to_stderr {
            std::io::stdout().lock().write_all(line.as_bytes())
        } else {
            std::io::stderr().lock().write_all(line.as_bytes())
        };
    }

    fn line(&self, level: Level, event: &str, fields: Value) -> Value {
        let mut line = Map::new();
        let level = match level {
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
        };
        line.insert("level".into(), json!(level));
        line.insert("service".into(), json!("dispatch-worker"));
        line.insert("worker".into(), json!(self.identity));
        line.insert("event".into(), json!(event));
        line.insert("ts".into(), json!(now_text()));
        if let Value::Object(fields) = fields {
            line.extend(fields);
        }
        Value::Object(line)
    }
}

/// The present moment as it is written everywhere: UTC with three fractional digits.
pub fn now_text() -> String {
    dispatch_domain::schedule::format_instant(OffsetDateTime::now_utc())
}

/// Writes the summary of a run of so many passes.
pub fn summary(line: &Value) {
    // Ignored: the exit status still tells how the run went.
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Writes a sentence to standard error, for failures before there is a worker.
pub fn plain_error(text: &str) {
    // Ignored: there is nobody left to tell when standard error is closed.
    let _ = writeln!(std::io::stderr(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_opens_with_the_five_common_members() {
        let line = EventLog::new("w1", false).line(Level::Warn, "worker.idle", json!({ "reason": "off" }));
        let members: Vec<&String> = line.as_object().unwrap().keys().collect();
        assert_eq!(members, ["level", "service", "worker", "event", "ts", "reason"]);
        assert_eq!((&line["level"], &line["worker"]), (&json!("warn"), &json!("w1")));
    }
}
