//! `list`: what could be run, and the sentences features may use.

use crate::command::{Common, complain, print};
use crate::exit;
use crate::select::{Filter, select};

/// Lists units or phrases; a filter that matches nothing is an error.
#[must_use]
pub fn run(common: &Common, filter: &Filter, phrases: bool) -> u8 {
    let (_, loaded) = match common.load_checked() {
        Ok(loaded) => loaded,
        Err(code) => return code,
    };
    if phrases {
        for phrase in &loaded.project.vocabulary.phrases {
            print(&format!("{}  ({})", phrase.expression, phrase.source.path()));
        }
        return exit::PASSED;
    }
    let tasks = match select(&loaded.project, filter) {
        Ok(tasks) => tasks,
        Err(error) => return complain(exit::NOTHING_PROVED, &error.to_string()),
    };
    if tasks.is_empty() {
        return complain(
            exit::NOTHING_PROVED,
            "nothing matches; `drillyard list` without a filter shows everything",
        );
    }
    for task in tasks {
        let drill = task.drill();
        let tags: String =
            drill.tags.iter().map(|tag| format!(" @{}", tag.trim_start_matches('@'))).collect();
        print(&format!("{:<8}  {}  {}{tags}", task.kind().as_str(), drill.id, drill.title));
    }
    exit::PASSED
}
