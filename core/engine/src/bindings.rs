//! The values a drill's templates can ask for while it runs.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use drillyard_spec::template::Bindings;
use jiff::{SignedDuration, Timestamp};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Names bound so far, and the seeded source of fresh ones.
#[derive(Debug)]
pub struct Names {
    values: BTreeMap<String, Value>,
    random: Mutex<StdRng>,
}

impl Names {
    /// Bindings of one unit. The same run seed and unit give the same fresh values.
    #[must_use]
    pub fn new(run_seed: u64, unit: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(run_seed.to_be_bytes());
        hash.update(unit.as_bytes());
        let values = BTreeMap::from([("run.seed".to_owned(), json!(run_seed))]);
        Self { values, random: Mutex::new(StdRng::from_seed(hash.finalize().into())) }
    }

    /// Binds a name, replacing what it stood for.
    pub fn bind(&mut self, name: &str, value: Value) {
        self.values.insert(name.to_owned(), value);
    }

    /// A random UUID (version 4) from the seed.
    #[must_use]
    pub fn fresh_uuid(&self) -> String {
        let bytes: [u8; 16] = self.random.lock().unwrap_or_else(PoisonError::into_inner).random();
        uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
    }
}

impl Bindings for Names {
    fn value(&self, name: &str) -> Option<Value> {
        if name == "fresh.uuid" {
            return Some(Value::String(self.fresh_uuid()));
        }
        self.values.get(name).cloned()
    }

    fn now(&self, offset_ms: i64) -> String {
        let moment = Timestamp::now().saturating_add(SignedDuration::from_millis(offset_ms)).unwrap_or(Timestamp::MAX);
        format!("{moment:.3}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fresh_values_repeat_with_the_seed_and_differ_between_units() {
        let draw = |seed, unit| Names::new(seed, unit).fresh_uuid();
        assert_eq!(draw(7, "a"), draw(7, "a"));
        assert_ne!(draw(7, "a"), draw(7, "b"));
        assert_ne!(draw(7, "a"), draw(8, "a"));
    }

    #[test]
    fn moments_have_three_fractional_digits_in_utc() {
        let text = Names::new(1, "a").now(1_000);
        assert!(drillyard_spec::pattern::is_time(&text), "{text}");
        assert_eq!(text.len(), 24, "{text}");
    }
}
