//! An initialised data directory, made once per version and kept, copied for every run.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use sha2::{Digest, Sha256};

use super::Install;
use crate::stack::binaries::hex;
use crate::stack::error::{StackError, io_error};
use crate::stack::logs::tail_of;
use crate::stack::process::Run;

/// Arguments of initdb. Small log segments because they are copied for every run; no sync because the copy is not
/// synced either.
const ARGS: &[&str] = &[
    "--no-sync",
    "--auth=trust",
    "--encoding=UTF8",
    "--locale=C.UTF-8",
    "--wal-segsize=1",
    "--no-instructions",
];

/// The kept data directory for this installation and superuser; made now if it is not there yet. Several runs may ask
/// at the same time; one makes it. `scratch` is a folder PostgreSQL's user can reach.
///
/// # Errors
/// What initdb wrote when it fails.
pub async fn kept(
    run: Run<'_>,
    install: &Install,
    superuser: &str,
    (cache, scratch): (&Path, &Path),
) -> Result<PathBuf, StackError> {
    // Another user could not read what this one keeps.
    let key = format!("{}\n{superuser}\n{}\n{}", install.version, ARGS.join(" "), nix::unistd::geteuid());
    let name = format!("pg-{}-{}", install.version, &hex(&Sha256::digest(key.as_bytes()))[..12]);
    let kept = cache.join(&name);
    if kept.is_dir() {
        return Ok(kept);
    }
    fs::create_dir_all(cache).map_err(io_error(format!("making {}", cache.display())))?;
    let lock = cache.join(format!("{name}.lock"));
    let lock = File::create(&lock).map_err(io_error(format!("opening {}", lock.display())))?;
    let lock =
        tokio::task::spawn_blocking(move || lock.lock().map(|()| lock)).await.map_err(io::Error::other);
    // Held until the end of this function; the system lets go of it even when the process is killed.
    let _lock = lock
        .and_then(|locked| locked)
        .map_err(io_error("waiting for another run that prepares PostgreSQL"))?;
    if kept.is_dir() {
        return Ok(kept);
    }
    let fresh = scratch.join("initdb");
    initdb(run, install, superuser, &fresh).await?;
    // Copied beside its place and renamed there, so that nobody ever sees half of it.
    let partial = cache.join(format!("{name}.part"));
    let _ = fs::remove_dir_all(&partial);
    let (from, to) = (fresh.clone(), partial.clone());
    copy(from, to, None).await.map_err(io_error(format!("copying to {}", partial.display())))?;
    fs::rename(&partial, &kept).map_err(io_error(format!("renaming to {}", kept.display())))?;
    fs::remove_dir_all(&fresh).map_err(io_error(format!("removing {}", fresh.display())))?;
    Ok(kept)
}

async fn initdb(run: Run<'_>, install: &Install, superuser: &str, data: &Path) -> Result<(), StackError> {
    fs::create_dir_all(data)
        .and_then(|()| install.own(data))
        .map_err(io_error(format!("making {}", data.display())))?;
    let mut command = run.command(install.bin.join("initdb"));
    command.args(ARGS).arg("-U").arg(superuser).arg("-D").arg(data);
    command.current_dir("/").stdout(Stdio::piped()).stderr(Stdio::piped());
    if let Some((uid, gid)) = install.user {
        use std::os::unix::process::CommandExt;
        command.uid(uid).gid(gid);
    }
    let mut command = tokio::process::Command::from(command);
    let output = command.kill_on_drop(true).output().await.map_err(io_error("starting initdb"))?;
    if output.status.success() {
        return Ok(());
    }
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Err(StackError::Postgres { doing: "initdb".to_owned(), last_lines: tail_of(&text) })
}

/// Copies a data directory, giving the copy to `owner`. The system clones the files where the file system can.
///
/// # Errors
/// When a file cannot be read, written or given away.
pub async fn copy(from: PathBuf, to: PathBuf, owner: Option<(u32, u32)>) -> io::Result<()> {
    tokio::task::spawn_blocking(move || copy_folder(&from, &to, owner)).await.map_err(io::Error::other)?
}

fn copy_folder(from: &Path, to: &Path, owner: Option<(u32, u32)>) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, chown};
    let give = |path: &Path| owner.map_or(Ok(()), |(uid, gid)| chown(path, Some(uid), Some(gid)));
    fs::DirBuilder::new().mode(0o700).create(to)?;
    give(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target, owner)?;
        } else {
            fs::copy(entry.path(), &target)?;
            give(&target)?;
        }
    }
    Ok(())
}
