//! Hours in which nobody is written to.

use std::time::Duration;

use time::Time;
use time::macros::format_description;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// From one time of day up to another, over midnight when the first is the later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    from: Time,
    to: Time,
}

impl QuietHours {
    /// Reads `21:00-08:00`; two equal times would be never or always, and are refused.
    pub fn parse(text: &str) -> Option<Self> {
        let time = |text: &str| Time::parse(text.trim(), format_description!("[hour]:[minute]")).ok();
        let (from, to) = text.split_once('-')?;
        let hours = Self { from: time(from)?, to: time(to)? };
        (hours.from != hours.to).then_some(hours)
    }

    /// How long the quiet lasts from `now` on; `None` when it is not quiet.
    pub fn left(&self, now: Time) -> Option<Duration> {
        let length = since(self.from, self.to);
        let passed = since(self.from, now);
        length.checked_sub(passed).filter(|left| !left.is_zero())
    }
}

/// From one time of day to the next occurrence of another.
fn since(from: Time, to: Time) -> Duration {
    let of_day = |time: Time| {
        Duration::from_nanos(time.duration_since(Time::MIDNIGHT).whole_nanoseconds().unsigned_abs() as u64)
    };
    let (from, to) = (of_day(from), of_day(to));
    if to >= from { to - from } else { DAY - from + to }
}

#[cfg(test)]
mod tests {
    use time::macros::time;

    use super::*;

    #[test]
    fn quiet_lasts_over_midnight_and_ends_on_the_minute() {
        let night = QuietHours::parse("21:00-08:00").unwrap();
        assert_eq!(night.left(time!(20:59:59)), None);
        assert_eq!(night.left(time!(21:00)), Some(Duration::from_secs(11 * 3600)));
        assert_eq!(night.left(time!(23:30)), Some(Duration::from_secs(8 * 3600 + 1800)));
        assert_eq!(night.left(time!(07:59:59)), Some(Duration::from_secs(1)));
        assert_eq!(night.left(time!(08:00)), None);
    }

    #[test]
    fn quiet_within_a_day_is_quiet_there_only() {
        let noon = QuietHours::parse(" 12:00 - 13:00 ").unwrap();
        assert_eq!(noon.left(time!(12:15)), Some(Duration::from_secs(45 * 60)));
        assert_eq!((noon.left(time!(11:59)), noon.left(time!(13:00))), (None, None));
    }

    #[test]
    fn anything_else_is_no_span_of_hours() {
        for text in ["", "21:00", "21-8", "25:00-08:00", "08:00-08:00"] {
            assert_eq!(QuietHours::parse(text), None, "{text}");
        }
    }
}
