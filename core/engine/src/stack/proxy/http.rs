//! HTTP/1.1 requests between two services, with rules for the next ones.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use drillyard_spec::fault::HttpFault;
use futures::{StreamExt as _, stream};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Tally;
use crate::clock;

/// A body of an answer.
type Body = BoxBody<Bytes, io::Error>;

/// One fault that is on.
#[derive(Debug)]
struct Rule {
    id: u64,
    fault: HttpFault,
    left: Option<u32>,
    tally: Arc<Tally>,
}

/// The faults that are on, in the order they were put on; the first that has any left hits a request.
#[derive(Debug, Default)]
pub struct HttpRules {
    rules: Mutex<Vec<Rule>>,
    last: AtomicU64,
}

impl HttpRules {
    /// Puts a fault on, for so many requests or until it is taken off; gives its number and what counts its effects.
    pub fn add(&self, fault: HttpFault, times: Option<u32>) -> (u64, Arc<Tally>) {
        let (id, tally) = (self.last.fetch_add(1, Ordering::Relaxed) + 1, Arc::new(Tally::default()));
        let rule = Rule { id, fault, left: times, tally: tally.clone() };
        self.rules.lock().unwrap_or_else(PoisonError::into_inner).push(rule);
        (id, tally)
    }

    /// Takes a fault off; one that is off already stays off.
    pub fn remove(&self, id: u64) {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner).retain(|rule| rule.id != id);
    }

    /// The fault of the next request.
    fn take(&self) -> Option<(HttpFault, Arc<Tally>)> {
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        let rule = rules.iter_mut().find(|rule| rule.left != Some(0))?;
        rule.left = rule.left.map(|left| left - 1);
        Some((rule.fault, rule.tally.clone()))
    }
}

/// Serves until it is told to stop. An answer that cannot be had is a connection that is closed, as without a proxy.
pub async fn serve(listener: TcpListener, upstream: u16, rules: Arc<HttpRules>, stop: CancellationToken) {
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => return,
        };
        let Ok((socket, _)) = accepted else { continue };
        // Small pieces go on at once; a socket that cannot be told so is slower, not wrong.
        let _ = socket.set_nodelay(true);
        let (rules, stop) = (rules.clone(), stop.clone());
        let service = service_fn(move |request| answer(request, upstream, rules.clone()));
        connections.spawn(async move {
            let mut server = hyper::server::conn::http1::Builder::new();
            let connection = server.timer(TokioTimer::new()).serve_connection(TokioIo::new(socket), service);
            tokio::select! {
                _ = connection => {}
                () = stop.cancelled() => {}
            }
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    upstream: u16,
    rules: Arc<HttpRules>,
) -> io::Result<Response<Body>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let Some((fault, tally)) = rules.take() else { return forward(&parts, body, upstream).await };
    match fault {
        HttpFault::Status(status) => {
            tally.hit();
            let text = format!("{{\"error\":\"answered {status} by a fault on this edge\"}}");
            let made = Response::builder().status(status).header("content-type", "application/json");
            made.body(whole(Bytes::from(text))).map_err(io::Error::other)
        }
        HttpFault::SlowHeaders(delay) => {
            let answer = forward(&parts, body, upstream).await?;
            tally.hit();
            clock::sleep(delay).await;
            Ok(answer)
        }
        HttpFault::Duplicate => {
            let first = forward(&parts, body.clone(), upstream).await?;
            // The first delivery is complete when its answer is.
            first.into_body().collect().await?;
            let second = forward(&parts, body, upstream).await?;
            tally.hit();
            Ok(second)
        }
        HttpFault::LostAnswer => {
            let lost = forward(&parts, body, upstream).await?;
            let bytes = lost.into_body().collect().await?.to_bytes();
            tally.hit();
            tally.add_bytes(bytes.len());
            Err(io::Error::other("the answer is lost on purpose"))
        }
        HttpFault::TruncatedBody(length) => {
            truncated(forward(&parts, body, upstream).await?, length, &tally).await
        }
    }
}

/// The answer with only the first `length` bytes of its body, then nothing more; a shorter one is left as it is.
async fn truncated(answer: Response<Body>, length: usize, tally: &Tally) -> io::Result<Response<Body>> {
    let (mut parts, body) = answer.into_parts();
    let bytes = body.collect().await?.to_bytes();
    if bytes.len() <= length {
        return Ok(Response::from_parts(parts, whole(bytes)));
    }
    tally.hit();
    tally.add_bytes(bytes.len() - length);
    parts.headers.remove(hyper::header::TRANSFER_ENCODING);
    parts.headers.insert(hyper::header::CONTENT_LENGTH, hyper::http::HeaderValue::from(bytes.len()));
    Ok(Response::from_parts(parts, broken_off(bytes.slice(..length))))
}

/// A body that ends with a broken connection.
pub fn broken_off(bytes: Bytes) -> Body {
    let first = stream::once(async { Ok(Frame::data(bytes)) });
    let broken = stream::once(async {
        // The server sends what it has when nothing more is there for the moment, and only then meets the error.
        tokio::task::yield_now().await;
        Err(io::Error::other("the body is cut on purpose"))
    });
    BodyExt::boxed(StreamBody::new(first.chain(broken)))
}

fn whole(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed()
}

/// Sends a request on, over a connection of its own, and gives the answer as it comes.
async fn forward(parts: &Parts, body: Bytes, upstream: u16) -> io::Result<Response<Body>> {
    let stream = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, upstream))).await?;
    let _ = stream.set_nodelay(true);
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    // It ends with the answer; what goes wrong with it shows there.
    tokio::spawn(async move {
        let _ = connection.await;
    });
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = parts.method.clone();
    *request.uri_mut() = parts.uri.clone();
    *request.headers_mut() = parts.headers.clone();
    // The body was read whole, so its length is known.
    request.headers_mut().remove(hyper::header::TRANSFER_ENCODING);
    let answer = sender.send_request(request).await.map_err(io::Error::other)?;
    Ok(answer.map(|body| body.map_err(io::Error::other).boxed()))
}
