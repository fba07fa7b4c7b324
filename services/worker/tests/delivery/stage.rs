//! What a delivery test needs: a database of its own, the SMS double and workers as processes.

use std::path::Path;

use dispatch_store::fixtures::{self, FixtureIds};
use dispatch_testbed::{Database, Process, eventually, program_beside};
use reqwest::Client;
use serde_json::{Value, json};
use sqlx::Row;
use std::ops::Deref;
use uuid::Uuid;

const WORKER: &str = env!("CARGO_BIN_EXE_dispatch-worker");

/// A database, a provider and an HTTP client.
pub struct Stage {
    // Before the database, so that it is ended first.
    _double: Process,
    provider: String,
    client: Client,
    database: Database,
}

impl Deref for Stage {
    type Target = Database;

    fn deref(&self) -> &Database {
        &self.database
    }
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
    pub async fn raise() -> Self {
        // Ignored: another test of this process may have installed it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let database = Database::migrated().await;
        let program = program_beside(WORKER, "dispatch-doubles");
        let double = Process::start(&database, &program, &["sms"], [("DISPATCH_DOUBLE_PORT", "0")]);
        let provider = format!("http://127.0.0.1:{}", double.port().await);
        Self { _double: double, provider, client: Client::new(), database }
    }

    /// A worker that sends to the double; later settings win.
    pub fn worker(&self, settings: &[(&str, &str)]) -> Process {
        let provider = format!("{}/messages", self.provider);
        let mut environment = vec![
            ("DISPATCH_DATABASE_URL", self.database.url.as_str()),
            ("DISPATCH_SMS_ENABLED", "true"),
            ("DISPATCH_SMS_DRY_RUN", "false"),
            ("DISPATCH_SMS_HTTP_URL", &provider),
            ("DISPATCH_WORKER_PORT", "0"),
            ("DISPATCH_OUTBOX_RETRY_BASE_MS", "50"),
        ];
        environment.extend_from_slice(settings);
        Process::start(&self.database, Path::new(WORKER), &[], environment)
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
        eventually(async || {
            let row = self.row(id).await;
            if row.status == status { Ok(row) } else { Err(format!("row never became {status}: {row:?}")) }
        })
        .await
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
        eventually(async || {
            let calls = self.calls().await.len();
            if calls >= count {
                Ok(())
            } else {
                Err(format!("the provider got {calls} calls, never {count}"))
            }
        })
        .await;
    }

    pub async fn get(&self, url: &str) -> (u16, Value) {
        let response = self.client.get(url).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }
}
