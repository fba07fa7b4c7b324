//! How fast dispatch-api is: reads and commands over HTTP, beside what PostgreSQL does alone with the same statements.
//!
//! Runs of the API and of pgbench take turns, so that a busy machine is as busy for one as for the other.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

mod load;
mod machine;
mod peer;
mod report;
mod stage;
mod target;
mod usage;
mod work;

use load::{Load, Shape, Watched};
use peer::{Pace, Script};
use stage::{Api, Database};
use work::{Kind, Work};

/// What to measure and how long.
#[derive(Debug, Clone)]
pub struct Options {
    /// Runs of each measurement; the medians count.
    pub runs: usize,
    /// Seconds of each run.
    pub seconds: u64,
    /// Kinds of traffic; all when empty.
    pub only: Vec<String>,
    /// Tickets in the databases that reads are measured on.
    pub sizes: Vec<u64>,
    /// Connections.
    pub connections: Vec<usize>,
    /// Folder on the disk that commits are written to; the system's folder for temporary files by default.
    pub data: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            runs: 5,
            seconds: 2,
            only: Vec::new(),
            sizes: vec![100, 10_000, 100_000],
            connections: vec![1, 16, 64],
            data: None,
        }
    }
}

/// Size of the database that commands are measured on.
const TICKETS_OF_WRITES: u64 = 10_000;

/// The API's connections to the database. One per client is the most that can be of use; the commands of clients that
/// have none wait for each other's commits.
const POOL: u32 = 64;

/// The programs that are measured, and those that measure, are optimised.
const PROFILE: &str = "release";

impl Options {
    /// Reads `--runs N --seconds N --only NAME,… --sizes N,… --connections N,… --data FOLDER`.
    ///
    /// # Errors
    /// An unknown option, or a value that is no number.
    pub fn read(words: &[&str]) -> Result<Self> {
        let mut options = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let value = words.next().with_context(|| format!("`{word}` needs a value"))?;
            match *word {
                "--runs" => options.runs = number(value)?,
                "--seconds" => options.seconds = number(value)?,
                "--only" => options.only = value.split(',').map(str::to_owned).collect(),
                "--sizes" => options.sizes = numbers(value)?,
                "--connections" => options.connections = numbers(value)?,
                "--data" => options.data = Some(PathBuf::from(value)),
                _ => bail!("`{word}` is no option; see `cargo xtask`"),
            }
        }
        if let Some(unknown) =
            options.only.iter().find(|name| Kind::ALL.iter().all(|kind| kind.name() != *name))
        {
            let names: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
            bail!("`{unknown}` is none of {}", names.join(", "));
        }
        if options.runs == 0 || options.seconds == 0 || options.sizes.contains(&0) {
            bail!("runs, seconds and sizes begin at 1");
        }
        Ok(options)
    }

    fn wants(&self, kind: Kind) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == kind.name())
    }
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T> {
    text.trim().replace('_', "").parse().map_err(|_| anyhow::anyhow!("`{text}` is not a number"))
}

fn numbers<T: std::str::FromStr>(text: &str) -> Result<Vec<T>> {
    text.split(',').map(number).collect()
}

/// One measurement: a kind of traffic on a database of some size with some connections.
#[derive(Debug)]
pub struct Measured {
    kind: Kind,
    tickets: u64,
    connections: usize,
    loads: Vec<Load>,
    paces: Vec<Pace>,
}

