//! What a caller may not do, and what the service does when it cannot do its work.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use dispatch_testbed::{ACCOUNT, Api, SITE};
use futures::future::join_all;
use serde_json::{Value, json};

pub const API: &str = env!("CARGO_BIN_EXE_dispatch-api");

pub fn ticket() -> Value {
    json!({ "account_id": ACCOUNT, "site_id": SITE, "summary": "Door" })
}

/// Sends bytes and reads until the other side is done.
fn speak(api: &Api, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(api.url.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(bytes).unwrap();
    let mut answer = String::new();
    // Ignored: a reset after the answer is as good as an end.
    let _ = stream.read_to_string(&mut answer);
    answer
}

#[tokio::test]
async fn heads_that_are_too_long_or_have_too_many_headers_are_refused() {
    let settings = [("DISPATCH_HTTP_MAX_HEADERS", "20"), ("DISPATCH_HTTP_MAX_HEAD_BYTES", "8192")];
    let api = Api::raise(API, &settings).await;
    let many: String = (0..30).map(|n| format!("x-{n}: 1\r\n")).collect();
    let long = format!("x-long: {}\r\n", "a".repeat(20_000));
    for headers in [many, long] {
        let request = format!("GET /livez HTTP/1.1\r\nhost: a\r\n{headers}connection: close\r\n\r\n");
        assert!(speak(&api, request.as_bytes()).starts_with("HTTP/1.1 431"), "{}", headers.len());
    }
    let good = "GET /livez HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    assert!(speak(&api, good.as_bytes()).starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_caller_that_never_ends_its_headers_is_hung_up_on() {
    let api = Api::raise(API, &[("DISPATCH_HEADER_TIMEOUT_SECONDS", "1")]).await;
    let began = Instant::now();
    speak(&api, b"GET /livez HTTP/1.1\r\nhost: a\r\n");
    let took = began.elapsed();
    assert!((1..15).contains(&took.as_secs()), "{took:?}");
}

#[tokio::test]
async fn a_body_above_the_limit_is_refused_and_a_slow_one_times_out() {
    let settings = [("DISPATCH_BODY_LIMIT_BYTES", "500"), ("DISPATCH_BODY_TIMEOUT_SECONDS", "1")];
    let api = Api::raise(API, &settings).await;
    let mut large = ticket();
    large["description"] = "x".repeat(500).into();
    assert_eq!(api.post("dispatcher", "/tickets", &large).await.status, 413);
    assert_eq!(api.post("dispatcher", "/tickets", &ticket()).await.status, 201);
    let slow = "POST /tickets HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\nconnection: close\r\n\r\n{";
    assert!(speak(&api, slow.as_bytes()).contains("REQUEST_TIMEOUT"));
}

#[tokio::test]
async fn with_every_connection_taken_requests_get_503_and_never_500() {
    let settings = [
        ("DISPATCH_DB_POOL_MAX", "2"),
        ("DISPATCH_DB_ACQUIRE_TIMEOUT_MS", "300"),
        ("DISPATCH_DB_LOCK_TIMEOUT_MS", "4000"),
    ];
    let api = Api::raise(API, &settings).await;
    // Both connections wait for this lock.
    let mut lock = api.database.pool.begin().await.unwrap();
    sqlx::query("LOCK TABLE idempotency_keys IN ACCESS EXCLUSIVE MODE").execute(&mut *lock).await.unwrap();
    let flood: Vec<_> = (0..12).map(|_| ticket()).collect();
    let answers = join_all(flood.iter().map(|body| api.post("dispatcher", "/tickets", body))).await;
    for answer in &answers {
        answer.expect(503, "SERVICE_UNAVAILABLE");
        assert_eq!(answer.headers["retry-after"], "1");
    }
    lock.rollback().await.unwrap();
    assert_eq!(api.post("dispatcher", "/tickets", &ticket()).await.status, 201);
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_given_up_and_has_no_effect() {
    let settings = [("DISPATCH_REQUEST_TIMEOUT_SECONDS", "1")];
    let api = Api::raise(API, &settings).await;
    let mut lock = api.database.pool.begin().await.unwrap();
    sqlx::query("LOCK TABLE idempotency_keys IN ACCESS EXCLUSIVE MODE").execute(&mut *lock).await.unwrap();
    let began = Instant::now();
    api.post("dispatcher", "/tickets", &ticket()).await.expect(503, "SERVICE_UNAVAILABLE");
    assert!(began.elapsed() < Duration::from_secs(4), "before the lock's own limit");
    lock.rollback().await.unwrap();
    assert_eq!(api.count("SELECT count(*) FROM idempotency_keys").await, 0);
    assert_eq!(api.post("dispatcher", "/tickets", &ticket()).await.status, 201);
}

#[tokio::test]
async fn a_database_that_is_away_costs_503_and_comes_back_by_itself() {
    let api = Api::raise(API, &[("DISPATCH_DB_ACQUIRE_TIMEOUT_MS", "300")]).await;
    api.database.admit(false).await;
    for answer in [
        api.post("dispatcher", "/tickets", &ticket()).await,
        api.get("/tickets").await,
        api.get(&format!("/tickets/{}", uuid::Uuid::new_v4())).await,
    ] {
        answer.expect(503, "SERVICE_UNAVAILABLE");
    }
    api.get_with("/ops/alerts", &[]).await.expect(503, "ALERT_BACKEND_UNAVAILABLE");
    let scrape = api.get_with("/metrics?format=prometheus", &[]).await;
    assert!(scrape.text.contains("dispatch_api_database_up 0"));
    api.database.admit(true).await;
    dispatch_testbed::eventually(async || {
        let answer = api.post("dispatcher", "/tickets", &ticket()).await;
        (answer.status == 201).then_some(()).ok_or(answer.text)
    })
    .await;
}
