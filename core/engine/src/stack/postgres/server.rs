//! A running server: started from a copied data directory, asked for databases, stopped.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

use super::{Install, template};
use crate::clock::{Deadline, Pace};
use crate::stack::error::{StackError, io_error};
use crate::stack::ports::ReservedPort;
use crate::stack::process::{Ended, Launch, Process, Run, describe_exit};
use crate::stack::wiring::HOST;

/// Connections the harness itself keeps, for making and dropping databases of several lanes at once.
const ADMIN_CONNECTIONS: u32 = 4;

/// Bound for getting one of them.
const ADMIN_BOUND: Duration = Duration::from_secs(10);
/// Bound for the end of all processes of a server that was killed.
const CRASH_BOUND: Duration = Duration::from_secs(5);
/// Bound for the end of a server that nobody stopped.
const LAST_BOUND: Duration = Duration::from_millis(500);

/// Local connections through the socket, which only the runner can reach, are trusted. Over the loopback address the
/// password is asked for in plain: SCRAM would cost every client 4,096 rounds of hashing per connection, some tens of
/// milliseconds in an unoptimised build, and hides nothing from whoever can read loopback traffic, who is root. For the
/// same reason it is stored as MD5: checking it against a SCRAM verifier took an eighth of a run's processor time, and
/// a password of 256 random bits that lives as long as a run cannot be guessed from either.
const HBA: &str = "local all all trust\nhost all all 127.0.0.1/32 password\n";

/// How the server is set up.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The superuser and owner of all databases.
    pub user: String,
    /// Its password.
    pub password: String,
    /// Whether commits reach the disk.
    pub durable: bool,
    /// Folder for data and socket, which PostgreSQL's user can reach; none of it is used in a container.
    pub folder: PathBuf,
    /// Whether it is in a container, and reached over the loopback address.
    pub contained: bool,
    /// Its log.
    pub log: PathBuf,
    /// Bound for becoming ready.
    pub start_timeout: Duration,
    /// The lane it belongs to; nothing for the one that lanes share.
    pub lane: Option<String>,
    /// Most connections it takes.
    pub connections: u32,
}

/// A running server. Dropping it kills it.
#[derive(Debug)]
pub struct Server {
    setup: Setup,
    install: Option<Install>,
    major: u32,
    port: ReservedPort,
    process: Mutex<Arc<Process>>,
    admin: PgPool,
}

impl Server {
    /// Copies the kept data directory, starts a server on it and waits until it answers.
    ///
    /// # Errors
    /// When any of that fails; the message holds the server's last lines.
    pub async fn start(
        run: Run<'_>,
        install: &Install,
        setup: Setup,
        cache: &Path,
    ) -> Result<Self, StackError> {
        let folder = setup.folder.clone();
        let kept = template::kept(run, install, &setup.user, (cache, &folder)).await?;
        let data = folder.join("data");
        template::copy(kept, data.clone(), install.user)
            .await
            .map_err(io_error(format!("copying to {}", data.display())))?;
        let mut port = ReservedPort::any().map_err(io_error("reserving a port for PostgreSQL"))?;
        configure((&data, &folder), &setup, port.number())
            .map_err(io_error(format!("configuring {}", data.display())))?;
        port.about_to_be_used();
        let process = launch(run, install, &setup)?;
        let server = Self::of(setup, port, process, Some(install.clone()));
        server.answers().await?;
        server.set_password().await?;
        Ok(server)
    }

    /// Waits for a server that was started in a container, at `port` of the loopback address.
    ///
    /// # Errors
    /// When it does not answer in time, or refuses.
    pub async fn contained(setup: Setup, port: ReservedPort, process: Process) -> Result<Self, StackError> {
        let mut server = Self::of(setup, port, process, None);
        server.answers().await?;
        let asked = sqlx::query_scalar::<_, String>("SHOW server_version_num").fetch_one(&server.admin).await;
        let asked = asked.map_err(|source| StackError::Database {
            doing: "asking PostgreSQL for its version".to_owned(),
            source,
        })?;
        server.major = asked.parse::<u32>().unwrap_or_default() / 10_000;
        Ok(server)
    }

