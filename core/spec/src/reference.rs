//! The reference of the drill language, written from the catalog so that it cannot differ from it.

use std::fmt::Write as _;

use crate::catalog::{ACTIONS, ActionInfo, DRILL_DOCS, STEP_DOCS};
use crate::code::Code;
use crate::fault::{FAULTS, KEY_DOCS};
use crate::pattern::{MARKER_DOCS, PATTERN_KEY_DOCS};
use crate::phrase::Vocabulary;
use crate::shape::gate::GATE_DOCS;
use crate::shape::project::{BLOCK_DOCS, PHRASE_DOCS};
use crate::shape::topology::{FILE_DOCS, SERVICE_DOCS};

/// The whole page, as Markdown.
#[must_use]
pub fn page() -> String {
    let mut page = String::from(
        "# The drill language\n\nWritten from the catalog by `cargo xtask generate`; changes belong there.\n",
    );
    table(&mut page, "Keys of a drill", DRILL_DOCS);
    table(&mut page, "Keys of a step", STEP_DOCS);
    table(&mut page, "Keys of a block", BLOCK_DOCS);
    page.push_str("\n## Actions\n\nA step has exactly one.\n");
    for info in ACTIONS {
        action(&mut page, info);
    }
    faults(&mut page);
    page.push_str("\n## Patterns\n\nPlain values are equal. Objects have exactly the members named, unless they have `\"...\": any`; lists have exactly the elements given, unless the last is `...`. Text that begins with `#` is a marker; `##` stands for a literal `#`. Numbers are compared by value, without rounding; names of headers in any case.\n");
    table(&mut page, "Markers", MARKER_DOCS);
    table(&mut page, "Patterns with a key", PATTERN_KEY_DOCS);
    table(
        &mut page,
        "Expectations on a document",
        &[
            (
                "jsonpath: { PATH: PATTERN }",
                "what the JSONPath (RFC 9535) selects in the answer's document fits; a path of names and indexes gives its value, any other the list of what it selects",
            ),
            ("schema: FILE", "the answer's document conforms to the JSON Schema in a file of the project"),
        ],
    );
    table(&mut page, "Keys of a phrase in `features/vocabulary.yaml`", PHRASE_DOCS);
    table(&mut page, "Keys of `x-drillyard` in the Compose file", FILE_DOCS);
    table(&mut page, "Keys of `x-drillyard` of a service", SERVICE_DOCS);
    table(&mut page, "Keys of a gate", GATE_DOCS);
    page.push_str("\n## Sentences\n\nWhat features may say without a vocabulary of their own.\n\n");
    for phrase in Vocabulary::read(None, &mut Vec::new()).phrases {
        let _ = writeln!(page, "- `{}`", phrase.expression);
    }
    page.push_str(
        "\n## Diagnostics\n\n`drillyard explain CODE` tells more.\n\n| code | mistake |\n|---|---|\n",
    );
    for code in Code::ALL {
        let _ = writeln!(page, "| {code} | {} |", cell(code.title()));
    }
    page
}

/// The catalog of faults, and where each works.
fn faults(page: &mut String) {
    page.push_str("\n## Faults\n\nThe value of a kind is its target. Each is written to the undo ledger before it happens, seen to by its witness, and undone at the unit's end, on Ctrl-C, by the reaper when the runner is killed, or by `drillyard undo`.\n\n| kind | does | keys | process | container | attached |\n|---|---|---|---|---|---|\n");
    for info in FAULTS {
        let works = info.works();
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | {} | {} | {} |",
            info.name,
            cell(info.summary),
            info.keys(),
            works.process,
            works.container,
            works.attached
        );
    }
    table(page, "Keys of faults", KEY_DOCS);
}

/// A drill whose steps are the examples of the page, so that every one of them is carried out. Only that of `human` is
/// left out, which a person has to confirm.
#[must_use]
pub fn drill() -> String {
    let mut drill = String::from(
        "# The examples of core/spec/REFERENCE.md, written from the catalog by the test that writes that page.\n\
         drill: reference\ntitle: Every example of the reference holds on a fresh lane\ntags: [reference]\nbudget: 2m\nsteps:\n",
    );
    // What is done to the service comes last; what looks back needs something to look at.
    let (faults, others): (Vec<&ActionInfo>, Vec<&ActionInfo>) =
        ACTIONS.iter().filter(|info| info.name != "human").partition(|info| info.name == "fault");
    for info in others.into_iter().chain(faults) {
        if info.name == "last" {
            drill.push_str("  - http: { get: dispatch-api/readyz }\n    expect: { status: 200 }\n");
        }
        let _ = writeln!(drill, "  - {}", info.example.trim_end().replace('\n', "\n    "));
    }
    drill
}

fn table(page: &mut String, title: &str, rows: &[(&str, &str)]) {
    let _ = write!(page, "\n## {title}\n\n| | |\n|---|---|\n");
    for (name, what) in rows {
        let _ = writeln!(page, "| `{}` | {} |", cell(name), cell(what));
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn action(page: &mut String, info: &ActionInfo) {
    let _ = write!(page, "\n### {}\n\nThe step {}.\n\n", info.name, info.summary);
    for (key, what) in info.keys {
        let _ = writeln!(page, "- `{key}`: {what}");
    }
    if !info.fields.is_empty() {
        let fields: Vec<String> = info.fields.iter().map(|field| format!("`{field}`")).collect();
        let _ = writeln!(page, "\nIts answer has {}.", fields.join(", "));
    }
    let _ = write!(page, "\n```yaml\n{}```\n", info.example);
}
