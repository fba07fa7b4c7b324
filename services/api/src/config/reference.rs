//! The reference page of variables, made from their table.

use std::fmt::Write;

use super::variable::{Group, Kind, PREPARING, SERVING};

/// The page as Markdown, as it is committed in `CONFIG.md`.
#[must_use]
pub fn page() -> String {
    let mut text = String::from(
        "# Configuration of dispatch-api\n\n\
         Made from the table in `src/config/variable.rs` by `dispatch-api config`; a test compares. Everything is read\n\
         once, at the start. What would make the service unsafe or unable to start as asked refuses the start, with\n\
         every reason at once; a value of the original contract that cannot be read is replaced by its default, with a\n\
         warning in the log.\n",
    );
    for group in SERVING.iter().chain([&PREPARING]) {
        section(&mut text, group);
    }
    text.push_str("\n## Kinds\n\n| kind | rule |\n|---|---|\n");
    for kind in KINDS {
        // Writing into a String cannot fail.
        let _ = writeln!(text, "| {} | {} |", kind.word(), rule(*kind));
    }
    text
}

fn section(text: &mut String, group: &Group) {
    let _ =
        write!(text, "\n## {}\n\n| variable | kind | default | meaning |\n|---|---|---|---|\n", group.title);
    for variable in group.variables {
        let (name, kind) = (variable.name, variable.kind.word());
        let _ = writeln!(text, "| `{name}` | {kind} | {} | {} |", variable.default, variable.meaning);
    }
}

const KINDS: &[Kind] = &[
    Kind::Text,
    Kind::BooleanA,
    Kind::BooleanB,
    Kind::Count,
    Kind::Percent,
    Kind::Positive,
    Kind::Number,
    Kind::List,
    Kind::Path,
    Kind::Secret,
];

const fn rule(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "Trimmed; blank counts as unset",
        Kind::BooleanA => {
            "`1 true yes on` or `0 false no off`, in any case; else the default, with a warning"
        }
        Kind::BooleanB => "As boolean A, and `enabled` or `disabled`",
        Kind::Count => "The leading digits, 0 included; else the default, with a warning",
        Kind::Percent => "As a count, at most 100",
        Kind::Positive => "A whole number above 0, `1e3` included; else the default, with a warning",
        Kind::Number => "A whole number within its limits; else the start is refused",
        Kind::List => "Separated by commas, lower-cased; empty entries are dropped",
        Kind::Path => "Relative paths are taken from the working directory; blank is off",
        Kind::Secret => "Never shown; taken as it is",
    }
}
