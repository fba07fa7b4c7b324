//! Intake, holds, autonomy, overrides and the later reads, with the API as a process on a real database.
//!
//! Every test has a database of its own, so they run side by side.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use dispatch_testbed::Api;

mod autonomy;
mod closeout;
mod desk;
mod holds;
mod intake;

async fn raise() -> Api {
    Api::raise(env!("CARGO_BIN_EXE_dispatch-api"), &[]).await
}
