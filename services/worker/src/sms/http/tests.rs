use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::post;
use tokio::net::TcpListener;

use super::*;

type Seen = Arc<Mutex<Vec<(Option<String>, Value)>>>;

/// A provider that answers every message with `status` and `body`.
async fn provider(status: u16, body: &'static str) -> (String, Seen) {
    let seen: Seen = Arc::default();
    let kept = Arc::clone(&seen);
    let handler = move |headers: HeaderMap, text: String| async move {
        let key = headers.get("idempotency-key").map(|key| key.to_str().unwrap().to_owned());
        kept.lock().unwrap().push((key, serde_json::from_str(&text).unwrap()));
        (StatusCode::from_u16(status).unwrap(), body)
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/messages", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/messages", post(handler))).await });
    (url, seen)
}

async fn send(url: &str, timeout: Duration) -> Result<Receipt, SmsError> {
    // Ignored: another test of this process may have installed it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let message =
        SmsMessage { to: "+15550100".to_owned(), body: "hi".to_owned(), message_key: "k1".to_owned() };
    HttpProvider::new(url, timeout).unwrap().send(&message).await
}

#[tokio::test]
async fn a_message_carries_its_key_twice_and_the_receipt_names_the_message() {
    let (url, seen) = provider(200, r#"{"provider_message_id":"m-1","status":"queued"}"#).await;
    let receipt = send(&url, Duration::from_secs(5)).await.unwrap();
    assert_eq!((receipt.provider_message_id.as_deref(), receipt.status.as_str()), (Some("m-1"), "queued"));
    let seen = seen.lock().unwrap();
    let body = json!({ "to": "+15550100", "body": "hi", "message_key": "k1" });
    assert_eq!(*seen, [(Some("k1".to_owned()), body)]);
}

#[tokio::test]
async fn a_success_that_says_nothing_still_counts_as_taken() {
    let (url, _) = provider(202, "thanks").await;
    let receipt = send(&url, Duration::from_secs(5)).await.unwrap();
    assert_eq!((receipt.provider_message_id, receipt.status.as_str()), (None, "accepted"));
}

#[tokio::test]
async fn refusals_are_permanent_unless_they_may_pass() {
    for (status, permanent) in
        [(400, true), (404, true), (410, true), (408, false), (429, false), (500, false)]
    {
        let (url, _) = provider(status, "no").await;
        let error = send(&url, Duration::from_secs(5)).await.unwrap_err();
        assert_eq!(matches!(error, SmsError::Permanent(_)), permanent, "{status}");
        assert_eq!(error.to_string(), format!("provider answered {status}: no"));
    }
}

#[tokio::test]
async fn silence_and_a_closed_port_are_transient() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://key:secret@{}/", silent.local_addr().unwrap());
    let error = send(&url, Duration::from_millis(50)).await.unwrap_err();
    assert!(matches!(&error, SmsError::Transient(text) if text.contains("in time")), "{error}");
    drop(silent);
    let error = send(&url, Duration::from_secs(5)).await.unwrap_err();
    assert!(matches!(&error, SmsError::Transient(text) if !text.contains("secret")), "{error}");
}
