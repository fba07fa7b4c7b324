//! One container: created with the run's label, followed, paused, ended, removed.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::ExitStatus;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::StreamExt as _;
use nix::sys::signal::Signal;
use testcontainers::bollard::Docker;
use testcontainers::bollard::errors::Error as EngineError;
use testcontainers::bollard::query_parameters::{
    KillContainerOptionsBuilder, LogsOptionsBuilder, WaitContainerOptions,
};
use testcontainers::{ContainerAsync, GenericImage};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use super::logs;
use crate::clock::{Deadline, Pace};

mod engine;
mod launch;
pub mod sweep;

pub use engine::{Engine, Inside};
pub use launch::ContainerLaunch;

/// How long the last lines of a container that has ended may take to arrive.
const LAST_LINES: Duration = Duration::from_secs(2);
/// Exit codes from here on are a signal's number on top of this.
const BY_SIGNAL: i64 = 128;
/// How the end of a container is told that nobody can tell any more.
const LOST: i32 = 255;

/// A running container, or one that has ended and is not removed yet.
pub struct Container {
    docker: Docker,
    id: String,
    pid: u32,
    exit: Arc<OnceLock<ExitStatus>>,
    paused: AtomicBool,
    /// Taken when it is removed.
    held: Mutex<Option<ContainerAsync<GenericImage>>>,
}

impl std::fmt::Debug for Container {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Container").field("id", &self.id).field("pid", &self.pid).finish_non_exhaustive()
    }
}

impl Container {
    /// Follows a container that was just started; what it writes goes to the end of `log`.
    ///
    /// # Errors
    /// When the log cannot be written.
    async fn follow(docker: Docker, held: ContainerAsync<GenericImage>, log: &Path) -> std::io::Result<Self> {
        let id = held.id().to_owned();
        let file = OpenOptions::new().create(true).append(true).open(log)?;
        let written = tokio::spawn(write_log(docker.clone(), id.clone(), file));
        let exit = Arc::new(OnceLock::new());
        tokio::spawn(watch(docker.clone(), id.clone(), exit.clone(), written));
        let looked = docker.inspect_container(&id, None).await.ok();
        let pid = looked.and_then(|found| found.state?.pid).and_then(|pid| u32::try_from(pid).ok());
        let (pid, paused, held) = (pid.unwrap_or_default(), AtomicBool::new(false), Mutex::new(Some(held)));
        Ok(Self { docker, id, pid, exit, paused, held })
    }

    /// The engine's name for it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The engine, for faults of a kind only an engine has.
    #[must_use]
    pub fn docker(&self) -> &Docker {
        &self.docker
    }

    /// Process id of its first process on the engine's machine; zero when that had ended before anybody asked.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// How it ended, if it has; everything it wrote is in its log then.
    #[must_use]
    pub fn exit(&self) -> Option<ExitStatus> {
        self.exit.get().copied()
    }

    /// Whether it was paused and has not gone on.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.paused.load(Ordering::Relaxed)
    }

    /// Stops all its processes from working; gives whether the engine says so.
    pub async fn pause(&self) -> bool {
        let paused = self.docker.pause_container(&self.id).await.is_ok();
        self.paused.store(paused, Ordering::Relaxed);
        paused
    }

    /// Lets its processes work again.
    pub async fn resume(&self) {
        if self.paused.swap(false, Ordering::Relaxed) {
            // One that has ended since has nothing to go on with.
            let _ = self.docker.unpause_container(&self.id).await;
        }
    }

    /// As [`Container::resume`], without waiting for the engine.
    pub fn resume_soon(&self) {
        if self.paused.swap(false, Ordering::Relaxed)
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let (docker, id) = (self.docker.clone(), self.id.clone());
            runtime.spawn(async move { docker.unpause_container(&id).await });
        }
    }

    /// Sends a signal to its first process, which hears nothing while it is paused.
    pub async fn signal(&self, signal: Signal) {
        let options = KillContainerOptionsBuilder::default().signal(signal.as_str()).build();
        // One that has ended since is what was wanted.
        let _ = self.docker.kill_container(&self.id, Some(options)).await;
        self.resume().await;
    }

    /// Ends it by force and removes it with its volumes.
    pub async fn remove(&self) {
        let mut held = self.held.lock().await;
        if let Some(container) = held.take() {
            // What cannot be removed has the run's label and shows as residue.
            let _ = container.rm().await;
        }
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        // Dropping it removes it, which takes a runtime; without one it has the run's label, and the reaper finds it.
        if let Some(container) = self.held.get_mut().take()
            && tokio::runtime::Handle::try_current().is_err()
        {
            std::mem::forget(container);
        }
    }
}

/// Writes what a container says to the end of its log until it ends.
async fn write_log(docker: Docker, id: String, mut file: File) {
    let options = LogsOptionsBuilder::default().follow(true).stdout(true).stderr(true).build();
    let mut pieces = std::pin::pin!(docker.logs(&id, Some(options)));
    while let Some(Ok(piece)) = pieces.next().await {
        // Evidence that cannot be written is missed by whoever reads the log; the service goes on.
        let _ = file.write_all(piece.as_ref());
    }
}

/// Waits for the end of a container and for its last lines.
async fn watch(docker: Docker, id: String, exit: Arc<OnceLock<ExitStatus>>, written: JoinHandle<()>) {
    let status = ended(&docker, &id).await;
    let _ = Deadline::after(LAST_LINES).bound(written).await;
    let _ = exit.set(status);
}

async fn ended(docker: &Docker, id: &str) -> ExitStatus {
    let mut pace = Pace::default();
    loop {
        let mut answers = std::pin::pin!(docker.wait_container(id, None::<WaitContainerOptions>));
        match answers.next().await {
            Some(Ok(answer)) => return status_of(answer.status_code),
            Some(Err(EngineError::DockerContainerWaitError { code, .. })) => return status_of(code),
            // Removed before it was asked about, by whoever ended it.
            Some(Err(EngineError::DockerResponseServerError { status_code: 404, .. })) => {
                return ExitStatus::from_raw(Signal::SIGKILL as i32);
            }
            // The engine went away; a container that it does not know any more has ended somehow.
            Some(Err(_)) | None => match docker.inspect_container(id, None).await {
                Ok(found) if found.state.as_ref().and_then(|state| state.running) == Some(true) => {}
                Ok(found) => {
                    let code = found.state.and_then(|state| state.exit_code);
                    return code.map_or_else(|| ExitStatus::from_raw(LOST << 8), status_of);
                }
                Err(_) => return ExitStatus::from_raw(LOST << 8),
            },
        }
        pace.pause().await;
    }
}

/// A container's exit code as the status its first process had: shells and engines add a signal's number to 128.
fn status_of(code: i64) -> ExitStatus {
    let signal = i32::try_from(code - BY_SIGNAL).ok().and_then(|number| Signal::try_from(number).ok());
    match signal {
        Some(signal) => ExitStatus::from_raw(signal as i32),
        None => ExitStatus::from_raw((i32::try_from(code).unwrap_or(LOST) & 0xff) << 8),
    }
}

/// Where in a log the next process begins.
fn log_start(log: &Path) -> u64 {
    logs::length(log)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_told_as_those_of_a_process() {
        assert_eq!(status_of(0).code(), Some(0));
        assert_eq!(status_of(3).code(), Some(3));
        assert_eq!(status_of(137).signal(), Some(9));
        assert_eq!(status_of(143).signal(), Some(15));
        assert_eq!(status_of(255).code(), Some(255));
    }
}
