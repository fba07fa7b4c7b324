//! One process of the stack: a child of the runner, or a container; started with the mark, watched, ended.

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

use super::container::Container;
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

/// A process of the stack. Dropping it kills it and everything it started.
#[derive(Debug)]
pub struct Process {
    service: String,
    body: Body,
    log: PathBuf,
    /// Where in the log this process begins.
    log_start: u64,
    begun: Instant,
}

/// What a process is made of.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there are few of it, and each is held by a pointer already")]
enum Body {
    /// A child of the runner, with a process group of its own.
    Child { pid: i32, child: Mutex<Child> },
    /// The first process of a container, and all others in it.
    Container(Container),
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
        let body =
            Body::Child { pid: i32::try_from(pid).map_err(io::Error::other)?, child: Mutex::new(child) };
        let process = Process { service: launch.service.to_owned(), body, log: launch.log, log_start, begun };
        self.ledger.write(&Entry::Started { service: process.service.clone(), pid })?;
        Ok(process)
    }
}

impl Process {
    /// A container as a process; what it writes goes to `log`, from `log_start` on.
    #[must_use]
    pub fn contained(
        service: &str,
        container: Container,
        (log, log_start): (PathBuf, u64),
        begun: Instant,
    ) -> Self {
        Self { service: service.to_owned(), body: Body::Container(container), log, log_start, begun }
    }

    /// Its service.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// Its process id; of a container, that of its first process on the engine's machine.
    #[must_use]
    pub fn pid(&self) -> u32 {
        match &self.body {
            Body::Child { pid, .. } => pid.unsigned_abs(),
            Body::Container(container) => container.pid(),
        }
    }

    /// The container it is, when it is one.
    #[must_use]
    pub fn container(&self) -> Option<&Container> {
        match &self.body {
            Body::Child { .. } => None,
            Body::Container(container) => Some(container),
        }
    }

    /// Time since it was started.
    #[must_use]
    pub fn age(&self) -> Duration {
        self.begun.elapsed()
    }

    /// How it ended, if it has.
    #[must_use]
    pub fn exit(&self) -> Option<ExitStatus> {
        match &self.body {
            // A child that cannot be asked is one that somebody else has waited for, which nobody does.
            Body::Child { child, .. } => {
                child.lock().unwrap_or_else(PoisonError::into_inner).try_wait().ok().flatten()
            }
            Body::Container(container) => container.exit(),
        }
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

    /// Sends a signal to a child alone. A container is signalled by [`Process::stop`] only.
    pub fn signal(&self, signal: Signal) {
        if let Body::Child { pid, .. } = &self.body
            && self.exit().is_none()
        {
            // One that has ended since is what was wanted.
            let _ = kill(Pid::from_raw(*pid), signal);
        }
    }

    /// Stops it, and what it started, from working, without ending it; gives whether it was seen to stand still.
    pub async fn pause(&self) -> bool {
        match &self.body {
            Body::Child { pid, .. } => {
                let _ = killpg(Pid::from_raw(*pid), Signal::SIGSTOP);
            }
            Body::Container(container) => return container.pause().await,
        }
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

    /// Lets it, and what it started, work again; a container as soon as its engine comes to it.
    pub fn resume(&self) {
        match &self.body {
            // One that has ended since has nothing to go on with.
            Body::Child { pid, .. } => drop(killpg(Pid::from_raw(*pid), Signal::SIGCONT)),
            Body::Container(container) => container.resume_soon(),
        }
    }

    /// As [`Process::resume`], and waits until it does.
    pub async fn resumed(&self) {
        match &self.body {
            Body::Child { .. } => self.resume(),
            Body::Container(container) => container.resume().await,
        }
    }

    /// Whether the system says that it is stopped by a signal, or the engine that it is paused; elsewhere than on Linux
    /// nobody can tell of a child.
    #[must_use]
    pub fn stands_still(&self) -> bool {
        match &self.body {
            Body::Child { pid, .. } => {
                let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
                // "pid (name) state …"; the name may itself hold brackets and blanks.
                stat.rsplit_once(')').is_some_and(|(_, tail)| tail.trim_start().starts_with('T'))
            }
            Body::Container(container) => container.is_paused(),
        }
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

    /// Asks it to end with `signal`, and ends it by force when it does not; so does what it started and left. A
    /// container is gone afterwards, with everything in it.
    pub async fn stop(&self, signal: Signal) -> Ended {
        if self.exit().is_some() {
            self.end_by_force().await;
            return Ended::Before;
        }
        match &self.body {
            Body::Child { .. } => {
                self.signal(signal);
                // One that stands still hears nothing else before.
                self.resume();
            }
            Body::Container(container) => container.signal(signal).await,
        }
        let ended = self.wait(STOP_BOUND).await;
        self.end_by_force().await;
        if ended.is_some() {
            return Ended::AsAsked;
        }
        let _ = self.wait(STOP_BOUND).await;
        Ended::ByForce
    }

    /// Ends it, and what it started, by force. A container is removed.
    pub async fn end_by_force(&self) {
        match &self.body {
            Body::Child { .. } => self.kill_group(),
            Body::Container(container) => container.remove().await,
        }
    }

    fn kill_group(&self) {
        if let Body::Child { pid, .. } = &self.body {
            // The group keeps its number as long as anyone is in it; an empty group is what was wanted.
            let _ = killpg(Pid::from_raw(*pid), Signal::SIGKILL);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.exit().is_none()
            && let Body::Child { child, .. } = &self.body
        {
            self.kill_group();
            let _ = child.lock().unwrap_or_else(PoisonError::into_inner).wait();
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
