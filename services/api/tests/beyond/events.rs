//! The stream of state changes.

use std::time::Duration;

use dispatch_testbed::Api;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::desk::{create, id, schedule};
use crate::raise;

/// One open stream, read event by event.
struct Stream {
    response: Response,
    rest: String,
}

impl Stream {
    async fn open(api: &Api, path: &str, headers: &[(&str, &str)]) -> Self {
        let mut request = api.request(Method::GET, path).header("x-actor-id", "d");
        request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, rest: String::new() }
    }

    /// The next event with data.
    async fn next(&mut self) -> Value {
        timeout(Duration::from_secs(20), async {
            loop {
                if let Some((block, rest)) = self.rest.split_once("\n\n") {
                    let data = block.lines().find_map(|line| line.strip_prefix("data: ")).map(str::to_owned);
                    self.rest = rest.to_owned();
                    if let Some(data) = data {
                        return serde_json::from_str(&data).unwrap();
                    }
                    continue;
                }
                let chunk = self.response.chunk().await.unwrap().expect("the stream goes on");
                self.rest.push_str(std::str::from_utf8(&chunk).unwrap());
            }
        })
        .await
        .unwrap()
    }
}

const DISPATCHER: (&str, &str) = ("x-actor-role", "dispatcher");

#[tokio::test]
async fn changes_are_told_as_they_happen_and_again_from_a_place_on() {
    let api = raise(&[]).await;
    create(&api).await;
    let mut live = Stream::open(&api, "/events", &[DISPATCHER]).await;
    let path = schedule(&api).await;
    let mut seen = Vec::new();
    for _ in 0..5 {
        seen.push(live.next().await);
    }
    let states: Vec<&str> = seen.iter().map(|event| event["to_state"].as_str().unwrap()).collect();
    assert_eq!(states, ["NEW", "TRIAGED", "READY_TO_SCHEDULE", "SCHEDULE_PROPOSED", "SCHEDULED"]);
    assert!(seen.iter().all(|event| event["ticket_id"] == id(&path)));
    assert_eq!(
        (&seen[0]["event_type"], &seen[4]["tool_name"]),
        (&json!("ticket.created"), &json!("schedule.confirm"))
    );
    assert_eq!(seen[4]["ticket_seq"], 5);
    let place = seen[1]["event_id"].as_str().unwrap();
    let mut again = Stream::open(&api, "/events", &[DISPATCHER, ("last-event-id", place)]).await;
    assert_eq!([again.next().await, again.next().await, again.next().await], seen[2..]);
}

#[tokio::test]
async fn a_caller_hears_of_the_own_scope_and_of_one_ticket_when_asked() {
    let api = raise(&[]).await;
    let (first, second) = (create(&api).await, create(&api).await);
    let one = format!("/events?last_event_id=0-0&ticket_id={}", id(&second));
    assert_eq!(Stream::open(&api, &one, &[DISPATCHER]).await.next().await["ticket_id"], id(&second));
    let nowhere = ("x-account-scope", "00000000-0000-0000-0000-00000000000a");
    let mut deaf = Stream::open(&api, "/events?last_event_id=0-0", &[DISPATCHER, nowhere]).await;
    assert!(timeout(Duration::from_secs(1), deaf.next()).await.is_err(), "{first}");
    let bad = api.get("/events?last_event_id=yesterday").await;
    bad.expect(400, "INVALID_QUERY");
    assert_eq!(api.get_as("finance", "/events?ticket_id=1").await.code(), "INVALID_QUERY");
}

#[tokio::test]
async fn nothing_is_lost_when_an_older_transaction_commits_later() {
    let api = raise(&[]).await;
    let path = create(&api).await;
    let mut live = Stream::open(&api, "/events?last_event_id=0-0", &[DISPATCHER]).await;
    assert_eq!(live.next().await["ticket_id"], id(&path));
    // A transaction that has written and is not done holds the stream back, not lets it run past.
    let mut slow = api.database.pool.begin().await.unwrap();
    sqlx_touch(&mut slow).await;
    let later = create(&api).await;
    assert!(timeout(Duration::from_millis(800), live.next()).await.is_err());
    slow.commit().await.unwrap();
    assert_eq!(live.next().await["ticket_id"], id(&later));
}

async fn sqlx_touch(transaction: &mut dispatch_store::Transaction<'static, dispatch_store::Postgres>) {
    sqlx::query("UPDATE accounts SET name = name").execute(&mut **transaction).await.unwrap();
}

#[tokio::test]
async fn a_service_that_is_told_to_stop_does_not_wait_for_listeners() {
    let mut api = raise(&[]).await;
    let mut live = Stream::open(&api, "/events?last_event_id=0-0", &[DISPATCHER]).await;
    create(&api).await;
    live.next().await;
    let started = std::time::Instant::now();
    api.process().terminate();
    while live.response.chunk().await.is_ok_and(|chunk| chunk.is_some()) {}
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
}