/// Measures, shows the table, and keeps the report under `target/bench/`.
///
/// # Errors
/// A program cannot be started, an answer is not the one expected, or a target is missed.
pub fn run(root: &Path, options: &Options) -> Result<()> {
    if cfg!(debug_assertions) {
        return run_optimised(root);
    }
    let binary = root.join("target").join(PROFILE).join("dispatch-api");
    let base = options.data.clone().unwrap_or_else(std::env::temp_dir);
    let folder = tempfile::Builder::new().prefix("dispatch-bench-").tempdir_in(&base)?;
    let machine = machine::describe(folder.path())?;
    let database = Database::start(folder.path())?;
    let mut measured = Vec::new();
    let mut peak_kb = 0;
    let mut statements = Vec::new();
    let mut sizes = options.sizes.clone();
    let writes = Kind::ALL.into_iter().any(|kind| kind.writes() && options.wants(kind));
    if writes && !sizes.contains(&TICKETS_OF_WRITES) {
        sizes.push(TICKETS_OF_WRITES);
    }
    for tickets in sizes {
        let kinds: Vec<Kind> = Kind::ALL
            .into_iter()
            .filter(|kind| options.wants(*kind))
            .filter(|kind| {
                if kind.writes() { tickets == TICKETS_OF_WRITES } else { options.sizes.contains(&tickets) }
            })
            .collect();
        if kinds.is_empty() {
            continue;
        }
        let mut world = World::raise(&database, &binary, tickets)?;
        for kind in kinds {
            measured.extend(world.measure(kind, options, &mut statements)?);
        }
        peak_kb = peak_kb.max(usage::peak_kb(world.api.pid())?);
    }
    let outcome = report::Outcome { measured, peak_kb, statements, machine };
    outcome.show();
    outcome.keep(&root.join("target/bench"))?;
    outcome.judge()
}

/// Builds everything optimised and lets that xtask do the work.
#[expect(clippy::disallowed_methods, reason = "the bench builds and starts the programs it measures")]
fn run_optimised(root: &Path) -> Result<()> {
    let built = std::process::Command::new("cargo")
        .args(["build", "--quiet", "--release", "--workspace", "--bins"])
        .current_dir(root)
        .status()
        .context("cargo build")?;
    if !built.success() {
        bail!("the programs cannot be built");
    }
    let status = std::process::Command::new(root.join("target").join(PROFILE).join("xtask"))
        .args(std::env::args_os().skip(1))
        .current_dir(root)
        .status()
        .context("xtask")?;
    if status.success() { Ok(()) } else { bail!("the bench did not end well") }
}

/// A database of some size with an API on it.
struct World<'a> {
    database: &'a Database,
    name: String,
    tickets: u64,
    api: Api,
}

impl<'a> World<'a> {
    fn raise(database: &'a Database, binary: &Path, tickets: u64) -> Result<Self> {
        let name = format!("tickets_{tickets}");
        database.sql("postgres", &format!("CREATE DATABASE {name};"))?;
        let url = database.url(&name);
        Api::verb(binary, &url, "migrate")?;
        database.sql(&name, &format!("\\set tickets {tickets}\n{}", include_str!("api/seed.sql")))?;
        let api = Api::start(binary, &url, POOL, &database.folder().join(format!("{name}.log")))?;
        report::note(&format!("{tickets} tickets: raised"));
        Ok(Self { database, name, tickets, api })
    }

    fn measure(
        &mut self,
        kind: Kind,
        options: &Options,
        statements: &mut Vec<Value>,
    ) -> Result<Vec<Measured>> {
        let work = Work::new(kind, self.tickets)?;
        let mut client = work.client(usize::MAX >> 40);
        let about = (kind.name(), self.tickets);
        let script = Script::record(self.database, &self.name, &self.api, about, &mut client)?;
        statements.push(json!({ "kind": kind.name(), "tickets": self.tickets, "sql": script.statements }));
        let mut measured: Vec<Measured> = options
            .connections
            .iter()
            .map(|connections| Measured {
                kind,
                tickets: self.tickets,
                connections: *connections,
                loads: Vec::new(),
                paces: Vec::new(),
            })
            .collect();
        let watched = Watched { api: self.api.pid(), database: self.database.pid() };
        let window = Duration::from_secs(options.seconds);
        let started = Instant::now();
        for _ in 0..options.runs {
            for one in &mut measured {
                let shape = Shape { connections: one.connections, warm_up: window / 4, window };
                one.loads.push(load::measure(self.api.address, &work, shape, watched)?);
                one.paces.push(script.run(self.database, &self.name, one.connections, options.seconds)?);
            }
        }
        report::note(&format!("{} on {} tickets: {:.0?}", kind.name(), self.tickets, started.elapsed()));
        Ok(measured)
    }
}
