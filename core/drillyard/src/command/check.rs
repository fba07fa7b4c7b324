//! `check`: every mistake of all texts in one pass.

use crate::command::{Common, Output, complain, print};
use crate::exit;
use crate::render::{self, Style};

/// Checks the project; 0 when nothing is wrong, 3 when texts only say nothing, 2 otherwise.
#[must_use]
pub fn run(common: &Common, output: Output) -> u8 {
    let (_, loaded) = match common.load() {
        Ok(loaded) => loaded,
        Err(code) => return code,
    };
    let project = &loaded.project;
    let style = match output {
        Output::Human => Style::Human { color: common.color() },
        Output::Json => Style::Json,
        Output::Github => Style::Github,
    };
    if project.diagnostics.is_empty() {
        if output == Output::Human {
            let steps: usize = project.drills.iter().map(|drill| drill.steps.len()).sum();
            print(&format!(
                "{} drills ({steps} steps) and {} scenarios: nothing wrong",
                project.drills.len(),
                project.scenarios.len()
            ));
        }
        return exit::PASSED;
    }
    let code = exit::of_texts(&project.diagnostics);
    let text = render::render(&project.diagnostics, &loaded.texts, style);
    if output == Output::Human {
        complain(0, &text);
        let count = project.diagnostics.len();
        let things = if count == 1 { "1 mistake".to_owned() } else { format!("{count} mistakes") };
        complain(code, &format!("{things}; `drillyard explain CODE` tells more about one"))
    } else {
        print(&text);
        code
    }
}
