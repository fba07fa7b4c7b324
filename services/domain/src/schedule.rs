//! Instants and windows as they appear on the wire.

use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

/// A text that is not a date-time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not an RFC 3339 date-time")]
pub struct InvalidInstant(pub String);

/// Reads an RFC 3339 date-time into UTC; a missing offset means UTC, never the server's zone.
///
/// # Errors
/// [`InvalidInstant`] for anything else, including instants outside the representable years.
pub fn parse_instant(text: &str) -> Result<OffsetDateTime, InvalidInstant> {
    let trimmed = text.trim();
    OffsetDateTime::parse(trimmed, &Rfc3339)
        .or_else(|_| OffsetDateTime::parse(&format!("{trimmed}Z"), &Rfc3339))
        .ok()
        .and_then(|instant| instant.checked_to_offset(UtcOffset::UTC))
        .ok_or_else(|| InvalidInstant(text.to_owned()))
}

/// Prints an instant in UTC with exactly three fractional digits; finer digits are cut off, not rounded.
pub fn format_instant(instant: OffsetDateTime) -> String {
    let utc = instant.checked_to_offset(UtcOffset::UTC).unwrap_or(instant);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        utc.year(),
        u8::from(utc.month()),
        utc.day(),
        utc.hour(),
        utc.minute(),
        utc.second(),
        utc.millisecond()
    )
}

/// A time window; `end` is strictly after `start`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// First instant.
    pub start: OffsetDateTime,
    /// Last instant.
    pub end: OffsetDateTime,
}

/// Why two texts are no window.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidWindow {
    /// `start` is missing or not a date-time.
    #[error("start is not a date-time")]
    Start,
    /// `end` is missing or not a date-time.
    #[error("end is not a date-time")]
    End,
    /// `end` is not after `start`.
    #[error("end must be after start")]
    Reversed,
}

impl Window {
    /// Reads the members `start` and `end` of a JSON object; other members are ignored.
    ///
    /// # Errors
    /// [`InvalidWindow`] names what is wrong.
    pub fn from_json(value: &Value) -> Result<Self, InvalidWindow> {
        let member = |name| value.get(name).and_then(Value::as_str).and_then(|text| parse_instant(text).ok());
        let start = member("start").ok_or(InvalidWindow::Start)?;
        let end = member("end").ok_or(InvalidWindow::End)?;
        if end > start { Ok(Self { start, end }) } else { Err(InvalidWindow::Reversed) }
    }

    /// `{"start", "end"}` with both instants normalised.
    pub fn to_json(self) -> Value {
        json!({ "start": format_instant(self.start), "end": format_instant(self.end) })
    }
}

wire_enum! {
    /// Why a window that goes forward is refused all the same, where that is configured.
    enum WindowRefusal as "window refusal" {
        InThePast = "IN_THE_PAST",
        Overlap = "OVERLAP",
        OutsideSiteHours = "OUTSIDE_SITE_HOURS",
    }
}

/// A window on the clock of a place: day `mon` to `sun`, times `HH:MM:SS`, and how many days it reaches over.
#[derive(Clone, Copy, Debug)]
pub struct LocalWindow<'a> {
    /// Day of the begin.
    pub day: &'a str,
    /// Begin.
    pub start: &'a str,
    /// End.
    pub end: &'a str,
    /// Days from begin to end.
    pub days: i32,
}

impl LocalWindow<'_> {
    /// Whether one span of the day's hours holds the whole window. Hours are
    /// `{"mon": [{"start": "08:00", "end": "17:00"}]}`; no hours at all restrict nothing, a day that is not listed
    /// is closed, and `24:00` ends a day.
    pub fn within(&self, hours: &Value) -> bool {
        let Some(days) = hours.as_object().filter(|days| !days.is_empty()) else { return true };
        let end = match (self.days, self.end) {
            (0, end) => end,
            (1, "00:00:00") => "24:00:00",
            _ => return false,
        };
        let time = |span: &Value, name: &str| {
            span.get(name).and_then(Value::as_str).map(|text| format!("{text}:00"))
        };
        days.get(self.day).and_then(Value::as_array).into_iter().flatten().any(|span| {
            time(span, "start").is_some_and(|from| from.as_str() <= self.start)
                && time(span, "end").is_some_and(|to| end <= to.as_str())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_normalised_to_utc_milliseconds_cut_off() {
        for (text, expected) in [
            ("2026-12-05T10:00:00Z", "2026-12-05T10:00:00.000Z"),
            ("2026-12-05T10:00:00.9999Z", "2026-12-05T10:00:00.999Z"),
            ("2026-12-05T10:00:00+01:00", "2026-12-05T09:00:00.000Z"),
            ("2026-12-05T10:00:00.000", "2026-12-05T10:00:00.000Z"),
        ] {
            assert_eq!(format_instant(parse_instant(text).unwrap()), expected);
        }
        for text in ["", "tomorrow", "2026-12-05", "2026-13-05T10:00:00Z", "Sat, 05 Dec 2026 10:00:00 GMT"] {
            assert!(parse_instant(text).is_err(), "{text}");
        }
    }

    #[test]
    fn instants_beyond_the_calendar_are_refused_not_a_panic() {
        assert!(parse_instant("9999-12-31T23:59:59-23:00").is_err());
        assert!(
            parse_instant("0000-01-01T00:00:00+01:00").map(format_instant).is_ok_and(|text| text.len() >= 24)
        );
    }

    #[test]
    fn windows_must_go_forward() {
        let at = |start: &str, end: &str| Window::from_json(&json!({ "start": start, "end": end, "x": 1 }));
        assert!(at("2026-12-05T10:00:00Z", "2026-12-05T11:00:00Z").is_ok());
        assert_eq!(at("2026-12-05T10:00:00Z", "2026-12-05T10:00:00Z"), Err(InvalidWindow::Reversed));
        assert_eq!(at("x", "2026-12-05T10:00:00Z"), Err(InvalidWindow::Start));
        assert_eq!(Window::from_json(&json!([])), Err(InvalidWindow::Start));
    }

    #[test]
    fn site_hours_hold_a_window_or_they_do_not() {
        let hours =
            json!({ "mon": [{ "start": "08:00", "end": "12:00" }, { "start": "18:00", "end": "24:00" }] });
        let within = |day, start, end, days| LocalWindow { day, start, end, days }.within(&hours);
        assert!(within("mon", "08:00:00", "12:00:00", 0) && within("mon", "18:30:00", "00:00:00", 1));
        assert!(!within("mon", "11:00:00", "12:00:01", 0) && !within("tue", "09:00:00", "10:00:00", 0));
        assert!(!within("mon", "18:00:00", "01:00:00", 1));
        assert!(LocalWindow { day: "sun", start: "03:00:00", end: "04:00:00", days: 9 }.within(&json!({})));
    }
}
