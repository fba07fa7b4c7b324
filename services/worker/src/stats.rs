//! What the worker has done and last saw, shared by jobs, heartbeat and endpoints.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dispatch_store::outbox_queue::Backlog;
use time::OffsetDateTime;

/// Counts of one pass or of many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Messages whose outcome was recorded.
    pub processed: u64,
    /// Taken by the provider.
    pub sent: u64,
    /// Failed attempts, the last ones of given-up messages included.
    pub failed: u64,
    /// Given up on.
    pub dead_lettered: u64,
    /// Deliberately not sent.
    pub suppressed: u64,
    /// Outcomes that were not recorded, because the lease or the database was lost.
    pub unrecorded: u64,
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.processed += other.processed;
        self.sent += other.sent;
        self.failed += other.failed;
        self.dead_lettered += other.dead_lettered;
        self.suppressed += other.suppressed;
        self.unrecorded += other.unrecorded;
    }
}

/// The state at one moment.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// Passes over the outbox.
    pub cycles: u64,
    /// Sum over all passes.
    pub tally: Tally,
    /// What was waiting when last counted.
    pub backlog: Backlog,
    /// When a pass last worked.
    pub last_cycle_at: Option<OffsetDateTime>,
    /// When a message was last taken by the provider.
    pub last_sent_at: Option<OffsetDateTime>,
    /// When the heartbeat last beat.
    pub last_heartbeat_at: Option<OffsetDateTime>,
    /// Why the last pass failed; none when it worked.
    pub last_error: Option<String>,
    /// Passes that failed.
    pub errors: u64,
    /// Sent messages deleted by retention.
    pub pruned: u64,
    /// Commits heard of.
    pub notifications: u64,
}

/// The shared state; clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Stats(Arc<Mutex<Snapshot>>);

impl Stats {
    /// A copy of the present state.
    pub fn snapshot(&self) -> Snapshot {
        self.lock().clone()
    }

    /// A pass worked.
    pub fn cycle(&self, tally: Tally, backlog: Backlog) {
        let now = OffsetDateTime::now_utc();
        let mut state = self.lock();
        state.cycles += 1;
        state.tally += tally;
        state.backlog = backlog;
        state.last_cycle_at = Some(now);
        state.last_error = None;
        if tally.sent > 0 {
            state.last_sent_at = Some(now);
        }
    }

    /// A pass failed; true when it failed for another reason than the one before.
    pub fn failure(&self, error: &str) -> bool {
        let mut state = self.lock();
        state.cycles += 1;
        state.errors += 1;
        state.last_error.replace(error.to_owned()).as_deref() != Some(error)
    }

    /// A heartbeat was written.
    pub fn heartbeat(&self) {
        self.lock().last_heartbeat_at = Some(OffsetDateTime::now_utc());
    }

    /// Sent messages were deleted.
    pub fn pruned(&self, count: u64) {
        self.lock().pruned += count;
    }

    /// A commit was heard of.
    pub fn notified(&self) {
        self.lock().notifications += 1;
    }

    /// Every change is a plain store, so a poisoned lock is used as it is.
    fn lock(&self) -> MutexGuard<'_, Snapshot> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
