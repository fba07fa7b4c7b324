//! Where a page of a list begins and how long it is.

use time::OffsetDateTime;
use uuid::Uuid;

/// The last row of the page before, by the two things that rows are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The moment that orders the list, in whole microseconds.
    pub at: OffsetDateTime,
    /// The row, which settles ties.
    pub id: Uuid,
}

/// One page.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// Most rows.
    pub limit: i64,
    /// Only rows after this one.
    pub after: Option<Place>,
}
