//! The API as a process on a database of its own, with the demo fixtures.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use dispatch_store::{PgPool, PoolSettings};
use reqwest::Client;
use serde_json::Value;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

/// An answer as the caller sees it.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub text: String,
    pub body: Value,
    pub headers: HashMap<String, String>,
}

impl Answer {
    /// Error code of the body.
    pub fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }

    /// State of the ticket in the body.
    pub fn state(&self) -> &str {
        let ticket = self.body.get("ticket").unwrap_or(&self.body);
        ticket["state"].as_str().unwrap_or_default()
    }
}

/// One running service.
pub struct Service {
    pub pool: PgPool,
    admin: PgPool,
    database: String,
    child: Child,
    pub url: String,
    client: Client,
}

impl Service {
    /// Needs `DISPATCH_TEST_DATABASE_URL`, an address at which databases may be created.
    pub async fn raise() -> Self {
        // Ignored: another test of this process may have installed it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        #[expect(clippy::disallowed_methods, reason = "a test has no config.rs")]
        let base = std::env::var("DISPATCH_TEST_DATABASE_URL")
            .expect("DISPATCH_TEST_DATABASE_URL names a PostgreSQL server");
        let admin = dispatch_store::connect(&PoolSettings::new(&base, "lifecycle")).await.unwrap();
        let database = format!("api_{}", Uuid::new_v4().simple());
        sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {database}"))).execute(&admin).await.unwrap();
        let (server, _) = base.rsplit_once('/').unwrap();
        let address = format!("{server}/{database}");
        assert!(binary(&address).arg("seed").output().unwrap().status.success());
        let pool = dispatch_store::connect(&PoolSettings::new(&address, "lifecycle")).await.unwrap();
        let mut child =
            binary(&address).arg("serve").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let started = lines
            .by_ref()
            .filter_map(|line| serde_json::from_str::<Value>(&line).ok())
            .find(|line| line["message"] == "dispatch-api started")
            .unwrap();
        // Read on, so that the API never waits for a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let url = format!("http://127.0.0.1:{}", started["port"]);
        Self { pool, admin, database, child, url, client: Client::new() }
    }

    /// Posts as a role with a key of its own.
    pub async fn post(&self, role: &str, path: &str, body: &Value) -> Answer {
        self.post_with(role, path, body, Uuid::new_v4()).await
    }

    /// Posts as a role with a given key.
    pub async fn post_with(&self, role: &str, path: &str, body: &Value, key: Uuid) -> Answer {
        let request =
            self.client.post(format!("{}{path}", self.url)).header("idempotency-key", key.to_string());
        send(request.header("x-actor-id", "actor-1").header("x-actor-role", role).json(body)).await
    }

    /// Posts and expects success with the ticket in a state.
    pub async fn moves(&self, role: &str, path: &str, body: &Value, state: &str) -> Answer {
        let answer = self.post(role, path, body).await;
        assert!(answer.status < 300 && answer.state() == state, "{path}: {}", answer.text);
        answer
    }

    /// Posts and expects a refusal.
    pub async fn refuses(&self, role: &str, path: &str, body: &Value, code: &str) -> Answer {
        let answer = self.post(role, path, body).await;
        assert_eq!(answer.code(), code, "{path}: {}", answer.text);
        answer
    }

    /// Reads as a dispatcher.
    pub async fn get(&self, path: &str) -> Answer {
        let request = self.client.get(format!("{}{path}", self.url));
        send(request.header("x-actor-id", "actor-1").header("x-actor-role", "dispatcher")).await
    }

    /// One number from the database.
    pub async fn count(&self, query: &'static str) -> i64 {
        sqlx::query_scalar(query).fetch_one(&self.pool).await.unwrap()
    }

    /// Asks the process to end; returns its exit code and how long it took.
    pub fn terminate(&mut self) -> (Option<i32>, Duration) {
        let asked = Instant::now();
        let id = self.child.id().to_string();
        #[expect(clippy::disallowed_methods, reason = "this test is about a process")]
        let kill = Command::new("kill").args(["-TERM", &id]).status().unwrap();
        assert!(kill.success());
        (self.child.wait().unwrap().code(), asked.elapsed())
    }

    /// Ends the process and drops the database.
    pub async fn strike(mut self) {
        self.end();
        self.pool.close().await;
        let statement = format!("DROP DATABASE {} WITH (FORCE)", self.database);
        sqlx::query(AssertSqlSafe(statement)).execute(&self.admin).await.unwrap();
    }

    fn end(&mut self) {
        // Ignored: it may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.end();
    }
}

fn binary(address: &str) -> Command {
    #[expect(clippy::disallowed_methods, reason = "these tests are about a process")]
    let mut command = Command::new(env!("CARGO_BIN_EXE_dispatch-api"));
    command.env("DISPATCH_DATABASE_URL", address).env("DISPATCH_API_PORT", "0").env("DISPATCH_ENV", "test");
    command
}

/// Sends a request and reads the whole answer.
pub async fn send(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let headers = response
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
        .collect();
    let text = response.text().await.unwrap();
    Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::Null), text, headers }
}
