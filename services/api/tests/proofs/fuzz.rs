//! Whatever body arrives, the answer is a documented one and the process stays up.

use dispatch_testbed::{Answer, send, token};
use futures::StreamExt;
use futures::stream;
use jsonschema::Validator;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::commands::{Call, ready, served};
use crate::desk::Desk;
use crate::mutation::{CONTENT_TYPES, mutated};
use crate::size;

/// Requests under way at once.
const AT_ONCE: usize = 8;

/// Most memory the process may ever hold, in kilobytes: its pool, its threads and eight bodies of a megabyte.
const MEMORY_KB: u64 = 256 * 1024;

/// Sends one mutated body.
async fn shoot(desk: &Desk, call: &Call, body: Vec<u8>, content_type: Option<&str>) -> (Vec<u8>, Answer) {
    let request = desk.request(reqwest::Method::POST, &call.path).bearer_auth(token::for_role(call.role));
    let request = request.header("idempotency-key", Uuid::new_v4().to_string()).body(body.clone());
    let request = match content_type {
        Some(content_type) => request.header("content-type", content_type),
        None => request,
    };
    (body, send(request).await)
}

fn text(body: &[u8]) -> String {
    String::from_utf8_lossy(&body[..body.len().min(2_000)]).into_owned()
}

/// The documented shape of an error.
fn error_shape(description: &Value) -> Validator {
    let schema = json!({ "$ref": "#/components/schemas/Error", "components": description["components"] });
    jsonschema::validator_for(&schema).unwrap()
}

/// The most memory a process ever held, in kilobytes.
fn peak_memory(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn no_body_is_answered_by_anything_undocumented() {
    let mut desk = Desk::open().await;
    let description = desk.get_with("/openapi.json", &[]).await.body;
    let shape = error_shape(&description);
    let bodies = size(25, 10_000);
    let mut random = StdRng::seed_from_u64(11);
    let mut statuses = std::collections::BTreeMap::new();
    for (route, tool) in served(&desk).await {
        let documented = description["paths"][&route]["post"]["responses"].clone();
        let mut call = ready(&desk, &tool).await;
        let mut left = bodies;
        while left > 0 {
            let salvo = left.min(50);
            left -= salvo;
            let shots: Vec<_> = (0..salvo)
                .map(|_| (mutated(&call.body, &mut random), *CONTENT_TYPES.choose(&mut random).unwrap()))
                .collect();
            let shots = shots.into_iter().map(|(body, content_type)| shoot(&desk, &call, body, content_type));
            let answers: Vec<_> = stream::iter(shots).buffer_unordered(AT_ONCE).collect().await;
            let mut done = false;
            for (body, answer) in answers {
                let status = answer.status;
                assert!(status < 500, "{tool}: {}\n{}", answer.text, text(&body));
                assert!(documented.get(status.to_string()).is_some(), "{tool}: {status}\n{}", text(&body));
                if status >= 400 {
                    let problem = shape.iter_errors(&answer.body).next().map(|error| error.to_string());
                    assert_eq!(problem, None, "{tool}: {}\n{}", answer.text, text(&body));
                }
                *statuses.entry(status).or_insert(0_usize) += 1;
                done |= status < 300;
            }
            // What succeeded has moved its ticket on; the next bodies are for one that is ready again.
            if done {
                call = ready(&desk, &tool).await;
            }
        }
        // A pause of everything would refuse what comes later.
        if tool == "ops.autonomy.pause" {
            desk.post("dispatcher", "/ops/autonomy/rollback", &json!({ "scope_type": "GLOBAL" })).await;
        }
    }
    let peak = peak_memory(desk.process().id());
    println!("answers by status: {statuses:?}; most memory: {peak} kB");
    assert!(peak < MEMORY_KB, "{peak} kB");
    assert!(desk.process().is_running());
    assert!(statuses.keys().any(|status| *status < 300) && statuses.contains_key(&400), "{statuses:?}");
}
