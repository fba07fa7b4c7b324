//! What the system gives to a process: limits, and how much of it is used.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Process;

/// Something that the system limits for each process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resource {
    /// Bytes of memory of its own.
    Data,
    /// Numbers of open files and connections.
    Files,
}

impl Resource {
    /// The option of `prlimit`, and the words `/proc` has for it.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Data => ("--data", "Max data size"),
            Self::Files => ("--nofile", "Max open files"),
        }
    }
}

/// Sets the soft limit of a process, which it may have again later; nothing stands for the hard limit.
///
/// # Errors
/// When `prlimit` is not there or the system refuses.
#[expect(clippy::disallowed_methods, reason = "the stack room starts processes")]
pub fn set_limit(pid: u32, resource: Resource, soft: Option<u64>) -> io::Result<()> {
    let (option, _) = resource.words();
    let hard = limits(pid, resource)?.1;
    let soft = soft.or(hard).map_or_else(|| "unlimited".to_owned(), |limit| limit.to_string());
    let mut command = Command::new("prlimit");
    command.args(["--pid", &pid.to_string(), &format!("{option}={soft}:")]);
    let output = command.stdin(Stdio::null()).output();
    let output =
        output.map_err(|error| io::Error::other(format!("prlimit (Debian: util-linux): {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!("prlimit: {}", String::from_utf8_lossy(&output.stderr).trim())))
}

/// Soft and hard limit; nothing where there is none.
fn limits(pid: u32, resource: Resource) -> io::Result<(Option<u64>, Option<u64>)> {
    let (_, words) = resource.words();
    let text = fs::read_to_string(format!("/proc/{pid}/limits"))?;
    let line = text.lines().find_map(|line| line.strip_prefix(words));
    let line = line.ok_or_else(|| io::Error::other(format!("/proc says nothing of `{words}`")))?;
    let mut columns = line.split_whitespace().map(|column| column.parse().ok());
    Ok((columns.next().flatten(), columns.next().flatten()))
}

impl Process {
    /// Sets a soft limit; nothing stands for the hard one.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn limit(&self, resource: Resource, soft: Option<u64>) -> io::Result<()> {
        set_limit(self.pid(), resource, soft)
    }

    /// The soft limit it has; nothing where there is none.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn limit_of(&self, resource: Resource) -> io::Result<Option<u64>> {
        limits(self.pid(), resource).map(|(soft, _)| soft)
    }

    /// Bytes of memory that count against [`Resource::Data`].
    ///
    /// # Errors
    /// When the system does not say.
    pub fn data_bytes(&self) -> io::Result<u64> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.pid()))?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmData:"));
        let kilobytes = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
        kilobytes
            .map(|count| count * 1024)
            .ok_or_else(|| io::Error::other("/proc does not say how much memory it has"))
    }

    /// Numbers of its open files and connections.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn open_files(&self) -> io::Result<BTreeSet<u64>> {
        let entries = fs::read_dir(format!("/proc/{}/fd", self.pid()))?.flatten();
        Ok(entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect())
    }

    /// Time its threads have had on a processor so far.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn cpu_time(&self) -> io::Result<Duration> {
        let threads = fs::read_dir(format!("/proc/{}/task", self.pid()))?.flatten();
        let time = |text: String| text.split_whitespace().next()?.parse::<u64>().ok();
        let nanos =
            threads.filter_map(|entry| time(fs::read_to_string(entry.path().join("schedstat")).ok()?));
        Ok(Duration::from_nanos(nanos.sum()))
    }
}

/// Connections that wait to be accepted at a port of this machine.
///
/// # Errors
/// When the system does not say.
pub fn waiting_at(port: u16) -> io::Result<u64> {
    let table = fs::read_to_string("/proc/net/tcp")?;
    let local = format!(":{port:04X}");
    let waiting = table.lines().skip(1).filter_map(|line| {
        let mut columns = line.split_whitespace().skip(1);
        let (address, _, state, queues) =
            (columns.next()?, columns.next()?, columns.next()?, columns.next()?);
        let listens = address.ends_with(&local) && state == "0A";
        listens.then(|| u64::from_str_radix(queues.split_once(':')?.1, 16).ok()).flatten()
    });
    Ok(waiting.sum())
}
