//! `tool`: a call through an OpenClaw-compatible gateway (`POST /tools/invoke`).

use drillyard_spec::drill::Tool;
use drillyard_spec::template::fill_value;
use serde_json::{Value, json};

use crate::action::http::{Prepared, send};
use crate::action::{Done, Scene};

/// Calls the tool. The answer has the gateway's `http_status` and `ok`, and of the tool's result `is_error`, `status`,
/// `body` (its data), `error` and the whole `details`.
pub async fn perform(tool: &Tool, scene: &Scene<'_>) -> Done {
    let args = match fill_value(&tool.args, scene.names) {
        Ok(args) => args,
        Err(reason) => return Done::unresolved("tool", reason),
    };
    let mut what = json!({ "tool": tool.name, "args": args });
    if let Some(identity) = scene.identity {
        what["as"] = json!(identity);
    }
    let Some((service, path)) = scene.lane.tool_door() else {
        return Done {
            what,
            answer: Err("the topology names no gateway under `x-drillyard.tools`".to_owned()),
        };
    };
    let envelope = json!({ "tool": tool.name, "args": args, "idempotencyKey": scene.names.fresh_uuid() });
    let prepared = Prepared {
        method: "POST",
        service,
        path,
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: Some(envelope.to_string()),
        shown_body: Value::Null,
    };
    let answer = send(&prepared, scene).await.map(|answer| view(&answer));
    Done { what, answer }
}

fn view(answer: &Value) -> Value {
    let body = &answer["body"];
    let details = &body["result"]["details"];
    let is_error = body["result"]["isError"].as_bool().unwrap_or(false);
    // A failure before the tool (no such tool, bad token) is the gateway's own error object.
    let error = if details["error"].is_object() { &details["error"] } else { &body["error"] };
    let status =
        [&details["status"], &error["status"], &answer["status"]].into_iter().find(|v| v.is_number());
    json!({
        "http_status": answer["status"],
        "ok": body["ok"].as_bool().unwrap_or(false),
        "is_error": is_error,
        "status": status,
        "body": details["data"],
        "error": error,
        "details": details,
        "latency_ms": answer["latency_ms"],
    })
}
