//! `diff`: two bundles side by side.

use std::path::Path;

use drillyard_report::compare::compare;
use drillyard_report::history::History;

use crate::command::verify::bundle_dir;
use crate::command::{Common, complain, print};
use crate::exit;

/// Compares two bundles: 0 when verdicts and answers are the same, 1 otherwise.
#[must_use]
pub fn run(common: &Common, old: &Path, new: &Path) -> u8 {
    let read = |path: &Path| {
        let dir = bundle_dir(common, Some(path))?;
        History::read(&dir).map_err(|error| complain(exit::TAMPERED, &format!("{}: {error}", dir.display())))
    };
    match (read(old), read(new)) {
        (Ok(old), Ok(new)) => {
            let compared = compare(&old, &new);
            print(&compared.text);
            if compared.verdicts + compared.answers == 0 { exit::PASSED } else { exit::FAILED }
        }
        (Err(code), _) | (_, Err(code)) => code,
    }
}
