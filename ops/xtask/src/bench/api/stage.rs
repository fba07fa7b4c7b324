//! A PostgreSQL and a dispatch-api of our own, on free ports, stopped when they are dropped.

use std::fs::{self, File};
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User, geteuid};
use serde_json::Value;

/// Signs the bench's tokens; known to nobody else, because the API listens for the length of one run.
pub const SECRET: &str = "bench-secret-of-one-run";

/// How long a server may take until it answers.
const PATIENCE: Duration = Duration::from_secs(30);

/// The running database server.
#[derive(Debug)]
pub struct Database {
    bin: PathBuf,
    folder: PathBuf,
    user: Option<(u32, u32)>,
    /// Where it listens.
    pub port: u16,
    server: Child,
}

/// The running API.
#[derive(Debug)]
pub struct Api {
    process: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

#[expect(clippy::disallowed_methods, reason = "the bench starts the programs it measures")]
fn command(program: &Path, user: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(program);
    if let Some((uid, gid)) = user {
        command.uid(uid).gid(gid);
    }
    command
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

fn installed() -> Result<PathBuf> {
    let mut folders: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .context("PostgreSQL is not installed (apt-get install postgresql)")?
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|folder| folder.join("initdb").is_file() && folder.join("pgbench").is_file())
        .collect();
    folders.sort();
    folders.pop().context("no folder under /usr/lib/postgresql has initdb and pgbench")
}

/// PostgreSQL refuses to run as root.
fn other_user() -> Result<Option<(u32, u32)>> {
    if !geteuid().is_root() {
        return Ok(None);
    }
    let user = User::from_name("postgres")?.context("running as root, and there is no user `postgres`")?;
    Ok(Some((user.uid.as_raw(), user.gid.as_raw())))
}

/// The settings that differ from a fresh installation. Commits are as durable as an installation's own; checkpoints and
/// the log do not fall into a window of a few seconds by chance.
const SETTINGS: &str = "\
listen_addresses = '127.0.0.1'
max_connections = 200
shared_buffers = '512MB'
max_wal_size = '8GB'
checkpoint_timeout = '1h'
fsync = on
synchronous_commit = on
full_page_writes = on
logging_collector = on
log_destination = 'jsonlog'
log_directory = 'log'
log_filename = 'statements.log'
log_parameter_max_length = -1
";

impl Database {
    /// Creates and starts a server under `folder`.
    ///
    /// # Errors
    /// PostgreSQL is not installed, or does not come up.
    pub fn start(folder: &Path) -> Result<Self> {
        let (bin, user, port) = (installed()?, other_user()?, free_port()?);
        let data = folder.join("data");
        fs::create_dir_all(&data)?;
        if let Some((uid, gid)) = user {
            for path in [folder, &data] {
                chown(path, Some(uid), Some(gid))?;
            }
        }
        let made = command(&bin.join("initdb"), user)
            .current_dir(folder)
            .args(["--username=bench", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "-D"])
            .arg(&data)
            .output()
            .context("initdb")?;
        if !made.status.success() {
            bail!("initdb failed: {}", String::from_utf8_lossy(&made.stderr));
        }
        let mut settings = fs::OpenOptions::new().append(true).open(data.join("postgresql.conf"))?;
        writeln!(settings, "{SETTINGS}port = {port}\nunix_socket_directories = '{}'", folder.display())?;
        let server = command(&bin.join("postgres"), user)
            .current_dir(folder)
            .arg("-D")
            .arg(&data)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(folder.join("postgres.err"))?)
            .spawn()
            .context("postgres")?;
        let database = Self { bin, folder: folder.to_owned(), user, port, server };
        wait_for("postgres", || database.sql("postgres", "SELECT 1").is_ok())?;
        Ok(database)
    }

    /// The address of a database of this server.
    pub fn url(&self, name: &str) -> String {
        format!("postgres://bench@127.0.0.1:{}/{name}", self.port)
    }

    /// A program of the installation, pointed at a database.
    pub fn program(&self, program: &str, database: &str) -> Command {
        let mut command = command(&self.bin.join(program), self.user);
        command.current_dir(&self.folder);
        command.args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", "bench"]);
        command.args(if program == "psql" { ["-d", database] } else { ["-n", database] });
        command
    }

    /// Runs SQL and returns what it prints, unaligned, one row per line.
    ///
    /// # Errors
    /// The first statement that fails.
    pub fn sql(&self, database: &str, sql: &str) -> Result<String> {
        let mut psql = self.program("psql", database);
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f", "-"]);
        let mut psql = psql
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("psql")?;
        psql.stdin.take().context("psql has no input")?.write_all(sql.as_bytes())?;
        let output = psql.wait_with_output()?;
        if !output.status.success() {
            bail!("psql: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// The folder that the measured files live in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Records of the statement log, from `offset` bytes on, and where the next ones will begin.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn log_since(&self, offset: usize) -> Result<(Vec<Value>, usize)> {
        // Named by the server: the configured name with its extension replaced.
        let path = self.folder.join("data/log/statements.json");
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let records = text.get(offset..whole).unwrap_or_default().lines();
        Ok((records.map(serde_json::from_str).collect::<Result<_, _>>()?, whole))
    }

    /// The server's process.
    pub fn pid(&self) -> u32 {
        self.server.id()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        stop(&mut self.server, Signal::SIGINT);
    }
}

impl Api {
    /// Runs one verb of dispatch-api to its end.
    ///
    /// # Errors
    /// When it fails.
    pub fn verb(binary: &Path, url: &str, verb: &str) -> Result<()> {
        let output = Self::command(binary, url, 1, 0).arg(verb).output().context("dispatch-api")?;
        if !output.status.success() {
            bail!("dispatch-api {verb} failed: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(())
    }

    /// Starts the API; its request log goes to a file, as a supervisor would have it.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn start(binary: &Path, url: &str, pool: u32, log: &Path) -> Result<Self> {
        let port = free_port()?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let process = Self::command(binary, url, pool, port)
            .stdin(Stdio::null())
            .stdout(File::create(log)?)
            .stderr(File::create(log.with_extension("err"))?)
            .spawn()
            .with_context(|| binary.display().to_string())?;
        let api = Self { process, address };
        wait_for("dispatch-api", || std::net::TcpStream::connect(address).is_ok())?;
        Ok(api)
    }

    fn command(binary: &Path, url: &str, pool: u32, port: u16) -> Command {
        let mut command = command(binary, None);
        command.env_clear().envs([
            ("DISPATCH_DATABASE_URL", url),
            ("DISPATCH_AUTH_JWT_SECRET", SECRET),
            ("DISPATCH_API_HOST", "127.0.0.1"),
        ]);
        command.env("DISPATCH_DB_POOL_MAX", pool.to_string()).env("DISPATCH_API_PORT", port.to_string());
        command
    }

    /// The API's process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        stop(&mut self.process, Signal::SIGTERM);
    }
}

/// Ends a process of ours and waits for it.
fn stop(process: &mut Child, signal: Signal) {
    if let Ok(pid) = i32::try_from(process.id()) {
        // Ignored: it may be gone already, which is what is wanted.
        let _ = kill(Pid::from_raw(pid), signal);
    }
    // Ignored for the same reason.
    let _ = process.wait();
}

fn wait_for(what: &str, ready: impl Fn() -> bool) -> Result<()> {
    let started = std::time::Instant::now();
    while !ready() {
        if started.elapsed() > PATIENCE {
            bail!("{what} did not come up within {} s", PATIENCE.as_secs());
        }
        std::thread::park_timeout(Duration::from_millis(20));
    }
    Ok(())
}
