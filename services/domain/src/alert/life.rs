//! How an alert lives: pending, firing, acknowledged, resolved, and pending again when it comes back.

wire_enum! {
    /// Where an alert stands. Without a record it has never been seen.
    enum AlertState as "alert state" {
        Pending = "pending",
        Firing = "firing",
        Acknowledged = "acknowledged",
        Resolved = "resolved",
    }
}

impl AlertState {
    /// Whether operators are shown the alert.
    pub const fn is_shown(self) -> bool {
        matches!(self, Self::Firing | Self::Acknowledged)
    }
}

/// How slowly an alert comes and goes, so that a signal at its threshold does not make it flap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hysteresis {
    /// Seconds for which the threshold has to be reached before the alert fires.
    pub pending_s: u32,
    /// Seconds for which the signal has to be low before the alert resolves.
    pub clear_s: u32,
    /// The signal is low below this share of the threshold, in percent.
    pub clear_percent: u32,
}

impl Hysteresis {
    /// Fires at once and resolves at once.
    pub const NONE: Self = Self { pending_s: 0, clear_s: 0, clear_percent: 100 };

    /// Whether `count` is low enough for an alert that is shown to go away.
    pub const fn is_low(&self, count: u64, threshold: u64) -> bool {
        count.saturating_mul(100) < threshold.saturating_mul(self.clear_percent as u64)
    }
}

/// What is known of an alert before it is judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    /// Where it stands.
    pub state: AlertState,
    /// Seconds since it came to stand there.
    pub for_s: f64,
    /// Seconds since the signal became low, while the alert is shown.
    pub low_for_s: Option<f64>,
}

/// What a judgement changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    /// The states it goes through, in order; empty when it stays.
    pub path: Vec<AlertState>,
    /// The signal is low, but not for long enough.
    pub is_clearing: bool,
}

/// Judges one alert.
pub fn judge(standing: Option<Standing>, count: u64, threshold: u64, slow: &Hysteresis) -> Judgement {
    let reached = count >= threshold;
    let path =
        match standing {
            None | Some(Standing { state: AlertState::Resolved, .. }) if reached => {
                let fires = slow.pending_s == 0;
                if fires { vec![AlertState::Pending, AlertState::Firing] } else { vec![AlertState::Pending] }
            }
            None | Some(Standing { state: AlertState::Resolved, .. }) => Vec::new(),
            Some(Standing { state: AlertState::Pending, .. }) if !reached => vec![AlertState::Resolved],
            Some(Standing { state: AlertState::Pending, for_s, .. }) => {
                if for_s >= f64::from(slow.pending_s) { vec![AlertState::Firing] } else { Vec::new() }
            }
            Some(shown) if slow.is_low(count, threshold) => {
                let low_for_s = shown.low_for_s.unwrap_or(0.0);
                if low_for_s >= f64::from(slow.clear_s) {
                    vec![AlertState::Resolved]
                } else {
                    return Judgement { path: Vec::new(), is_clearing: true };
                }
            }
            Some(_) => Vec::new(),
        };
    Judgement { path, is_clearing: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOW: Hysteresis = Hysteresis { pending_s: 10, clear_s: 30, clear_percent: 50 };

    fn at(state: AlertState, for_s: f64, low_for_s: Option<f64>) -> Option<Standing> {
        Some(Standing { state, for_s, low_for_s })
    }

    #[test]
    fn without_hysteresis_an_alert_fires_and_resolves_at_once() {
        let path = |standing, count| judge(standing, count, 5, &Hysteresis::NONE).path;
        assert_eq!(path(None, 4), []);
        assert_eq!(path(None, 5), [AlertState::Pending, AlertState::Firing]);
        assert_eq!(path(at(AlertState::Firing, 1.0, None), 4), [AlertState::Resolved]);
        assert_eq!(path(at(AlertState::Acknowledged, 1.0, None), 0), [AlertState::Resolved]);
        assert_eq!(path(at(AlertState::Resolved, 1.0, None), 5), [AlertState::Pending, AlertState::Firing]);
        assert_eq!(path(at(AlertState::Acknowledged, 1.0, None), 9), [], "nobody is told twice");
    }

    #[test]
    fn a_pending_alert_fires_only_when_its_cause_stays() {
        let path = |standing, count| judge(standing, count, 4, &SLOW).path;
        assert_eq!(path(None, 4), [AlertState::Pending]);
        assert_eq!(path(at(AlertState::Pending, 9.0, None), 4), []);
        assert_eq!(path(at(AlertState::Pending, 10.0, None), 4), [AlertState::Firing]);
        assert_eq!(path(at(AlertState::Pending, 3.0, None), 3), [AlertState::Resolved]);
    }

    #[test]
    fn a_shown_alert_stays_until_its_signal_has_been_low_for_long_enough() {
        let firing = |low_for_s| at(AlertState::Firing, 60.0, low_for_s);
        assert_eq!(judge(firing(None), 3, 4, &SLOW), Judgement::default(), "between low and threshold");
        assert!(judge(firing(None), 1, 4, &SLOW).is_clearing);
        assert!(judge(firing(Some(29.0)), 1, 4, &SLOW).is_clearing);
        assert_eq!(judge(firing(Some(30.0)), 1, 4, &SLOW).path, [AlertState::Resolved]);
        assert_eq!(judge(firing(Some(30.0)), 2, 4, &SLOW), Judgement::default(), "half is not low");
    }
}
