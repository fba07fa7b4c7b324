//! The ledger of what a run starts and makes, written before it exists, so that it can be undone without the runner.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use super::process::Resource;

/// Name of the ledger in the run's folder.
pub const FILE: &str = "undo.jsonl";
/// Environment variable that every process of a run carries, with the run's name as its value.
pub const MARK: &str = "DRILLYARD_RUN";

/// One line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Entry {
    /// The run itself; always the first line.
    Run {
        /// Its name, which is the value of the mark.
        run_id: String,
        /// Process id of the runner.
        runner: u32,
    },
    /// A folder that goes when the run ends.
    Directory {
        /// Its path.
        path: PathBuf,
    },
    /// A process that is about to start.
    Process {
        /// Its service.
        service: String,
        /// Its lane, or nothing for a shared one.
        lane: Option<String>,
    },
    /// A process that has started.
    Started {
        /// Its service.
        service: String,
        /// Its process id.
        pid: u32,
    },
    /// Containers and networks with the label of the run are about to be made.
    Engine {
        /// The engine's address (`DOCKER_HOST`), where it is not the usual one.
        host: Option<String>,
    },
    /// A database that goes when its lane closes, or with the data directory.
    Database {
        /// Its name.
        name: String,
    },
    /// A fault that is about to happen.
    Fault {
        /// Its number in its lane: `1-drill/2`.
        id: String,
        /// The fault in a few words.
        what: String,
        /// How it is undone.
        undo: Undo,
    },
    /// A fault that is undone.
    Healed {
        /// Its number.
        id: String,
    },
}

/// How a fault is undone by somebody who only has the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Undo {
    /// A service that is not running; only its runner can start it again, and it goes with the run.
    Start {
        /// The service.
        service: String,
    },
    /// A process that stands still goes on with `SIGCONT`, a container that is paused is let go on by its engine.
    Continue {
        /// The service.
        service: String,
        /// The process, where there was one.
        pid: Option<u32>,
        /// The container instead, by its id.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        container: Option<String>,
    },
    /// It lives in the runner's own proxies, object store or database sessions, and ends with the runner.
    Runner,
    /// A limit of a process goes back to what it was.
    Limit {
        /// The service.
        service: String,
        /// The process, where there was one.
        pid: Option<u32>,
        /// What is limited.
        resource: Resource,
        /// The limit it had; nothing for none.
        before: Option<u64>,
    },
    /// A file system is unmounted, and its folder goes with the run.
    Unmount {
        /// Where it is mounted.
        path: PathBuf,
    },
    /// The lane's own database server is not running; only its runner can start it again, and it goes with the run.
    StartServer,
    /// It is a setting of a lane's database, and goes with it.
    Setting {
        /// The database.
        database: String,
    },
}

/// The open ledger.
#[derive(Debug)]
pub struct Ledger {
    file: Mutex<File>,
}

impl Ledger {
    /// Begins the ledger of a run.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn begin(run_dir: &Path, run_id: &str) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(run_dir.join(FILE))?;
        let ledger = Self { file: Mutex::new(file) };
        ledger.write(&Entry::Run { run_id: run_id.to_owned(), runner: std::process::id() })?;
        Ok(ledger)
    }

    /// Adds a line, whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, entry: &Entry) -> io::Result<()> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        self.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner).write_all(&line)
    }
}

/// Faults that are not undone, in the order they happened: number, words, and how to undo each.
#[must_use]
pub fn open_faults(entries: &[Entry]) -> Vec<(&str, &str, &Undo)> {
    let healed =
        |wanted: &str| entries.iter().any(|entry| matches!(entry, Entry::Healed { id } if id == wanted));
    let faults = entries.iter().filter_map(|entry| match entry {
        Entry::Fault { id, what, undo } => Some((id.as_str(), what.as_str(), undo)),
        _ => None,
    });
    faults.filter(|(id, _, _)| !healed(id)).collect()
}

/// The engines of a run, by their address where it is not the usual one.
pub fn engines(entries: &[Entry]) -> impl Iterator<Item = Option<&str>> {
    entries.iter().filter_map(|entry| match entry {
        Entry::Engine { host } => Some(host.as_deref()),
        _ => None,
    })
}

/// The lines of a ledger; a last line that was cut off by a crash is left out.
///
/// # Errors
/// When it cannot be read.
pub fn read(run_dir: &Path) -> io::Result<Vec<Entry>> {
    let text = std::fs::read_to_string(run_dir.join(FILE))?;
    Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}
