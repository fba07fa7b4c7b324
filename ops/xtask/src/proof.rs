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

/// Names of the API's proofs and the tests that are them.
const OF_THE_API: [(&str, &str); 4] = [
    ("same-key", "same_key::"),
    ("crash", "crash::"),
    ("fuzz", "fuzz::"),
    ("schemathesis", "schemathesis::"),
];

/// Runs a proof of the API: in full with size 0, else so many clients, kills, bodies or examples. The last one needs
/// `schemathesis` on the search path or in the variable SCHEMATHESIS.
///
/// # Errors
/// There is no such proof, or it does not hold.
#[expect(clippy::disallowed_methods, reason = "the proof runs the test target that holds it")]
pub fn api(name: &str, size: usize) -> Result<()> {
    let Some((_, filter)) = OF_THE_API.iter().find(|(known, _)| *known == name) else {
        bail!(
            "there is no proof `{name}`; there are aborts, {}",
            OF_THE_API.map(|(known, _)| known).join(", ")
        );
    };
    let size = if size == 0 { "full".to_owned() } else { size.to_string() };
    let status = Command::new("cargo")
        .args(["test", "--workspace", "--test", "proofs", "--", filter, "--include-ignored", "--nocapture"])
        .env("DISPATCH_PROOF", size)
        .status()
        .context("starting cargo")?;
    if !status.success() {
        bail!("the proof failed");
    }
    Ok(())
}
