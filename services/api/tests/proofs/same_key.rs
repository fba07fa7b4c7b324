//! One key from many clients at once is one effect and one answer.

use std::collections::BTreeMap;

use futures::future::join_all;
use serde_json::Value;
use uuid::Uuid;

use crate::commands::{Call, ready, served};
use crate::desk::Desk;
use crate::size;
use dispatch_testbed::{Answer, token};

/// How many rows every table has.
async fn rows(desk: &Desk) -> BTreeMap<String, i64> {
    let tables = "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public' \
                  AND table_type = 'BASE TABLE'";
    let mut rows = BTreeMap::new();
    for table in desk.database.texts(tables).await {
        let count = desk.count(&format!("SELECT count(*) FROM {table}")).await;
        rows.insert(table, count);
    }
    assert!(rows.len() > 10, "{rows:?}");
    rows
}

/// Sends a command so many times at once under one key; returns the answers and the rows that came of it.
async fn send(desk: &Desk, call: &Call, clients: usize) -> (Vec<Answer>, BTreeMap<String, i64>, Uuid) {
    let key = Uuid::new_v4();
    let (text, bearer) = (key.to_string(), token::for_role(call.role));
    let request = |body: &Value| {
        let request = desk.request(reqwest::Method::POST, &call.path).bearer_auth(&bearer).json(body);
        dispatch_testbed::send(request.header("idempotency-key", &text))
    };
    let before = rows(desk).await;
    let answers = join_all((0..clients).map(|_| request(&call.body))).await;
    let after = rows(desk).await;
    let grown = after.into_iter().map(|(table, count)| {
        let grown = count - before[&table];
        (table, grown)
    });
    (answers, grown.filter(|(_, grown)| *grown != 0).collect(), key)
}

#[tokio::test]
async fn many_clients_with_one_key_get_one_effect_and_equal_answers() {
    let desk = Desk::open().await;
    let clients = size(16, 64);
    // A switch has a row from its first use on, so that the first use is another effect than the second.
    for tool in ["ops.autonomy.pause", "ops.autonomy.rollback"] {
        send(&desk, &ready(&desk, tool).await, 1).await;
    }
    for (_, tool) in served(&desk).await {
        let (alone, effect, _) = send(&desk, &ready(&desk, &tool).await, 1).await;
        let call = ready(&desk, &tool).await;
        assert_eq!(alone[0].status, call.status, "{tool}: {}", alone[0].text);
        let (answers, effect_of_many, key) = send(&desk, &call, clients).await;
        for answer in &answers {
            assert_eq!((answer.status, &answer.text), (call.status, &answers[0].text), "{tool}");
        }
        let replays = answers.iter().filter(|answer| answer.is_replay()).count();
        assert_eq!(replays, clients - 1, "{tool}");
        assert_eq!(effect_of_many, effect, "{tool}");
        let audited = format!("SELECT count(*) FROM audit_events WHERE request_id = '{key}'");
        assert_eq!(desk.count(&audited).await, 1, "{tool}");
        let stored = format!("SELECT count(*) FROM idempotency_keys WHERE request_id = '{key}'");
        assert_eq!(desk.count(&stored).await, 1, "{tool}");
    }
}
