//! The frames an OpenClaw command-line client sends and expects.

#![expect(clippy::unwrap_used, reason = "a broken test world should end the test")]

#[allow(dead_code, reason = "other test binaries use the rest of it")]
#[path = "../support/world.rs"]
mod world;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use world::{Answer, SHARED_TOKEN, TICKET, World, cancel_args, signed};

struct Client(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Client {
    async fn open(world: &World) -> Self {
        let (socket, _) = connect_async(world.url.replace("http://", "ws://")).await.unwrap();
        let mut client = Self(socket);
        let challenge = client.frame().await;
        assert_eq!((&challenge["type"], &challenge["event"]), (&json!("event"), &json!("connect.challenge")));
        assert!(challenge["payload"]["nonce"].is_string() && challenge["payload"]["ts"].is_u64());
        client
    }

    async fn connected(world: &World, token: &str) -> Self {
        let mut client = Self::open(world).await;
        assert_eq!(client.ask("connect", hello(token, 4)).await["ok"], true);
        client
    }

    async fn frame(&mut self) -> Value {
        loop {
            if let Message::Text(text) = self.0.next().await.unwrap().unwrap() {
                return serde_json::from_str(&text).unwrap();
            }
        }
    }

    async fn ask(&mut self, method: &str, params: Value) -> Value {
        let request = json!({ "type": "req", "id": "r1", "method": method, "params": params });
        self.0.send(Message::text(request.to_string())).await.unwrap();
        let answer = self.frame().await;
        assert_eq!((&answer["type"], &answer["id"]), (&json!("res"), &json!("r1")), "{answer}");
        answer
    }

    async fn close_code(&mut self) -> u16 {
        loop {
            if let Message::Close(Some(frame)) = self.0.next().await.unwrap().unwrap() {
                return frame.code.into();
            }
        }
    }
}

/// The connect request of the command-line client.
fn hello(token: &str, protocol: u64) -> Value {
    json!({
        "minProtocol": protocol, "maxProtocol": protocol, "role": "operator", "scopes": ["operator.read"], "caps": [],
        "client": { "id": "cli", "version": "2026.9.6", "platform": "linux", "mode": "cli" },
        "auth": { "token": token },
    })
}

fn ok() -> Answer {
    Answer::Json(200, json!({ "state": "CANCELLED" }))
}

#[tokio::test]
async fn hello_has_every_field_clients_require_in_both_protocols() {
    let world = World::start(ok()).await;
    for protocol in [3, 4] {
        let answer = Client::open(&world).await.ask("connect", hello(SHARED_TOKEN, protocol)).await;
        let payload = &answer["payload"];
        assert_eq!((&payload["type"], &payload["protocol"]), (&json!("hello-ok"), &json!(protocol)));
        assert_eq!(payload["auth"], json!({ "role": "operator", "scopes": ["operator.read"] }));
        assert!(payload["server"]["version"].is_string() && payload["server"]["connId"].is_string());
        for name in ["presence", "health", "stateVersion", "uptimeMs"] {
            assert!(payload["snapshot"].get(name).is_some(), "{name}");
        }
        for name in ["maxPayload", "maxBufferedBytes", "tickIntervalMs"] {
            assert!(payload["policy"][name].as_u64() > Some(0), "{name}");
        }
        assert!(payload["features"]["methods"].as_array().unwrap().contains(&json!("tools.invoke")));
    }
}

#[tokio::test]
async fn wrong_tokens_wrong_protocols_and_rude_clients_are_sent_away() {
    let world = World::start(ok()).await;
    let mut client = Client::open(&world).await;
    let answer = client.ask("connect", hello("wrong", 4)).await;
    assert_eq!(
        (&answer["ok"], &answer["error"]["details"]["code"]),
        (&json!(false), &json!("AUTH_TOKEN_MISMATCH"))
    );
    assert_eq!(client.close_code().await, 1008);
    let mut client = Client::open(&world).await;
    let answer = client.ask("connect", hello(SHARED_TOKEN, 5)).await;
    assert_eq!(answer["error"]["details"]["expectedProtocol"], 4);
    assert_eq!(client.close_code().await, 1002);
    let mut client = Client::open(&world).await;
    let answer = client.ask("tools.invoke", json!({ "name": "ticket_cancel", "args": cancel_args() })).await;
    assert_eq!(answer["ok"], false);
    assert_eq!(client.close_code().await, 1008);
    let mut client = Client::open(&world).await;
    client.0.send(Message::text("{nope")).await.unwrap();
    assert_eq!(client.close_code().await, 1008);
    assert!(world.received().is_empty());
}

#[tokio::test]
async fn health_status_presence_and_config_answer() {
    let world = World::start(ok()).await;
    let mut client = Client::connected(&world, SHARED_TOKEN).await;
    let health = client.ask("health", json!({})).await["payload"].clone();
    assert_eq!(
        (&health["ok"], &health["defaultAgentId"], &health["dispatch"]["api_ready"]),
        (&json!(true), &json!("dispatcher"), &json!(true))
    );
    let status = client.ask("status", json!({ "includeChannelSummary": true })).await["payload"].clone();
    assert_eq!(
        (&status["dispatch"]["registered_count"], &status["agents"]["defaultId"]),
        (&json!(38), &json!("dispatcher"))
    );
    assert_eq!(client.ask("system-presence", json!({})).await["payload"], json!([]));
    assert_eq!(
        client.ask("config.get", json!({})).await["payload"]["config"],
        json!({}),
        "settings are not shown"
    );
    let unknown = client.ask("chat.send", json!({})).await;
    assert_eq!(
        unknown["error"],
        json!({ "code": "INVALID_REQUEST", "message": "unknown method: chat.send" })
    );
}

#[tokio::test]
async fn a_tool_call_goes_the_way_of_the_invoke_endpoint() {
    let world = World::start(ok()).await;
    let mut client = Client::connected(&world, SHARED_TOKEN).await;
    let params = json!({ "name": "ticket_cancel", "args": cancel_args(), "idempotencyKey": "k1" });
    for _ in 0..2 {
        let payload = client.ask("tools.invoke", params.clone()).await["payload"].clone();
        assert_eq!(
            (&payload["ok"], &payload["toolName"], &payload["source"]),
            (&json!(true), &json!("ticket_cancel"), &json!("plugin"))
        );
        assert_eq!(payload["output"]["details"]["data"]["state"], "CANCELLED");
    }
    let sent = world.received();
    assert_eq!(sent[0].headers["idempotency-key"], sent[1].headers["idempotency-key"]);
    let unknown = client.ask("tools.invoke", json!({ "name": "exec" })).await;
    assert_eq!(
        (&unknown["ok"], &unknown["payload"]["ok"], &unknown["payload"]["error"]["code"]),
        (&json!(true), &json!(false), &json!("not_found"))
    );
    assert_eq!(client.ask("tools.invoke", json!({})).await["error"]["code"], "INVALID_REQUEST");
    assert_eq!(world.received().len(), 2);
}

#[tokio::test]
async fn a_message_to_the_agent_is_a_typed_command() {
    let world = World::start(ok()).await;
    let mut client = Client::connected(&world, &signed("dispatcher")).await;
    let message = format!("ticket.cancel ticket_id={TICKET} reason=storm");
    let payload =
        client.ask("agent", json!({ "message": message, "idempotencyKey": "run-1" })).await["payload"]
            .clone();
    assert_eq!((&payload["runId"], &payload["status"]), (&json!("run-1"), &json!("ok")));
    assert!(payload["result"]["payloads"][0]["text"].as_str().unwrap().contains("CANCELLED"));
    assert_eq!(
        payload["result"]["meta"]["agentMeta"]["terminalReceipt"]["successfulToolNames"],
        json!(["ticket.cancel"])
    );
    assert_eq!(world.only_request().headers["x-tool-name"], "ticket.cancel");
    let lost = client.ask("agent", json!({ "message": "please cancel it" })).await["payload"].clone();
    assert!(lost["result"]["payloads"][0]["text"].as_str().unwrap().contains("key=value"));
    assert_eq!(world.received().len(), 1);
}

#[tokio::test]
async fn the_same_address_is_a_page_for_browsers() {
    let world = World::start(ok()).await;
    let page = world.request("GET", "/").send().await.unwrap();
    assert_eq!(
        (page.status().as_u16(), page.headers()["content-type"].to_str().unwrap()),
        (200, "text/html; charset=utf-8")
    );
    assert_eq!(world.request("HEAD", "/").send().await.unwrap().status(), 200);
}
