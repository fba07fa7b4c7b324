//! `--until STEP`: a unit that stops after one of its steps, for somebody who wants to look at what is there by then.

use drillyard_spec::diagnostic::suggest;
use drillyard_spec::drill::{Drill, Step};
use drillyard_spec::feature::Scenario;

use crate::select::Task;

/// Cuts the one task that has a step of that id, title, sentence or line; gives what is wrong when there is none, or
/// several.
///
/// # Errors
/// A sentence.
pub fn cut(tasks: &mut [Task], wanted: &str) -> Result<(), String> {
    let found: Vec<(usize, usize)> =
        tasks.iter().enumerate().filter_map(|(at, task)| Some((at, position(task, wanted)?))).collect();
    match found.as_slice() {
        [] => {
            let names: Vec<String> = tasks.iter().flat_map(names).collect();
            let help = suggest(wanted, names.iter().map(String::as_str)).unwrap_or_default();
            Err(format!("no step is called `{wanted}`, and none is on a line of that number; {help}"))
        }
        [(at, position)] => {
            stop_after(&mut tasks[*at], *position, wanted);
            Ok(())
        }
        several => {
            let units: Vec<&str> = several.iter().map(|(at, _)| tasks[*at].drill().id.as_str()).collect();
            Err(format!("several units have a step `{wanted}`: {}; name one of them", units.join(", ")))
        }
    }
}

fn names(task: &Task) -> Vec<String> {
    match task {
        Task::Drill(drill) => {
            let name = |step: &Step| step.id.clone().unwrap_or_else(|| step.title.clone());
            drill.steps.iter().map(name).collect()
        }
        Task::Scenario(scenario) => {
            scenario.sentences.iter().map(|sentence| plain(&sentence.text).to_owned()).collect()
        }
    }
}

/// A sentence without its keyword.
fn plain(sentence: &str) -> &str {
    sentence.split_once(' ').map_or(sentence, |(_, rest)| rest)
}

/// The last step, or sentence, that is meant.
fn position(task: &Task, wanted: &str) -> Option<usize> {
    let line = wanted.rsplit(':').next().and_then(|line| line.parse::<usize>().ok());
    let here = |file: &str| wanted.rsplit_once(':').is_none_or(|(path, _)| file.ends_with(path));
    match task {
        Task::Drill(drill) => {
            let named = |step: &Step| step.id.as_deref() == Some(wanted) || step.title == wanted;
            let holds = |step: &&Step| named(step) || inside(step).iter().any(|step| named(step));
            let by_name = drill.steps.iter().rposition(|step| holds(&step));
            by_name.or_else(|| {
                // The step a line belongs to is the last one that begins at it or above.
                let file = &drill.place.file;
                let begins = |step: &Step| {
                    step.place.file == *file && line.is_some_and(|line| step.place.line <= line) && here(file)
                };
                drill.steps.iter().rposition(begins)
            })
        }
        Task::Scenario(scenario) => scenario.sentences.iter().rposition(|sentence| {
            let by_line = Some(sentence.line) == line && here(&scenario.drill.place.file);
            sentence.text == wanted || plain(&sentence.text) == wanted || by_line
        }),
    }
}

fn inside(step: &Step) -> Vec<&Step> {
    let inner = step.action.inner().into_iter().flatten();
    inner.flat_map(|step| std::iter::once(step).chain(inside(step))).collect()
}

fn stop_after(task: &mut Task, position: usize, wanted: &str) {
    let reason = Some(format!("stopped after `{wanted}`, as asked; what comes later is not proved"));
    match task {
        Task::Drill(drill) => stop_drill(drill, position, reason),
        Task::Scenario(scenario) => stop_scenario(scenario, position, reason),
    }
}

fn stop_drill(drill: &mut Drill, position: usize, reason: Option<String>) {
    drill.steps.truncate(position + 1);
    drill.cut = reason;
}

fn stop_scenario(scenario: &mut Scenario, position: usize, reason: Option<String>) {
    scenario.sentences.truncate(position + 1);
    let steps = scenario.sentences.iter().map(|sentence| sentence.steps).sum();
    scenario.drill.steps.truncate(steps);
    scenario.drill.cut = reason;
    if let Some(played) = scenario.feature.scenarios.first_mut() {
        played.steps.truncate(position + 1);
    }
}
