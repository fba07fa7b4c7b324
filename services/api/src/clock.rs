//! The wall clock of this process and how it is written on the wire.

use dispatch_domain::schedule::format_instant;
use time::OffsetDateTime;

/// Now, in UTC.
pub fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

/// An instant as on the wire: UTC with exactly three fractional digits.
pub fn text(instant: OffsetDateTime) -> String {
    format_instant(instant)
}

/// Now as on the wire.
pub fn now_text() -> String {
    text(now())
}
