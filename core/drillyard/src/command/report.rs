//! `report`: a bundle in another form.

use std::path::Path;

use drillyard_report::format::{self, FORMATS};

use crate::command::verify::bundle_dir;
use crate::command::{Common, complain, print};
use crate::exit;

/// Prints a bundle in the named format.
#[must_use]
pub fn run(common: &Common, given: Option<&Path>, name: &str) -> u8 {
    let Some(form) = format::find(name) else {
        let known: Vec<&str> = FORMATS.iter().map(|form| form.name).collect();
        return complain(
            exit::TEXT_WRONG,
            &format!("there is no format `{name}`; known are {}", known.join(", ")),
        );
    };
    let dir = match bundle_dir(common, given) {
        Ok(dir) => dir,
        Err(code) => return code,
    };
    match format::report(&dir, form) {
        Ok(text) => {
            print(&text);
            exit::PASSED
        }
        Err(error) => complain(exit::TAMPERED, &format!("{}: {error}", dir.display())),
    }
}
