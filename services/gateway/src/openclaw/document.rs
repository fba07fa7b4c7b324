//! The documents OpenClaw clients read to find out whether a gateway is well.

use super::{MAX_FRAME_BYTES, METHODS};
use crate::contract_status::{self, PLUGIN_ID};
use crate::http::Gateway;
use crate::identity::Caller;
use serde_json::{Value, json};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Version of the gateway, as clients show it.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The agent every call is made as.
const AGENT: &str = "dispatcher";

/// How often a connection is told that we are still here.
pub(crate) const TICK: Duration = Duration::from_secs(30);

/// Answer to `connect`. Scopes are granted as asked: what a caller may do is decided at every tool call.
pub(crate) fn hello(gateway: &Gateway, connection: &str, protocol: u64, scopes: &Value) -> Value {
    let scopes = if scopes.is_array() { scopes.clone() } else { json!([]) };
    json!({
        "type": "hello-ok",
        "protocol": protocol,
        "server": { "version": VERSION, "connId": connection },
        "features": { "methods": METHODS, "events": ["connect.challenge", "tick"] },
        "snapshot": {
            "presence": [],
            "health": health_of(0),
            "stateVersion": { "presence": 0, "health": 0 },
            "uptimeMs": millis(gateway.started.elapsed()),
        },
        "auth": { "role": "operator", "scopes": scopes },
        "policy": {
            "maxPayload": MAX_FRAME_BYTES,
            "maxBufferedBytes": MAX_FRAME_BYTES,
            "tickIntervalMs": millis(TICK),
        },
    })
}

/// `health`: the gateway's, with the dispatch API's beside it.
pub(crate) async fn health(gateway: &Gateway) -> Value {
    let asked = std::time::Instant::now();
    let ready = match gateway.toolbox.api() {
        Some(api) => api.readiness().await.is_ok_and(|answer| answer.status == 200),
        None => false,
    };
    let mut health = health_of(millis(asked.elapsed()));
    health["dispatch"] = json!({ "configured": gateway.toolbox.api().is_some(), "api_ready": ready });
    health
}

fn health_of(duration_ms: u64) -> Value {
    json!({
        "ok": true,
        "ts": now_ms(),
        "durationMs": duration_ms,
        "plugins": { "loaded": [PLUGIN_ID], "errors": [], "unavailable": [] },
        "channels": {},
        "channelOrder": [],
        "channelLabels": {},
        "heartbeatSeconds": 0,
        "defaultAgentId": AGENT,
        "agents": [{ "agentId": AGENT, "name": AGENT, "isDefault": true, "heartbeat": no_heartbeat(), "sessions": no_sessions() }],
        "sessions": no_sessions(),
    })
}

/// `status`, with the state of the contract under `dispatch`.
pub(crate) async fn status(gateway: &Gateway, caller: &Caller) -> Value {
    let report = contract_status::report(gateway.toolbox.api(), caller).await;
    json!({
        "runtimeVersion": VERSION,
        "heartbeat": { "defaultAgentId": AGENT, "agents": [no_heartbeat()] },
        "channelSummary": [],
        "queuedSystemEvents": [],
        "sessions": no_sessions(),
        "agents": {
            "defaultId": AGENT,
            "agents": [{ "id": AGENT, "name": AGENT }],
            "totalSessions": 0,
            "bootstrapPendingCount": 0,
        },
        "dispatch": report["details"],
    })
}

/// `config.get`: there is no file to edit; settings come from the environment and are not shown.
pub(crate) fn config() -> Value {
    json!({
        "path": "",
        "exists": false,
        "valid": true,
        "raw": null,
        "parsed": {},
        "config": {},
        "issues": [],
        "warnings": [],
        "legacyIssues": [],
    })
}

fn no_heartbeat() -> Value {
    json!({ "agentId": AGENT, "enabled": false, "every": "disabled", "everyMs": null })
}

fn no_sessions() -> Value {
    json!({ "path": "", "paths": [], "count": 0, "defaults": {}, "recent": [], "byAgent": [] })
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    millis(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
