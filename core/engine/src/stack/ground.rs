//! What every part of a stack stands on: folders, ledger, reaper.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use nix::sys::statvfs::statvfs;
use nix::unistd::{AccessFlags, access};
use rand::TryRngCore;
use rand::rngs::OsRng;

use super::StackOptions;
use super::binaries::hex;
use super::error::{StackError, io_error};
use super::process::Run;
use super::reaper::{Reaper, scratch_name, spawn_reaper};
use super::undo::{Entry, Ledger};

/// Longest path of a folder that can hold a socket of PostgreSQL: 107 bytes less its name.
const LONGEST_SOCKET_FOLDER: usize = 85;

/// Where Linux has a file system in memory.
const MEMORY: &str = "/dev/shm";
/// Least free room in memory for it to be used: 40 MB for the server and 12 MB for a lane of the dispatch stack, and
/// far more than the 64 MB a container gets by default.
const MEMORY_ROOM: u64 = 2 << 30;

/// Folders, ledger and reaper of a run.
#[derive(Debug)]
pub struct Ground {
    /// Options, with absolute paths.
    pub options: StackOptions,
    /// The ledger.
    pub ledger: Ledger,
    /// The reaper, until the stack is down.
    pub reaper: Mutex<Option<Reaper>>,
    /// Folders outside the run's own that were made for it.
    scratches: Mutex<BTreeSet<PathBuf>>,
}

impl Ground {
    /// Makes the run's folder, begins its ledger and starts its reaper, before anything else exists.
    ///
    /// # Errors
    /// When any of it fails.
    pub fn prepare(mut options: StackOptions) -> Result<Self, StackError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if options.run_id.is_empty() || !options.run_id.chars().all(plain) {
            return Err(StackError::Unknown(format!("`{}` is no name for a run", options.run_id)));
        }
        for folder in [&mut options.run_dir, &mut options.cache_dir] {
            fs::create_dir_all(&*folder).map_err(io_error(format!("making {}", folder.display())))?;
            *folder = absolute(folder)?;
        }
        options.project_root = absolute(&options.project_root)?;
        let logs = options.run_dir.join("logs");
        fs::create_dir_all(&logs).map_err(io_error(format!("making {}", logs.display())))?;
        let ledger = Ledger::begin(&options.run_dir, &options.run_id)
            .map_err(io_error("beginning the undo ledger"))?;
        let reaper = spawn_reaper(&options.reaper, &options.run_dir)
            .map_err(|source| StackError::Reaper { program: options.reaper.clone(), source })?;
        Ok(Self { options, ledger, reaper: Mutex::new(Some(reaper)), scratches: Mutex::default() })
    }

    /// For starting processes.
    #[must_use]
    pub fn run(&self) -> Run<'_> {
        Run { run_id: &self.options.run_id, ledger: &self.ledger }
    }

    /// Folder of the logs, or of a lane's logs; made if it is not there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn logs(&self, lane: Option<&str>) -> Result<PathBuf, StackError> {
        let folder = self.options.run_dir.join("logs").join(lane.unwrap_or_default());
        fs::create_dir_all(&folder).map_err(io_error(format!("making {}", folder.display())))?;
        Ok(folder)
    }

    /// Makes a folder for data that goes when the run ends, written down before it exists.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn data_folder(&self, name: &str) -> Result<PathBuf, StackError> {
        self.make(&self.options.run_dir.join(name), 0o700)
    }

    /// As [`Ground::data_folder`], for PostgreSQL: short enough for its socket, where its user can reach it, and in
    /// memory unless its commits have to reach the disk.
    ///
    /// A lane's database is some 300 files that are made and removed again within seconds. On ext4, which does not
    /// use the place of a removed file again for a while, looking for free places took two thirds of a run's whole
    /// processor time; in memory it takes none.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn postgres_folder(
        &self,
        name: &str,
        user: Option<(u32, u32)>,
        durable: bool,
    ) -> Result<PathBuf, StackError> {
        let run_dir = &self.options.run_dir;
        let memory = Path::new(MEMORY);
        if !durable && has_room(memory) {
            return self.scratch(memory, name);
        }
        let short = run_dir.as_os_str().len() <= LONGEST_SOCKET_FOLDER;
        if short && user.is_none_or(|(uid, _)| can_reach(run_dir, uid)) {
            return self.data_folder(name);
        }
        self.scratch(&self.options.scratch_dir, name)
    }

    fn scratch(&self, parent: &Path, name: &str) -> Result<PathBuf, StackError> {
        let scratch = parent.join(scratch_name(&self.options.run_id));
        if self.scratches.lock().unwrap_or_else(PoisonError::into_inner).insert(scratch.clone()) {
            self.make(&scratch, 0o711)?;
        }
        self.make(&scratch.join(name), 0o700)
    }

    fn make(&self, folder: &Path, mode: u32) -> Result<PathBuf, StackError> {
        let doing = || format!("making {}", folder.display());
        self.ledger.write(&Entry::Directory { path: folder.to_owned() }).map_err(io_error(doing()))?;
        // It must be new: somebody else's folder of that name is not used.
        fs::DirBuilder::new().mode(mode).create(folder).map_err(io_error(doing()))?;
        Ok(folder.to_owned())
    }
}

fn absolute(folder: &Path) -> Result<PathBuf, StackError> {
    fs::canonicalize(folder).map_err(io_error(format!("finding {}", folder.display())))
}

fn has_room(folder: &Path) -> bool {
    let free = statvfs(folder).map(|state| state.blocks_available() * state.fragment_size());
    free.is_ok_and(|free| free >= MEMORY_ROOM) && access(folder, AccessFlags::W_OK).is_ok()
}

fn can_reach(folder: &Path, uid: u32) -> bool {
    folder
        .ancestors()
        .all(|part| fs::metadata(part).is_ok_and(|meta| meta.mode() & 0o001 != 0 || meta.uid() == uid))
}

/// A fresh secret: 32 random bytes of the operating system as hex. Never from the run's seed, which is printed.
///
/// # Errors
/// When the system gives no random bytes.
pub fn fresh_secret() -> Result<String, StackError> {
    let mut bytes = [0_u8; 32];
    OsRng.try_fill_bytes(&mut bytes).map_err(|error| StackError::Io {
        doing: "getting random bytes".to_owned(),
        source: std::io::Error::other(error),
    })?;
    Ok(hex(&bytes))
}
