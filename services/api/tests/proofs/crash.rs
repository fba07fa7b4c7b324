//! What was acknowledged is there once, however often the process is killed.

use std::cell::RefCell;
use std::sync::Arc;

use dispatch_testbed::{Api, Database, Server, Signal, eventually};
use futures::future::join_all;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::Value;
use uuid::Uuid;

use crate::desk::{ticket, triage};
use crate::size;

/// Writers at once.
const WRITERS: usize = 8;

/// One write with its key, and the answer when there was one.
struct Write {
    path: String,
    body: Value,
    key: Uuid,
    acknowledged: Option<String>,
}

/// Creates and triages until the API is gone.
async fn write(api: &Api, writes: &RefCell<Vec<Write>>) {
    loop {
        let Some(created) = attempt(api, "/tickets".to_owned(), ticket(), writes).await else { return };
        let created: Value = serde_json::from_str(&created).unwrap();
        let path = format!("/tickets/{}/triage", created["id"].as_str().unwrap());
        let body = triage("URGENT", "DOOR_WONT_LATCH", "TRIAGED");
        if attempt(api, path, body, writes).await.is_none() {
            return;
        }
    }
}

/// The body of the answer; nothing when none came.
async fn attempt(api: &Api, path: String, body: Value, writes: &RefCell<Vec<Write>>) -> Option<String> {
    let key = Uuid::new_v4();
    let number = {
        let mut writes = writes.borrow_mut();
        writes.push(Write { path: path.clone(), body: body.clone(), key, acknowledged: None });
        writes.len() - 1
    };
    let answer = api.try_post("dispatcher", &path, &body, key).await.ok()?;
    assert!(answer.status < 300, "{path}: {}", answer.text);
    writes.borrow_mut()[number].acknowledged = Some(answer.text.clone());
    Some(answer.text)
}

/// Sends everything of a round again and expects what was acknowledged before.
async fn retry(api: &Api, writes: &[Write]) {
    for write in writes {
        let again = api.post_with("dispatcher", &write.path, &write.body, write.key).await;
        assert!(again.status < 300, "{}: {}", write.path, again.text);
        if let Some(text) = &write.acknowledged {
            assert_eq!((&again.text, again.is_replay()), (text, true), "{}", write.path);
        }
    }
}

#[tokio::test]
async fn what_was_acknowledged_before_a_kill_is_there_once() {
    let server = Arc::new(Server::durable());
    let mut api = Api::on(env!("CARGO_BIN_EXE_dispatch-api"), Database::seeded_on(server).await);
    let mut random = StdRng::seed_from_u64(9);
    let (mut keys, mut acknowledged, mut unanswered) = (Vec::new(), 0, 0);
    for _ in 0..size(3, 50) {
        api.start().await;
        let writes: RefCell<Vec<Write>> = RefCell::default();
        let enough = random.random_range(8..80);
        let killer = async {
            eventually(async || {
                let answered = writes.borrow().iter().filter(|write| write.acknowledged.is_some()).count();
                if answered >= enough { Ok(()) } else { Err(format!("{answered} answers, never {enough}")) }
            })
            .await;
            api.signal(Signal::SIGKILL);
        };
        tokio::join!(killer, join_all((0..WRITERS).map(|_| write(&api, &writes))));
        api.kill();
        let writes = writes.into_inner();
        acknowledged += writes.iter().filter(|write| write.acknowledged.is_some()).count();
        unanswered += writes.iter().filter(|write| write.acknowledged.is_none()).count();
        api.start().await;
        retry(&api, &writes).await;
        api.kill();
        keys.extend(writes.into_iter().map(|write| (write.key, write.path == "/tickets")));
    }
    println!("{acknowledged} writes were acknowledged, {unanswered} were cut off");
    assert!(acknowledged > 0 && unanswered > 0, "{acknowledged} acknowledged, {unanswered} cut off");
    let (created, all) = (keys.iter().filter(|(_, creates)| *creates).count(), keys.len());
    let count = async |query: &str| usize::try_from(api.count(query).await).unwrap();
    assert_eq!(count("SELECT count(*) FROM tickets").await, created);
    assert_eq!(count("SELECT count(*) FROM audit_events").await, all);
    assert_eq!(count("SELECT count(DISTINCT request_id) FROM audit_events").await, all);
    assert_eq!(count("SELECT count(*) FROM idempotency_keys").await, all);
    assert_eq!(count("SELECT count(*) FROM ticket_state_transitions").await, all);
    assert_eq!(count("SELECT count(DISTINCT audit_event_id) FROM ticket_state_transitions").await, all);
    let moved = "SELECT count(*) FROM tickets WHERE (state = 'TRIAGED') <> (version = 1)";
    assert_eq!(count(moved).await, 0);
}
