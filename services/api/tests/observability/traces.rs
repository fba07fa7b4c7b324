//! Spans, as a receiver of OTLP over HTTP gets them.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use dispatch_testbed::{Api, eventually};

use crate::desk::{API, ticket};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

type Received = Arc<Mutex<Vec<(String, HeaderMap, Bytes)>>>;

async fn receive(State(received): State<Received>, uri: Uri, headers: HeaderMap, body: Bytes) {
    received.lock().unwrap().push((uri.path().to_owned(), headers, body));
}

async fn receiver() -> (String, Received) {
    let received = Received::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(receive).with_state(Arc::clone(&received));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, received)
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn holds(body: &[u8], part: &[u8]) -> bool {
    body.windows(part.len()).any(|window| window == part)
}

#[tokio::test]
async fn a_span_of_every_request_is_sent_with_the_callers_trace() {
    let (url, received) = receiver().await;
    let settings = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str()),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=dispatch"),
        ("OTEL_SERVICE_NAME", "dispatch-under-test"),
    ];
    let mut api = Api::raise(API, &settings).await;
    let key = uuid::Uuid::new_v4().to_string();
    let headers = [
        ("x-actor-id", "a"),
        ("x-actor-role", "dispatcher"),
        ("idempotency-key", key.as_str()),
        ("traceparent", PARENT),
        ("x-correlation-id", "case-7"),
    ];
    let answer = api.post_headers("/tickets", &ticket("Door"), &headers).await;
    assert_eq!((answer.status, answer.headers["x-correlation-id"].as_str()), (201, "case-7"));
    let own = answer.headers["traceparent"].clone();
    let parts: Vec<&str> = own.split('-').collect();
    assert_eq!((parts[0], parts[1], parts[3]), ("00", TRACE, "01"));
    assert_ne!(parts[2], "00f067aa0ba902b7", "the answer names our own span");
    let stored = api.database.text("SELECT trace_id FROM audit_events").await.unwrap();
    assert_eq!(stored, TRACE);
    // What is left is sent at the end.
    api.process().terminate();
    assert!(api.process().exit().await.success());
    let (path, headers, body) = eventually(async || {
        let received = received.lock().unwrap();
        received.first().cloned().ok_or_else(|| "nothing was received".to_owned())
    })
    .await;
    assert_eq!(path, "/v1/traces");
    assert_eq!(
        (&headers["content-type"], &headers["x-tenant"]),
        (&"application/x-protobuf".parse().unwrap(), &"dispatch".parse().unwrap())
    );
    for part in [&hex(TRACE), &hex(parts[2]), &hex("00f067aa0ba902b7")] {
        assert!(holds(&body, part), "an id is missing");
    }
    for text in ["POST /tickets", "http.route", "ticket.create", "dispatch-under-test", "case-7"] {
        assert!(holds(&body, text.as_bytes()), "{text} is missing");
    }
}

#[tokio::test]
async fn a_receiver_that_is_away_costs_nothing_but_the_spans() {
    let mut api = Api::raise(API, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")]).await;
    let answer = api.post("dispatcher", "/tickets", &ticket("Door")).await;
    assert_eq!(answer.status, 201);
    assert!(answer.headers["traceparent"].starts_with("00-"), "a trace begins here");
    let began = std::time::Instant::now();
    api.process().terminate();
    assert!(api.process().exit().await.success());
    assert!(began.elapsed() < std::time::Duration::from_secs(5));
}
