//! The values a drill's templates can ask for while it runs.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

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

    /// A copy for work that goes on beside this one, with fresh values of its own.
    #[must_use]
    pub fn fork(&self) -> Self {
        let seed: [u8; 32] = self.random.lock().unwrap_or_else(PoisonError::into_inner).random();
        Self { values: self.values.clone(), random: Mutex::new(StdRng::from_seed(seed)) }
    }

    /// Takes over what `other`, forked when the names were `before`, has bound since.
    pub fn adopt(&mut self, other: Self, before: &BTreeMap<String, Value>) {
        self.values.extend(other.values.into_iter().filter(|(name, value)| before.get(name) != Some(value)));
    }

    /// Everything that is bound.
    #[must_use]
    pub fn values(&self) -> &BTreeMap<String, Value> {
        &self.values
    }

    /// Puts other values in place of all that is bound, and gives those.
    pub fn replace(&mut self, values: BTreeMap<String, Value>) -> BTreeMap<String, Value> {
        std::mem::replace(&mut self.values, values)
    }

    /// A random time between two, from the seed.
    #[must_use]
    pub fn between(&self, (least, most): (Duration, Duration)) -> Duration {
        let share: f64 = self.random.lock().unwrap_or_else(PoisonError::into_inner).random();
        least + most.saturating_sub(least).mul_f64(share)
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
        let moment =
            Timestamp::now().saturating_add(SignedDuration::from_millis(offset_ms)).unwrap_or(Timestamp::MAX);
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
        let bounds = (Duration::from_millis(10), Duration::from_millis(2_000));
        let moment = |seed| Names::new(seed, "a").between(bounds);
        assert_eq!(moment(7), moment(7));
        assert_ne!(moment(7), moment(8));
        assert!((0..100).map(moment).all(|moment| moment >= bounds.0 && moment <= bounds.1));
    }

    #[test]
    fn forks_draw_values_of_their_own_and_give_back_what_they_bound() {
        let mut names = Names::new(7, "a");
        names.bind("kept", json!(1));
        let before = names.values().clone();
        let (mut left, mut right) = (names.fork(), names.fork());
        assert_ne!(left.fresh_uuid(), right.fresh_uuid());
        left.bind("kept", json!(2));
        right.bind("new", json!(3));
        names.adopt(left, &before);
        names.adopt(right, &before);
        assert_eq!((names.value("kept"), names.value("new")), (Some(json!(2)), Some(json!(3))));
        let again = Names::new(7, "a");
        assert_eq!(again.fork().fresh_uuid(), Names::new(7, "a").fork().fresh_uuid());
    }

    #[test]
    fn moments_have_three_fractional_digits_in_utc() {
        let text = Names::new(1, "a").now(1_000);
        assert!(drillyard_spec::pattern::is_time(&text), "{text}");
        assert_eq!(text.len(), 24, "{text}");
    }
}
