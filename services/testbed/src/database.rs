//! A database per test.

use std::sync::Arc;

use dispatch_store::{PgPool, PoolSettings};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::Server;
use crate::server::Content;
use crate::watchdog::Watchdog;

/// Where a database is.
#[derive(Debug, Clone)]
enum Home {
    Shared,
    Own(Arc<Server>),
}

impl Home {
    fn server(&self) -> &Server {
        match self {
            Self::Shared => Server::shared(),
            Self::Own(server) => server,
        }
    }
}

/// A database that is dropped when this goes out of scope.
#[derive(Debug)]
pub struct Database {
    /// Connections of the test, shown by the database as `testbed`.
    pub pool: PgPool,
    /// The address for a service.
    pub url: String,
    name: String,
    home: Home,
}

impl Database {
    /// Without any table.
    pub async fn empty() -> Self {
        Self::create(Home::Shared, Content::Empty).await
    }

    /// With all tables, and nothing in them.
    pub async fn migrated() -> Self {
        Self::create(Home::Shared, Content::Migrated).await
    }

    /// With all tables and the demo fixtures.
    pub async fn seeded() -> Self {
        Self::create(Home::Shared, Content::Seeded).await
    }

    /// The same on a server whose commits survive.
    pub async fn seeded_on(server: Arc<Server>) -> Self {
        Self::create(Home::Own(server), Content::Seeded).await
    }

    async fn create(home: Home, content: Content) -> Self {
        let name = format!("test_{}", Uuid::new_v4().simple());
        home.server().create(&name, content).await;
        let url = home.server().url(&name);
        let pool = dispatch_store::connect(&PoolSettings::new(&url, "testbed")).await.unwrap();
        Self { pool, url, name, home }
    }

    pub(crate) fn watchdog(&self) -> &Watchdog {
        self.home.server().watchdog()
    }

    /// One number.
    pub async fn count(&self, query: &str) -> i64 {
        sqlx::query_scalar(AssertSqlSafe(query)).fetch_one(&self.pool).await.unwrap()
    }

    /// One text, or none.
    pub async fn text(&self, query: &str) -> Option<String> {
        sqlx::query_scalar(AssertSqlSafe(query)).fetch_one(&self.pool).await.unwrap()
    }

    /// The texts of one column.
    pub async fn texts(&self, query: &str) -> Vec<String> {
        sqlx::query_scalar(AssertSqlSafe(query)).fetch_all(&self.pool).await.unwrap()
    }

    /// Statements, one after the other.
    pub async fn execute(&self, statements: &str) {
        sqlx::raw_sql(AssertSqlSafe(statements)).execute(&self.pool).await.unwrap();
    }

    /// Lets no session but those there are into the database, or everybody again; services that are in are thrown out.
    pub async fn admit(&self, open: bool) {
        let statement = format!("ALTER DATABASE {} WITH ALLOW_CONNECTIONS {open}", self.name);
        self.home.server().administer(&[statement]).await;
        self.throw_out().await;
    }

    /// Ends every session but the test's own.
    pub async fn throw_out(&self) {
        let statement = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = '{}' AND application_name <> 'testbed'",
            self.name
        );
        self.home.server().administer(&[statement]).await;
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let home = self.home.clone();
        // On a thread, because the test's runtime may be the one that runs this.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(home.server().administer(&[statement]));
        });
        // Ignored: what it held goes with the server at the latest.
        let _ = dropping.join();
    }
}
