//! A running server: started from a copied data directory, asked for databases, stopped.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

use super::{Install, template};
use crate::clock::{Deadline, Pace};
use crate::stack::error::{StackError, io_error};
use crate::stack::ports::ReservedPort;
use crate::stack::process::{Launch, Process, Run, describe_exit};
use crate::stack::wiring::HOST;

/// Connections the harness itself keeps, for making and dropping databases of several lanes at once.
const ADMIN_CONNECTIONS: u32 = 4;

/// Bound for getting one of them.
const ADMIN_BOUND: Duration = Duration::from_secs(10);
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
    /// Folder for data and socket; PostgreSQL's user can reach it.
    pub folder: PathBuf,
    /// Its log.
    pub log: PathBuf,
    /// Bound for becoming ready.
    pub start_timeout: Duration,
}

/// A running server. Dropping it kills it.
#[derive(Debug)]
pub struct Server {
    setup: Setup,
    port: ReservedPort,
    process: Process,
    admin: PgPool,
    major: u32,
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
        let kept = template::kept(run, install, &setup.user, (cache, &setup.folder)).await?;
        let data = setup.folder.join("data");
        template::copy(kept, data.clone(), install.user)
            .await
            .map_err(io_error(format!("copying to {}", data.display())))?;
        let mut port = ReservedPort::any().map_err(io_error("reserving a port for PostgreSQL"))?;
        configure(&data, &setup, port.number())
            .map_err(io_error(format!("configuring {}", data.display())))?;
        port.about_to_be_used();
        let launch = Launch {
            service: "postgres",
            lane: None,
            program: &install.bin.join("postgres"),
            args: vec!["-D".to_owned(), data.display().to_string()],
            env: BTreeMap::from([("LC_ALL".to_owned(), "C".to_owned()), ("TZ".to_owned(), "UTC".to_owned())]),
            folder: &setup.folder,
            user: install.user,
            log: setup.log.clone(),
        };
        let process = run.start(launch).map_err(io_error("starting postgres"))?;
        let options = options(&setup, "postgres", port.number());
        let admin = PgPoolOptions::new()
            .max_connections(ADMIN_CONNECTIONS)
            .acquire_timeout(ADMIN_BOUND)
            .min_connections(0)
            .connect_lazy_with(options.clone());
        let server = Self { port, process, admin, major: install.major(), setup };
        server.answers(&options).await?;
        server.set_password().await?;
        Ok(server)
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

    async fn answers(&self, options: &PgConnectOptions) -> Result<(), StackError> {
        let deadline = Deadline::after(self.setup.start_timeout);
        let mut pace = Pace::default();
        loop {
            if let Some(status) = self.process.exit() {
                let (service, exit) = ("postgres".to_owned(), describe_exit(status));
                return Err(StackError::Died { service, exit, last_lines: self.process.last_lines() });
            }
            match deadline.bound(PgConnection::connect_with(options)).await {
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
                    let (service, last_lines) = ("postgres".to_owned(), self.process.last_lines());
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
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// The URL of a database.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{}:{}@{HOST}:{}/{database}", self.setup.user, self.setup.password, self.port())
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

    async fn execute(&self, doing: &str, statement: &str) -> Result<(), StackError> {
        if let Some(status) = self.process.exit() {
            let doing = format!("{doing} (the server {})", describe_exit(status));
            return Err(StackError::Postgres { doing, last_lines: self.process.last_lines() });
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
        self.process.stop(Signal::SIGQUIT).await;
    }
}

impl Drop for Server {
    /// A server that nobody stopped is asked to end at once, so that it takes its children and shared memory along.
    fn drop(&mut self) {
        let deadline = Deadline::after(LAST_BOUND);
        let mut pace = Pace::default();
        self.process.signal(Signal::SIGQUIT);
        while self.process.exit().is_none() && !deadline.passed() {
            pace.pause_blocking();
        }
    }
}

fn options(setup: &Setup, database: &str, port: u16) -> PgConnectOptions {
    let options = PgConnectOptions::new_without_pgpass().socket(&setup.folder).port(port);
    options.username(&setup.user).database(database).application_name("drillyard").disable_statement_logging()
}

fn configure(data: &Path, setup: &Setup, port: u16) -> std::io::Result<()> {
    let folder = setup.folder.display().to_string().replace('\'', "''");
    let mut lines = vec![
        format!("listen_addresses = '{HOST}'"),
        format!("port = {port}"),
        format!("unix_socket_directories = '{folder}'"),
        "unix_socket_permissions = 0700".to_owned(),
        "max_connections = 200".to_owned(),
        "shared_buffers = '32MB'".to_owned(),
        "max_wal_size = '1GB'".to_owned(),
        "log_timezone = 'UTC'".to_owned(),
        "timezone = 'UTC'".to_owned(),
        "jit = off".to_owned(),
        // The database's name, so that what concerns one lane can be told from what concerns another.
        "log_line_prefix = '%m [%p] %d '".to_owned(),
        // In a file of the data directory, which goes with it; the default would stay behind a server that was killed.
        "dynamic_shared_memory_type = mmap".to_owned(),
    ];
    if !setup.durable {
        lines.extend(
            [
                "fsync = off",
                "synchronous_commit = off",
                "full_page_writes = off",
                "wal_level = minimal",
                "max_wal_senders = 0",
            ]
            .map(str::to_owned),
        );
    }
    let mut file = fs::OpenOptions::new().append(true).open(data.join("postgresql.conf"))?;
    writeln!(file, "\n# This run\n{}", lines.join("\n"))?;
    fs::write(data.join("pg_hba.conf"), HBA)
}

/// An SQL name, quoted.
fn name(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// An SQL text, quoted. Backslashes are plain with `standard_conforming_strings`, the default since version 9.1.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
