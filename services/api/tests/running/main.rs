//! Starting, limits, keys, ending: the API as a process on a real database.
//!
//! Every test has a database of its own, so they run side by side.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod ending;
mod evidence_hosts;
mod keys;
mod limits;
mod secrets;
mod start;
