//! `watch`: checks and runs again what a saved file changes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use drillyard_spec::project::TOPOLOGY_PATH;
use notify::{Event, EventKind, RecursiveMode, Watcher as _};

use crate::command::run::{Asked, Run, options};
use crate::command::{Common, complain, print, runtime};
use crate::exit;
use crate::interrupt;
use crate::render::{self, Style};
use crate::root::{Loaded, Root};
use crate::select::{Task, select};

/// An editor saves in several moves; what comes within this time is one change.
const SETTLED: Duration = Duration::from_millis(150);
/// How often an interruption is looked for.
const TICK: Duration = Duration::from_millis(200);

/// Folders whose files say what is run.
const FOLDERS: &[&str] = &["drills", "features", "ops", "snapshots"];

/// Runs what was asked for, and again whatever a saved file changes, until it is interrupted.
#[must_use]
pub fn run(common: &Common, asked: &Asked, only_check: bool) -> u8 {
    let root = match common.root() {
        Ok(root) => root,
        Err(code) => return code,
    };
    let (sender, changes) = channel();
    let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        // The receiver is gone only when the command ends.
        let _ = event.map(|event| sender.send(event));
    });
    let mut watcher = match watcher {
        Ok(watcher) => watcher,
        Err(error) => return complain(exit::INTERNAL, &format!("files cannot be watched: {error}")),
    };
    for folder in FOLDERS.iter().map(|folder| root.path().join(folder)).filter(|folder| folder.is_dir()) {
        if let Err(error) = watcher.watch(&folder, RecursiveMode::Recursive) {
            return complain(exit::INTERNAL, &format!("{} cannot be watched: {error}", folder.display()));
        }
    }
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(code) => return code,
    };
    let interrupted = match runtime.block_on(async { interrupt::token() }) {
        Ok(token) => token,
        Err(error) => return complain(exit::INTERNAL, &format!("no signal handler: {error}")),
    };
    let mut changed: Option<BTreeSet<String>> = None;
    loop {
        look(common, asked, (&root, changed.as_ref()), &runtime, only_check);
        if interrupted.is_cancelled() {
            return exit::INTERRUPTED;
        }
        print("waiting for a saved file; Ctrl-C ends");
        changed = loop {
            if interrupted.is_cancelled() {
                return exit::INTERRUPTED;
            }
            if let Some(files) = next(&changes, root.path()) {
                break Some(files);
            }
        };
    }
}

/// The files of the next change, relative to the root; nothing for a while without one.
fn next(changes: &Receiver<Event>, root: &Path) -> Option<BTreeSet<String>> {
    let mut files = match changes.recv_timeout(TICK) {
        Ok(event) => saved(&event, root),
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
    };
    while let Ok(event) = changes.recv_timeout(SETTLED) {
        files.extend(saved(&event, root));
    }
    (!files.is_empty()).then_some(files)
}

fn saved(event: &Event, root: &Path) -> BTreeSet<String> {
    let counts = matches!(event.kind, EventKind::Create(_) | EventKind::Modify(_) | EventKind::Remove(_));
    let relative = |path: &PathBuf| Some(path.strip_prefix(root).ok()?.to_string_lossy().replace('\\', "/"));
    let text = |path: &String| {
        [".yaml", ".feature", ".md", ".json", ".snap"].iter().any(|ending| path.ends_with(ending))
    };
    if counts { event.paths.iter().filter_map(relative).filter(text).collect() } else { BTreeSet::new() }
}

/// Checks everything; when nothing is wrong, runs what the change concerns.
fn look(
    common: &Common,
    asked: &Asked,
    (root, changed): (&Root, Option<&BTreeSet<String>>),
    runtime: &tokio::runtime::Runtime,
    only_check: bool,
) {
    for file in changed.into_iter().flatten() {
        print(&format!("{file} was saved"));
    }
    let loaded = match root.load() {
        Ok(loaded) => loaded,
        Err(error) => {
            complain(exit::TEXT_WRONG, &format!("the project could not be read: {error}"));
            return;
        }
    };
    if !loaded.project.diagnostics.is_empty() {
        let style = Style::Human { color: common.color() };
        complain(exit::TEXT_WRONG, &render::render(&loaded.project.diagnostics, &loaded.texts, style));
        return;
    }
    if only_check {
        print("nothing wrong");
        return;
    }
    let tasks = match select(&loaded.project, &asked.filter) {
        Ok(tasks) => concerned(&loaded, tasks, changed),
        Err(error) => {
            complain(exit::NOTHING_PROVED, &error.to_string());
            return;
        }
    };
    if tasks.is_empty() {
        print("nothing that is watched is concerned");
        return;
    }
    let run = Run { root: root.clone(), loaded, tasks, whole: false, bootstrap: false };
    let code = run.carry_out_on(runtime, options(common, asked));
    print(&format!("exit code {code}"));
}

/// The tasks a change concerns: those written in a changed file or using one; all of them when the change is to
/// something they share.
fn concerned(loaded: &Loaded, tasks: Vec<Task>, changed: Option<&BTreeSet<String>>) -> Vec<Task> {
    let Some(changed) = changed else { return tasks };
    let shared = |file: &String| {
        file == TOPOLOGY_PATH || file == "features/vocabulary.yaml" || file.ends_with(".json")
    };
    if changed.iter().any(shared) {
        return tasks;
    }
    let uses = |task: &Task| {
        let drill = task.drill();
        let folder = |file: &String| file.starts_with(&format!("snapshots/{}/", drill.id));
        let written = changed.contains(drill.place.file.as_ref());
        let runbook = drill.runbook.as_ref().is_some_and(|runbook| changed.contains(runbook));
        let included = drill.every_step().iter().any(|step| changed.contains(step.place.file.as_ref()));
        written || runbook || included || changed.iter().any(folder) || by_phrase(loaded, task, changed)
    };
    tasks.into_iter().filter(uses).collect()
}

/// Steps of a sentence are placed where the sentence stands; the blocks its phrase uses are found in the vocabulary.
fn by_phrase(loaded: &Loaded, task: &Task, changed: &BTreeSet<String>) -> bool {
    let Task::Scenario(scenario) = task else { return false };
    let blocks = || changed.iter().filter_map(|file| file.strip_prefix("drills/")?.strip_suffix(".yaml"));
    let uses_block = |text: &str| {
        let sentence = text.split_once(' ').map_or(text, |(_, rest)| rest);
        loaded.project.vocabulary.matches(sentence).iter().any(|(phrase, _)| {
            let steps = format!("{:?}", phrase.meaning);
            blocks().any(|block| steps.contains(block))
        })
    };
    scenario.sentences.iter().any(|sentence| uses_block(&sentence.text))
}
