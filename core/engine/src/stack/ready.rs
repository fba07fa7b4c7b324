//! Waiting until a service is ready, and noticing at once when it never will be.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use drillyard_spec::topology::Ready;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::error::StackError;
use super::process::{Process, describe_exit};
use crate::clock::{Deadline, Pace};

/// Bound for one probe; a service that accepts and says nothing is asked again.
const PROBE_BOUND: Duration = Duration::from_secs(1);

/// Waits until `process` is ready in the sense of `ready`.
///
/// # Errors
/// When it ends before, or is not ready in time.
pub async fn wait(
    service: &str,
    process: &Process,
    (ready, port): (&Ready, Option<u16>),
    bound: Duration,
) -> Result<(), StackError> {
    let deadline = Deadline::after(bound);
    let mut pace = Pace::default();
    loop {
        let probe = deadline.bound(probe(process, ready, port)).await;
        let seen = match probe.unwrap_or_else(|| Err("no answer".to_owned())) {
            Ok(()) => return Ok(()),
            Err(seen) => seen,
        };
        if let Some(status) = process.exit() {
            let (service, exit) = (service.to_owned(), describe_exit(status));
            return Err(StackError::Died { service, exit, last_lines: process.last_lines() });
        }
        if deadline.passed() {
            let (service, last_lines) = (service.to_owned(), process.last_lines());
            return Err(StackError::NotReady {
                service,
                waited: deadline.elapsed(),
                probe: seen,
                last_lines,
            });
        }
        pace.pause().await;
    }
}

async fn probe(process: &Process, ready: &Ready, port: Option<u16>) -> Result<(), String> {
    match ready {
        Ready::Http(path) => match Deadline::after(PROBE_BOUND).bound(get(port, path)).await {
            Some(Ok(status)) if (200..300).contains(&status) => Ok(()),
            Some(Ok(status)) => Err(format!("GET {path} answered {status}")),
            Some(Err(why)) => Err(format!("GET {path}: {why}")),
            None => Err(format!("GET {path} was not answered within {} s", PROBE_BOUND.as_secs())),
        },
        Ready::Tcp => connect(port).await.map(drop).map_err(|why| format!("its port: {why}")),
        Ready::Log(pattern) => {
            let found = process.output().lines().any(|line| pattern.is_match(line));
            if found { Ok(()) } else { Err(format!("no line of its log matches `{pattern}`")) }
        }
        // A job is waited for by its exit, not by a probe.
        Ready::Exit(_) => Ok(()),
    }
}

async fn connect(port: Option<u16>) -> std::io::Result<TcpStream> {
    let port = port.ok_or_else(|| std::io::Error::other("it has no port"))?;
    TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await
}

/// One GET without a client: no pool, no TLS, nothing to set up. Gives the status.
async fn get(port: Option<u16>, path: &str) -> std::io::Result<u16> {
    let mut stream = connect(port).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut head = Vec::new();
    while !head.contains(&b'\n') && head.len() < 4096 {
        if stream.read_buf(&mut head).await? == 0 {
            break;
        }
    }
    let line = String::from_utf8_lossy(&head);
    let status = line.strip_prefix("HTTP/1.").and_then(|rest| rest.split_whitespace().nth(1)?.parse().ok());
    status.ok_or_else(|| std::io::Error::other("the answer is not HTTP"))
}
