//! A database of its own and the API as a process.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use dispatch_store::{PgPool, PoolSettings};
use reqwest::Client;
use serde_json::Value;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(30);

/// A database and, once started, an API on it.
pub struct Stage {
    pub pool: PgPool,
    admin: PgPool,
    database: String,
    environment: BTreeMap<String, String>,
    api: Option<(Child, String)>,
    client: Client,
}

impl Stage {
    /// Needs `DISPATCH_TEST_DATABASE_URL`, an address at which databases may be created. The database is empty.
    pub async fn raise() -> Self {
        // Ignored: another test of this process may have installed it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        #[expect(clippy::disallowed_methods, reason = "a test has no config.rs")]
        let base = std::env::var("DISPATCH_TEST_DATABASE_URL")
            .expect("DISPATCH_TEST_DATABASE_URL names a PostgreSQL server");
        let admin = dispatch_store::connect(&PoolSettings::new(&base, "stage")).await.unwrap();
        let database = format!("api_{}", Uuid::new_v4().simple());
        sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {database}"))).execute(&admin).await.unwrap();
        let (server, _) = base.rsplit_once('/').unwrap();
        let url = format!("{server}/{database}");
        let pool = dispatch_store::connect(&PoolSettings::new(&url, "stage")).await.unwrap();
        let environment = BTreeMap::from([
            ("DISPATCH_DATABASE_URL".to_owned(), url),
            ("DISPATCH_API_PORT".to_owned(), "0".to_owned()),
            ("DISPATCH_ENV".to_owned(), "test".to_owned()),
        ]);
        Self { pool, admin, database, environment, api: None, client: Client::new() }
    }

    /// Adds a setting for every process started from now on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.insert(name.to_owned(), value.to_owned());
    }

    /// Starts the API and reads its port from the start line.
    pub fn start_api(&mut self) {
        let mut child =
            self.command(&["serve"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let started = lines
            .by_ref()
            .filter_map(|line| serde_json::from_str::<Value>(&line).ok())
            .find(|line| line["message"] == "dispatch-api started")
            .unwrap();
        // Read on, so that the API never waits for a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let url = format!("http://127.0.0.1:{}", started["port"]);
        self.set("DISPATCH_API_URL", &url);
        self.api = Some((child, url));
    }

    /// Runs a verb to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        #[expect(clippy::disallowed_methods, reason = "these tests are about processes")]
        let mut command = Command::new(env!("CARGO_BIN_EXE_dispatch-api"));
        command.args(arguments).envs(&self.environment);
        command
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        let url = format!("{}{path}", self.api.as_ref().unwrap().1);
        let response = self.client.get(url).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    pub async fn get_with_token(&self, path: &str, token: &str) -> u16 {
        let url = format!("{}{path}", self.api.as_ref().unwrap().1);
        self.client.get(url).bearer_auth(token).send().await.unwrap().status().as_u16()
    }

    /// Posts with development headers of a dispatcher and a fresh key.
    pub async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let url = format!("{}{path}", self.api.as_ref().unwrap().1);
        let request = self
            .client
            .post(url)
            .header("x-actor-id", "dispatcher-1")
            .header("x-actor-role", "dispatcher")
            .header("idempotency-key", Uuid::new_v4().to_string());
        let response = request.json(body).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// Reads as a dispatcher.
    pub async fn read(&self, path: &str) -> (u16, Value) {
        self.read_with(path, &[]).await
    }

    /// Reads as a dispatcher, with further headers.
    pub async fn read_with(&self, path: &str, headers: &[(&str, String)]) -> (u16, Value) {
        let url = format!("{}{path}", self.api.as_ref().unwrap().1);
        let mut request =
            self.client.get(url).header("x-actor-id", "dispatcher-1").header("x-actor-role", "dispatcher");
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// Any method, nobody's headers.
    pub async fn raw(&self, method: &str, path: &str) -> reqwest::Response {
        let url = format!("{}{path}", self.api.as_ref().unwrap().1);
        self.client.request(method.parse().unwrap(), url).send().await.unwrap()
    }

    /// Host and port of the API.
    pub fn address(&self) -> &str {
        self.api.as_ref().unwrap().1.trim_start_matches("http://")
    }

    /// Codes of the alerts that fire now.
    pub async fn alerts(&self) -> Vec<String> {
        let (status, body) = self.get("/ops/alerts").await;
        assert_eq!(status, 200, "{body}");
        body["alerts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|alert| alert["code"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Waits until exactly these alerts fire.
    pub async fn alerts_become(&self, expected: &[&str]) {
        let deadline = Instant::now() + PATIENCE;
        let mut pace = tokio::time::interval(Duration::from_millis(50));
        loop {
            pace.tick().await;
            let codes = self.alerts().await;
            if codes == expected {
                return;
            }
            assert!(Instant::now() < deadline, "alerts stayed {codes:?}");
        }
    }

    /// Waits until a path answers with the status.
    pub async fn answers(&self, path: &str, status: u16) {
        let deadline = Instant::now() + PATIENCE;
        let mut pace = tokio::time::interval(Duration::from_millis(50));
        while self.get(path).await.0 != status {
            pace.tick().await;
            assert!(Instant::now() < deadline, "{path} never answered {status}");
        }
    }

    pub fn api_is_running(&mut self) -> bool {
        self.api.as_mut().is_some_and(|(child, _)| child.try_wait().unwrap().is_none())
    }

    /// Lets no session but the test's own into the database, or everybody again.
    pub async fn admit(&self, open: bool) {
        let statement = format!("ALTER DATABASE {} WITH ALLOW_CONNECTIONS {open}", self.database);
        sqlx::query(AssertSqlSafe(statement)).execute(&self.admin).await.unwrap();
        sqlx::query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = $1 AND application_name <> 'stage'",
        )
        .bind(&self.database)
        .execute(&self.admin)
        .await
        .unwrap();
    }

    pub async fn execute(&self, statement: &'static str) {
        sqlx::query(statement).execute(&self.pool).await.unwrap();
    }

    /// Ends the API and drops the database.
    pub async fn strike(mut self) {
        self.end_api();
        self.pool.close().await;
        let statement = format!("DROP DATABASE {} WITH (FORCE)", self.database);
        sqlx::query(AssertSqlSafe(statement)).execute(&self.admin).await.unwrap();
    }

    fn end_api(&mut self) {
        if let Some((mut child, _)) = self.api.take() {
            // Ignored: it may have ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.end_api();
    }
}
