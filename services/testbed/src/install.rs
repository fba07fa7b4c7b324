//! The machine's PostgreSQL: where it is, as whom it runs, and a data folder that was initialised once.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::unistd::{User, geteuid};

/// Arguments of initdb. Small log segments because they are copied for every test process; no sync because the copy
/// is not synced either.
const ARGUMENTS: [&str; 6] = [
    "--no-sync",
    "--auth=trust",
    "--encoding=UTF8",
    "--locale=C.UTF-8",
    "--wal-segsize=1",
    "--no-instructions",
];

/// The superuser of every server here.
pub const SUPERUSER: &str = "dispatch";

/// A PostgreSQL installation.
#[derive(Debug)]
pub struct Install {
    /// Folder of `postgres` and `initdb`.
    bin: PathBuf,
    /// User and group it has to run as where the test is root, whom it refuses.
    owner: Option<(u32, u32)>,
}

impl Install {
    /// The search path first, then where Debian and Homebrew put it, the highest version first.
    pub fn find() -> Self {
        let bin = candidates().into_iter().find_map(|folder| {
            // Links are followed: `initdb` has to stand beside `postgres`.
            let bin = fs::canonicalize(folder.join("postgres")).ok()?.parent()?.to_owned();
            bin.join("initdb").is_file().then_some(bin)
        });
        let bin = bin.expect("these tests need PostgreSQL's programs: apt-get install postgresql");
        let owner = geteuid().is_root().then(|| {
            let found = ["postgres", "nobody"].into_iter().find_map(|name| User::from_name(name).ok()?);
            let user = found.expect("PostgreSQL refuses root, and there is no user `postgres` to run it as");
            (user.uid.as_raw(), user.gid.as_raw())
        });
        Self { bin, owner }
    }

    /// A command of the installation, as the user it has to run as.
    pub fn command(&self, program: &str) -> Command {
        #[expect(clippy::disallowed_methods, reason = "starting processes is what this crate is for")]
        let mut command = Command::new(self.bin.join(program));
        command.current_dir("/").env("LC_ALL", "C").env("TZ", "UTC");
        if let Some((uid, gid)) = self.owner {
            command.uid(uid).gid(gid);
        }
        command
    }

    /// Gives a path to the user it runs as.
    pub fn own(&self, path: &Path) {
        if let Some((uid, gid)) = self.owner {
            chown(path, Some(uid), Some(gid)).unwrap();
        }
    }

    /// Copies an initialised data folder to `data`; `scratch` is a folder its user can reach.
    pub fn data_folder(&self, scratch: &Path, data: &Path) {
        copy(&self.kept(scratch), data, self.owner).unwrap();
    }

    /// The initialised folder, made now if no test process has made it before.
    fn kept(&self, scratch: &Path) -> PathBuf {
        let version = self.command("postgres").arg("--version").output().unwrap().stdout;
        let version: String = String::from_utf8_lossy(&version)
            .chars()
            .filter(|letter| letter.is_ascii_digit() || *letter == '.')
            .collect();
        // Beside the target folder's profiles, so that cleaning the build cleans it too.
        let test = std::env::current_exe().unwrap();
        let cache = test.ancestors().nth(3).unwrap().join("testbed");
        let kept = cache.join(format!("postgresql-{version}"));
        fs::create_dir_all(&cache).unwrap();
        let lock = File::create(cache.join("lock")).unwrap();
        // Held to the end of this function; the system lets go of it even when the process is killed.
        lock.lock().unwrap();
        if kept.is_dir() {
            return kept;
        }
        let fresh = scratch.join("initdb");
        let output =
            self.command("initdb").args(ARGUMENTS).args(["-U", SUPERUSER, "-D"]).arg(&fresh).output();
        let output = output.unwrap();
        assert!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
        // Copied beside its place and renamed there, so that nobody ever sees half of it.
        let partial = cache.join(format!("postgresql-{version}.part"));
        // Ignored: it is there only when a copy was interrupted.
        let _ = fs::remove_dir_all(&partial);
        copy(&fresh, &partial, None).unwrap();
        fs::rename(&partial, &kept).unwrap();
        fs::remove_dir_all(&fresh).unwrap();
        kept
    }
}

fn candidates() -> Vec<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "a test has no config.rs")]
    let path = std::env::var("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.extend(versions(Path::new("/usr/lib/postgresql"), ""));
    for homebrew in ["/opt/homebrew/opt", "/usr/local/opt", "/home/linuxbrew/.linuxbrew/opt"] {
        folders.extend(versions(Path::new(homebrew), "postgresql@"));
    }
    folders
}

/// Folders `<base>/<prefix><version>/bin`, the highest version first.
fn versions(base: &Path, prefix: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(base) else { return Vec::new() };
    let mut found: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let version = entry.file_name().to_str()?.strip_prefix(prefix)?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    found.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    found.into_iter().map(|(_, path)| path).collect()
}

fn copy(from: &Path, to: &Path, owner: Option<(u32, u32)>) -> io::Result<()> {
    let give = |path: &Path| owner.map_or(Ok(()), |(uid, gid)| chown(path, Some(uid), Some(gid)));
    fs::DirBuilder::new().mode(0o700).create(to)?;
    give(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target, owner)?;
        } else {
            fs::copy(entry.path(), &target)?;
            give(&target)?;
        }
    }
    Ok(())
}
