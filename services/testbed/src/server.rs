//! One PostgreSQL per test process.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::OnceLock;

use dispatch_store::PoolSettings;
use dispatch_store::fixtures::{self, FixtureIds};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use tokio::sync::OnceCell;

use crate::install::{Install, SUPERUSER};
use crate::wait::eventually_blocking;
use crate::watchdog::Watchdog;

/// Where Linux keeps files in memory.
const MEMORY: &str = "/dev/shm";

/// What a new database holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// Nothing.
    Empty,
    /// The tables.
    Migrated,
    /// The tables and the demo fixtures.
    Seeded,
}

/// A running PostgreSQL that is reached by its socket only, so that it needs no port.
#[derive(Debug)]
pub struct Server {
    folder: PathBuf,
    migrated: OnceCell<()>,
    seeded: OnceCell<()>,
    postgres: Child,
    watchdog: Watchdog,
}

impl Server {
    /// The server of this test process; the first caller starts it. Its data is in memory and no commit is synced.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Server> = OnceLock::new();
        SHARED.get_or_init(|| {
            let memory = Path::new(MEMORY);
            let base = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
            Self::start(&base, false)
        })
    }

    /// A server of its own whose data is on disk and whose commits are synced before they are acknowledged.
    #[must_use]
    pub fn durable() -> Self {
        Self::start(&std::env::temp_dir(), true)
    }

    fn start(base: &Path, durable: bool) -> Self {
        let install = Install::find();
        let folder = tempfile::Builder::new().prefix("dispatch-testbed-").tempdir_in(base).unwrap().keep();
        install.own(&folder);
        let watchdog = Watchdog::over(&folder);
        let data = folder.join("data");
        install.data_folder(&folder, &data);
        configure(&folder, durable);
        let log = OpenOptions::new().create(true).append(true).open(folder.join("log")).unwrap();
        let mut command = install.command("postgres");
        command.arg("-D").arg(&data).stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let mut postgres = watchdog.join(&mut command).spawn().unwrap();
        eventually_blocking(|| {
            let said = || fs::read_to_string(folder.join("log")).unwrap_or_default();
            assert!(postgres.try_wait().unwrap().is_none(), "PostgreSQL did not start: {}", said());
            // Its eighth line is the state, which pg_ctl reads as well.
            let file = fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
            let ready = file.lines().nth(7).is_some_and(|state| state.trim() == "ready");
            ready.then_some(()).ok_or_else(|| format!("PostgreSQL is not ready: {}", said()))
        });
        Self { folder, migrated: OnceCell::new(), seeded: OnceCell::new(), postgres, watchdog }
    }

    /// What processes have to join to end with this test process.
    pub(crate) fn watchdog(&self) -> &Watchdog {
        &self.watchdog
    }

    /// The address of a database.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres:///{database}?user={SUPERUSER}&host={}", self.folder.display())
    }

    /// Runs statements on the server's own database, each by itself.
    pub(crate) async fn administer(&self, statements: &[String]) {
        let options = PgConnectOptions::new_without_pgpass().socket(&self.folder).username(SUPERUSER);
        let options = options.database("postgres").disable_statement_logging();
        let mut connection = PgConnection::connect_with(&options).await.unwrap();
        for statement in statements {
            sqlx::raw_sql(AssertSqlSafe(statement.as_str())).execute(&mut connection).await.unwrap();
        }
        connection.close().await.unwrap();
    }

    /// Makes a database by copying files of one that was prepared once.
    pub(crate) async fn create(&self, database: &str, content: Content) {
        let template = match content {
            Content::Empty => "template1",
            Content::Migrated => {
                self.migrated.get_or_init(|| self.prepare("template_migrated", content)).await;
                "template_migrated"
            }
            Content::Seeded => {
                self.seeded.get_or_init(|| self.prepare("template_seeded", content)).await;
                "template_seeded"
            }
        };
        let create = format!("CREATE DATABASE {database} TEMPLATE {template} STRATEGY FILE_COPY");
        self.administer(&[create]).await;
    }

    async fn prepare(&self, template: &str, content: Content) {
        self.administer(&[format!("CREATE DATABASE {template}")]).await;
        let pool = dispatch_store::connect(&PoolSettings::new(&self.url(template), "testbed")).await.unwrap();
        dispatch_store::migrate(&pool).await.unwrap();
        if content == Content::Seeded {
            let mut transaction = dispatch_store::begin(&pool).await.unwrap();
            fixtures::seed(&mut transaction, &FixtureIds::default()).await.unwrap();
            transaction.commit().await.unwrap();
        }
        pool.close().await;
        // A database with a session cannot be copied, and a copy of files needs them written out.
        self.administer(&[
            format!("ALTER DATABASE {template} WITH ALLOW_CONNECTIONS false IS_TEMPLATE true"),
            format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{template}'"),
            "CHECKPOINT".to_owned(),
        ])
        .await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The watchdog would do it as well, but could not collect the process.
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.postgres.id()).unwrap_or(i32::MAX));
        // Ignored: it may have ended already.
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGQUIT);
        let _ = self.postgres.wait();
    }
}

fn configure(folder: &Path, durable: bool) {
    let mut lines = vec![
        "listen_addresses = ''".to_owned(),
        format!("unix_socket_directories = '{}'", folder.display()),
        "unix_socket_permissions = 0700".to_owned(),
        "max_connections = 300".to_owned(),
        "shared_buffers = '32MB'".to_owned(),
        "max_wal_size = '256MB'".to_owned(),
        "timezone = 'UTC'".to_owned(),
        "jit = off".to_owned(),
        // In a file of the data folder, which goes with it.
        "dynamic_shared_memory_type = mmap".to_owned(),
    ];
    if !durable {
        let quick = [
            "fsync = off",
            "synchronous_commit = off",
            "full_page_writes = off",
            "wal_level = minimal",
            "max_wal_senders = 0",
        ];
        lines.extend(quick.map(str::to_owned));
    }
    let mut file = OpenOptions::new().append(true).open(folder.join("data/postgresql.conf")).unwrap();
    writeln!(file, "\n{}", lines.join("\n")).unwrap();
    fs::write(folder.join("data/pg_hba.conf"), "local all all trust\n").unwrap();
}
