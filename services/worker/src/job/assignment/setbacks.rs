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

    /// Whether the ticket may be tried now.
    pub fn is_due(&self, waiting: &Waiting) -> bool {
        self.0
            .get(&waiting.ticket)
            .is_none_or(|setback| setback.until.is_some_and(|until| until <= Instant::now()))
    }

    /// Another failure; returns how many there were.
    pub fn failed(&mut self, waiting: &Waiting, base: Duration, cap: Duration, park_after: u32) -> u32 {
        let setback = self.0.entry(waiting.ticket).or_insert_with(|| Setback {
            changed_at: waiting.changed_at.clone(),
            failures: 0,
            until: None,
        });
        setback.failures += 1;
        let wait = backoff::delay(setback.failures, base, cap, rand::random());
        setback.until = (setback.failures < park_after).then(|| Instant::now() + wait);
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

    #[tokio::test(start_paused = true)]
    async fn a_ticket_waits_longer_each_time_then_until_it_changes() {
        let (base, cap) = (Duration::from_secs(10), Duration::from_secs(60));
        let mut setbacks = Setbacks::default();
        let ticket = waiting("monday");
        assert!(setbacks.is_due(&ticket));
        assert_eq!(setbacks.failed(&ticket, base, cap, 2), 1);
        assert!(!setbacks.is_due(&ticket));
        tokio::time::advance(Duration::from_secs(13)).await;
        assert!(setbacks.is_due(&ticket));
        assert_eq!((setbacks.failed(&ticket, base, cap, 2), setbacks.parked()), (2, 1));
        tokio::time::advance(Duration::from_secs(3600)).await;
        assert!(!setbacks.is_due(&ticket), "parked");
        setbacks.keep_only(&[waiting("monday")]);
        assert_eq!(setbacks.parked(), 1);
        setbacks.keep_only(&[waiting("tuesday")]);
        assert!(setbacks.is_due(&waiting("tuesday")));
    }
}
