//! What a delivery test needs: a database of its own, the SMS double and workers as processes.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use dispatch_store::fixtures::{self, FixtureIds};
use dispatch_store::{PgPool, PoolSettings};
use reqwest::Client;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Row};
use uuid::Uuid;

/// Longest wait for anything; far more than needed, so that a busy machine does not fail a test.
const PATIENCE: Duration = Duration::from_secs(30);

/// A database, a provider and an HTTP client.
pub struct Stage {
    pub pool: PgPool,
    pub database_url: String,
    pub database: String,
    admin: PgPool,
    double: Process,
    provider: String,
    client: Client,
}

/// A row of the outbox as tests look at it.
#[derive(Debug)]
pub struct OutboxRow {
    pub status: String,
    pub attempts: i32,
    pub last_error: Option<String>,
    pub payload: Value,
}

impl Stage {
    /// Needs `DISPATCH_TEST_DATABASE_URL`, an address at which databases may be created.
    pub async fn raise() -> Self {
        // Ignored: another test of this process may have installed it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        #[expect(clippy::disallowed_methods, reason = "a test has no config.rs")]
        let base = std::env::var("DISPATCH_TEST_DATABASE_URL")
            .expect("DISPATCH_TEST_DATABASE_URL names a PostgreSQL server");
        let admin = dispatch_store::connect(&PoolSettings::new(&base, "stage")).await.unwrap();
        let database = format!("worker_{}", Uuid::new_v4().simple());
        sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {database}"))).execute(&admin).await.unwrap();
        let (server, _) = base.rsplit_once('/').unwrap();
        let database_url = format!("{server}/{database}");
        let pool = dispatch_store::connect(&PoolSettings::new(&database_url, "stage")).await.unwrap();
        dispatch_store::migrate(&pool).await.unwrap();
        let folder = PathBuf::from(env!("CARGO_BIN_EXE_dispatch-worker"));
        let program = folder.with_file_name("dispatch-doubles");
        assert!(program.exists(), "{} is missing: build the workspace first", program.display());
        let double = Process::start(&program, &["sms"], &[("DISPATCH_DOUBLE_PORT".into(), "0".into())]);
        let provider = format!("http://127.0.0.1:{}", double.port().await);
        Self { pool, database_url, database, admin, double, provider, client: Client::new() }
    }

    /// Ends the processes and drops the database.
    pub async fn strike(mut self) {
        self.double.kill();
        self.pool.close().await;
        let statement = format!("DROP DATABASE {} WITH (FORCE)", self.database);
        sqlx::query(AssertSqlSafe(statement)).execute(&self.admin).await.unwrap();
    }

    /// A worker that sends to the double; later settings win.
    pub fn worker(&self, settings: &[(&str, &str)]) -> Process {
        let mut environment: Vec<(String, String)> = vec![
            ("DISPATCH_DATABASE_URL".into(), self.database_url.clone()),
            ("DISPATCH_SMS_ENABLED".into(), "true".into()),
            ("DISPATCH_SMS_DRY_RUN".into(), "false".into()),
            ("DISPATCH_SMS_HTTP_URL".into(), format!("{}/messages", self.provider)),
            ("DISPATCH_WORKER_PORT".into(), "0".into()),
            ("DISPATCH_OUTBOX_RETRY_BASE_MS".into(), "50".into()),
        ];
        environment.extend(settings.iter().map(|(name, value)| ((*name).into(), (*value).into())));
        Process::start(&PathBuf::from(env!("CARGO_BIN_EXE_dispatch-worker")), &[], &environment)
    }

    /// Queues a message; `aggregate` need not be a ticket.
    pub async fn queue(&self, to: &str, body: &str, aggregate: &str) -> Uuid {
        self.queue_payload(&json!({ "channel": "SMS", "to": to, "body": body }), aggregate).await
    }

    pub async fn queue_payload(&self, payload: &Value, aggregate: &str) -> Uuid {
        let id = Uuid::new_v4();
        sqlx::query(
            "INSERT INTO dispatch_outbox (id, aggregate_type, aggregate_id, event_type, payload, idempotency_key) \
             VALUES ($1, 'ticket', $2, 'schedule.confirm.sms', $3, $4)",
        )
        .bind(id)
        .bind(aggregate)
        .bind(payload)
        .bind(format!("key-{id}"))
        .execute(&self.pool)
        .await
        .unwrap();
        id
    }

    /// A ticket of the demo account.
    pub async fn ticket(&self) -> Uuid {
        let ids = FixtureIds::default();
        let mut transaction = dispatch_store::begin(&self.pool).await.unwrap();
        fixtures::seed(&mut transaction, &ids).await.unwrap();
        transaction.commit().await.unwrap();
        let insert =
            "INSERT INTO tickets (account_id, site_id, summary) VALUES ($1, $2, 'Door') RETURNING id";
        sqlx::query_scalar(insert).bind(ids.account).bind(ids.site).fetch_one(&self.pool).await.unwrap()
    }

