//! The values a changed text can ask for, as far as the bundle holds them.

use std::collections::BTreeMap;

use drillyard_spec::template::Bindings;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// Names with their recorded values, at a recorded moment.
#[derive(Debug)]
pub(super) struct Recorded {
    pub(super) values: BTreeMap<String, Value>,
    pub(super) at: Timestamp,
}

impl Bindings for Recorded {
    fn value(&self, name: &str) -> Option<Value> {
        self.values.get(name).cloned()
    }

    fn now(&self, offset_ms: i64) -> String {
        let moment = self.at.saturating_add(SignedDuration::from_millis(offset_ms)).unwrap_or(Timestamp::MAX);
        format!("{moment:.3}")
    }
}
