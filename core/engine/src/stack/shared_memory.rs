//! PostgreSQL's System V segment: a few bytes that the system keeps when a server is killed, until somebody removes
//! them or the machine restarts.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// The segment of the server whose data directory is `folder/data`, from its lock file.
#[must_use]
pub fn of_server_in(folder: &Path) -> Option<u32> {
    let text = fs::read_to_string(folder.join("data/postmaster.pid")).ok()?;
    // The seventh line holds the segment's key and id.
    text.lines().nth(6)?.split_whitespace().nth(1)?.parse().ok()
}

/// Whether the segment is there and nobody uses it.
#[must_use]
pub fn is_abandoned(id: u32) -> bool {
    // Columns: key, shmid, perms, size, cpid, lpid, nattch. Where there is no such file, nothing is known to be left.
    let table = fs::read_to_string("/proc/sysvipc/shm").unwrap_or_default();
    table.lines().any(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        columns.get(1).and_then(|text| text.parse().ok()) == Some(id) && columns.get(6) == Some(&"0")
    })
}

/// Removes the segment if nobody uses it any more. What cannot be removed is still abandoned afterwards.
#[expect(clippy::disallowed_methods, reason = "the stack room starts processes")]
pub fn remove(id: u32) {
    if is_abandoned(id) {
        let mut command = Command::new("ipcrm");
        command
            .args(["-m", &id.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let _ = command.status();
    }
}
