//! Where PostgreSQL is, which version it is, and as whom it runs.

use std::path::{Path, PathBuf};

use nix::unistd::{User, geteuid};

use crate::stack::error::{StackError, io_error};
use crate::stack::process::Run;

/// A PostgreSQL installation.
#[derive(Debug, Clone)]
pub struct Install {
    /// Folder of `postgres` and `initdb`.
    pub bin: PathBuf,
    /// Version, such as `15.18`.
    pub version: String,
    /// User and group it has to run as, where the runner is root, whom it refuses.
    pub user: Option<(u32, u32)>,
}

impl Install {
    /// Finds an installation: the folder that was given, then the search path, then where Debian and Homebrew put it,
    /// the highest version first.
    ///
    /// # Errors
    /// When there is none; the message says how to install one.
    pub async fn find(run: Run<'_>, given: Option<&Path>, search_path: &str) -> Result<Self, StackError> {
        let looked = match given {
            Some(folder) => vec![folder.to_owned()],
            None => candidates(search_path),
        };
        // Links are followed first: `initdb` has to stand beside `postgres`.
        let found = looked.iter().find_map(|folder| {
            let bin = std::fs::canonicalize(folder.join("postgres")).ok()?.parent()?.to_owned();
            bin.join("initdb").is_file().then_some(bin)
        });
        let Some(bin) = found else { return Err(StackError::NoPostgres { looked }) };
        let mut ask = tokio::process::Command::from(run.command(bin.join("postgres")));
        let output =
            ask.arg("--version").output().await.map_err(io_error("asking postgres for its version"))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let version = text.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
        let version = version.map(str::to_owned).ok_or_else(|| StackError::Postgres {
            doing: format!("{} --version", bin.join("postgres").display()),
            last_lines: vec![text.clone()],
        })?;
        Ok(Self { bin, version, user: other_user()? })
    }

    /// The first part of the version.
    #[must_use]
    pub fn major(&self) -> u32 {
        self.version
            .split(|c: char| !c.is_ascii_digit())
            .next()
            .and_then(|digits| digits.parse().ok())
            .unwrap_or(0)
    }

    /// Gives a path to the user PostgreSQL runs as.
    ///
    /// # Errors
    /// When it cannot be given away.
    pub fn own(&self, path: &Path) -> std::io::Result<()> {
        match self.user {
            Some((uid, gid)) => std::os::unix::fs::chown(path, Some(uid), Some(gid)),
            None => Ok(()),
        }
    }
}

/// Folders to look at, most wanted first.
fn candidates(search_path: &str) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> =
        search_path.split(':').filter(|part| !part.is_empty()).map(PathBuf::from).collect();
    folders.extend(versions(Path::new("/usr/lib/postgresql"), "", "bin"));
    for homebrew in ["/opt/homebrew/opt", "/usr/local/opt", "/home/linuxbrew/.linuxbrew/opt"] {
        folders.extend(versions(Path::new(homebrew), "postgresql@", "bin"));
        folders.push(Path::new(homebrew).join("postgresql/bin"));
    }
    folders.extend(["/usr/local/pgsql/bin", "/usr/pgsql/bin"].map(PathBuf::from));
    folders
}

/// Folders `<base>/<prefix><version>/<tail>`, the highest version first.
fn versions(base: &Path, prefix: &str, tail: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(base) else { return vec![base.to_owned()] };
    let mut found: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let version = entry.file_name().to_str()?.strip_prefix(prefix)?.parse().ok()?;
            Some((version, entry.path().join(tail)))
        })
        .collect();
    found.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    found.into_iter().map(|(_, path)| path).collect()
}

/// `postgres`, or else `nobody`, when the runner is root.
fn other_user() -> Result<Option<(u32, u32)>, StackError> {
    if !geteuid().is_root() {
        return Ok(None);
    }
    let found = ["postgres", "nobody"].into_iter().find_map(|name| User::from_name(name).ok().flatten());
    let user = found.ok_or_else(|| {
        StackError::Unknown(
            "PostgreSQL refuses to run as root, and there is neither a user `postgres` nor `nobody`"
                .to_owned(),
        )
    })?;
    Ok(Some((user.uid.as_raw(), user.gid.as_raw())))
}
