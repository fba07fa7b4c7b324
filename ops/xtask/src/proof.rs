//! Proofs that take too long for `cargo test`.

use std::process::Command;

use anyhow::{Context as _, Result, bail};

/// Ends so many runs at random instants with faults at work, by INT, TERM and KILL in turn, and looks what is left.
/// The test target `faults` does it; a few of the same are among its tests.
///
/// # Errors
/// Anything is left of any run, or its journal cannot be read.
#[expect(clippy::disallowed_methods, reason = "the proof runs the test target that holds it")]
pub fn aborts(runs: usize, seed: usize) -> Result<()> {
    let status = Command::new("cargo")
        .args(["test", "--quiet", "--workspace", "--test", "faults", "--", "prove-aborts"])
        .args([runs.to_string(), seed.to_string()])
        .status()
        .context("starting cargo")?;
    if !status.success() {
        bail!("the proof failed");
    }
    Ok(())
}
