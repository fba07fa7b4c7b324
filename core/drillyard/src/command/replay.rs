//! `replay`: the console of a run once more, from its journal.

use std::path::Path;

use drillyard_report::format::console::{Console, Look};
use drillyard_report::journal::JournalReader;
use drillyard_report::manifest::JOURNAL;
use drillyard_report::mask::Masker;

use crate::command::verify::bundle_dir;
use crate::command::{Common, complain};
use crate::exit;

/// Shows every record of a bundle as the run showed it, also of a run that was interrupted.
#[must_use]
pub fn run(common: &Common, given: Option<&Path>) -> u8 {
    let dir = match bundle_dir(common, given) {
        Ok(dir) => dir,
        Err(code) => return code,
    };
    let records = match JournalReader::open(&dir.join(JOURNAL)) {
        Ok(records) => records,
        Err(error) => return complain(exit::TAMPERED, &error.to_string()),
    };
    // What comes out of a bundle was masked on its way in.
    let look = Look { color: common.color(), terminal: false };
    let mut console = Console::new(std::io::stdout(), look, Masker::default());
    for record in records {
        match record {
            // A reader that has gone away is not an error of ours.
            Ok(record) => {
                if console.record(record).is_err() {
                    return exit::PASSED;
                }
            }
            Err(error) => return complain(exit::TAMPERED, &error.to_string()),
        }
    }
    exit::PASSED
}
