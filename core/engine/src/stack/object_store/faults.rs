//! Faults of the built-in object store: what it answers instead, by bucket and key.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use drillyard_spec::fault::ObjectFault;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::http::{HeaderName, HeaderValue, Method, StatusCode};
use hyper::{Request, Response};
use s3s::{Body, HttpError};

use super::upstream::Upstream;
use crate::stack::proxy::{Tally, broken_off};

/// The `ETag` and checksums of an object that comes with the wrong ones: the MD5 of nothing.
const WRONG_ETAG: HeaderValue = HeaderValue::from_static("\"d41d8cd98f00b204e9800998ecf8427e\"");

/// One fault that is on.
#[derive(Debug)]
struct Rule {
    id: u64,
    bucket: String,
    key: String,
    fault: ObjectFault,
    left: Option<u32>,
    tally: Arc<Tally>,
}

/// The faults that are on; the first that has any left hits a request.
#[derive(Debug, Default)]
pub struct ObjectFaults {
    rules: Mutex<Vec<Rule>>,
    last: AtomicU64,
}

impl ObjectFaults {
    /// Puts a fault on objects of `bucket` whose key begins with `key`, for so many requests or until it is taken off;
    /// gives its number and what counts its effects.
    pub fn add(
        &self,
        bucket: &str,
        (fault, key): (ObjectFault, &str),
        times: Option<u32>,
    ) -> (u64, Arc<Tally>) {
        let (id, tally) = (self.last.fetch_add(1, Ordering::Relaxed) + 1, Arc::new(Tally::default()));
        let (bucket, key, left) = (bucket.to_owned(), key.to_owned(), times);
        self.rules.lock().unwrap_or_else(PoisonError::into_inner).push(Rule {
            id,
            bucket,
            key,
            fault,
            left,
            tally: tally.clone(),
        });
        (id, tally)
    }

    /// Takes a fault off; one that is off already stays off.
    pub fn remove(&self, id: u64) {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner).retain(|rule| rule.id != id);
    }

    /// The fault that a request for an object meets. Content faults only meet requests that ask for content.
    fn take(&self, method: &Method, path: &str) -> Option<(ObjectFault, Arc<Tally>)> {
        let (bucket, key) = path.strip_prefix('/')?.split_once('/').filter(|(_, key)| !key.is_empty())?;
        let meets = |fault: ObjectFault| match fault {
            ObjectFault::Truncated => method == Method::GET,
            ObjectFault::WrongChecksum => method == Method::GET || method == Method::HEAD,
            ObjectFault::Full => method == Method::PUT || method == Method::POST,
            ObjectFault::Missing => method != Method::PUT && method != Method::POST,
            ObjectFault::Forbidden | ObjectFault::SlowDown => true,
        };
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        let rule = rules.iter_mut().find(|rule| {
            rule.left != Some(0) && rule.bucket == bucket && key.starts_with(&rule.key) && meets(rule.fault)
        })?;
        rule.left = rule.left.map(|left| left - 1);
        rule.tally.hit();
        Some((rule.fault, rule.tally.clone()))
    }
}

/// Answers a request, as `service` does or as a fault wants it.
///
/// # Errors
/// What `service` fails with, and a body that cannot be read.
pub async fn answer(
    service: &Upstream,
    faults: &ObjectFaults,
    request: Request<Incoming>,
) -> Result<Response<Body>, HttpError> {
    let head = request.method() == Method::HEAD;
    let taken = faults.take(request.method(), request.uri().path());
    let request = request.map(Body::from);
    let Some((fault, tally)) = taken else { return service.call(request).await };
    match fault {
        ObjectFault::Forbidden => refusal(StatusCode::FORBIDDEN, "AccessDenied", head),
        ObjectFault::SlowDown => refusal(StatusCode::SERVICE_UNAVAILABLE, "SlowDown", head),
        ObjectFault::Full => refusal(StatusCode::INSUFFICIENT_STORAGE, "StorageFull", head),
        ObjectFault::Missing => refusal(StatusCode::NOT_FOUND, "NoSuchKey", head),
        ObjectFault::Truncated => truncated(service.call(request).await?, &tally).await,
        ObjectFault::WrongChecksum => changed(service.call(request).await?, head, &tally).await,
    }
}

fn refusal(status: StatusCode, code: &str, head: bool) -> Result<Response<Body>, HttpError> {
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message>refused by a fault of this drill</Message></Error>"
    );
    let body = if head { Body::empty() } else { Body::from(text) };
    let made = Response::builder().status(status).header("content-type", "application/xml").body(body);
    made.map_err(|error| HttpError::new(Box::new(error)))
}

async fn read(body: Body) -> Result<Bytes, HttpError> {
    let read = body.collect().await;
    read.map(http_body_util::Collected::to_bytes)
        .map_err(|error| HttpError::new(Box::new(io::Error::other(error.to_string()))))
}

async fn truncated(answer: Response<Body>, tally: &Tally) -> Result<Response<Body>, HttpError> {
    let (mut parts, body) = answer.into_parts();
    let bytes = read(body).await?;
    let half = bytes.len() / 2;
    tally.add_bytes(bytes.len() - half);
    parts.headers.insert(hyper::header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    Ok(Response::from_parts(parts, Body::http_body(broken_off(bytes.slice(..half)))))
}

async fn changed(answer: Response<Body>, head: bool, tally: &Tally) -> Result<Response<Body>, HttpError> {
    let (mut parts, body) = answer.into_parts();
    let is_sum = |name: &HeaderName| name == "content-md5" || name.as_str().starts_with("x-amz-checksum-");
    let sums: Vec<HeaderName> = parts.headers.keys().filter(|name| is_sum(name)).cloned().collect();
    for name in sums {
        parts.headers.insert(name, HeaderValue::from_static("1B2M2Y8AsgTpgAmY7PhCfg=="));
    }
    parts.headers.insert(hyper::header::ETAG, WRONG_ETAG);
    if head {
        return Ok(Response::from_parts(parts, body));
    }
    let mut bytes = read(body).await?.to_vec();
    if let Some(first) = bytes.first_mut() {
        *first ^= 0xff;
        tally.add_bytes(1);
    }
    Ok(Response::from_parts(parts, Body::from(bytes)))
}
