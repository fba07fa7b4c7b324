//! File systems that are mounted for a run.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::unistd::geteuid;

/// Mounts a file system in memory of so many bytes, which only `owner` can reach.
///
/// # Errors
/// When the runner is not root, or the system refuses.
pub fn mount_memory(folder: &Path, bytes: u64, owner: Option<(u32, u32)>) -> io::Result<()> {
    if !geteuid().is_root() {
        return Err(io::Error::other("only root may mount a file system of its own size"));
    }
    let (uid, gid) = owner.unwrap_or((0, 0));
    let options = format!("size={bytes},mode=0700,uid={uid},gid={gid}");
    run("mount", &["-t", "tmpfs", "-o", &options, "drillyard"], folder)
}

/// Unmounts what is mounted at a folder; nothing there is fine.
///
/// # Errors
/// When the system refuses.
pub fn unmount(folder: &Path) -> io::Result<()> {
    if below(folder).is_empty() { Ok(()) } else { run("umount", &["-l"], folder) }
}

/// Unmounts everything at or below a folder, used or not. What stays shows as residue, for its folder stays too.
pub fn detach_below(folder: &Path) {
    for path in below(folder) {
        let _ = run("umount", &["-l"], &path);
    }
}

#[expect(clippy::disallowed_methods, reason = "the stack room starts processes")]
fn run(program: &str, args: &[&str], folder: &Path) -> io::Result<()> {
    let output = Command::new(program).args(args).arg(folder).stdin(Stdio::null()).output();
    let output = output.map_err(|error| io::Error::other(format!("{program}: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim())))
}

/// Where something is mounted at or below a folder, the innermost first.
fn below(folder: &Path) -> Vec<PathBuf> {
    let table = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    // Blanks in paths are written as octal numbers; folders of runs have none.
    let paths = table.lines().filter_map(|line| line.split_whitespace().nth(1)).map(PathBuf::from);
    let mut paths: Vec<PathBuf> = paths.filter(|path| path.starts_with(folder)).collect();
    paths.reverse();
    paths
}
