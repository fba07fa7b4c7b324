//! An object store as far as a probe can tell: PUT keeps a body, GET gives it back, HEAD answers its ETag.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;

#[derive(Debug, Default)]
struct Kept {
    objects: BTreeMap<String, Bytes>,
    heads: Vec<(String, HeaderMap)>,
}

/// A server that ends with the test's runtime.
#[derive(Debug, Clone)]
pub struct ObjectServer {
    /// `http://127.0.0.1:<port>`.
    pub url: String,
    kept: Arc<Mutex<Kept>>,
}

impl ObjectServer {
    /// Listens on a free port.
    pub async fn start() -> Self {
        let kept: Arc<Mutex<Kept>> = Arc::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(Arc::clone(&kept));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, kept }
    }

    /// Keeps an object and returns its address and its ETag without quotes.
    #[must_use]
    pub fn put(&self, path: &str, body: &'static [u8]) -> (String, String) {
        let body = Bytes::from_static(body);
        let etag = etag(&body);
        self.kept.lock().unwrap().objects.insert(path.to_owned(), body);
        (format!("{}{path}", self.url), etag)
    }

    /// Paths that were asked for by HEAD, in order, with the headers of the request.
    #[must_use]
    pub fn heads(&self) -> Vec<(String, HeaderMap)> {
        self.kept.lock().unwrap().heads.clone()
    }
}

fn etag(body: &Bytes) -> String {
    Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn answer(
    State(kept): State<Arc<Mutex<Kept>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut kept = kept.lock().unwrap();
    let path = uri.path().to_owned();
    if method == Method::PUT {
        kept.objects.insert(path, body);
        return StatusCode::OK.into_response();
    }
    if method == Method::GET {
        return match kept.objects.get(&path) {
            Some(object) => object.clone().into_response(),
            None => StatusCode::NOT_FOUND.into_response(),
        };
    }
    if method != Method::HEAD {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    kept.heads.push((path.clone(), headers));
    match kept.objects.get(&path) {
        Some(object) => [(header::ETAG, format!("\"{}\"", etag(object)))].into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
