//! The verbs of the command, one file each. Each answers with an exit code.

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use drillyard_engine::stack::{Backend, NoBackend};
use drillyard_report::format::console::Look;
use jiff::Timestamp;

use crate::exit;
use crate::harness::RunOptions;
use crate::render::{self, Style};
use crate::root::{Loaded, Root};

pub mod bootstrap;
pub mod check;
pub mod demo;
pub mod diff;
pub mod explain;
pub mod gate;
pub mod judge;
pub mod keeper;
pub mod list;
pub mod lsp;
pub mod new;
pub mod plan;
pub mod reap;
pub mod replay;
pub mod report;
pub mod review;
pub mod run;
pub mod schema;
pub mod stack;
pub mod undo;
pub mod verify;
pub mod watch;

/// The exit codes, for `--help`.
pub const EXIT_CODES: &str = "Exit codes: 0 passed · 1 failed · 2 text wrong · 3 nothing proved · 4 stack not raised or \
aborted · 5 undo failed or something left behind · 6 gate refused · 7 inconclusive · 8 evidence tampered with · \
9 snapshot new or different · 70 a bug of ours · 130 interrupted";

/// What every verb gets.
#[derive(Debug, Clone)]
pub struct Common {
    start: PathBuf,
    color: bool,
}

/// How diagnostics are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// For people.
    Human,
    /// For programs.
    Json,
    /// For GitHub's annotations.
    Github,
}

/// Where programs are found.
#[derive(Debug, Clone, Default)]
pub struct Ground {
    /// What the stack is made of, where it is not what the environment says.
    pub backend: Option<Backend>,
    /// The target to attach to.
    pub target: Option<String>,
    /// Folder with PostgreSQL's programs.
    pub pg_bin: Option<PathBuf>,
    /// Folder with service binaries.
    pub bin_dir: Option<PathBuf>,
}

impl Common {
    /// Common ground of a call.
    #[must_use]
    pub fn new(project: Option<&Path>, color: bool) -> Self {
        let start = project.map_or_else(|| PathBuf::from("."), Path::to_owned);
        Self { start, color }
    }

    /// The folder the call was made for.
    #[must_use]
    pub fn start(&self) -> &Path {
        &self.start
    }

    /// Whether to use colour.
    #[must_use]
    pub fn color(&self) -> bool {
        self.color
    }

    /// The project, or the exit code after saying why there is none.
    ///
    /// # Errors
    /// The exit code of the call.
    pub fn root(&self) -> Result<Root, u8> {
        Root::find(&self.start).map_err(|error| complain(exit::TEXT_WRONG, &error.to_string()))
    }

    /// The project and its texts, whatever is wrong with them.
    ///
    /// # Errors
    /// The exit code of the call.
    pub fn load(&self) -> Result<(Root, Loaded), u8> {
        let root = self.root()?;
        let loaded = root.load().map_err(|error| {
            complain(exit::TEXT_WRONG, &format!("the project could not be read: {error}"))
        })?;
        Ok((root, loaded))
    }

    /// The project and its texts, when nothing is wrong with them; all mistakes are shown otherwise.
    ///
    /// # Errors
    /// The exit code of the call.
    pub fn load_checked(&self) -> Result<(Root, Loaded), u8> {
        let (root, loaded) = self.load()?;
        if loaded.project.diagnostics.is_empty() {
            return Ok((root, loaded));
        }
        let style = Style::Human { color: self.color };
        let code = exit::of_texts(&loaded.project.diagnostics);
        Err(complain(code, &render::render(&loaded.project.diagnostics, &loaded.texts, style)))
    }
}

impl Ground {
    /// The options with what was given here in place of what the environment says.
    #[must_use]
    pub fn over(&self, environment: RunOptions) -> RunOptions {
        // Naming a target says enough, unless a backend is named as well.
        let named = self.backend.or(self.target.as_ref().map(|_| Backend::Attached));
        RunOptions {
            backend: named.unwrap_or(environment.backend),
            target: self.target.clone().or(environment.target),
            pg_bin: self.pg_bin.clone().or(environment.pg_bin),
            bin_dir: self.bin_dir.clone().or(environment.bin_dir),
            ..environment
        }
    }
}

/// The backend that `DRILLYARD_BACKEND` names, processes without it.
///
/// # Errors
/// When there is no such backend.
pub fn backend_from_environment() -> Result<Backend, NoBackend> {
    environment("DRILLYARD_BACKEND").map_or(Ok(Backend::default()), |word| word.parse())
}

