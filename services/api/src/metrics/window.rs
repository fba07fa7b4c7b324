//! A count over the last so many seconds, in bounded memory.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How many slices a window is cut into: an event is forgotten at most one slice late.
const SLICES: u32 = 128;

/// Events of the last `length`, kept as one count per slice.
#[derive(Debug)]
pub(super) struct Window {
    length: Duration,
    slice: Duration,
    counts: VecDeque<(Instant, u64)>,
}

impl Window {
    pub(super) fn new(length: Duration) -> Self {
        let slice = (length / SLICES).max(Duration::from_millis(1));
        Self { length, slice, counts: VecDeque::new() }
    }

    pub(super) fn add(&mut self) {
        self.add_at(Instant::now());
    }

    pub(super) fn count(&mut self) -> u64 {
        self.count_at(Instant::now())
    }

    fn add_at(&mut self, now: Instant) {
        self.forget_before(now);
        match self.counts.back_mut() {
            Some((start, count)) if now.duration_since(*start) < self.slice => *count += 1,
            _ => self.counts.push_back((now, 1)),
        }
    }

    fn count_at(&mut self, now: Instant) -> u64 {
        self.forget_before(now);
        self.counts.iter().map(|(_, count)| count).sum()
    }

    fn forget_before(&mut self, now: Instant) {
        while self.counts.front().is_some_and(|(start, _)| now.duration_since(*start) > self.length) {
            self.counts.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_counts_until_the_window_has_passed_over_it() {
        let start = Instant::now();
        let mut window = Window::new(Duration::from_secs(900));
        window.add_at(start);
        window.add_at(start + Duration::from_secs(300));
        assert_eq!(window.count_at(start + Duration::from_secs(899)), 2);
        assert_eq!(window.count_at(start + Duration::from_secs(901)), 1);
        assert_eq!(window.count_at(start + Duration::from_secs(1_300)), 0);
    }

    #[test]
    fn memory_is_bounded_by_the_slices_whatever_the_rate() {
        let start = Instant::now();
        let mut window = Window::new(Duration::from_secs(10));
        for millisecond in 0..60_000 {
            window.add_at(start + Duration::from_millis(millisecond));
        }
        assert!(window.counts.len() <= SLICES as usize + 2, "{} slices", window.counts.len());
    }
}
