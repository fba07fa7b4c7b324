//! `reap`: cleans up after a runner that was killed.

use std::path::Path;

use drillyard_engine::stack::reaper;

use crate::command::{complain, print};
use crate::exit;

/// Waits for the runner to end, then removes whatever it left.
#[must_use]
pub fn run(run_dir: &Path) -> u8 {
    match reaper::attend(run_dir) {
        Ok(residue) if residue.is_empty() => exit::PASSED,
        Ok(residue) => {
            print(&residue.lines().join("\n"));
            exit::RESIDUE
        }
        Err(error) => complain(exit::RESIDUE, &format!("{}: {error}", run_dir.display())),
    }
}
