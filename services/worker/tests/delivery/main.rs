//! The outbox from commit to provider, with real processes, a real database and a provider over the wire.
//!
//! Every test has a database of its own, so they run side by side.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use dispatch_testbed::Signal;
use serde_json::{Value, json};
use uuid::Uuid;

mod stage;

use stage::Stage;

#[tokio::test]
async fn a_commit_wakes_the_worker_and_the_message_is_sent_once_and_audited() {
    let stage = Stage::raise().await;
    let worker = stage.worker(&[("DISPATCH_OUTBOX_POLL_MS", "60000")]);
    let port = worker.port().await;
    // The first notification shows that the worker listens by now.
    let first = stage.queue("+15550100", "one", "not-a-ticket").await;
    stage.row_becomes(first, "SENT").await;
    let committed = Instant::now();
    let second = stage.queue("+15550100", "two", "not-a-ticket").await;
    stage.calls_reach(2).await;
    let latency = committed.elapsed();
    assert!(
        latency < Duration::from_secs(5),
        "polling is off for a minute, so this was no wake-up: {latency:?}"
    );
    eprintln!("from queueing to the provider: {latency:?}");

    let row = stage.row_becomes(second, "SENT").await;
    assert_eq!((row.attempts, row.last_error), (0, None));
    assert_eq!(row.payload["provider"], "http");
    assert_eq!(row.payload["provider_message_id"], "sms-000002");
    assert_eq!(row.payload["provider_status"], "accepted");
    assert_eq!(row.payload["dry_run"], false);
    assert!(row.payload["last_send_at"].as_str().unwrap().ends_with('Z'));
    let audits = stage.audits(second).await;
    assert_eq!(audits.len(), 1);
    assert_eq!((audits[0].0, &audits[0].1["status"]), (None, &json!("SENT")));
    assert_eq!(audits[0].1["attempt_count"], 0);

    let ops = format!("http://127.0.0.1:{port}");
    assert_eq!(stage.get(&format!("{ops}/readyz")).await.0, 200);
    let (status, health) = stage.get(&format!("{ops}/health")).await;
    assert_eq!((status, &health["status"]), (200, &json!("ok")));
    let (_, metrics) = stage.get(&format!("{ops}/metrics")).await;
    assert_eq!(metrics["worker_outbox_sent_total"], 2.0);
}

#[tokio::test]
async fn a_worker_killed_while_sending_leaves_a_lease_and_no_second_message() {
    let stage = Stage::raise().await;
    let settings = [("DISPATCH_WORKER_REQUEST_TIMEOUT_MS", "2500"), ("DISPATCH_OUTBOX_LEASE_MS", "3000")];
    stage.script(json!([{ "delay_ms": 500 }])).await;
    let mut first = stage.worker(&settings);
    let id = stage.queue("+15550100", "on the way", "not-a-ticket").await;
    stage.calls_reach(1).await;
    first.kill();
    assert_eq!(stage.row(id).await.status, "IN_FLIGHT");

    let second = stage.worker(&settings);
    let row = stage.row_becomes(id, "SENT").await;
    assert_eq!(row.attempts, 1, "an outcome that was never recorded counts as a failed attempt");
    assert_eq!(stage.calls().await.len(), 2);
    assert_eq!(stage.messages().await.len(), 1);
    assert_eq!(stage.audits(id).await.len(), 1);
    drop(second);
}