    fn of(setup: Setup, port: ReservedPort, process: Process, install: Option<Install>) -> Self {
        let process = Mutex::new(Arc::new(process));
        let major = install.as_ref().map_or(0, Install::major);
        let admin = PgPoolOptions::new()
            .max_connections(ADMIN_CONNECTIONS)
            .acquire_timeout(ADMIN_BOUND)
            .min_connections(0)
            .connect_lazy_with(options(&setup, "postgres", port.number()));
        Self { setup, port, process, admin, install, major }
    }

    /// Settings of a server in a container, as arguments.
    #[must_use]
    pub fn arguments(setup: &Setup) -> Vec<String> {
        let settings = SETTINGS.iter().chain(if setup.durable { &[][..] } else { VOLATILE });
        let settings =
            settings.flat_map(|setting| ["-c".to_owned(), setting.replace(" = ", "=").replace('\'', "")]);
        let connections = ["-c".to_owned(), format!("max_connections={}", setup.connections)];
        ["postgres".to_owned()].into_iter().chain(settings).chain(connections).collect()
    }

    /// The kept data directory has no password; it goes in now. A server that has no MD5 any more takes its default.
    async fn set_password(&self) -> Result<(), StackError> {
        let set = format!("ALTER ROLE {} PASSWORD {}", name(&self.setup.user), literal(&self.setup.password));
        let quick = format!("BEGIN; SET LOCAL password_encryption = 'md5'; {set}; COMMIT");
        match self.execute("setting the password", &quick).await {
            Ok(()) => Ok(()),
            Err(_) => self.execute("setting the password", &format!("ROLLBACK; {set}")).await,
        }
    }

    async fn answers(&self) -> Result<(), StackError> {
        let options = options(&self.setup, "postgres", self.port());
        let deadline = Deadline::after(self.setup.start_timeout);
        let mut pace = Pace::default();
        loop {
            let process = self.process();
            if let Some(status) = process.exit() {
                let (service, exit) = ("postgres".to_owned(), describe_exit(status));
                return Err(StackError::Died { service, exit, last_lines: process.last_lines() });
            }
            match deadline.bound(PgConnection::connect_with(&options)).await {
                Some(Ok(connection)) => {
                    // It has answered; whether it hears the goodbye changes nothing.
                    let _ = connection.close().await;
                    return Ok(());
                }
                Some(Err(_)) if !deadline.passed() => pace.pause().await,
                last => {
                    let probe = last
                        .and_then(Result::err)
                        .map_or_else(|| "no answer".to_owned(), |error| error.to_string());
                    let (service, last_lines) = ("postgres".to_owned(), process.last_lines());
                    return Err(StackError::NotReady {
                        service,
                        waited: deadline.elapsed(),
                        probe,
                        last_lines,
                    });
                }
            }
        }
    }