    pub async fn row(&self, id: Uuid) -> OutboxRow {
        let row = sqlx::query(
            "SELECT status, attempt_count, last_error, payload FROM dispatch_outbox WHERE id = $1",
        )
        .bind(id)
        .fetch_one(&self.pool)
        .await
        .unwrap();
        OutboxRow { status: row.get(0), attempts: row.get(1), last_error: row.get(2), payload: row.get(3) }
    }

    /// Waits until the row has the status and returns it.
    pub async fn row_becomes(&self, id: Uuid, status: &str) -> OutboxRow {
        let deadline = Instant::now() + PATIENCE;
        let mut pace = tokio::time::interval(Duration::from_millis(10));
        loop {
            pace.tick().await;
            let row = self.row(id).await;
            if row.status == status {
                return row;
            }
            assert!(Instant::now() < deadline, "row never became {status}: {row:?}");
        }
    }

    /// Payloads of the audit rows about a message, oldest first, with their ticket.
    pub async fn audits(&self, id: Uuid) -> Vec<(Option<Uuid>, Value)> {
        sqlx::query_as(
            "SELECT ticket_id, payload FROM audit_events WHERE tool_name = 'dispatch.outbox_worker' \
             AND payload ->> 'outbox_id' = $1 ORDER BY created_at, seq",
        )
        .bind(id.to_string())
        .fetch_all(&self.pool)
        .await
        .unwrap()
    }

    pub async fn script(&self, answers: Value) {
        let url = format!("{}/script", self.provider);
        let response = self.client.post(url).json(&json!({ "answers": answers })).send().await.unwrap();
        assert!(response.status().is_success());
    }

    pub async fn calls(&self) -> Vec<Value> {
        self.listed("calls").await
    }

    pub async fn messages(&self) -> Vec<Value> {
        self.listed("messages").await
    }

    async fn listed(&self, what: &str) -> Vec<Value> {
        let url = format!("{}/{what}", self.provider);
        let body: Value = self.client.get(url).send().await.unwrap().json().await.unwrap();
        body[what].as_array().unwrap().clone()
    }

    /// Waits until so many calls have arrived.
    pub async fn calls_reach(&self, count: usize) {
        let deadline = Instant::now() + PATIENCE;
        let mut pace = tokio::time::interval(Duration::from_millis(5));
        while self.calls().await.len() < count {
            pace.tick().await;
            assert!(Instant::now() < deadline, "the provider never got {count} calls");
        }
    }

    pub async fn get(&self, url: &str) -> (u16, Value) {
        let response = self.client.get(url).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// Lets nobody into the database, or everybody again; workers that are in are thrown out.
    pub async fn admit(&self, open: bool) {
        let statement = format!("ALTER DATABASE {} WITH ALLOW_CONNECTIONS {open}", self.database);
        sqlx::query(AssertSqlSafe(statement)).execute(&self.admin).await.unwrap();
        self.throw_out().await;
    }

    /// Ends every session of the database but the test's own.
    pub async fn throw_out(&self) {
        sqlx::query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = $1 AND application_name <> 'stage'",
        )
        .bind(&self.database)
        .execute(&self.admin)
        .await
        .unwrap();
    }
}

/// A child process whose JSON lines are collected while it runs.
pub struct Process {
    child: Child,
    lines: Arc<Mutex<Vec<Value>>>,
}

impl Process {
    fn start(program: &PathBuf, arguments: &[&str], environment: &[(String, String)]) -> Self {
        #[expect(clippy::disallowed_methods, reason = "these tests are about processes")]
        let mut command = Command::new(program);
        command
            .args(arguments)
            .envs(environment.iter().cloned())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines: Arc<Mutex<Vec<Value>>> = Arc::default();
        collect(child.stdout.take().unwrap(), Arc::clone(&lines));
        collect(child.stderr.take().unwrap(), Arc::clone(&lines));
        Self { child, lines }
    }

    /// Every line so far.
    pub fn lines(&self) -> Vec<Value> {
        self.lines.lock().unwrap().clone()
    }

    /// Waits for a line that `wanted` likes.
    pub async fn line(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        let mut pace = tokio::time::interval(Duration::from_millis(10));
        loop {
            pace.tick().await;
            if let Some(line) = self.lines().into_iter().find(&wanted) {
                return line;
            }
            assert!(Instant::now() < deadline, "no such line in {:#?}", self.lines());
        }
    }

    pub async fn event(&self, event: &str) -> Value {
        self.line(|line| line["event"] == event).await
    }

    pub async fn port(&self) -> u64 {
        self.line(|line| line["port"].is_u64()).await["port"].as_u64().unwrap()
    }

    pub fn signal(&self, name: &str) {
        #[expect(clippy::disallowed_methods, reason = "these tests are about processes")]
        let status = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub async fn exit(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        let mut pace = tokio::time::interval(Duration::from_millis(10));
        loop {
            pace.tick().await;
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "it never ended");
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Ignored: most tests have ended it themselves.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn collect(stream: impl Read + Send + 'static, lines: Arc<Mutex<Vec<Value>>>) {
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            let line = serde_json::from_str(&line).unwrap_or_else(|_| json!({ "text": line }));
            lines.lock().unwrap().push(line);
        }
    });
}