/// Options of a run as the environment gives them: `DRILLYARD_BACKEND`, `DRILLYARD_TARGET`, `DRILLYARD_SEED`, `DRILLYARD_PG_BIN`,
/// `DRILLYARD_BIN_DIR`, `DRILLYARD_SIGNING_KEY`, `DOCKER_HOST`, `CI`.
#[must_use]
pub fn options_from_environment() -> RunOptions {
    let path = |name: &str| environment(name).map(|value| absolute(PathBuf::from(value)));
    let seed = environment("DRILLYARD_SEED").and_then(|text| text.parse().ok()).unwrap_or_else(fresh_seed);
    RunOptions {
        // A word that is no backend is refused before anything runs, by the arguments or the test target.
        backend: backend_from_environment().unwrap_or_default(),
        target: environment("DRILLYARD_TARGET"),
        engine_host: environment("DOCKER_HOST"),
        seed,
        jobs: None,
        keep: false,
        repeat: 1,
        pg_bin: path("DRILLYARD_PG_BIN"),
        bin_dir: path("DRILLYARD_BIN_DIR"),
        signing_key: path("DRILLYARD_SIGNING_KEY"),
        ci: on_ci(),
        look: Look::default(),
    }
}

/// A variable of the environment that is not empty.
#[expect(clippy::disallowed_methods, reason = "this crate reads the environment for all of the harness")]
#[must_use]
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Whether this is a build machine: `CI` is set to anything but `false` or `0`.
#[must_use]
pub fn on_ci() -> bool {
    environment("CI").is_some_and(|value| value != "false" && value != "0")
}

/// Whether to use colour where nobody said so: `NO_COLOR` forbids it, `CLICOLOR_FORCE` asks for it, and otherwise a
/// terminal gets it unless it is a dumb one or `CLICOLOR` is `0`.
#[must_use]
pub fn terminal_wants_color() -> bool {
    if environment("NO_COLOR").is_some() {
        return false;
    }
    if environment("CLICOLOR_FORCE").is_some_and(|value| value != "0") {
        return true;
    }
    let dumb = environment("TERM").is_some_and(|term| term == "dumb");
    let off = environment("CLICOLOR").is_some_and(|value| value == "0");
    std::io::stdout().is_terminal() && !dumb && !off
}

/// A folder as an absolute path, since processes of the stack work in the project's folder.
#[must_use]
pub fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

/// The folders that programs are looked for in.
#[must_use]
pub fn search_path() -> String {
    environment("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".to_owned())
}

/// The cargo profile this program was built with, and the `drillyard` binary of the same build: this program, or for a
/// test target the one beside it.
#[must_use]
pub fn this_build() -> (String, PathBuf) {
    let this = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("drillyard"));
    let is_drillyard = this.file_stem().is_some_and(|stem| stem == "drillyard");
    let folder = this.parent().unwrap_or(Path::new("."));
    let folder = if folder.ends_with("deps") { folder.parent().unwrap_or(folder) } else { folder };
    let profile = if folder.ends_with("release") { "release" } else { "dev" };
    let reaper = if is_drillyard { this.clone() } else { folder.join("drillyard") };
    (profile.to_owned(), reaper)
}

/// Builds the binaries when a test target runs alone in a fresh checkout, where the reaper is not there yet.
///
/// # Errors
/// Cargo cannot be started or the build fails; cargo has said why.
pub fn build_reaper(root: &Root) -> Result<(), String> {
    let (profile, reaper) = this_build();
    if reaper.is_file() {
        return Ok(());
    }
    let mut cargo = cargo();
    cargo.args(["build", "--workspace", "--bins", "--profile", &profile]).current_dir(root.path());
    if let Some(target) = reaper.parent().and_then(Path::parent) {
        cargo.arg("--target-dir").arg(target);
    }
    let built = cargo.status().map_err(|error| format!("cargo could not be started: {error}"))?;
    if built.success() { Ok(()) } else { Err("the binaries could not be built".to_owned()) }
}

#[expect(
    clippy::disallowed_methods,
    reason = "builds this program's own binaries; nothing of the stack is started"
)]
fn cargo() -> std::process::Command {
    let mut cargo = std::process::Command::new("cargo");
    for name in drillyard_engine::stack::OF_THE_CALLING_CARGO {
        cargo.env_remove(name);
    }
    cargo
}

fn fresh_seed() -> u64 {
    // A seed only has to differ between runs; it is shown and kept, so that the run can be repeated.
    let nanos = Timestamp::now().as_nanosecond().unsigned_abs();
    u64::try_from(nanos % 1_000_000_000_000).unwrap_or(0) ^ u64::from(std::process::id())
}

/// Installs the one TLS provider; every run needs it before its first client is built.
pub fn install_tls() {
    // An error means that it is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Prints to standard output.
pub fn print(text: &str) {
    // A reader that has gone away is not an error of ours.
    let _ = writeln!(std::io::stdout(), "{}", text.trim_end());
}

/// Prints to standard error and gives the exit code back.
pub fn complain(code: u8, text: &str) -> u8 {
    let _ = writeln!(std::io::stderr(), "{}", text.trim_end());
    code
}

/// A runtime for a verb that runs things.
///
/// # Errors
/// The exit code of the call.
pub fn runtime() -> Result<tokio::runtime::Runtime, u8> {
    install_tls();
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| complain(exit::INTERNAL, &format!("no runtime: {error}")))
}
