//! `lsp`: the language server, for editors.

use crate::command::{Common, complain};
use crate::exit;
use crate::lsp;

/// Serves an editor on standard input and output until it says that it is done.
#[must_use]
pub fn run(common: &Common) -> u8 {
    match lsp::serve(common.start()) {
        Ok(()) => exit::PASSED,
        Err(error) => complain(exit::INTERNAL, &error.to_string()),
    }
}
