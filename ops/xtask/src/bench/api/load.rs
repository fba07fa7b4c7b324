//! A load generator: keep-alive connections that each have one request under way, on one thread of this process.
//!
//! Requests and answers are plain HTTP/1.1 text, written and taken apart here, because a general client would use more
//! of the machine than the server that is measured.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::usage;
use super::work::{Client, Work};

/// What a window of load showed.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Requests answered within the window.
    pub requests: u64,
    /// Length of the window.
    pub window: Duration,
    /// Half of the requests were answered within so many microseconds.
    pub p50_us: u32,
    /// 99 of 100 were.
    pub p99_us: u32,
    /// CPU time of the API within the window, in microseconds.
    pub api_us: u64,
    /// CPU time of all processes of the database within the window, in microseconds.
    pub database_us: u64,
    /// Part of the machine's processors that was busy, this program and strangers included; 0 to 1.
    pub busy: f64,
}

/// Whose CPU time counts.
#[derive(Debug, Clone, Copy)]
pub struct Watched {
    /// The API's process.
    pub api: u32,
    /// The database server's process.
    pub database: u32,
}

/// How long and how wide.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Connections.
    pub connections: usize,
    /// Not counted.
    pub warm_up: Duration,
    /// Counted.
    pub window: Duration,
}

/// Puts load on the API and measures a window of it.
///
/// # Errors
/// An answer with another status than expected, or a broken connection.
pub fn measure(address: SocketAddr, work: &Work, shape: Shape, watched: Watched) -> Result<Load> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let begin = Instant::now() + shape.warm_up;
        let end = begin + shape.window;
        let mut connections = JoinSet::new();
        for number in 0..shape.connections {
            connections.spawn(connection(address, work.client(number), begin, end));
        }
        tokio::time::sleep_until(begin).await;
        let before = readings(watched)?;
        tokio::time::sleep_until(end).await;
        let after = readings(watched)?;
        let window = begin.elapsed();
        let mut latencies = Vec::new();
        while let Some(taken) = connections.join_next().await {
            latencies.extend(taken??);
        }
        latencies.sort_unstable();
        let at = |hundredths: usize| latencies.get(latencies.len() * hundredths / 100).copied().unwrap_or(0);
        #[expect(clippy::cast_precision_loss, reason = "ticks of one window are few")]
        let busy = (after.2.0 - before.2.0) as f64 / (after.2.1 - before.2.1).max(1) as f64;
        Ok(Load {
            requests: latencies.len() as u64,
            window,
            p50_us: at(50),
            p99_us: at(99),
            api_us: after.0 - before.0,
            database_us: after.1 - before.1,
            busy,
        })
    })
}

/// Sends the client's requests `rounds` times over one connection.
///
/// # Errors
/// As [`measure`].
pub fn once(address: SocketAddr, client: &mut Client) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut wire = Wire::open(address).await?;
        for _ in 0..client.steps() {
            wire.exchange(client).await?;
        }
        Ok(())
    })
}

fn readings(watched: Watched) -> Result<(u64, u64, (u64, u64))> {
    Ok((usage::process_us(watched.api)?, usage::family_us(watched.database)?, usage::machine_ticks()?))
}

async fn connection(
    address: SocketAddr,
    mut client: Client,
    begin: Instant,
    end: Instant,
) -> Result<Vec<u32>> {
    let mut wire = Wire::open(address).await?;
    let mut latencies = Vec::with_capacity(16 * 1024);
    loop {
        let sent = Instant::now();
        if sent >= end {
            return Ok(latencies);
        }
        wire.exchange(&mut client).await?;
        let answered = Instant::now();
        if answered >= begin && answered < end {
            latencies.push(u32::try_from((answered - sent).as_micros()).unwrap_or(u32::MAX));
        }
    }
}

/// One connection with its buffers.
struct Wire {
    stream: TcpStream,
    request: Vec<u8>,
    answer: Vec<u8>,
}

impl Wire {
    async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await.context("failed to connect to the API")?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, request: Vec::new(), answer: Vec::with_capacity(64 * 1024) })
    }

    /// One request and its whole answer.
    async fn exchange(&mut self, client: &mut Client) -> Result<()> {
        self.request.clear();
        self.answer.clear();
        client.write_request(&mut self.request);
        self.stream.write_all(&self.request).await?;
        let head = loop {
            if self.stream.read_buf(&mut self.answer).await? == 0 {
                bail!("the API closed the connection");
            }
            if let Some(head) = Head::read(&self.answer)? {
                break head;
            }
        };
        while self.answer.len() < head.length + head.body {
            self.answer.reserve(head.length + head.body - self.answer.len());
            if self.stream.read_buf(&mut self.answer).await? == 0 {
                bail!("the API closed the connection within an answer");
            }
        }
        client.answered(head.status, &self.answer[head.length..])
    }
}

/// What the head of an answer tells.
struct Head {
    status: u16,
    length: usize,
    body: usize,
}

impl Head {
    /// Reads the head once it is complete.
    fn read(bytes: &[u8]) -> Result<Option<Self>> {
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
        let text = std::str::from_utf8(&bytes[..end])?;
        let status =
            text.get(9..12).and_then(|digits| digits.parse().ok()).context("an answer has a status")?;
        let body = text
            .lines()
            .find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
            })
            .context("an answer has a length")?;
        Ok(Some(Self { status, length: end + 4, body }))
    }
}