#[tokio::test]
async fn a_provider_that_always_fails_ends_in_a_dead_letter_and_the_summary_adds_up() {
    let stage = Stage::raise().await;
    stage.script(json!([{ "status": 502, "times": 9 }])).await;
    let id = stage.queue("+15550100", "one", "not-a-ticket").await;
    let passes = [
        ("DISPATCH_OUTBOX_ITERATIONS", "2"),
        ("DISPATCH_OUTBOX_MAX_ATTEMPTS", "2"),
        ("DISPATCH_OUTBOX_POLL_MS", "200"),
    ];
    let mut worker = stage.worker(&passes);
    assert!(worker.exit().await.success());
    let summary = worker.line(|line| line.get("processed").is_some()).await;
    assert_eq!(
        summary,
        json!({
            "processed": 2, "sent": 0, "failed": 2, "deadLettered": 1, "suppressed": 0, "skipped": false,
        })
    );
    let row = stage.row(id).await;
    assert_eq!((row.status.as_str(), row.attempts), ("DEAD_LETTER", 2));
    assert!(row.last_error.unwrap().starts_with("provider answered 502"));
    let statuses: Vec<Value> =
        stage.audits(id).await.into_iter().map(|(_, payload)| payload["status"].clone()).collect();
    assert_eq!(statuses, ["PENDING", "DEAD_LETTER"]);
    let mut idle = stage.worker(&[("DISPATCH_OUTBOX_ITERATIONS", "3")]);
    assert!(idle.exit().await.success());
    let summary = idle.line(|line| line.get("processed").is_some()).await;
    assert_eq!((&summary["skipped"], &summary["reason"]), (&json!(true), &json!("no_rows")));
}

#[tokio::test]
async fn a_failure_that_passes_is_retried_and_a_permanent_one_is_not() {
    let stage = Stage::raise().await;
    stage.script(json!([{ "status": 429 }])).await;
    let id = stage.queue("+15550100", "one", "not-a-ticket").await;
    let worker = stage.worker(&[("DISPATCH_OUTBOX_POLL_MS", "100")]);
    let row = stage.row_becomes(id, "SENT").await;
    assert_eq!((row.attempts, row.last_error), (1, None));

    stage.script(json!([{ "status": 400 }])).await;
    let id = stage.queue("+15550101", "two", "not-a-ticket").await;
    let row = stage.row_becomes(id, "DEAD_LETTER").await;
    assert_eq!(row.attempts, 1);
    assert_eq!(stage.calls().await.len(), 3);
    drop(worker);
}

#[tokio::test]
async fn messages_keep_their_order_per_recipient_and_odd_rows_block_nobody() {
    let stage = Stage::raise().await;
    let poison = stage.queue_payload(&json!([1, 2]), "x").await;
    let silent = stage.queue("UNKNOWN_RECIPIENT", "nobody", "x").await;
    let silent_too = stage.queue("UNKNOWN_RECIPIENT", "nobody", "x").await;
    let missing = stage.queue_payload(&json!({ "to": "+15550109" }), &Uuid::new_v4().to_string()).await;
    stage.script(json!([{ "status": 503 }])).await;
    let first = stage.queue("+15550100", "first", "x").await;
    let second = stage.queue("+15550100", "second", "x").await;
    let third = stage.queue("+15550100", "third", "x").await;
    // Polling is off: the retry and what waits behind it have to come up by their own time.
    let worker = stage.worker(&[("DISPATCH_OUTBOX_POLL_MS", "60000")]);
    for id in [first, second, third] {
        stage.row_becomes(id, "SENT").await;
    }
    let bodies: Vec<Value> = stage.calls().await.iter().map(|call| call["body"].clone()).collect();
    assert_eq!(bodies, ["first", "first", "second", "third"]);
    for id in [silent, silent_too] {
        let row = stage.row_becomes(id, "SUPPRESSED").await;
        assert_eq!((row.attempts, row.last_error.as_deref()), (0, Some("unknown_recipient")));
        assert_eq!(stage.audits(id).await[0].1["reason"], "unknown_recipient");
    }
    for id in [poison, missing] {
        assert!(stage.row_becomes(id, "DEAD_LETTER").await.last_error.unwrap().contains("cannot be sent"));
        assert_eq!(stage.audits(id).await.len(), 1);
    }
    drop(worker);
}

#[tokio::test]
async fn two_workers_send_fifty_messages_once_each() {
    let stage = Stage::raise().await;
    let mut ids = Vec::new();
    for number in 0..50 {
        ids.push(stage.queue(&format!("+155501{number:02}"), "hello", "x").await);
    }
    let workers = [stage.worker(&[("DISPATCH_WORKER_IDENTITY", "w1")]), stage.worker(&[])];
    for id in ids {
        stage.row_becomes(id, "SENT").await;
        assert_eq!(stage.audits(id).await.len(), 1);
    }
    assert_eq!(stage.calls().await.len(), 50);
    drop(workers);
}

