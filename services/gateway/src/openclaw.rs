//! The small part of the OpenClaw gateway's WebSocket protocol that its command-line client needs.
//!
//! A request is `{"type":"req","id","method","params"}`, its answer `{"type":"res","id","ok","payload"|"error"}`. The
//! first request of a connection is `connect` with a token; everything else works on the same tools as the other doors.

pub(crate) mod document;
pub(crate) mod socket;

use crate::command_line;
use crate::envelope::Surroundings;
use crate::http::Gateway;
use crate::identity::Caller;
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

/// Protocol versions spoken: the one of early and the one of late 2026.
pub const PROTOCOLS: std::ops::RangeInclusive<u64> = 3..=4;

/// Largest frame, as for `/tools/invoke`.
pub const MAX_FRAME_BYTES: usize = 2 * 1024 * 1024;

/// Methods of a connected client, as `hello-ok` lists them.
pub const METHODS: &[&str] =
    &["health", "status", "system-presence", "config.get", "tools.invoke", "tools.catalog", "agent"];

/// WebSocket close code for a client that breaks our policy, such as a wrong token.
const CLOSE_POLICY: u16 = 1008;
/// WebSocket close code for a protocol we do not speak.
const CLOSE_PROTOCOL: u16 = 1002;

/// What to send back for one frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// The answer.
    pub frame: Value,
    /// Close code and reason, after the answer.
    pub close: Option<(u16, &'static str)>,
}

impl Reply {
    fn send(frame: Value) -> Self {
        Self { frame, close: None }
    }

    fn last(frame: Value, code: u16, reason: &'static str) -> Self {
        Self { frame, close: Some((code, reason)) }
    }
}

/// One connection.
pub struct Session {
    gateway: Arc<Gateway>,
    connection: String,
    caller: Option<Caller>,
}

impl Session {
    /// A connection that has not introduced itself.
    pub fn new(gateway: Arc<Gateway>) -> Self {
        Self { gateway, connection: Uuid::new_v4().to_string(), caller: None }
    }

    /// Whether `connect` succeeded.
    pub fn is_connected(&self) -> bool {
        self.caller.is_some()
    }

    /// Answers one text frame.
    pub async fn answer(&mut self, text: &str) -> Reply {
        let frame: Value = serde_json::from_str(text).unwrap_or(Value::Null);
        let (id, method) = (frame["id"].as_str(), frame["method"].as_str());
        let (Some(id), Some(method), true) = (id, method, frame["type"] == "req") else {
            let event = json!({ "type": "event", "event": "error", "payload": { "message": "invalid request frame" } });
            return Reply::last(event, CLOSE_POLICY, "invalid request frame");
        };
        let params = &frame["params"];
        let Some(caller) = self.caller.clone() else { return self.connect(id, method, params) };
        let outcome = match method {
            "connect" => Err(("INVALID_REQUEST", "already connected".to_owned())),
            "health" => Ok(document::health(&self.gateway).await),
            "status" => Ok(document::status(&self.gateway, &caller).await),
            "system-presence" => Ok(json!([])),
            "config.get" => Ok(document::config()),
            "tools.catalog" => Ok(json!({ "tools": self.gateway.toolbox.visible_to(&caller) })),
            "tools.invoke" => self.invoke(params, &caller).await,
            "agent" => self.agent(params, &caller).await,
            unknown => Err(("INVALID_REQUEST", format!("unknown method: {unknown}"))),
        };
        Reply::send(match outcome {
            Ok(payload) => json!({ "type": "res", "id": id, "ok": true, "payload": payload }),
            Err((code, message)) => refusal(id, code, &message, Value::Null),
        })
    }

