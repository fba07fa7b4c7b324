//! The only room that sees time pass: pauses and deadlines.

use std::time::{Duration, Instant};

/// First pause of a [`Pace`].
const FIRST: Duration = Duration::from_millis(2);
/// Longest pause of a [`Pace`].
const LONGEST: Duration = Duration::from_millis(50);

/// Lets `duration` pass. Only for the pause between two looks at a condition that has a bound.
#[expect(clippy::disallowed_methods, reason = "the clock is where time passes")]
pub async fn sleep(duration: Duration) {
    tokio::time::sleep(duration).await;
}

/// Lets time pass until `moment`. Only for what is meant to be late, and always beside something that ends the wait.
pub async fn sleep_until(moment: Instant) {
    tokio::time::sleep_until(moment.into()).await;
}

/// As [`sleep`], for the reaper, which has no runtime.
#[expect(clippy::disallowed_methods, reason = "the clock is where time passes")]
pub fn sleep_blocking(duration: Duration) {
    std::thread::sleep(duration);
}

/// A moment by which something must have happened.
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    begun: Instant,
    bound: Duration,
}

impl Deadline {
    /// The moment `bound` from now.
    #[must_use]
    pub fn after(bound: Duration) -> Self {
        Self { begun: Instant::now(), bound }
    }

    /// Whether it has passed.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.begun.elapsed() >= self.bound
    }

    /// Time since it was set.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Time that is left, zero once it has passed.
    #[must_use]
    pub fn left(&self) -> Duration {
        self.bound.saturating_sub(self.begun.elapsed())
    }

    /// What `work` gives, or nothing when the deadline comes first.
    pub async fn bound<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::time::timeout(self.left(), work).await.ok()
    }
}

/// Pauses that are short at first and grow, so that what is quick is seen quickly and what is slow costs little.
#[derive(Debug)]
pub struct Pace {
    next: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { next: FIRST }
    }
}

impl Pace {
    /// Lets one pause pass.
    pub async fn pause(&mut self) {
        let pause = self.grow();
        sleep(pause).await;
    }

    /// As [`Pace::pause`], without a runtime.
    pub fn pause_blocking(&mut self) {
        let pause = self.grow();
        sleep_blocking(pause);
    }

    fn grow(&mut self) -> Duration {
        let pause = self.next;
        self.next = (self.next + self.next / 4).min(LONGEST);
        pause
    }
}
