//! `schema`: JSON Schemas of the project's files, for editors.

use drillyard_spec::diagnostic::suggest;
use drillyard_spec::schema;

use crate::command::{complain, print};
use crate::exit;

/// Prints the schema of a kind, or which kinds there are.
#[must_use]
pub fn run(kind: Option<&str>) -> u8 {
    let Some(kind) = kind else {
        for (kind, what) in schema::KINDS {
            print(&format!("{kind:<11} {what}"));
        }
        return exit::PASSED;
    };
    match schema::text(kind) {
        Some(text) => {
            print(&text);
            exit::PASSED
        }
        None => {
            let help = suggest(kind, schema::KINDS.iter().map(|(kind, _)| *kind)).unwrap_or_default();
            complain(exit::TEXT_WRONG, &format!("there is no schema `{kind}`; {help}"))
        }
    }
}
