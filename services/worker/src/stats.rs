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

/// Counts of one cycle over the queue of scheduled tickets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AssignmentTally {
    /// Tickets taken on.
    pub queued: u64,
    /// Tickets that were looked at before the cycle ended.
    pub processed: u64,
    /// Of these, not dispatched.
    pub skipped: u64,
    /// Of these, dispatched.
    pub succeeded: u64,
}

/// What the assignment of technicians has done and last saw.
#[derive(Debug, Clone, Default)]
pub struct Assignment {
    /// Cycles over the queue.
    pub cycles: u64,
    /// Calls to the API.
    pub api_calls: u64,
    /// Recommendations that were given.
    pub recommendations: u64,
    /// Technicians sent.
    pub dispatches: u64,
    /// Tickets looked at and not dispatched.
    pub skipped: u64,
    /// Tickets left alone because automation is paused for them.
    pub paused: u64,
    /// Calls that failed.
    pub errors: u64,
    /// The last failure as `STEP:CODE`.
    pub last_error: Option<String>,
    /// Scheduled tickets when last read.
    pub queue_total: u64,
    /// Those without a technician.
    pub queue_missing_tech: u64,
    /// Those that are left alone until they change.
    pub parked: u64,
    /// When the queue was last read.
    pub last_read_at: Option<OffsetDateTime>,
    /// When a technician was last sent.
    pub last_success_at: Option<OffsetDateTime>,
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
    /// The assignment of technicians.
    pub assignment: Assignment,
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

    /// The API is called by the assignment job.
    pub fn api_call(&self) {
        self.lock().assignment.api_calls += 1;
    }

    /// Candidates were recommended.
    pub fn recommended(&self) {
        self.lock().assignment.recommendations += 1;
    }

    /// A technician was sent.
    pub fn dispatched(&self) {
        let mut state = self.lock();
        state.assignment.dispatches += 1;
        state.assignment.last_success_at = Some(OffsetDateTime::now_utc());
    }

    /// A ticket was left alone because automation is paused.
    pub fn paused(&self) {
        self.lock().assignment.paused += 1;
    }

    /// A call of the assignment job failed.
    pub fn assignment_failed(&self, step: &str, code: &str) {
        let mut state = self.lock();
        state.assignment.errors += 1;
        state.assignment.last_error = Some(format!("{step}:{code}"));
    }

    /// A cycle over the queue ended; `seen` is total, without a technician, and parked, if the queue was read.
    pub fn assignment_cycle(&self, tally: AssignmentTally, seen: Option<(u64, u64, u64)>) {
        let mut state = self.lock();
        let assignment = &mut state.assignment;
        assignment.cycles += 1;
        assignment.skipped += tally.skipped;
        if let Some((total, missing, parked)) = seen {
            assignment.queue_total = total;
            assignment.queue_missing_tech = missing;
            assignment.parked = parked;
            assignment.last_read_at = Some(OffsetDateTime::now_utc());
        }
    }

    /// Every change is a plain store, so a poisoned lock is used as it is.
    fn lock(&self) -> MutexGuard<'_, Snapshot> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
