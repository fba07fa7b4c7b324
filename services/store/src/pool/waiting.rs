//! How long callers wait for a connection. Counted for the whole process, which has one pool.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Instant;

/// Upper bounds in seconds: from a connection that lies ready to the time-out of the pool.
pub const ACQUIRE_BOUNDS_S: [f64; 6] = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5];

static WAITERS: AtomicI64 = AtomicI64::new(0);
static COUNT: AtomicU64 = AtomicU64::new(0);
static SUM_MICROS: AtomicU64 = AtomicU64::new(0);
static BUCKETS: [AtomicU64; ACQUIRE_BOUNDS_S.len()] = [const { AtomicU64::new(0) }; ACQUIRE_BOUNDS_S.len()];

/// What was counted since the process started.
#[derive(Debug, Clone, Copy)]
pub struct AcquireStatistics {
    /// Callers that wait now.
    pub waiters: i64,
    /// How often a connection was asked for.
    pub count: u64,
    /// Seconds waited in all.
    pub sum_s: f64,
    /// Waits that took at most [`ACQUIRE_BOUNDS_S`], cumulated.
    pub buckets: [u64; ACQUIRE_BOUNDS_S.len()],
}

/// Somebody waits; a wait that is given up counts as ended.
pub(crate) struct Waiting {
    since: Instant,
}

impl Waiting {
    pub(crate) fn begin() -> Self {
        WAITERS.fetch_add(1, Ordering::Relaxed);
        Self { since: Instant::now() }
    }

    /// Ends the wait; the same as dropping it, but said.
    pub(crate) fn end(self) {
        drop(self);
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let waited = self.since.elapsed();
        WAITERS.fetch_sub(1, Ordering::Relaxed);
        COUNT.fetch_add(1, Ordering::Relaxed);
        SUM_MICROS.fetch_add(u64::try_from(waited.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
        let seconds = waited.as_secs_f64();
        if let Some(bucket) = ACQUIRE_BOUNDS_S.iter().position(|bound| seconds <= *bound) {
            BUCKETS[bucket].fetch_add(1, Ordering::Relaxed);
        }
    }
}

pub(super) fn statistics() -> AcquireStatistics {
    let mut total = 0;
    let buckets = std::array::from_fn(|place: usize| {
        total += BUCKETS[place].load(Ordering::Relaxed);
        total
    });
    #[expect(clippy::cast_precision_loss, reason = "a sum of waits needs no more than 53 bits")]
    let sum_s = SUM_MICROS.load(Ordering::Relaxed) as f64 / 1e6;
    AcquireStatistics {
        waiters: WAITERS.load(Ordering::Relaxed),
        count: COUNT.load(Ordering::Relaxed),
        sum_s,
        buckets,
    }
}
