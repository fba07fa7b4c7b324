//! A gateway and a fake API, each on a free port.

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use dispatch_gateway::config::Config;
use dispatch_gateway::http::{Gateway, router};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, Once};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub const SHARED_TOKEN: &str = "shared-token";
pub const JWT_SECRET: &str = "a secret of some length for tests only";
pub const TICKET: &str = "00000000-0000-0000-0000-0000000000a1";

/// A request the fake API received.
#[derive(Clone, Debug)]
pub struct Received {
    pub method: String,
    pub uri: String,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

/// How the fake API answers.
#[derive(Clone, Debug)]
#[allow(dead_code, reason = "not every test binary needs every answer")]
pub enum Answer {
    Json(u16, Value),
    Text(u16, &'static str),
    RetryAfter(u16, &'static str),
    Never,
}

#[derive(Clone)]
struct Fake {
    received: Arc<Mutex<Vec<Received>>>,
    answer: Answer,
}

pub struct World {
    pub url: String,
    received: Arc<Mutex<Vec<Received>>>,
    http: reqwest::Client,
}

static PROVIDER: Once = Once::new();

impl World {
    /// Both servers, the API with one fixed answer.
    pub async fn start(answer: Answer) -> Self {
        Self::start_with(answer, &[]).await
    }

    /// The same with further settings.
    pub async fn start_with(answer: Answer, settings: &[(&str, &str)]) -> Self {
        PROVIDER.call_once(|| {
            rustls::crypto::ring::default_provider().install_default().expect("installed once");
        });
        let received = Arc::new(Mutex::new(Vec::new()));
        let fake = Fake { received: received.clone(), answer };
        let api = listen(Router::new().fallback(record).with_state(fake)).await;
        let settings: Vec<(String, String)> =
            settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let lookup = |name: &str| {
            let set = settings.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
            set.or_else(|| match name {
                "OPENCLAW_GATEWAY_TOKEN" => Some(SHARED_TOKEN.to_owned()),
                "DISPATCH_AUTH_JWT_SECRET" => Some(JWT_SECRET.to_owned()),
                "DISPATCH_API_URL" => Some(format!("{api}/")),
                "DISPATCH_GATEWAY_TIMEOUT_MS" => Some("300".to_owned()),
                _ => None,
            })
        };
        let config = Config::from_lookup(lookup).unwrap();
        let url = listen(router(Arc::new(Gateway::new(&config, CancellationToken::new()).unwrap()))).await;
        Self { url, received, http: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    /// What the API received so far.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// The only request the API received.
    pub fn only_request(&self) -> Received {
        let mut received = self.received();
        assert_eq!(received.len(), 1, "{received:?}");
        received.remove(0)
    }

    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method.parse().unwrap(), format!("{}{path}", self.url))
    }

    /// Posts an invoke request with the shared token.
    pub async fn invoke(&self, request: Value) -> (u16, Value) {
        self.invoke_as(SHARED_TOKEN, request).await
    }

    /// Posts an invoke request with another token.
    pub async fn invoke_as(&self, token: &str, request: Value) -> (u16, Value) {
        let request = self.request("POST", "/tools/invoke").bearer_auth(token).json(&request);
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// Calls a tool with the shared token and gives its result.
    pub async fn call(&self, tool: &str, args: Value) -> Value {
        let (status, body) = self.invoke(json!({ "tool": tool, "args": args })).await;
        assert_eq!((status, &body["ok"]), (200, &json!(true)), "{body}");
        body["result"].clone()
    }
}

/// A token of a caller's own.
pub fn signed(role: &str) -> String {
    signed_with(role, JWT_SECRET)
}

/// The same, signed by somebody else.
pub fn signed_with(role: &str, secret: &str) -> String {
    let claims = json!({ "sub": "token-actor", "role": role, "exp": 4_000_000_000_u64 });
    let key = EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap()
}

/// Arguments of a good cancel call.
pub fn cancel_args() -> Value {
    json!({ "actor_id": "d1", "actor_role": "dispatcher_admin", "ticket_id": TICKET, "payload": { "reason": "storm" } })
}

async fn listen(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

async fn record(State(fake): State<Fake>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body: Bytes = to_bytes(body, usize::MAX).await.unwrap();
    let text = |value: &axum::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    fake.received.lock().unwrap().push(Received {
        method: parts.method.to_string(),
        uri: parts.uri.to_string(),
        headers: parts.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
        body: String::from_utf8_lossy(&body).into_owned(),
    });
    let status = |code: u16| StatusCode::from_u16(code).unwrap();
    match fake.answer {
        Answer::Json(code, body) => (status(code), axum::Json(body)).into_response(),
        Answer::Text(code, body) => (status(code), body).into_response(),
        Answer::RetryAfter(code, seconds) => (status(code), [("retry-after", seconds)]).into_response(),
        Answer::Never => std::future::pending().await,
    }
}