#[tokio::test]
async fn a_signal_lets_the_message_under_way_be_recorded() {
    let stage = Stage::raise().await;
    stage.script(json!([{ "delay_ms": 600 }])).await;
    let mut worker = stage.worker(&[]);
    worker.event("worker.started").await;
    let id = stage.queue("+15550100", "one", "x").await;
    stage.calls_reach(1).await;
    worker.terminate();
    worker.terminate();
    assert!(worker.exit().await.success());
    assert_eq!(stage.row(id).await.status, "SENT");
    let requested = worker.event("worker.shutdown_requested").await;
    let complete = worker.event("worker.shutdown_complete").await;
    assert_eq!((&requested["signal"], &complete["sent"]), (&json!("SIGTERM"), &json!(1)));
    assert!(requested["ts"].as_str() <= complete["ts"].as_str());
}

#[tokio::test]
async fn a_drain_that_takes_too_long_is_forced() {
    let stage = Stage::raise().await;
    stage.script(json!([{ "delay_ms": 4000 }])).await;
    let mut worker = stage.worker(&[("DISPATCH_WORKER_SHUTDOWN_TIMEOUT_MS", "100")]);
    let id = stage.queue("+15550100", "one", "x").await;
    stage.calls_reach(1).await;
    worker.signal(Signal::SIGINT);
    assert_eq!(worker.exit().await.code(), Some(1));
    worker.event("worker.shutdown_forced").await;
    assert_eq!(stage.row(id).await.status, "IN_FLIGHT");
}

#[tokio::test]
async fn the_heart_beats_while_the_database_is_away_and_delivery_resumes() {
    let stage = Stage::raise().await;
    stage.admit(false).await;
    let worker = stage.worker(&[("DISPATCH_WORKER_HEARTBEAT_MS", "100"), ("DISPATCH_OUTBOX_POLL_MS", "100")]);
    let port = worker.port().await;
    worker.line(|line| line["event"] == "worker.heartbeat" && line["last_error"].is_string()).await;
    assert_eq!(stage.get(&format!("http://127.0.0.1:{port}/readyz")).await.0, 503);
    assert_eq!(stage.get(&format!("http://127.0.0.1:{port}/health")).await.0, 503);
    assert_eq!(stage.get(&format!("http://127.0.0.1:{port}/livez")).await.0, 200);
    stage.admit(true).await;
    let id = stage.queue("+15550100", "one", "x").await;
    stage.row_becomes(id, "SENT").await;

    // The row shows before the worker has heard of its commit; thrown out in between, it would not count it.
    worker.line(|line| line["event"] == "worker.heartbeat" && line["sent"] == 1).await;
    stage.throw_out().await;
    let id = stage.queue("+15550100", "two", "x").await;
    stage.row_becomes(id, "SENT").await;
    worker.line(|line| line["event"] == "worker.heartbeat" && line["sent"] == 2).await;
}

#[tokio::test]
async fn whoever_asked_not_to_be_written_to_is_not_until_they_take_it_back() {
    let stage = Stage::raise().await;
    let say = |word: &'static str| {
        sqlx::query(
            "INSERT INTO messages (direction, channel, from_addr, body) VALUES ('INBOUND', 'SMS', '+15550100', $1)",
        )
        .bind(word)
    };
    say(" stop ").execute(&stage.pool).await.unwrap();
    let worker = stage.worker(&[]);
    let id = stage.queue("+15550100", "one", "x").await;
    assert_eq!(stage.row_becomes(id, "SUPPRESSED").await.last_error.as_deref(), Some("recipient_opted_out"));
    say("START").execute(&stage.pool).await.unwrap();
    let id = stage.queue("+15550100", "two", "x").await;
    stage.row_becomes(id, "SENT").await;
    drop(worker);
}

