//! What the service does beyond the original contract, with the API as a process on a real database.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use dispatch_testbed::Api;

mod assignment;
mod chain;
#[path = "../rest_of_tools/desk.rs"]
#[allow(dead_code, reason = "shared with other tests, which use other parts of it")]
mod desk;
mod directory;
mod events;
mod evidence;
mod fields;
mod messages;
mod money;
mod privacy;
mod rework;
mod windows;

async fn raise(settings: &[(&str, &str)]) -> Api {
    Api::raise(env!("CARGO_BIN_EXE_dispatch-api"), settings).await
}
