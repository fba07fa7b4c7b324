//! `review`: snapshots that wait for a decision.

use drillyard_report::snapshot;

use crate::command::{Common, complain, on_ci, print};
use crate::exit;

/// Shows what is new or different, and accepts it when asked; on CI nothing is ever accepted.
#[must_use]
pub fn run(common: &Common, accept: bool, names: &[String]) -> u8 {
    if accept && on_ci() {
        return complain(exit::SNAPSHOT, "snapshots are accepted by a person, not on CI (`CI` is set)");
    }
    let root = match common.root() {
        Ok(root) => root,
        Err(code) => return code,
    };
    let waiting = match snapshot::pending(root.path()) {
        Ok(waiting) => waiting,
        Err(error) => return complain(exit::INTERNAL, &error.to_string()),
    };
    let meant = |file: &str| names.is_empty() || names.iter().any(|name| file.contains(name));
    let waiting: Vec<_> = waiting.into_iter().filter(|one| meant(&one.file)).collect();
    if waiting.is_empty() {
        print("no snapshot waits for a decision");
        return exit::PASSED;
    }
    for one in &waiting {
        print(&format!("{}\n{}", one.file, one.diff));
        if accept && let Err(error) = snapshot::accept(root.path(), &one.file) {
            return complain(exit::INTERNAL, &error.to_string());
        }
    }
    if accept {
        print(&format!("{} accepted", waiting.len()));
        exit::PASSED
    } else {
        print(&format!("{} wait for a decision; `drillyard review --accept` accepts them", waiting.len()));
        exit::SNAPSHOT
    }
}