#[tokio::test]
async fn switched_off_touches_nothing_and_pretending_sends_nothing() {
    let stage = Stage::raise().await;
    let id = stage.queue("+15550100", "one", "x").await;
    let mut off = stage.worker(&[("DISPATCH_SMS_ENABLED", "no"), ("DISPATCH_OUTBOX_ITERATIONS", "1")]);
    assert!(off.exit().await.success());
    let summary = off.line(|line| line.get("processed").is_some()).await;
    assert_eq!((&summary["processed"], &summary["reason"]), (&json!(0), &json!("sms_disabled")));
    assert_eq!(stage.row(id).await.status, "PENDING");

    let mut dry = stage.worker(&[("DISPATCH_SMS_DRY_RUN", ""), ("DISPATCH_OUTBOX_ITERATIONS", "1")]);
    assert!(dry.exit().await.success());
    let row = stage.row(id).await;
    assert_eq!((row.status.as_str(), &row.payload["dry_run"]), ("SENT", &json!(true)));

    let id = stage.queue("+15550100", "two", "x").await;
    let mut nowhere = stage.worker(&[("DISPATCH_SMS_HTTP_URL", ""), ("DISPATCH_OUTBOX_ITERATIONS", "1")]);
    assert!(nowhere.exit().await.success());
    let row = stage.row(id).await;
    assert_eq!((row.status.as_str(), row.last_error.as_deref()), ("SUPPRESSED", Some("no_sms_provider")));
    assert!(stage.calls().await.is_empty());
}

#[tokio::test]
async fn the_audit_names_an_existing_ticket_and_a_refused_audit_costs_no_outcome() {
    let stage = Stage::raise().await;
    let ticket = stage.ticket().await;
    let worker = stage.worker(&[]);
    let id = stage.queue("+15550100", "one", &ticket.to_string()).await;
    stage.row_becomes(id, "SENT").await;
    assert_eq!(stage.audits(id).await[0].0, Some(ticket));

    let refuse =
        "ALTER TABLE audit_events ADD CONSTRAINT refused CHECK (payload ->> 'event_type' IS NULL) NOT VALID";
    sqlx::query(refuse).execute(&stage.pool).await.unwrap();
    let id = stage.queue("+15550100", "two", &ticket.to_string()).await;
    stage.row_becomes(id, "SENT").await;
    worker.event("worker.outbox_unaudited").await;
    assert_eq!((stage.calls().await.len(), stage.audits(id).await.len()), (2, 0));
}

#[tokio::test]
async fn nobody_is_written_to_in_quiet_hours_at_the_site() {
    let stage = Stage::raise().await;
    let ticket = stage.ticket().await;
    // At the site it is always within an hour of its own clock; in UTC, where the other row is judged, never.
    let shift: String = sqlx::query_scalar(
        "UPDATE sites SET timezone = 'Etc/GMT-12' RETURNING \
             to_char(now() AT TIME ZONE 'Etc/GMT-12' - interval '1 hour', 'HH24:MI') || '-' || \
             to_char(now() AT TIME ZONE 'Etc/GMT-12' + interval '1 hour', 'HH24:MI')",
    )
    .fetch_one(&stage.pool)
    .await
    .unwrap();
    let asleep = stage.queue("+15550100", "one", &ticket.to_string()).await;
    let awake = stage.queue("+15550101", "two", "not-a-ticket").await;
    let worker = stage.worker(&[("DISPATCH_SMS_QUIET_HOURS", &shift)]);
    stage.row_becomes(awake, "SENT").await;
    worker.event("worker.outbox_deferred").await;
    let row = stage.row(asleep).await;
    assert_eq!(
        (row.status.as_str(), row.attempts, row.last_error.as_deref()),
        ("PENDING", 0, Some("quiet_hours"))
    );
    let minutes: f64 = sqlx::query_scalar(
        "SELECT extract(epoch FROM next_attempt_at - now())::float8 / 60 FROM dispatch_outbox WHERE id = $1",
    )
    .bind(asleep)
    .fetch_one(&stage.pool)
    .await
    .unwrap();
    assert!((58.0..=60.0).contains(&minutes), "{minutes}");
    assert_eq!(stage.calls().await.len(), 1);
}
