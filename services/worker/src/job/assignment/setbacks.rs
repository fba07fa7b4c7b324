//! Tickets that could not be given a technician wait, longer each time, and do not stand in the way of the others.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use super::queue::Waiting;
use crate::backoff;

/// What is remembered of failures; only of tickets that are in the queue.
#[derive(Debug, Default)]
pub struct Setbacks(HashMap<Uuid, Setback>);

/// How often and how long a ticket is tried.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Wait after the first failure; doubles with each further one.
    pub base: Duration,
    /// Longest wait.
    pub cap: Duration,
    /// Failures after which it is left alone until it changes.
    pub park_after: u32,
}

#[derive(Debug)]
struct Setback {
    /// The change after which it failed; a newer one begins anew.
    changed_at: String,
    failures: u32,
    /// None: until it changes.
    until: Option<Instant>,
}

impl Setbacks {
    /// Forgets tickets that left the queue or have changed.
    pub fn keep_only(&mut self, queue: &[Waiting]) {
        let now: HashMap<Uuid, &str> = queue.iter().map(|w| (w.ticket, w.changed_at.as_str())).collect();
        self.0.retain(|ticket, setback| now.get(ticket) == Some(&setback.changed_at.as_str()));
    }

    /// Whether the ticket may be tried at `now`.
    pub fn is_due(&self, waiting: &Waiting, now: Instant) -> bool {
        self.0.get(&waiting.ticket).is_none_or(|setback| setback.until.is_some_and(|until| until <= now))
    }

    /// Another failure at `now`; returns how many there were.
    pub fn failed(&mut self, waiting: &Waiting, patience: &Patience, now: Instant) -> u32 {
        let setback = self.0.entry(waiting.ticket).or_insert_with(|| Setback {
            changed_at: waiting.changed_at.clone(),
            failures: 0,
            until: None,
        });
        setback.failures += 1;
        let wait = backoff::delay(setback.failures, patience.base, patience.cap, rand::random());
        setback.until = (setback.failures < patience.park_after).then(|| now + wait);
        setback.failures
    }

    /// It went well.
    pub fn forget(&mut self, waiting: &Waiting) {
        self.0.remove(&waiting.ticket);
    }

    /// Tickets that are left alone until they change.
    pub fn parked(&self) -> u64 {
        self.0.values().filter(|setback| setback.until.is_none()).count() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(changed_at: &str) -> Waiting {
        Waiting {
            ticket: Uuid::from_u128(7),
            service_type: "DEFAULT".to_owned(),
            assigned: None,
            changed_at: changed_at.to_owned(),
        }
    }

    #[test]
    fn a_ticket_waits_longer_each_time_then_until_it_changes() {
        let patience =
            Patience { base: Duration::from_secs(10), cap: Duration::from_secs(60), park_after: 2 };
        let start = Instant::now();
        let after = |seconds: u64| start + Duration::from_secs(seconds);
        let mut setbacks = Setbacks::default();
        let ticket = waiting("monday");
        assert!(setbacks.is_due(&ticket, start));
        assert_eq!(setbacks.failed(&ticket, &patience, start), 1);
        assert!(!setbacks.is_due(&ticket, after(7)));
        assert!(setbacks.is_due(&ticket, after(13)));
        assert_eq!((setbacks.failed(&ticket, &patience, after(13)), setbacks.parked()), (2, 1));
        assert!(!setbacks.is_due(&ticket, after(3600)), "parked");
        setbacks.keep_only(&[waiting("monday")]);
        assert_eq!(setbacks.parked(), 1);
        setbacks.keep_only(&[waiting("tuesday")]);
        assert!(setbacks.is_due(&waiting("tuesday"), start));
    }
}
