//! `explain`: what a diagnostic's code means, or how an action is written.

use drillyard_spec::code::Code;
use drillyard_spec::diagnostic::suggest;
use drillyard_spec::drill::{ACTIONS, ActionInfo};
use drillyard_spec::fault::{FAULTS, FaultInfo};
use drillyard_spec::pattern::MARKER_DOCS;
use drillyard_spec::reference;

use crate::command::{complain, print};
use crate::exit;

/// The word that stands for the whole language.
const REFERENCE: &str = "reference";

/// Explains one thing, or lists everything that can be explained.
#[must_use]
pub fn run(what: Option<&str>) -> u8 {
    let Some(what) = what else {
        for code in Code::ALL {
            print(&format!("{code}  {}", code.title()));
        }
        for info in ACTIONS {
            print(&format!("{:<9} {}", info.name, info.summary));
        }
        for info in FAULTS {
            print(&format!("{:<22} fault: {}", info.name, info.summary));
        }
        for (marker, doc) in MARKER_DOCS {
            print(&format!("{marker:<18} {doc}"));
        }
        return exit::PASSED;
    };
    if what == REFERENCE {
        print(reference::page().trim_end());
        return exit::PASSED;
    }
    if let Some(code) = Code::find(what) {
        print(&format!("{code}: {}\n\n{}", code.title(), code.explanation()));
        return exit::PASSED;
    }
    if let Some(info) = ACTIONS.iter().find(|info| info.name == what) {
        print(&action(info));
        return exit::PASSED;
    }
    if let Some(info) = FaultInfo::find(what) {
        print(&fault(info));
        return exit::PASSED;
    }
    let marker = MARKER_DOCS.iter().find(|(marker, _)| marker.split(' ').next() == Some(what));
    if let Some((marker, doc)) = marker {
        print(&format!("{marker}: {doc}"));
        return exit::PASSED;
    }
    let known = Code::ALL.iter().map(|code| code.as_str()).chain(ACTIONS.iter().map(|info| info.name));
    let known = known.chain(FAULTS.iter().map(|info| info.name));
    let help = suggest(what, known).unwrap_or_default();
    complain(exit::TEXT_WRONG, &format!("there is no code, action, fault or marker `{what}`; {help}"))
}

fn fault(info: &FaultInfo) -> String {
    let keys = |keys: &[&str]| if keys.is_empty() { "nothing".to_owned() } else { keys.join(", ") };
    format!(
        "{}: {}\n\nneeds {}\nmay have {}\n\nfault: {{ {}: TARGET }}",
        info.name,
        info.summary,
        keys(info.needs),
        keys(info.may),
        info.name
    )
}

fn action(info: &ActionInfo) -> String {
    let fields = if info.fields.is_empty() { "none".to_owned() } else { info.fields.join(", ") };
    let keys: String = info.keys.iter().map(|(key, what)| format!("  {key}: {what}\n")).collect();
    format!("{}: {}\n\n{keys}\nfields of its answer: {fields}\n\n{}", info.name, info.summary, info.example)
}