    /// Its port on the loopback address.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// Its process.
    #[must_use]
    pub fn process(&self) -> Arc<Process> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Its log.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.setup.log
    }

    /// Folder of its data and socket.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.setup.folder
    }

    /// User and group it runs as, where they are not the runner's own.
    #[must_use]
    pub fn user(&self) -> Option<(u32, u32)> {
        self.install.as_ref()?.user
    }

    /// Asks it to end the sessions and itself, writing everything out first.
    pub async fn stop_fast(&self) -> Ended {
        self.process().stop(Signal::SIGINT).await
    }

    /// Kills it and every process of it at once; gives how many there were.
    pub async fn crash(&self) -> usize {
        let folder = self.setup.folder.join("data");
        let deadline = Deadline::after(CRASH_BOUND);
        let mut pace = Pace::default();
        let mut killed = BTreeSet::new();
        // The first to be killed is the one that could start others.
        let _ = kill(Pid::from_raw(self.process().pid().cast_signed()), Signal::SIGKILL);
        killed.insert(self.process().pid().cast_signed());
        loop {
            let left = working_in(&folder);
            for pid in &left {
                // One that has ended since is what was wanted.
                let _ = kill(Pid::from_raw(*pid), Signal::SIGKILL);
            }
            let none = left.is_empty();
            killed.extend(left);
            if (none && self.process().exit().is_some()) || deadline.passed() {
                return killed.len();
            }
            pace.pause().await;
        }
    }

    /// Starts it again at its address on its data, and waits until it answers; one that runs is left as it is.
    ///
    /// # Errors
    /// When it does not come up again.
    pub async fn start_again(&self, run: Run<'_>) -> Result<(), StackError> {
        if self.process().exit().is_some() {
            let Some(install) = &self.install else {
                return Err(StackError::Unknown("a server in a container is not started again".to_owned()));
            };
            let process = launch(run, install, &self.setup)?;
            *self.process.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(process);
        }
        self.answers().await
    }

    /// The URL of a database.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{}:{}@{HOST}:{}/{database}", self.setup.user, self.setup.password, self.port())
    }

    /// Bytes a database takes.
    ///
    /// # Errors
    /// When PostgreSQL refuses.
    pub async fn size_of(&self, database: &str) -> Result<u64, StackError> {
        let size: i64 = sqlx::query_scalar("SELECT pg_database_size($1)")
            .bind(database)
            .fetch_one(&self.admin)
            .await
            .map_err(|source| StackError::Database { doing: format!("measuring {database}"), source })?;
        Ok(u64::try_from(size).unwrap_or(0))
    }

    /// Makes an empty database.
    ///
    /// # Errors
    /// When PostgreSQL refuses.
    pub async fn create(&self, database: &str) -> Result<(), StackError> {
        self.execute(
            &format!("creating the database {database}"),
            &format!("CREATE DATABASE {}", name(database)),
        )
        .await
    }

    /// Closes a database for connections, so that it can be cloned at any time, and writes it out, so that cloning
    /// copies files only.
    ///
    /// # Errors
    /// When PostgreSQL refuses.
    pub async fn make_template(&self, database: &str) -> Result<(), StackError> {
        let close =
            format!("ALTER DATABASE {} WITH ALLOW_CONNECTIONS false IS_TEMPLATE true", name(database));
        self.execute(&format!("closing the database {database}"), &close).await?;
        let end = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}",
            literal(database)
        );
        self.execute(&format!("closing the database {database}"), &end).await?;
        self.execute("writing out the template", "CHECKPOINT").await
    }

    /// Makes `database` as a copy of `template`. Copying files takes half the time of copying through the log.
    ///
    /// # Errors
    /// When PostgreSQL refuses.
    pub async fn clone_database(&self, template: &str, database: &str) -> Result<(), StackError> {
        let strategy = if self.major >= 15 { " STRATEGY FILE_COPY" } else { "" };
        let statement = format!("CREATE DATABASE {} TEMPLATE {}{strategy}", name(database), name(template));
        self.execute(&format!("cloning the database {template}"), &statement).await
    }

    /// Drops a database, whoever is connected to it.
    ///
    /// # Errors
    /// When PostgreSQL refuses.
    pub async fn drop_database(&self, database: &str) -> Result<(), StackError> {
        let force = if self.major >= 13 { " WITH (FORCE)" } else { "" };
        let statement = format!("DROP DATABASE IF EXISTS {}{force}", name(database));
        self.execute(&format!("dropping the database {database}"), &statement).await
    }

    /// Runs statements as the superuser; names in them are quoted.
    ///
    /// # Errors
    /// When PostgreSQL refuses, or is not there.
    pub async fn execute(&self, doing: &str, statement: &str) -> Result<(), StackError> {
        let process = self.process();
        if let Some(status) = process.exit() {
            let doing = format!("{doing} (the server {})", describe_exit(status));
            return Err(StackError::Postgres { doing, last_lines: process.last_lines() });
        }
        // Names and literals in it are quoted by `name` and `literal`.
        let done = sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&self.admin).await;
        done.map(drop).map_err(|source| StackError::Database { doing: doing.to_owned(), source })
    }

    /// Closes the harness's own connections.
    pub async fn goodbye(&self) {
        self.admin.close().await;
    }

    /// Stops the server without waiting for clients or writing anything out: its data is about to be removed.
    pub async fn stop(&self) {
        self.process().stop(Signal::SIGQUIT).await;
    }
}

