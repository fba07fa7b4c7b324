//! One direction of a connection: read, held up, written.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes, BytesMut};
use drillyard_spec::fault::WireFault;
use rand::Rng as _;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};

use super::wire::{Cut, Rule, Touched, Watch};
use crate::clock;

/// Bytes that are read at once.
const CHUNK: usize = 16 * 1024;
/// Most bytes that are held up in one direction; then the sender has to wait, as with a real network.
const HELD: usize = 256 * 1024;
/// How far pieces of a sliced stream are apart.
const SLICE_GAP: Duration = Duration::from_millis(1);
/// Half of the millisecond to which the runtime's clock rounds up: what is late is late by what was asked, on average.
const TICK: Duration = Duration::from_micros(500);
/// How often a bounded stream is served per second.
const SERVINGS: u64 = 50;

/// Which way the bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the service that connected.
    There,
    /// To the service that connected.
    Back,
}

/// Bytes and when they may go on.
#[derive(Debug)]
struct Piece {
    due: Instant,
    bytes: Bytes,
}

/// What is on its way, and the rules about it.
#[derive(Debug)]
struct Line<'t> {
    direction: Direction,
    rules: std::sync::Arc<Vec<Rule>>,
    touched: &'t Touched,
    queue: VecDeque<Piece>,
    held: usize,
    /// No piece goes before this moment, so that none overtakes another.
    earliest: Instant,
    /// Bytes that came back since the limit was put on.
    passed: u64,
    /// Bytes were lost, so the stream has a hole.
    holed: bool,
    /// Nothing more is taken in, and the connection is cut when the queue is empty.
    ending: bool,
}

/// Carries bytes until their source ends, which the other side is told.
///
/// # Errors
/// [`Cut`] when a rule says so, or either side broke.
pub async fn flow(
    mut reader: ReadHalf<'_>,
    mut writer: WriteHalf<'_>,
    (mut watch, direction): (Watch, Direction),
    touched: &Touched,
) -> Result<(), Cut> {
    let rules = watch.borrow_and_update().clone();
    let mut line = Line::new(direction, rules, touched);
    let mut buffer = BytesMut::with_capacity(CHUNK);
    let mut ended = false;
    loop {
        line.must_not_be_cut()?;
        let front = line.queue.front();
        if front.is_none() && (ended || line.ending) {
            return if line.ending { Err(Cut) } else { writer.shutdown().await.map_err(|_| Cut) };
        }
        let due = front.map(|piece| piece.due);
        let ready = due.is_some_and(|due| due <= Instant::now() + TICK);
        let ready_bytes = front.filter(|_| ready).map_or(&[][..], |piece| piece.bytes.as_ref());
        tokio::select! {
            biased;
            // The sender of the rules lives as long as the proxy, whose end ends this as well.
            _ = watch.changed() => line.rules = watch.borrow_and_update().clone(),
            wrote = writer.write(ready_bytes), if ready => match wrote {
                Ok(bytes) if bytes > 0 => line.wrote(bytes),
                _ => return Err(Cut),
            },
            () = clock::sleep_until(due.unwrap_or(line.earliest) - TICK), if due.is_some() && !ready => {}
            read = reader.read_buf(&mut buffer), if !ended && !line.ending && line.held < HELD => match read {
                Ok(0) => { ended = true; touched.ends(); }
                Ok(_) => { line.take(buffer.split().freeze()); buffer.reserve(CHUNK); }
                Err(_) => return Err(Cut),
            },
        }
    }
}

impl<'t> Line<'t> {
    fn new(direction: Direction, rules: std::sync::Arc<Vec<Rule>>, touched: &'t Touched) -> Self {
        let (queue, earliest) = (VecDeque::new(), Instant::now());
        Self { direction, rules, touched, queue, held: 0, earliest, passed: 0, holed: false, ending: false }
    }

    /// Looks for rules that cut open connections, and for a hole that nothing covers any more.
    fn must_not_be_cut(&self) -> Result<(), Cut> {
        if self.rules.is_empty() && !self.holed {
            return Ok(());
        }
        if let Some(rule) =
            self.rules.iter().find(|rule| matches!(rule.fault, WireFault::Reset | WireFault::Partition))
        {
            self.touched.cut_by(rule);
            return Err(Cut);
        }
        let swallows = self.rules.iter().any(|rule| rule.fault == WireFault::Blackhole);
        if self.holed && !swallows { Err(Cut) } else { Ok(()) }
    }

    fn wrote(&mut self, bytes: usize) {
        self.held -= bytes;
        if let Some(front) = self.queue.front_mut() {
            front.bytes.advance(bytes);
            if front.bytes.is_empty() {
                self.queue.pop_front();
            }
        }
    }

    /// Takes in what was read, under the rules of this moment.
    fn take(&mut self, mut bytes: Bytes) {
        let now = Instant::now();
        if self.rules.is_empty() {
            return self.push(now.max(self.earliest), bytes);
        }
        let (mut delay, mut piece, mut gap) = (Duration::ZERO, usize::MAX, Duration::ZERO);
        let mut per_second = None;
        for rule in self.rules.iter() {
            match rule.fault {
                WireFault::Blackhole => {
                    self.holed = true;
                    return self.touched.by(rule, bytes.len());
                }
                WireFault::Latency { delay: mean, jitter } if self.direction == Direction::Back => {
                    delay += around(mean, jitter);
                }
                WireFault::Bandwidth { per_second: bound } => {
                    per_second = Some(per_second.map_or(bound, |other: u64| other.min(bound)));
                }
                WireFault::Slice { bytes } => (piece, gap) = (piece.min(bytes), SLICE_GAP),
                WireFault::Limit { bytes: bound } if self.direction == Direction::Back => {
                    let left = usize::try_from(bound.saturating_sub(self.passed)).unwrap_or(usize::MAX);
                    if bytes.len() < left {
                        continue;
                    }
                    self.touched.by(rule, bytes.len() - left);
                    bytes.truncate(left);
                    self.ending = true;
                    continue;
                }
                _ => continue,
            }
            self.touched.by(rule, bytes.len());
        }
        self.passed += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.lay_out(bytes, now + delay, (piece, gap, per_second));
    }

    /// Queues bytes in pieces, each as far behind the one before as the rules say.
    fn lay_out(
        &mut self,
        mut bytes: Bytes,
        from: Instant,
        (piece, gap, per_second): (usize, Duration, Option<u64>),
    ) {
        let serving = per_second
            .map_or(usize::MAX, |rate| usize::try_from(rate / SERVINGS).unwrap_or(usize::MAX).max(1));
        let size = piece.min(serving).max(1);
        let mut due = from.max(self.earliest);
        while !bytes.is_empty() {
            let part = bytes.split_to(size.min(bytes.len()));
            let count = u64::try_from(part.len()).unwrap_or(u64::MAX);
            let at_rate = per_second.map_or(Duration::ZERO, |rate| {
                Duration::from_nanos(count.saturating_mul(1_000_000_000) / rate.max(1))
            });
            due += at_rate;
            self.push(due, part);
            due += gap;
        }
        self.earliest = due;
    }

    fn push(&mut self, due: Instant, bytes: Bytes) {
        if !bytes.is_empty() {
            self.held += bytes.len();
            self.queue.push_back(Piece { due, bytes });
        }
    }
}

/// A duration near `mean`, evenly between `jitter` less and `jitter` more.
fn around(mean: Duration, jitter: Duration) -> Duration {
    if jitter.is_zero() {
        return mean;
    }
    let least = mean.saturating_sub(jitter);
    least + (mean + jitter - least).mul_f64(rand::rng().random::<f64>())
}
