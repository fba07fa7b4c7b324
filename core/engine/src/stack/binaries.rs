//! The workspace's own binaries: built once per run, and known by their digests.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::UNIX_EPOCH;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::error::{StackError, io_error};
use super::logs::tail_of;
use super::process::Run;

/// Most lines of a failed build that are shown.
const ERROR_LINES: usize = 40;

/// Where each binary is.
#[derive(Debug, Clone, Default)]
pub struct Binaries {
    by_name: BTreeMap<String, PathBuf>,
}

/// A line of cargo's JSON output, as far as it is read here.
#[derive(Debug, Deserialize)]
struct Message {
    reason: String,
    target: Option<Target>,
    executable: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

/// What `cargo run` and `cargo test` tell the program they start. Build scripts that look at these variables (ring's
/// does) would be run again by a cargo inside of another, and everything above them built twice.
pub const OF_THE_CALLING_CARGO: &[&str] = &[
    "CARGO",
    "CARGO_BIN_NAME",
    "CARGO_CRATE_NAME",
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_LINKS",
    "CARGO_MANIFEST_PATH",
    "CARGO_PKG_AUTHORS",
    "CARGO_PKG_DESCRIPTION",
    "CARGO_PKG_HOMEPAGE",
    "CARGO_PKG_LICENSE",
    "CARGO_PKG_LICENSE_FILE",
    "CARGO_PKG_NAME",
    "CARGO_PKG_README",
    "CARGO_PKG_REPOSITORY",
    "CARGO_PKG_RUST_VERSION",
    "CARGO_PKG_VERSION",
    "CARGO_PKG_VERSION_MAJOR",
    "CARGO_PKG_VERSION_MINOR",
    "CARGO_PKG_VERSION_PATCH",
    "CARGO_PKG_VERSION_PRE",
    "CARGO_PRIMARY_PACKAGE",
    "CARGO_TARGET_TMPDIR",
    "OUT_DIR",
];

impl Binaries {
    /// Takes the binaries from a folder.
    ///
    /// # Errors
    /// When one of `wanted` is not there.
    pub fn from_folder(folder: &Path, wanted: &[(String, String)]) -> Result<Self, StackError> {
        let mut by_name = BTreeMap::new();
        for (service, binary) in wanted {
            let path = folder.join(binary);
            if !path.is_file() {
                let program = path.display().to_string();
                return Err(StackError::NoProgram { service: service.clone(), program });
            }
            by_name.insert(binary.clone(), path);
        }
        Ok(Self { by_name })
    }

    /// Builds every binary of the workspace at `root` with the features every other command uses, so that nothing
    /// is built twice, and takes their places from what cargo says. Given a `target` folder, it builds there.
    ///
    /// # Errors
    /// What cargo wrote when the build fails.
    pub async fn build(
        run: Run<'_>,
        (root, profile, target): (&Path, &str, Option<&Path>),
        wanted: &[(String, String)],
    ) -> Result<Self, StackError> {
        if wanted.is_empty() {
            return Ok(Self::default());
        }
        let mut command = run.command("cargo");
        command.args([
            "build",
            "--workspace",
            "--bins",
            "--message-format=json-render-diagnostics",
            "--profile",
            profile,
        ]);
        for name in OF_THE_CALLING_CARGO {
            command.env_remove(name);
        }
        if let Some(target) = target {
            command.arg("--target-dir").arg(target);
        }
        command.current_dir(root).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut command = tokio::process::Command::from(command);
        let output = command.kill_on_drop(true).output().await.map_err(io_error("starting cargo"))?;
        if !output.status.success() {
            return Err(StackError::Build {
                last_lines: first_errors(&String::from_utf8_lossy(&output.stderr)),
            });
        }
        let by_name = executables(&String::from_utf8_lossy(&output.stdout));
        for (service, binary) in wanted {
            if !by_name.contains_key(binary) {
                let program = format!("{binary} (no binary of this workspace has that name)");
                return Err(StackError::NoProgram { service: service.clone(), program });
            }
        }
        Ok(Self { by_name })
    }

    /// The path of a binary.
    #[must_use]
    pub fn path(&self, binary: &str) -> Option<&Path> {
        self.by_name.get(binary).map(PathBuf::as_path)
    }

    /// SHA-256 of every wanted binary, lower-case hex. A digest is kept in `cache` as long as the file does not change.
    ///
    /// # Errors
    /// When a binary cannot be read.
    pub fn digests(&self, cache: &Path, wanted: &[(String, String)]) -> io::Result<BTreeMap<String, String>> {
        let mut digests = BTreeMap::new();
        for (_, binary) in wanted {
            if let Some(path) = self.by_name.get(binary) {
                digests.insert(binary.clone(), kept_digest(path, cache)?);
            }
        }
        Ok(digests)
    }
}

/// Cargo's output from the first error on, for warnings of other crates may come before and after; the last lines
/// where there is none.
fn first_errors(text: &str) -> Vec<String> {
    let from_error: Vec<String> = text
        .lines()
        .skip_while(|line| !line.starts_with("error"))
        .take(ERROR_LINES)
        .map(str::to_owned)
        .collect();
    if from_error.is_empty() { tail_of(text) } else { from_error }
}

fn executables(lines: &str) -> BTreeMap<String, PathBuf> {
    let messages = lines.lines().filter_map(|line| serde_json::from_str::<Message>(line).ok());
    let built = messages.filter(|message| message.reason == "compiler-artifact");
    let binaries = built.filter_map(|message| Some((message.target?, message.executable?)));
    binaries
        .filter(|(target, _)| target.kind.iter().any(|kind| kind == "bin"))
        .map(|(target, path)| (target.name, path))
        .collect()
}

/// A digest by path, length and time of change, so that an unchanged binary of a hundred megabytes is read only once.
fn kept_digest(path: &Path, cache: &Path) -> io::Result<String> {
    let meta = std::fs::metadata(path)?;
    let changed = meta.modified()?.duration_since(UNIX_EPOCH).map_err(io::Error::other)?.as_nanos();
    let key = format!("{}\n{}\n{changed}", path.display(), meta.len());
    let kept = cache.join(format!("digest-{}", &hex(&Sha256::digest(key.as_bytes()))[..16]));
    if let Ok(text) = std::fs::read_to_string(&kept)
        && let Some((digest, for_key)) = text.split_once('\n')
        && for_key == key
    {
        return Ok(digest.to_owned());
    }
    let digest = file_digest(path)?;
    std::fs::create_dir_all(cache)?;
    std::fs::write(&kept, format!("{digest}\n{key}"))?;
    Ok(digest)
}

fn file_digest(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(hex(&hasher.finalize()));
        }
        hasher.update(&buffer[..read]);
    }
}

/// Bytes as lower-case hex.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The program of that name on a search path, or the path itself when it names a folder.
#[must_use]
pub fn find_program(program: &str, search_path: &str, root: &Path) -> Option<PathBuf> {
    if program.contains('/') {
        return Some(root.join(program)).filter(|path| path.is_file());
    }
    search_path.split(':').map(|folder| Path::new(folder).join(program)).find(|path| path.is_file())
}
