//! One WebSocket: challenge, frames in, answers out, a tick while nothing happens.

use super::document::{TICK, now_ms};
use super::{Reply, Session};
use crate::http::Gateway;
use axum::extract::ws::{CloseFrame, Message, WebSocket};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, interval_at, timeout_at};
use uuid::Uuid;

/// How long a connection may stay without a token.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// WebSocket close code: the service restarts.
const CLOSE_RESTART: u16 = 1012;

/// Serves until either side closes, the gateway stops, or nobody introduces itself.
pub(crate) async fn serve(mut socket: WebSocket, gateway: Arc<Gateway>) {
    let stopping = gateway.stopping.clone();
    tokio::select! {
        () = converse(&mut socket, gateway) => {}
        () = stopping.cancelled() => close(&mut socket, CLOSE_RESTART, "service restart").await,
    }
}

async fn converse(socket: &mut WebSocket, gateway: Arc<Gateway>) {
    let challenge = json!({ "nonce": Uuid::new_v4().to_string(), "ts": now_ms() });
    if !event(socket, "connect.challenge", challenge).await {
        return;
    }
    let mut session = Session::new(gateway);
    let deadline = Instant::now() + HANDSHAKE;
    while !session.is_connected() {
        match timeout_at(deadline, socket.recv()).await {
            Err(_) => return close(socket, super::CLOSE_POLICY, "handshake timeout").await,
            Ok(message) => {
                if !heard(socket, &mut session, message).await {
                    return;
                }
            }
        }
    }
    let mut ticks = interval_at(Instant::now() + TICK, TICK);
    loop {
        let goes_on = tokio::select! {
            message = socket.recv() => heard(socket, &mut session, message).await,
            _ = ticks.tick() => event(socket, "tick", json!({ "ts": now_ms() })).await,
        };
        if !goes_on {
            return;
        }
    }
}

/// Answers one message; false ends the connection. Pings are answered by the protocol layer.
async fn heard(
    socket: &mut WebSocket,
    session: &mut Session,
    message: Option<Result<Message, axum::Error>>,
) -> bool {
    let text = match message {
        Some(Ok(Message::Text(text))) => text,
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => return true,
        Some(Ok(Message::Binary(_) | Message::Close(_)) | Err(_)) | None => return false,
    };
    let Reply { frame, close: closing } = session.answer(&text).await;
    let sent = send(socket, &frame).await;
    if let Some((code, reason)) = closing {
        close(socket, code, reason).await;
        return false;
    }
    sent
}

async fn event(socket: &mut WebSocket, name: &str, payload: Value) -> bool {
    send(socket, &json!({ "type": "event", "event": name, "payload": payload })).await
}

async fn send(socket: &mut WebSocket, frame: &Value) -> bool {
    socket.send(Message::text(frame.to_string())).await.is_ok()
}

async fn close(socket: &mut WebSocket, code: u16, reason: &'static str) {
    // A peer that is gone needs no goodbye.
    let _ = socket.send(Message::Close(Some(CloseFrame { code, reason: reason.into() }))).await;
}