impl Drop for Server {
    /// A server that nobody stopped is asked to end at once, so that it takes its children and shared memory along.
    fn drop(&mut self) {
        let deadline = Deadline::after(LAST_BOUND);
        let mut pace = Pace::default();
        let process = self.process();
        process.signal(Signal::SIGQUIT);
        while process.exit().is_none() && !deadline.passed() {
            pace.pause_blocking();
        }
    }
}

fn launch(run: Run<'_>, install: &Install, setup: &Setup) -> Result<Process, StackError> {
    let launch = Launch {
        service: "postgres",
        lane: setup.lane.as_deref(),
        program: &install.bin.join("postgres"),
        args: vec!["-D".to_owned(), setup.folder.join("data").display().to_string()],
        env: BTreeMap::from([("LC_ALL".to_owned(), "C".to_owned()), ("TZ".to_owned(), "UTC".to_owned())]),
        folder: &setup.folder,
        user: install.user,
        log: setup.log.clone(),
    };
    run.start(launch).map_err(io_error("starting postgres"))
}

/// Processes whose working directory is `folder`, as that of every process of a server is.
fn working_in(folder: &Path) -> Vec<i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == folder)).collect()
}

fn options(setup: &Setup, database: &str, port: u16) -> PgConnectOptions {
    let options = PgConnectOptions::new_without_pgpass().port(port);
    let options = if setup.contained {
        options.host(HOST).password(&setup.password)
    } else {
        options.socket(&setup.folder)
    };
    options.username(&setup.user).database(database).application_name("drillyard").disable_statement_logging()
}

/// Settings of every server, wherever it runs.
const SETTINGS: &[&str] = &[
    "shared_buffers = '32MB'",
    "max_wal_size = '1GB'",
    "log_timezone = 'UTC'",
    "timezone = 'UTC'",
    "jit = off",
    // The database's name, so that what concerns one lane can be told from what concerns another.
    "log_line_prefix = '%m [%p] %d '",
    // In a file of the data directory, which goes with it; the default would stay behind a server that was killed.
    "dynamic_shared_memory_type = mmap",
];

/// Settings of a server whose commits need not reach the disk.
const VOLATILE: &[&str] = &[
    "fsync = off",
    "synchronous_commit = off",
    "full_page_writes = off",
    "wal_level = minimal",
    "max_wal_senders = 0",
];

fn configure((data, folder): (&Path, &Path), setup: &Setup, port: u16) -> std::io::Result<()> {
    let folder = folder.display().to_string().replace('\'', "''");
    let mut lines = vec![
        format!("listen_addresses = '{HOST}'"),
        format!("port = {port}"),
        format!("unix_socket_directories = '{folder}'"),
        "unix_socket_permissions = 0700".to_owned(),
        format!("max_connections = {}", setup.connections),
    ];
    lines.extend(SETTINGS.iter().map(|line| (*line).to_owned()));
    if !setup.durable {
        lines.extend(VOLATILE.iter().map(|line| (*line).to_owned()));
    }
    let mut file = fs::OpenOptions::new().append(true).open(data.join("postgresql.conf"))?;
    writeln!(file, "\n# This run\n{}", lines.join("\n"))?;
    fs::write(data.join("pg_hba.conf"), HBA)
}

/// An SQL name, quoted.
#[must_use]
pub fn name(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// An SQL text, quoted. Backslashes are plain with `standard_conforming_strings`, the default since version 9.1.
#[must_use]
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
