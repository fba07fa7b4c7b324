//! Where requests for objects are answered.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use s3s::service::S3Service;
use s3s::{Body, HttpError};
use tokio::net::TcpStream;

use crate::stack::wiring::HOST;

/// Where requests for objects are answered.
#[derive(Clone)]
pub enum Upstream {
    /// In the runner.
    BuiltIn(S3Service),
    /// At this port of the loopback address.
    At(u16),
}

impl Upstream {
    /// Answers a request as the store does.
    ///
    /// # Errors
    /// What the store fails with.
    pub async fn call(&self, request: Request<Body>) -> Result<Response<Body>, HttpError> {
        match self {
            Self::BuiltIn(service) => service.call(request).await,
            Self::At(port) => forward(*port, request).await.map_err(HttpError::new),
        }
    }
}

/// Sends a request on as it is, over a connection of its own: the signature holds the host that was asked for.
async fn forward(
    port: u16,
    request: Request<Body>,
) -> Result<Response<Body>, Box<dyn std::error::Error + Send + Sync>> {
    let (mut parts, body) = request.into_parts();
    let bytes: Bytes = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
    // The body was read whole, so its length is known.
    parts.headers.remove(hyper::header::TRANSFER_ENCODING);
    let stream = TcpStream::connect((HOST, port)).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    // It ends with the answer; what goes wrong with it shows there.
    tokio::spawn(async move {
        let _ = connection.await;
    });
    let answer = sender.send_request(Request::from_parts(parts, Full::new(bytes))).await?;
    Ok(answer.map(Body::from))
}
