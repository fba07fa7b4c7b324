//! Lists, pages, versions, methods and limits, with the API as a process on a real database.
//!
//! Every test has a database of its own, so they run side by side.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::time::Duration;

use dispatch_testbed::{ACCOUNT, SITE};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use uuid::Uuid;

#[path = "../operations/stage.rs"]
#[expect(dead_code, reason = "each file of tests uses its own part of the stage")]
mod stage;

use stage::Stage;

async fn raise(settings: &[(&str, &str)]) -> Stage {
    let mut stage = Stage::raise().await;
    for (name, value) in settings {
        stage.set(name, value);
    }
    assert!(stage.run(&["seed"]).status.success());
    stage.start_api().await;
    stage
}

async fn create(stage: &Stage, summary: &str) -> String {
    let body = json!({ "account_id": ACCOUNT, "site_id": SITE, "summary": summary });
    let (status, ticket) = stage.post("/tickets", &body).await;
    assert_eq!(status, 201, "{ticket}");
    ticket["id"].as_str().unwrap().to_owned()
}

/// Walks every page of a list and returns what the pages held.
async fn walk(stage: &Stage, path: &str, list: &str, id: &str) -> Vec<String> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let (status, page) = stage.read(&format!("{path}{cursor}")).await;
        assert_eq!(status, 200, "{page}");
        let rows = page[list].as_array().unwrap();
        found.extend(rows.iter().map(|row| row[id].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            None => return found,
            Some(next) => cursor = format!("&cursor={next}"),
        }
    }
}

#[tokio::test]
async fn pages_hold_every_row_once_and_in_order() {
    let stage = raise(&[("DISPATCH_ALERT_STUCK_SCHEDULING_MINUTES", "0")]).await;
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(create(&stage, &format!("Door {n} squeaks")).await);
    }
    let evidence = format!("/tickets/{}/evidence", ids[0]);
    for n in 0..3 {
        let item = json!({ "kind": "PHOTO", "uri": format!("s3://evidence/{n}") });
        assert_eq!(stage.post(&evidence, &item).await.0, 201);
    }
    let newest_first: Vec<String> = ids.iter().rev().cloned().collect();
    assert_eq!(walk(&stage, "/tickets?limit=2", "tickets", "id").await, newest_first);
    for (path, list) in [(evidence.clone(), "evidence"), (format!("/tickets/{}/timeline", ids[0]), "events")]
    {
        let (_, whole) = stage.read(&path).await;
        assert!(whole.get("next_cursor").is_none(), "{whole}");
        let whole: Vec<&str> =
            whole[list].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap()).collect();
        assert_eq!(walk(&stage, &format!("{path}?limit=1"), list, "id").await, whole);
    }
    let (_, whole) = stage.read("/ux/dispatcher/cockpit").await;
    assert!(whole.get("next_cursor").is_none());
    let queue = walk(&stage, "/ux/dispatcher/cockpit?limit=2", "queue", "ticket_id").await;
    assert_eq!(queue.iter().collect::<BTreeSet<_>>(), ids.iter().collect());
    assert_eq!(queue.len(), 5);
    let triage = json!({
        "priority": "URGENT", "incident_type": "DOOR_WONT_LATCH", "workflow_outcome": "READY_TO_SCHEDULE",
    });
    for id in &ids[..3] {
        assert_eq!(stage.post(&format!("/tickets/{id}/triage"), &triage).await.0, 200);
    }
    let stuck = walk(&stage, "/ops/alerts/STUCK_SCHEDULING/items?limit=2", "items", "ticket_id").await;
    assert_eq!(stuck, ids[..3]);
    for path in ["/tickets?limit=0", "/tickets?cursor=nonsense", "/tickets?state=LOST", "/tickets?text=%00"] {
        assert_eq!(stage.read(path).await.1["error"]["code"], "INVALID_QUERY", "{path}");
    }
}

