//! The orderly end.

use std::time::{Duration, Instant};

use dispatch_testbed::{Api, eventually};

use crate::limits::{API, ticket};

#[tokio::test]
async fn sigterm_lets_requests_in_flight_finish_and_takes_no_new_ones() {
    let mut api = Api::raise(API, &[]).await;
    let mut lock = api.database.pool.begin().await.unwrap();
    sqlx::query("LOCK TABLE idempotency_keys IN ACCESS EXCLUSIVE MODE").execute(&mut *lock).await.unwrap();
    let url = format!("{}/tickets", api.url);
    let in_flight = tokio::spawn(async move {
        let request = reqwest::Client::new().post(url).json(&ticket());
        let request = request.header("x-actor-id", "a").header("x-actor-role", "dispatcher");
        request.header("idempotency-key", uuid::Uuid::new_v4().to_string()).send().await.unwrap().status()
    });
    let waits = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database \
                 WHERE NOT l.granted AND d.datname = current_database()";
    eventually(async || {
        let waiting = api.count(waits).await;
        (waiting == 1).then_some(()).ok_or_else(|| format!("{waiting} wait"))
    })
    .await;
    let asked = Instant::now();
    api.process().terminate();
    let url = format!("{}/livez", api.url);
    eventually(async || match reqwest::get(&url).await {
        Err(error) if error.is_connect() => Ok(()),
        other => Err(format!("still accepted: {other:?}")),
    })
    .await;
    assert!(api.process().is_running(), "it waits for the request in flight");
    lock.rollback().await.unwrap();
    assert_eq!(in_flight.await.unwrap(), 201);
    assert!(api.process().exit().await.success());
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    assert_eq!(api.count("SELECT count(*) FROM tickets").await, 1);
    assert!(api.log().iter().any(|line| line["message"] == "dispatch-api stopped"));
}

#[tokio::test]
async fn a_request_that_hangs_is_cut_off_before_five_seconds_are_over() {
    let settings = [("DISPATCH_DB_LOCK_TIMEOUT_MS", "60000"), ("DISPATCH_DB_STATEMENT_TIMEOUT_MS", "60000")];
    let mut api = Api::raise(API, &settings).await;
    let mut lock = api.database.pool.begin().await.unwrap();
    sqlx::query("LOCK TABLE idempotency_keys IN ACCESS EXCLUSIVE MODE").execute(&mut *lock).await.unwrap();
    let url = format!("{}/tickets", api.url);
    let hanging = tokio::spawn(async move {
        let request = reqwest::Client::new().post(url).json(&ticket());
        let request = request.header("x-actor-id", "a").header("x-actor-role", "dispatcher");
        request.header("idempotency-key", uuid::Uuid::new_v4().to_string()).send().await
    });
    let waits = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database \
                 WHERE NOT l.granted AND d.datname = current_database()";
    eventually(async || {
        let waiting = api.count(waits).await;
        (waiting == 1).then_some(()).ok_or_else(|| format!("{waiting} wait"))
    })
    .await;
    let asked = Instant::now();
    api.process().terminate();
    let status = api.process().exit().await;
    assert!(status.success() && asked.elapsed() < Duration::from_secs(5), "{status} {:?}", asked.elapsed());
    assert!(hanging.await.unwrap().is_err());
    lock.rollback().await.unwrap();
}

#[tokio::test]
async fn with_a_grace_readiness_is_red_while_requests_are_still_served() {
    let mut api = Api::raise(API, &[("DISPATCH_DRAIN_GRACE_MS", "1500")]).await;
    assert_eq!(api.get_with("/readyz", &[]).await.status, 200);
    api.process().terminate();
    let answer = eventually(async || {
        let answer = api.get_with("/readyz", &[]).await;
        if answer.status == 503 { Ok(answer) } else { Err("still green".to_owned()) }
    })
    .await;
    assert_eq!(answer.body["failing"], serde_json::json!(["draining"]));
    assert_eq!(api.post("dispatcher", "/tickets", &ticket()).await.status, 201);
    assert!(api.process().exit().await.success());
}
