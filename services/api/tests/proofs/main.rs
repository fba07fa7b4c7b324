//! What has to hold however hard it is tried, with the API as a process on a real database.
//!
//! Here in a size that takes seconds; `cargo xtask proof` runs each in full.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../acceptance/commands.rs"]
#[expect(dead_code, reason = "shared with the acceptance tests, which use more of it")]
mod commands;
mod crash;
#[path = "../acceptance/desk.rs"]
#[expect(dead_code, reason = "shared with the acceptance tests, which use more of it")]
mod desk;
mod fuzz;
mod mutation;
mod same_key;
mod schemathesis;

/// The size of a proof: the first one in `cargo test`, the second one with `DISPATCH_PROOF=full`, or the number that
/// the variable holds instead.
fn size(quick: usize, full: usize) -> usize {
    #[expect(clippy::disallowed_methods, reason = "a test has no config.rs")]
    let wanted = std::env::var("DISPATCH_PROOF").unwrap_or_default();
    if wanted == "full" { full } else { wanted.parse().unwrap_or(quick) }
}
