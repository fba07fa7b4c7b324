//! How often one actor may ask: a bucket of tokens per actor, filled evenly.
//!
//! Counted per process: with several instances behind one address an actor gets so many from each.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use crate::config::HttpConfig;
use crate::failure::Failure;

/// Actors that are remembered before those whose buckets are full again are forgotten.
const ACTORS: usize = 10_000;

#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

/// The buckets of all actors.
#[derive(Debug)]
pub struct RateLimits {
    per_second: f64,
    burst: f64,
    buckets: Mutex<HashMap<String, Bucket>>,
}

impl RateLimits {
    /// Limits as configured; a rate of zero limits nobody.
    pub fn new(config: &HttpConfig) -> Self {
        Self {
            per_second: f64::from(config.rate_per_minute) / 60.0,
            burst: f64::from(config.rate_burst),
            buckets: Mutex::default(),
        }
    }

    /// Counts one request of an actor.
    ///
    /// # Errors
    /// 429 with the seconds after which one will be admitted again.
    pub fn admit(&self, actor_id: &str) -> Result<(), Failure> {
        self.admit_at(actor_id, Instant::now()).map_err(Failure::rate_limited)
    }

    fn admit_at(&self, actor_id: &str, now: Instant) -> Result<(), u32> {
        if self.per_second <= 0.0 {
            return Ok(());
        }
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= ACTORS && !buckets.contains_key(actor_id) {
            // A full bucket is as good as none; if nobody rests, the oldest entries are as good as any.
            buckets.retain(|_, bucket| self.filled(bucket, now) < self.burst);
            if buckets.len() >= ACTORS {
                buckets.clear();
            }
        }
        let bucket = buckets.entry(actor_id.to_owned()).or_insert(Bucket { tokens: self.burst, at: now });
        *bucket = Bucket { tokens: self.filled(bucket, now), at: now };
        if bucket.tokens >= 1.0 {
            bucket.tokens -= 1.0;
            return Ok(());
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most a minute")]
        let seconds = ((1.0 - bucket.tokens) / self.per_second).ceil() as u32;
        Err(seconds.max(1))
    }

    fn filled(&self, bucket: &Bucket, now: Instant) -> f64 {
        let rested = now.saturating_duration_since(bucket.at).as_secs_f64();
        (bucket.tokens + rested * self.per_second).min(self.burst)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{ACTORS, RateLimits};
    use crate::config::HttpConfig;

    fn limits(rate_per_minute: u32, rate_burst: u32) -> RateLimits {
        RateLimits::new(&HttpConfig {
            strict_methods: false,
            body_timeout_s: 30,
            body_limit: 1024,
            max_headers: 100,
            max_head_bytes: 8192,
            header_timeout_s: 30,
            request_timeout_s: 60,
            drain_grace_ms: 0,
            rate_per_minute,
            rate_burst,
        })
    }

    #[test]
    fn a_burst_is_admitted_then_one_per_interval_and_each_actor_has_a_bucket() {
        let (limits, start) = (limits(30, 2), Instant::now());
        assert_eq!([(); 3].map(|()| limits.admit_at("a", start)), [Ok(()), Ok(()), Err(2)]);
        assert_eq!(limits.admit_at("b", start), Ok(()));
        assert_eq!(limits.admit_at("a", start + Duration::from_secs(2)), Ok(()));
        assert!(limits.admit_at("a", start + Duration::from_secs(3)).is_err());
    }

    #[test]
    fn without_a_rate_nobody_is_limited_and_memory_is_bounded_with_one() {
        let start = Instant::now();
        assert!((0..1000).all(|_| limits(0, 1).admit_at("a", start).is_ok()));
        let limits = limits(1, 1);
        for n in 0..ACTORS + 10 {
            assert_eq!(limits.admit_at(&n.to_string(), start), Ok(()));
        }
        assert!(limits.buckets.lock().unwrap().len() <= ACTORS);
    }
}
