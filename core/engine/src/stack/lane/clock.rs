//! Clocks of services that can be moved: a library between the program and the system answers what a file says.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Environments;
use crate::stack::error::{StackError, io_error};
use crate::stack::ground::Ground;

/// Name of the library; this one is for programs with threads.
const LIBRARY: &str = "libfaketimeMT.so.1";
/// Where distributions put it, below a folder for the machine's kind where there is one.
const FOLDERS: &[&str] = &["/usr/lib", "/usr/lib64", "/usr/local/lib"];

/// The clocks of a lane.
#[derive(Debug, Default)]
pub struct Clocks {
    library: Option<PathBuf>,
    /// The file that says how far a service's clock is off.
    files: BTreeMap<String, PathBuf>,
}

impl Clocks {
    /// Makes the files for `services`. Where the library is missing nothing is made, and moving a clock says so.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn prepare(ground: &Ground, lane: &str, services: BTreeSet<String>) -> Result<Self, StackError> {
        let Some(library) = library().filter(|_| !services.is_empty()) else { return Ok(Self::default()) };
        let folder = ground.data_folder(&format!("clock-{lane}"))?;
        let mut files = BTreeMap::new();
        for service in services {
            let file = folder.join(format!("{service}.time"));
            fs::write(&file, "+0\n").map_err(io_error(format!("writing {}", file.display())))?;
            files.insert(service, file);
        }
        Ok(Self { library: Some(library), files })
    }

    /// What the services are told, so that they ask the library.
    pub fn add_to(&self, environments: &mut Environments) {
        let Some(library) = &self.library else { return };
        for (service, file) in &self.files {
            let own = environments.entry(service.clone()).or_default();
            for (name, value) in [
                ("LD_PRELOAD", library.as_path()),
                ("FAKETIME_TIMESTAMP_FILE", file.as_path()),
                // The file is read whenever the time is asked for, so that a jump is seen at once.
                ("FAKETIME_NO_CACHE", Path::new("1")),
                // Timers go on as they were: a wrong clock is not a slow machine.
                ("FAKETIME_DONT_FAKE_MONOTONIC", Path::new("1")),
                ("DONT_FAKE_MONOTONIC", Path::new("1")),
                // It would leave shared memory behind when the program is killed.
                ("FAKETIME_DISABLE_SHM", Path::new("1")),
            ] {
                own.insert(name.to_owned(), value.display().to_string());
            }
        }
    }

    /// Sets how far a service's clock is off, in milliseconds.
    ///
    /// # Errors
    /// When the library is missing or the file cannot be written.
    pub fn set(&self, service: &str, by_ms: i64) -> io::Result<()> {
        let file = self.files.get(service).ok_or_else(|| {
            io::Error::other(format!(
                "there is no {LIBRARY} on this machine (Debian: `apt-get install faketime`)"
            ))
        })?;
        let sign = if by_ms < 0 { '-' } else { '+' };
        let (seconds, rest) = (by_ms.unsigned_abs() / 1_000, by_ms.unsigned_abs() % 1_000);
        // Renamed into place, so that nobody reads half of it.
        let fresh = file.with_extension("next");
        fs::write(&fresh, format!("{sign}{seconds}.{rest:03}\n"))?;
        fs::rename(&fresh, file)
    }
}

fn library() -> Option<PathBuf> {
    let kinds = FOLDERS.iter().flat_map(|folder| {
        let below = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        below.chain([PathBuf::from(folder)]).collect::<Vec<_>>()
    });
    kinds.map(|folder| folder.join("faketime").join(LIBRARY)).find(|path| path.is_file())
}
