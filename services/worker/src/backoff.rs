//! How long a failed message waits.

use std::time::Duration;

/// How far a delay may be off its plain value, so that messages that failed together do not return together.
const JITTER: f64 = 0.2;

/// `base × 2^(attempt − 1)`, at most `cap`, then spread by up to a fifth in both directions.
///
/// `attempt` counts from 1; `chance` in 0..=1 chooses the place within the spread, 0.5 gives the plain delay.
pub fn delay(attempt: u32, base: Duration, cap: Duration, chance: f64) -> Duration {
    let doublings = attempt.saturating_sub(1).min(31);
    let plain = base.saturating_mul(1 << doublings).min(cap);
    plain.mul_f64(1.0 - JITTER + 2.0 * JITTER * chance.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: Duration = Duration::from_secs(5);
    const CAP: Duration = Duration::from_secs(300);

    #[test]
    fn delays_double_up_to_the_cap() {
        let seconds: Vec<u64> = (1..=8).map(|attempt| delay(attempt, BASE, CAP, 0.5).as_secs()).collect();
        assert_eq!(seconds, [5, 10, 20, 40, 80, 160, 300, 300]);
        assert_eq!(delay(u32::MAX, BASE, CAP, 0.5), CAP);
    }

    #[test]
    fn jitter_stays_within_a_fifth_on_both_sides() {
        assert_eq!(delay(1, BASE, CAP, 0.0), Duration::from_secs(4));
        assert_eq!(delay(1, BASE, CAP, 1.0), Duration::from_secs(6));
    }
}