    fn connect(&mut self, id: &str, method: &str, params: &Value) -> Reply {
        if method != "connect" {
            let frame = refusal(id, "INVALID_REQUEST", "first request must be connect", Value::Null);
            return Reply::last(frame, CLOSE_POLICY, "first request must be connect");
        }
        let bound = |name: &str| params[name].as_u64().unwrap_or_default();
        let spoken = (bound("minProtocol")..=bound("maxProtocol").min(*PROTOCOLS.end())).max();
        let Some(protocol) = spoken.filter(|version| PROTOCOLS.contains(version)) else {
            let details = json!({ "code": "PROTOCOL_MISMATCH", "expectedProtocol": PROTOCOLS.end() });
            let frame = refusal(id, "INVALID_REQUEST", "protocol mismatch", details);
            return Reply::last(frame, CLOSE_PROTOCOL, "protocol mismatch");
        };
        let auth = &params["auth"];
        let token = auth["token"].as_str().or_else(|| auth["password"].as_str()).unwrap_or_default();
        let Some(caller) = self.gateway.doorkeeper.recognise_token(token) else {
            let details = json!({ "code": "AUTH_TOKEN_MISMATCH" });
            let frame = refusal(id, "INVALID_REQUEST", "unauthorized: gateway token mismatch", details);
            return Reply::last(frame, CLOSE_POLICY, "unauthorized: gateway token mismatch");
        };
        let payload = document::hello(&self.gateway, &self.connection, protocol, &params["scopes"]);
        self.caller = Some(caller);
        Reply::send(json!({ "type": "res", "id": id, "ok": true, "payload": payload }))
    }

    /// A tool call; an unknown tool is part of the payload, as clients expect.
    async fn invoke(&self, params: &Value, caller: &Caller) -> Result<Value, (&'static str, String)> {
        let Some(name) = params["name"].as_str().map(str::trim).filter(|name| !name.is_empty()) else {
            return Err(("INVALID_REQUEST", "tools.invoke requires name".to_owned()));
        };
        let called = self.gateway.toolbox.call(name, &params["args"], caller, &around(params)).await;
        Ok(match called {
            Ok(output) => json!({ "ok": true, "toolName": name, "output": output, "source": "plugin" }),
            Err(missing) => {
                let error = json!({ "code": "not_found", "message": missing.to_string() });
                json!({ "ok": false, "toolName": name, "error": error })
            }
        })
    }

    /// A message to the agent is a typed command; there is no model that could misread it.
    async fn agent(&self, params: &Value, caller: &Caller) -> Result<Value, (&'static str, String)> {
        let Some(message) = params["message"].as_str() else {
            return Err(("INVALID_REQUEST", "agent requires message".to_owned()));
        };
        let run = params["idempotencyKey"].as_str().map_or_else(|| Uuid::new_v4().to_string(), str::to_owned);
        let (text, tools) = match command_line::parse(message) {
            Err(mistake) => (mistake.to_string(), Vec::new()),
            Ok(command) => {
                let args = Value::Object(command.args);
                match self.gateway.toolbox.call(&command.tool, &args, caller, &around(params)).await {
                    Err(missing) => (missing.to_string(), Vec::new()),
                    Ok(result) => {
                        let text = result["content"][0]["text"].as_str().unwrap_or_default().to_owned();
                        (text, if result["isError"] == true { Vec::new() } else { vec![command.tool] })
                    }
                }
            }
        };
        Ok(json!({
            "runId": run,
            "status": "ok",
            "summary": "completed",
            "result": {
                "payloads": [{ "text": text, "mediaUrl": null }],
                "meta": { "agentMeta": { "terminalReceipt": { "successfulToolNames": tools } } },
            },
        }))
    }
}

fn around(params: &Value) -> Surroundings {
    let text = |name: &str| params[name].as_str().map(str::to_owned);
    Surroundings {
        idempotency_key: text("idempotencyKey"),
        session_key: text("sessionKey"),
        ..Surroundings::default()
    }
}

fn refusal(id: &str, code: &str, message: &str, details: Value) -> Value {
    let mut error = json!({ "code": code, "message": message });
    if !details.is_null() {
        error["details"] = details;
    }
    json!({ "type": "res", "id": id, "ok": false, "error": error })
}
