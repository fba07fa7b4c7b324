//! `alerts`: the alerts a service shows.

use drillyard_spec::drill::ServicePath;
use serde_json::{Value, json};

use crate::action::http::{Prepared, send};
use crate::action::{Done, Scene};

/// Reads the alerts. The answer has `status`, the sorted `codes`, the `alerts` themselves and the whole `body`.
pub async fn perform(target: &ServicePath, scene: &Scene<'_>) -> Done {
    let what = json!({ "alerts": format!("{}{}", target.service, target.path) });
    let prepared = Prepared {
        method: "GET",
        service: target.service.clone(),
        path: target.path.clone(),
        headers: Vec::new(),
        body: None,
        shown_body: Value::Null,
    };
    let answer = send(&prepared, scene).await.and_then(|answer| view(&answer));
    Done { what, answer }
}

/// An answer whose alerts cannot be found says nothing about them, so it is no answer.
fn view(answer: &Value) -> Result<Value, String> {
    let Some(alerts) = answer["body"]["alerts"].as_array() else {
        return Err(format!("the answer ({}) has no list `alerts`", answer["status"]));
    };
    let mut codes: Vec<&str> = alerts.iter().filter_map(|alert| alert["code"].as_str()).collect();
    codes.sort_unstable();
    codes.dedup();
    Ok(json!({ "status": answer["status"], "codes": codes, "alerts": alerts, "body": answer["body"] }))
}
