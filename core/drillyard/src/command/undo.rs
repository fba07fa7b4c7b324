//! `undo`: undoes by hand what runs have left at work.

use std::path::{Path, PathBuf};

use drillyard_engine::stack::replay::{Replayed, replay};

use crate::command::{Common, complain, print};
use crate::exit;

/// Undoes the faults of one run, or of every run that left a ledger.
#[must_use]
pub fn run(common: &Common, run: Option<&str>) -> u8 {
    let root = match common.root() {
        Ok(root) => root,
        Err(code) => return code,
    };
    let work = root.state().join("work");
    let folders = ledgers(&work, run);
    if folders.is_empty() {
        let text = match run {
            Some(run) => format!("no run `{run}` has left a ledger in {}", work.display()),
            None => "no run has left anything to undo".to_owned(),
        };
        return if run.is_some() { complain(exit::NOTHING_PROVED, &text) } else { said(&text) };
    }
    folders.iter().map(|folder| undo(folder)).max().unwrap_or(exit::PASSED)
}

fn said(text: &str) -> u8 {
    print(text);
    exit::PASSED
}

/// Folders of runs with a ledger, in order of name, which is their order in time.
fn ledgers(work: &Path, run: Option<&str>) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(work).into_iter().flatten().flatten().map(|entry| entry.path());
    let meant = |folder: &PathBuf| run.is_none_or(|run| folder.file_name().is_some_and(|name| name == run));
    let has_ledger = |folder: &PathBuf| folder.join(drillyard_engine::stack::undo::FILE).is_file();
    let mut folders: Vec<PathBuf> = entries.filter(meant).filter(has_ledger).collect();
    folders.sort();
    folders
}

fn undo(folder: &Path) -> u8 {
    match replay(folder) {
        Ok(replayed) => show(&replayed),
        Err(error) => complain(exit::RESIDUE, &format!("{}: {error}", folder.display())),
    }
}

fn show(replayed: &Replayed) -> u8 {
    let Replayed { run_id, runner, faults, residue } = replayed;
    match runner {
        Some(runner) => print(&format!("{run_id}: its runner, process {runner}, goes on")),
        None => print(&format!("{run_id}: its runner is gone; everything it started is removed")),
    }
    for fault in faults {
        print(&format!("  {fault}"));
    }
    for line in residue.lines() {
        complain(exit::RESIDUE, &format!("  still there: {line}"));
    }
    if residue.is_empty() { exit::PASSED } else { exit::RESIDUE }
}
