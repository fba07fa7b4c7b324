//! Undoing by hand what a run has left at work, with nothing but its ledger.

use std::fs;
use std::io;
use std::path::Path;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::container::sweep;
use super::process::set_limit;
use super::reaper::{self, Residue};
use super::undo::{self, Entry, MARK, Undo};

/// What came of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    /// The run's name.
    pub run_id: String,
    /// Process id of its runner, while that is alive.
    pub runner: Option<u32>,
    /// Faults that were at work and what was done about each, one sentence per fault.
    pub faults: Vec<String>,
    /// What is left; only of a run whose runner is gone.
    pub residue: Residue,
}

/// Undoes the faults of the run in `run_dir` that are still at work. A run whose runner is gone is removed with all it
/// started; of one that goes on, processes that stand still go on too, and the rest is its runner's to undo.
///
/// # Errors
/// When the ledger of the run cannot be read.
pub fn replay(run_dir: &Path) -> io::Result<Replayed> {
    let entries = undo::read(run_dir)?;
    let named = entries.iter().find_map(|entry| match entry {
        Entry::Run { run_id, runner } => Some((run_id.clone(), *runner)),
        _ => None,
    });
    let (run_id, runner) =
        named.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the undo ledger names no run"))?;
    let alive = is_alive(runner, run_dir);
    let open = undo::open_faults(&entries);
    let faults = open
        .iter()
        .map(|(id, what, undo)| format!("{id} {what}: {}", undone((&run_id, &entries), undo, alive)))
        .collect();
    let residue = if alive { Residue::default() } else { reaper::reap(run_dir)? };
    Ok(Replayed { run_id, runner: alive.then_some(runner), faults, residue })
}

fn undone((run_id, entries): (&str, &[Entry]), undo: &Undo, alive: bool) -> String {
    if !alive {
        return "undone, for all of its run is removed".to_owned();
    }
    match undo {
        Undo::Continue { service, pid: Some(pid), .. } if goes_on(run_id, *pid) => {
            format!("{service} goes on")
        }
        Undo::Continue { service, container: Some(id), .. }
            if undo::engines(entries).any(|host| sweep::unpause(host, id)) =>
        {
            format!("{service} goes on")
        }
        Undo::Continue { service, .. } => format!("{service} is not there any more"),
        Undo::Start { service } => format!("{service} is started by its runner, when the unit ends"),
        Undo::Limit { service, pid: Some(pid), resource, before } if is_of(run_id, *pid) => {
            match set_limit(*pid, *resource, *before) {
                Ok(()) => format!("the limit of {service} is lifted"),
                Err(error) => format!("the limit of {service} stays: {error}"),
            }
        }
        Undo::Limit { service, .. } => format!("{service} is not there any more"),
        Undo::Unmount { .. } => "it is undone by its runner, when the unit ends".to_owned(),
        Undo::StartServer => "its server is started by its runner, or goes with the lane".to_owned(),
        Undo::Runner => "it ends with its runner, or when the unit ends".to_owned(),
        Undo::Setting { database } => format!("it goes with the database {database}, when the unit ends"),
    }
}

/// Lets a process go on, when it is one of this run: numbers of processes are used again.
fn goes_on(run_id: &str, pid: u32) -> bool {
    let number = i32::try_from(pid).ok().filter(|_| is_of(run_id, pid));
    number.is_some_and(|number| kill(Pid::from_raw(number), Signal::SIGCONT).is_ok())
}

/// Whether a process carries the mark of the run.
fn is_of(run_id: &str, pid: u32) -> bool {
    let mark = format!("{MARK}={run_id}").into_bytes();
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environment.split(|byte| *byte == 0).any(|variable| variable == mark)
}

/// Whether the runner of a run is there: some process of its number that has the run's ledger open.
fn is_alive(runner: u32, run_dir: &Path) -> bool {
    let Ok(ledger) = fs::canonicalize(run_dir.join(undo::FILE)) else { return false };
    let Ok(open) = fs::read_dir(format!("/proc/{runner}/fd")) else { return false };
    open.flatten().any(|entry| fs::read_link(entry.path()).is_ok_and(|target| target == ledger))
}
