//! One child process: started with the mark, watched, ended.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

mod resources;

pub use resources::{Resource, set_limit, waiting_at};

use super::logs;
use super::undo::{Entry, Ledger, MARK};
use crate::clock::{Deadline, Pace};

/// How long a process may take to end after it was asked to.
const STOP_BOUND: Duration = Duration::from_secs(2);

/// What to start.
#[derive(Debug)]
pub struct Launch<'a> {
    /// Its service.
    pub service: &'a str,
    /// Its lane, or nothing for a shared one.
    pub lane: Option<&'a str>,
    /// Path of the program.
    pub program: &'a Path,
    /// Arguments.
    pub args: Vec<String>,
    /// The whole environment, but for the mark.
    pub env: BTreeMap<String, String>,
    /// Working directory.
    pub folder: &'a Path,
    /// User and group to run as, where it is not the runner's own.
    pub user: Option<(u32, u32)>,
    /// File that gets what it writes.
    pub log: PathBuf,
}

/// A child process. Dropping it kills it and everything in its process group.
#[derive(Debug)]
pub struct Process {
    service: String,
    pid: i32,
    child: Mutex<Child>,
    log: PathBuf,
    /// Where in the log this process begins.
    log_start: u64,
    begun: Instant,
}

/// How a process that was asked to end did so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It had ended by itself.
    Before,
    /// It ended when it was asked to.
    AsAsked,
    /// It did not, and was killed.
    ByForce,
}

impl Ended {
    /// What to say of it; nothing of one that did as it was asked.
    #[must_use]
    pub fn detail(self) -> &'static str {
        match self {
            Self::Before => "had ended by itself",
            Self::AsAsked => "",
            Self::ByForce => "did not end within 2 s and was killed",
        }
    }
}

/// What is common to all processes of a run.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// Its name.
    pub run_id: &'a str,
    /// Its ledger.
    pub ledger: &'a Ledger,
}

impl Run<'_> {
    /// A command that carries the mark, in a process group of its own so that Ctrl-C reaches only the runner.
    #[expect(clippy::disallowed_methods, reason = "the stack room starts processes")]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env(MARK, self.run_id).process_group(0).stdin(Stdio::null());
        command
    }

    /// Starts a process and writes it down, before and after.
    ///
    /// # Errors
    /// When it cannot be started or written down.
    pub fn start(&self, launch: Launch<'_>) -> io::Result<Process> {
        let lane = launch.lane.map(str::to_owned);
        self.ledger.write(&Entry::Process { service: launch.service.to_owned(), lane })?;
        let log_start = logs::length(&launch.log);
        let out = OpenOptions::new().create(true).append(true).open(&launch.log)?;
        let err = out.try_clone()?;
        let mut command = self.command(launch.program);
        command.args(&launch.args).env_clear().envs(&launch.env).env(MARK, self.run_id);
        command.current_dir(launch.folder).stdout(out).stderr(err);
        if let Some((uid, gid)) = launch.user {
            command.uid(uid).gid(gid);
        }
        let begun = Instant::now();
        let child = command.spawn()?;
        let pid = child.id();
        let process = Process {
            service: launch.service.to_owned(),
            pid: i32::try_from(pid).map_err(io::Error::other)?,
            child: Mutex::new(child),
            log: launch.log,
            log_start,
            begun,
        };
        self.ledger.write(&Entry::Started { service: process.service.clone(), pid })?;
        Ok(process)
    }
}

impl Process {
    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid.unsigned_abs()
    }

    /// Time since it was started.
    #[must_use]
    pub fn age(&self) -> Duration {
        self.begun.elapsed()
    }

    /// How it ended, if it has.
    #[must_use]
    pub fn exit(&self) -> Option<ExitStatus> {
        // A child that cannot be asked is one that somebody else has waited for, which nobody does.
        self.child.lock().unwrap_or_else(PoisonError::into_inner).try_wait().ok().flatten()
    }

    /// The last lines it wrote.
    #[must_use]
    pub fn last_lines(&self) -> Vec<String> {
        logs::tail_of(&self.output())
    }

    /// What it wrote, at most the last 64 KiB.
    #[must_use]
    pub fn output(&self) -> String {
        logs::read_from(&self.log, self.log_start).unwrap_or_default()
    }

    /// Sends a signal to it alone.
    pub fn signal(&self, signal: Signal) {
        if self.exit().is_none() {
            // One that has ended since is what was wanted.
            let _ = kill(Pid::from_raw(self.pid), signal);
        }
    }

    /// Stops it, and what it started, from working, without ending it; gives whether it was seen to stand still.
    pub async fn pause(&self) -> bool {
        let _ = killpg(Pid::from_raw(self.pid), Signal::SIGSTOP);
        let deadline = Deadline::after(STOP_BOUND);
        let mut pace = Pace::default();
        while !self.stands_still() {
            if deadline.passed() || self.exit().is_some() {
                return false;
            }
            pace.pause().await;
        }
        true
    }

    /// Lets it, and what it started, work again.
    pub fn resume(&self) {
        // One that has ended since has nothing to go on with.
        let _ = killpg(Pid::from_raw(self.pid), Signal::SIGCONT);
    }

    /// Whether the system says that it is stopped by a signal; elsewhere than on Linux nobody can tell.
    #[must_use]
    pub fn stands_still(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid)).unwrap_or_default();
        // "pid (name) state …"; the name may itself hold brackets and blanks.
        stat.rsplit_once(')').is_some_and(|(_, tail)| tail.trim_start().starts_with('T'))
    }

    /// Waits for its end, at most `bound`.
    pub async fn wait(&self, bound: Duration) -> Option<ExitStatus> {
        let deadline = Deadline::after(bound);
        let mut pace = Pace::default();
        loop {
            if let Some(status) = self.exit() {
                return Some(status);
            }
            if deadline.passed() {
                return None;
            }
            pace.pause().await;
        }
    }

    /// Asks it to end with `signal`, and ends it by force when it does not; so does what it started and left.
    pub async fn stop(&self, signal: Signal) -> Ended {
        if self.exit().is_some() {
            self.kill_group();
            return Ended::Before;
        }
        self.signal(signal);
        // One that stands still hears nothing else before.
        self.resume();
        let ended = self.wait(STOP_BOUND).await;
        self.kill_group();
        if ended.is_some() {
            return Ended::AsAsked;
        }
        let _ = self.wait(STOP_BOUND).await;
        Ended::ByForce
    }

    /// Ends it, and what it started, by force.
    pub fn kill_group(&self) {
        // The group keeps its number as long as anyone is in it; an empty group is what was wanted.
        let _ = killpg(Pid::from_raw(self.pid), Signal::SIGKILL);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.exit().is_none() {
            self.kill_group();
            let _ = self.child.lock().unwrap_or_else(PoisonError::into_inner).wait();
        }
    }
}

/// How a process ended, in words.
#[must_use]
pub fn describe_exit(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with exit code {code}"),
        (None, Some(number)) => {
            let name =
                Signal::try_from(number).map_or_else(|_| number.to_string(), |signal| signal.to_string());
            format!("was ended by signal {name}")
        }
        (None, None) => "ended".to_owned(),
    }
}
