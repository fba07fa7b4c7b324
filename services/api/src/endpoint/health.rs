//! `GET /health`: whether the database is the one that this code was written for.
//!
//! 200 when nothing fails, else 503. Informational values are no checks; a warning is no failure.

use std::time::Duration;

use dispatch_domain::alert::HEALTH_RUNBOOK;
use dispatch_store::drift::{self, SchemaFacts};
use futures::FutureExt;
use serde_json::{Map, Value, json};
use tokio::time::interval;

use super::Endpoint;
use crate::answer::Answer;
use crate::app::App;
use crate::clock;
use crate::metrics::SERVICE;

mod checks;

use checks::{Profile, artifact_integrity, migration};

/// The database is asked so often before it counts as down.
const ATTEMPTS: u32 = 2;

/// From one attempt to the next.
const BETWEEN: Duration = Duration::from_millis(250);

/// How long one attempt may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Name of the one check that is left when the database is down.
const CONNECTIVITY: &str = "database_connectivity";

/// The endpoint.
pub const ENDPOINT: Endpoint =
    Endpoint::operational("/health", |app, _| async { Ok(answer(app).await) }.boxed());

async fn answer(app: &App) -> Answer {
    match facts(app).await {
        Ok(facts) => judged(&facts, &Profile::of(&app.config)),
        Err(reason) => down(&reason),
    }
}

async fn facts(app: &App) -> Result<SchemaFacts, String> {
    let mut beat = interval(BETWEEN);
    let mut reason = String::new();
    for _ in 0..ATTEMPTS {
        beat.tick().await;
        match tokio::time::timeout(PATIENCE, drift::inspect(&app.pool)).await {
            Ok(Ok(facts)) => return Ok(facts),
            Ok(Err(error)) => reason = error.to_string(),
            Err(_) => reason = format!("no answer within {} s", PATIENCE.as_secs()),
        }
    }
    Err(reason)
}

fn judged(facts: &SchemaFacts, profile: &Profile) -> Answer {
    let integrity = artifact_integrity(facts, profile);
    let migration = migration(facts);
    let failures: Vec<Value> =
        integrity.iter().chain(&migration).filter(|(_, value)| *value == "fail").map(failure).collect();
    let status = if failures.is_empty() { "ok" } else { "unhealthy" };
    let mut shown = integrity;
    // Informational: they tell which profile is on and can neither pass nor fail.
    shown.insert("evidence_head_verification_mode".to_owned(), json!(profile.head_mode()));
    shown.insert("evidence_checksum_enforcement_mode".to_owned(), json!(profile.checksum_mode()));
    let checks = json!({
        "artifact_integrity": shown,
        "database": { "name": CONNECTIVITY, "status": "pass" },
        "migration": migration,
    });
    report(status, checks, failures)
}

fn down(reason: &str) -> Answer {
    let checks = json!({ "database": { "name": CONNECTIVITY, "status": "fail" } });
    let failure = json!({ "name": CONNECTIVITY, "status": "fail", "reason": reason });
    report("down", checks, vec![failure])
}

fn failure((name, status): (&String, &Value)) -> Value {
    json!({ "name": name, "status": status, "status_code": "FAIL" })
}

fn report(status: &str, checks: Value, failures: Vec<Value>) -> Answer {
    let mut body = Map::new();
    body.insert("status".to_owned(), json!(status));
    body.insert("service".to_owned(), json!(SERVICE));
    body.insert("generated_at".to_owned(), json!(clock::now_text()));
    body.insert("runbook".to_owned(), json!(HEALTH_RUNBOOK));
    body.insert("checks".to_owned(), checks);
    body.insert("failures".to_owned(), json!(failures));
    Answer::json(if status == "ok" { 200 } else { 503 }, &Value::Object(body))
}

#[cfg(test)]
mod tests;
