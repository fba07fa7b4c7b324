//! `alerts`: the alerts a service shows.

use drillyard_spec::drill::ServicePath;
use drillyard_spec::topology::Alerts;
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
    let answer = send(&prepared, scene).await.and_then(|answer| view(&answer, scene.lane.alerts()));
    Done { what, answer }
}

/// An answer whose alerts cannot be found says nothing about them, so it is no answer.
fn view(answer: &Value, alerts: &Alerts) -> Result<Value, String> {
    let Some(shown) = alerts.list.get(&answer["body"]).and_then(Value::as_array) else {
        return Err(format!(
            "the answer ({}) has no list of alerts where the topology says",
            answer["status"]
        ));
    };
    let mut codes: Vec<&str> = shown.iter().filter_map(|one| alerts.code.get(one)?.as_str()).collect();
    codes.sort_unstable();
    codes.dedup();
    Ok(json!({ "status": answer["status"], "codes": codes, "alerts": shown, "body": answer["body"] }))
}

#[cfg(test)]
mod tests {
    use drillyard_spec::template::Path;

    use super::*;

    #[test]
    fn alerts_are_found_where_the_topology_says_and_nowhere_else() {
        let path = |text: &str| Path::parse(text).unwrap();
        let alerts = Alerts { list: path("data.firing"), code: path("labels.name") };
        let answer = json!({ "status": 200, "body": { "data": { "firing": [{ "labels": { "name": "B" } }, { "labels": { "name": "A" } }] } } });
        assert_eq!(view(&answer, &alerts).unwrap()["codes"], json!(["A", "B"]));
        assert!(view(&json!({ "status": 200, "body": { "alerts": [] } }), &alerts).is_err());
    }
}