#[tokio::test]
async fn tickets_are_found_by_words_and_members_within_the_callers_scope() {
    let stage = raise(&[]).await;
    let door = create(&stage, "Door will not latch").await;
    create(&stage, "Window is broken").await;
    let found = async |query: &str| {
        let (status, page) = stage.read(&format!("/tickets?{query}")).await;
        assert_eq!(status, 200, "{page}");
        page["tickets"].as_array().unwrap().iter().map(|ticket| ticket["id"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(found("text=LATCH%20door").await, [json!(door)]);
    assert_eq!(found("text=latch%20window").await, Vec::<Value>::new());
    assert_eq!(found("state=NEW&priority=ROUTINE").await.len(), 2);
    assert_eq!(found("state=TRIAGED").await.len(), 0);
    assert_eq!(found(&format!("account_id={ACCOUNT}&site_id={SITE}")).await.len(), 2);
    assert_eq!(found(&format!("assigned_tech_id={}", Uuid::new_v4())).await.len(), 0);
    let elsewhere = [("x-account-scope", Uuid::new_v4().to_string())];
    let (status, page) = stage.read_with("/tickets", &elsewhere).await;
    assert_eq!((status, &page["tickets"]), (200, &json!([])));
}

#[tokio::test]
async fn an_urgent_old_ticket_stays_in_sight_however_many_newer_ones_there_are() {
    let stage = raise(&[]).await;
    let old = create(&stage, "The old one").await;
    sqlx::raw_sql(
        "UPDATE tickets SET created_at = now() - interval '90 days', priority = 'EMERGENCY'; \
         INSERT INTO tickets (account_id, site_id, summary, created_at) \
         SELECT account_id, site_id, 'filler', now() - make_interval(secs => n) \
         FROM tickets, generate_series(1, 20000) n; ANALYZE tickets",
    )
    .execute(&stage.database.pool)
    .await
    .unwrap();
    let (_, cockpit) = stage.read("/ux/dispatcher/cockpit").await;
    assert_eq!(cockpit["queue"].as_array().unwrap().len(), 200);
    assert_eq!(cockpit["queue"][0]["ticket_id"], json!(old));
    let (_, breached) = stage.read("/ux/dispatcher/cockpit?sla_status=breach").await;
    assert_eq!(breached["queue"].as_array().unwrap().len(), 1);
    // The index hands over what is asked for: the plan never reads the whole table.
    let plan: Vec<String> = sqlx::query_scalar(
        "EXPLAIN SELECT * FROM tickets WHERE priority = 'ROUTINE' AND state NOT IN ('CLOSED', 'CANCELLED') \
         ORDER BY coalesce(scheduled_start, created_at), id LIMIT 200",
    )
    .fetch_all(&stage.database.pool)
    .await
    .unwrap();
    assert!(plan.iter().any(|line| line.contains("idx_tickets_open_clock")), "{plan:?}");
}

#[tokio::test]
async fn a_command_decided_on_an_older_version_is_refused_and_told_the_current_one() {
    let stage = raise(&[]).await;
    let path = format!("/tickets/{}/triage", create(&stage, "Door").await);
    let mut triage =
        json!({ "priority": "URGENT", "incident_type": "DOOR_WONT_LATCH", "expected_version": 7 });
    let (status, refused) = stage.post(&path, &triage).await;
    assert_eq!((status, &refused["error"]["code"]), (409, &json!("VERSION_CONFLICT")));
    assert_eq!(refused["error"]["current_version"], 0);
    triage["expected_version"] = json!(0);
    let (status, ticket) = stage.post(&path, &triage).await;
    assert_eq!((status, &ticket["version"]), (200, &json!(1)));
}

#[tokio::test]
async fn methods_are_told_apart_only_when_asked_and_an_actor_is_limited_only_when_asked() {
    let stage = raise(&[]).await;
    assert_eq!(stage.raw("DELETE", "/tickets").await.status(), 404);
    let stage = raise(&[("DISPATCH_HTTP_405", "true"), ("DISPATCH_RATE_LIMIT_PER_MINUTE", "2")]).await;
    let answer = stage.raw("DELETE", "/tickets").await;
    assert_eq!((answer.status().as_u16(), answer.headers()["allow"].to_str().unwrap()), (405, "GET, POST"));
    assert_eq!(stage.raw("DELETE", "/nowhere").await.status(), 404);
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(stage.read("/tickets").await.0);
    }
    assert_eq!(statuses, [200, 200, 429]);
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_not_waited_for_long() {
    let stage = raise(&[("DISPATCH_BODY_TIMEOUT_SECONDS", "1")]).await;
    let mut stream = tokio::net::TcpStream::connect(stage.address()).await.unwrap();
    stream.write_all(b"POST /tickets HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{").await.unwrap();
    let mut answer = [0; 32];
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut answer)).await.unwrap();
    let length = read.unwrap();
    assert!(answer[..length].starts_with(b"HTTP/1.1 408"), "{}", String::from_utf8_lossy(&answer));
}

#[tokio::test]
async fn stored_answers_are_forgotten_when_they_are_old_enough() {
    let stage = raise(&[]).await;
    create(&stage, "Old").await;
    create(&stage, "New").await;
    stage
        .execute(
            "UPDATE idempotency_keys SET created_at = now() - interval '31 days' \
             WHERE id = (SELECT id FROM idempotency_keys ORDER BY created_at LIMIT 1)",
        )
        .await;
    let output = stage.run(&["purge"]);
    let line: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&line["deleted"], &line["older_than_days"]), (&json!(1), &json!(30)));
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM idempotency_keys")
        .fetch_one(&stage.database.pool)
        .await
        .unwrap();
    assert_eq!(left, 1);
}

#[tokio::test]
async fn the_served_description_is_the_committed_one() {
    let stage = raise(&[]).await;
    let (status, served) = stage.get("/openapi.json").await;
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    let committed: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    // Not compared by a macro that would print both.
    assert!(status == 200 && served == committed);
}
