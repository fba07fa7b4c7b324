//! `list`: what could be run, and the sentences features may use.

use drillyard_spec::drill::Drill;
use drillyard_spec::phrase::Phrase;
use serde_json::{Value, json};

use crate::command::{Common, complain, print};
use crate::exit;
use crate::select::{Filter, Task, select};

/// What is listed, and how.
#[derive(Debug, Clone, Copy, Default)]
pub struct Form {
    /// Sentences instead of units.
    pub phrases: bool,
    /// As one JSON document.
    pub json: bool,
}

/// Lists units or phrases; a filter that matches nothing is an error.
#[must_use]
pub fn run(common: &Common, filter: &Filter, form: Form) -> u8 {
    let (_, loaded) = match common.load_checked() {
        Ok(loaded) => loaded,
        Err(code) => return code,
    };
    if form.phrases {
        let phrases = &loaded.project.vocabulary.phrases;
        if form.json {
            let entry = |phrase: &Phrase| {
                let place = phrase.source.place(phrase.span);
                json!({ "phrase": phrase.expression, "args": phrase.args, "place": place })
            };
            print(&format!("{:#}", phrases.iter().map(entry).collect::<Value>()));
        } else {
            for phrase in phrases {
                print(&format!("{}  ({})", phrase.expression, phrase.source.path()));
            }
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
    if form.json {
        let entry = |task: &Task| {
            let Drill { id, title, place, tags, .. } = task.drill();
            let tags: Vec<&str> = tags.iter().map(|tag| tag.trim_start_matches('@')).collect();
            json!({ "unit": id, "kind": task.kind().as_str(), "title": title, "place": place, "tags": tags })
        };
        print(&format!("{:#}", tasks.iter().map(entry).collect::<Value>()));
        return exit::PASSED;
    }
    for task in tasks {
        let drill = task.drill();
        let tags: String =
            drill.tags.iter().map(|tag| format!(" @{}", tag.trim_start_matches('@'))).collect();
        print(&format!("{:<8}  {}  {}{tags}", task.kind().as_str(), drill.id, drill.title));
    }
    exit::PASSED
}
