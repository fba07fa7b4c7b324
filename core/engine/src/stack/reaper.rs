//! What is left of a run is found and removed, by a process that outlives the runner.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::container::sweep;
use super::undo::{self, Entry, MARK};
use super::{mounts, shared_memory};
use crate::clock::{Deadline, Pace, sleep_blocking};

/// How long processes may take to end by themselves.
const GRACE: Duration = Duration::from_millis(500);
/// Bound for the whole of a reaping.
const BOUND: Duration = Duration::from_secs(4);
/// Pause before the look that confirms that nothing is left; a process that was just being started shows by then.
const SECOND_LOOK: Duration = Duration::from_millis(60);
/// What the runner writes when it has cleaned up by itself.
const DONE: u8 = b'.';

/// What could not be removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Residue {
    /// Processes, as `pid command`.
    pub processes: Vec<String>,
    /// Folders.
    pub directories: Vec<PathBuf>,
    /// Segments of shared memory that nobody uses, by id.
    pub segments: Vec<u32>,
    /// Containers, networks and volumes, as `container name`.
    pub on_engines: Vec<String>,
}

impl Residue {
    /// Whether nothing is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines().is_empty()
    }

    /// One line for each thing left.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let processes = self.processes.iter().map(|process| format!("process {process}"));
        let folders = self.directories.iter().map(|folder| format!("folder {}", folder.display()));
        let segments = self.segments.iter().map(|id| format!("shared memory {id}"));
        processes.chain(folders).chain(segments).chain(self.on_engines.iter().cloned()).collect()
    }
}

/// Ends every process of the run in `run_dir` and removes its data. Logs stay. May be repeated.
///
/// # Errors
/// When the ledger of the run cannot be read.
pub fn reap(run_dir: &Path) -> io::Result<Residue> {
    let traces = Traces::read(run_dir)?;
    traces.sweep();
    let deadline = Deadline::after(BOUND);
    let mut pace = Pace::default();
    let mut asked = BTreeSet::new();
    while !deadline.passed() {
        let left = traces.processes();
        if left.is_empty() {
            sleep_blocking(SECOND_LOOK);
            if traces.processes().is_empty() {
                break;
            }
            continue;
        }
        // Each is asked once; one that was only being started at the first look is asked at the next.
        left.iter().filter(|process| process.marked && asked.insert(process.pid)).for_each(Found::ask_to_end);
        if deadline.elapsed() > GRACE {
            left.iter().for_each(|process| signal(process.pid, Signal::SIGKILL));
        }
        pace.pause_blocking();
    }
    traces.remove_data();
    Ok(traces.residue())
}

/// Removes the data of a run whose processes have ended, and says what is left.
///
/// # Errors
/// When the ledger of the run cannot be read.
pub fn clear(run_dir: &Path) -> io::Result<Residue> {
    let traces = Traces::read(run_dir)?;
    if traces.processes().is_empty() {
        traces.sweep();
        traces.remove_data();
    }
    Ok(traces.residue())
}

/// What is left of the run in `run_dir` right now; nothing is touched.
///
/// # Errors
/// When the ledger of the run cannot be read.
pub fn look(run_dir: &Path) -> io::Result<Residue> {
    Ok(Traces::read(run_dir)?.residue())
}

/// Waits for the end of standard input, which is the end of the runner, and reaps unless the runner said that it has
/// cleaned up. This is all that `drillyard reap RUN_DIR` does.
///
/// # Errors
/// When the ledger of the run cannot be read.
pub fn attend(run_dir: &Path) -> io::Result<Residue> {
    let mut said = Vec::new();
    // A broken pipe is the end of the runner as well.
    let _ = io::stdin().lock().read_to_end(&mut said);
    if said.last() == Some(&DONE) { look(run_dir) } else { reap(run_dir) }
}

/// The reaper of a run: as long as this value lives, the runner lives.
#[derive(Debug)]
pub struct Reaper {
    child: Child,
    line: Option<ChildStdin>,
}

