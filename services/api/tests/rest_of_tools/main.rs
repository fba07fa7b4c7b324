//! Intake, holds, autonomy, overrides and the later reads, with the API as a process on a real database.
//!
//! Ignored unless asked for: `DISPATCH_TEST_DATABASE_URL=postgres://… cargo test --workspace --test rest_of_tools --
//! --ignored`. Every test has a database of its own, so they run side by side.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod autonomy;
mod closeout;
mod desk;
mod holds;
mod intake;
#[path = "../lifecycle/service.rs"]
#[allow(dead_code, reason = "shared with the life cycle's tests, which use other parts of it")]
mod service;