/// Starts `program reap RUN_DIR` in a process group of its own, so that Ctrl-C does not reach it.
///
/// # Errors
/// When the program cannot be started.
#[expect(clippy::disallowed_methods, reason = "the stack room starts processes")]
pub fn spawn_reaper(program: &Path, run_dir: &Path) -> io::Result<Reaper> {
    let log =
        fs::OpenOptions::new().create(true).append(true).open(run_dir.join("logs").join("reaper.log"))?;
    let mut child = Command::new(program)
        .arg("reap")
        .arg(run_dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(log)
        .env_remove(MARK)
        .current_dir("/")
        .process_group(0)
        .spawn()?;
    let line = child.stdin.take();
    Ok(Reaper { child, line })
}

impl Reaper {
    /// Process id of the reaper.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Tells the reaper that nothing is left, and waits for it to leave. Where something is left after all, it is told
    /// nothing and reaps.
    pub fn dismiss(mut self, clean: bool) {
        use std::io::Write;
        // Closed at the end of this statement, told or not, which is what the reaper waits for.
        if let (Some(mut line), true) = (self.line.take(), clean) {
            // If it is gone already there is nobody to tell.
            let _ = line.write_all(&[DONE]);
        }
        let _ = self.child.wait();
    }
}

/// A process of the run.
#[derive(Debug, Clone)]
struct Found {
    pid: i32,
    name: String,
    marked: bool,
}

/// What a run can be known by.
struct Traces {
    run_id: String,
    engines: Vec<Option<String>>,
    mark: Vec<u8>,
    directories: Vec<PathBuf>,
    segments: Vec<u32>,
    started: Vec<u32>,
    own: i32,
}

impl Traces {
    fn read(run_dir: &Path) -> io::Result<Self> {
        let entries = undo::read(run_dir)?;
        let run_id = entries.iter().find_map(|entry| match entry {
            Entry::Run { run_id, .. } => Some(run_id.clone()),
            _ => None,
        });
        let run_id = run_id
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the undo ledger names no run"))?;
        let root = fs::canonicalize(run_dir)?;
        let directories = entries.iter().filter_map(|entry| match entry {
            Entry::Directory { path } => Some(path.clone()),
            _ => None,
        });
        // Only folders of this very run are ever removed, whatever the ledger says.
        let own = |path: &PathBuf| {
            let plain =
                path.is_absolute() && !path.components().any(|part| part == std::path::Component::ParentDir);
            let scratch = path
                .components()
                .any(|part| part.as_os_str().to_str().is_some_and(|name| name == scratch_name(&run_id)));
            plain
                && ((path.starts_with(&root) && *path != root)
                    || (path.starts_with(run_dir) && path != run_dir)
                    || scratch)
        };
        let started = entries.iter().filter_map(|entry| match entry {
            Entry::Started { pid, .. } => Some(*pid),
            _ => None,
        });
        let directories: Vec<PathBuf> = directories.filter(own).collect();
        let engines = undo::engines(&entries).map(|host| host.map(str::to_owned)).collect();
        Ok(Self {
            engines,
            mark: format!("{MARK}={run_id}").into_bytes(),
            segments: directories.iter().filter_map(|folder| shared_memory::of_server_in(folder)).collect(),
            directories,
            started: started.collect(),
            own: i32::try_from(std::process::id()).unwrap_or(0),
            run_id,
        })
    }

    /// Every process that carries the mark or works in a folder of the run. PostgreSQL's own children overwrite their
    /// environment with their title, but stay in the data directory.
    fn processes(&self) -> Vec<Found> {
        let Ok(listing) = fs::read_dir("/proc") else { return self.recorded() };
        let pids = listing.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
        pids.filter(|pid| *pid != self.own).filter_map(|pid| self.examine(pid)).collect()
    }

    fn examine(&self, pid: i32) -> Option<Found> {
        let base = PathBuf::from(format!("/proc/{pid}"));
        let environment = fs::read(base.join("environ")).unwrap_or_default();
        let marked = environment.split(|byte| *byte == 0).any(|variable| variable == self.mark);
        let inside = || {
            let folder = fs::read_link(base.join("cwd")).ok()?;
            self.directories.iter().any(|own| folder.starts_with(own)).then_some(())
        };
        if !marked && inside().is_none() {
            return None;
        }
        let stat = fs::read_to_string(base.join("stat")).ok()?;
        // "pid (name) state …"; the name may itself hold brackets and blanks.
        let (head, tail) = stat.rsplit_once(')')?;
        if tail.trim_start().starts_with(['Z', 'X']) {
            return None;
        }
        Some(Found { pid, name: head.split_once('(')?.1.to_owned(), marked })
    }

    /// Where there is no `/proc`, the processes that were recorded and still exist.
    fn recorded(&self) -> Vec<Found> {
        let pids = self.started.iter().filter_map(|pid| i32::try_from(*pid).ok());
        pids.filter(|pid| kill(Pid::from_raw(*pid), None) != Err(Errno::ESRCH))
            .map(|pid| Found { pid, name: "process".to_owned(), marked: true })
            .collect()
    }

    /// Removes what the run has on engines; what cannot be removed shows as residue.
    fn sweep(&self) {
        for host in &self.engines {
            let _ = sweep::remove(host.as_deref(), &self.run_id);
        }
    }

    fn on_engines(&self) -> Vec<String> {
        let look = |host: &Option<String>| match sweep::look(host.as_deref(), &self.run_id) {
            Ok(left) => left.lines(),
            Err(error) => vec![format!("containers, maybe: the engine cannot be asked: {error}")],
        };
        self.engines.iter().flat_map(look).collect()
    }

    fn remove_data(&self) {
        self.segments.iter().for_each(|id| shared_memory::remove(*id));
        for folder in &self.directories {
            mounts::detach_below(folder);
            // What cannot be removed is still there and shows as residue.
            let _ = fs::remove_dir_all(folder);
        }
    }

    fn residue(&self) -> Residue {
        Residue {
            processes: self.processes().iter().map(|found| format!("{} {}", found.pid, found.name)).collect(),
            directories: self.directories.iter().filter(|folder| folder.exists()).cloned().collect(),
            segments: self.segments.iter().copied().filter(|id| shared_memory::is_abandoned(*id)).collect(),
            on_engines: self.on_engines(),
        }
    }
}

impl Found {
    /// PostgreSQL ends at once, with its children and its shared memory, on `SIGQUIT`; everything else on `SIGTERM`.
    fn ask_to_end(&self) {
        signal(self.pid, if self.name == "postgres" { Signal::SIGQUIT } else { Signal::SIGTERM });
        // One that a fault has stopped hears nothing else before.
        signal(self.pid, Signal::SIGCONT);
    }
}

fn signal(pid: i32, signal: Signal) {
    // A process that is gone by now is what was wanted.
    let _ = kill(Pid::from_raw(pid), signal);
}

/// Name of the folder a run may have outside its own.
#[must_use]
pub fn scratch_name(run_id: &str) -> String {
    format!("drillyard-{run_id}")
}
