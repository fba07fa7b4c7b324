//! One JSON line per request, and the optional files that keep the same facts.
//!
//! Lines of requests go to standard output; those of failures to standard error where that is configured. Without files the line is written before the answer.
//! With files, a background task behind a bounded queue writes them, many records at once, and then the lines: whoever
//! has seen a line finds its record, and counters that contain it, in the files. A slow disk never slows a request; a
//! record for which the queue has no room loses its place in the file, is counted, and its line is written all the same.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::metrics::Metrics;

mod sink;

use sink::Entry;

/// Records waiting for the disk before files lose new ones: some seconds of a busy service.
const QUEUE_LENGTH: usize = 8_192;

/// How long a reader of alerts or metrics waits for the files.
const FLUSH_PATIENCE: Duration = Duration::from_secs(1);

/// Where the optional files are; `None` switches one off.
#[derive(Clone, Debug, Default)]
pub struct SinkPaths {
    /// Request records, newline-delimited, appended.
    pub log: Option<PathBuf>,
    /// The latest metrics snapshot, replaced whole.
    pub metrics: Option<PathBuf>,
    /// Every alert answer, newline-delimited, appended.
    pub alerts: Option<PathBuf>,
    /// Lines of failed requests go to standard error.
    pub failures_to_stderr: bool,
}

/// What one request did, as it is logged.
#[derive(Clone, Debug, Default)]
pub struct RequestRecord {
    /// HTTP method.
    pub method: String,
    /// Path as it was asked for.
    pub path: String,
    /// Route template, or `UNMATCHED`.
    pub endpoint: String,
    /// The idempotency key of a command.
    pub request_id: Option<String>,
    /// Correlation id, given or made.
    pub correlation_id: Option<String>,
    /// Trace id, if there is one.
    pub trace_id: Option<String>,
    /// Trace headers; `None` leaves both members out (reads, open endpoints, unknown routes).
    pub trace: Option<TraceHeaders>,
    /// Who asked; `None` writes nulls (open endpoints, unidentified callers).
    pub actor: Option<LoggedActor>,
    /// Tool that was named or implied.
    pub tool_name: Option<String>,
    /// Ticket of the path.
    pub ticket_id: Option<String>,
    /// Whether the answer came from the idempotency record.
    pub replay: bool,
    /// HTTP status of the answer.
    pub status: u16,
    /// From the first byte read to the answer.
    pub duration: Duration,
    /// Set for error answers; makes the line an error line.
    pub failure: Option<LoggedFailure>,
}

/// The trace headers of a command.
#[derive(Clone, Debug, Default)]
pub struct TraceHeaders {
    /// `traceparent`.
    pub parent: Option<String>,
    /// `tracestate`.
    pub state: Option<String>,
}

/// The caller as logged. After a refusal this is the claimed caller, so that a refusal can be triaged.
#[derive(Clone, Debug)]
pub struct LoggedActor {
    /// `HUMAN`, `AGENT`, `SERVICE` or `SYSTEM`.
    pub actor_type: String,
    /// Actor id.
    pub actor_id: String,
    /// Canonical role.
    pub actor_role: String,
}

/// The error part of a record.
#[derive(Clone, Debug)]
pub struct LoggedFailure {
    /// Error code of the answer.
    pub code: String,
    /// Message of the answer.
    pub message: String,
    /// Cause of an internal error, never sent to the client.
    pub reason: Option<String>,
    /// Which closeout requirement was missing, when the error names one.
    pub requirement_code: Option<String>,
}

/// The log: cheap to clone, shared by every request.
#[derive(Clone, Debug)]
pub struct RequestLog {
    queue: Option<mpsc::Sender<Entry>>,
    dropped: Arc<AtomicU64>,
    failures_to_stderr: bool,
}

/// The background writer; [`SinkTask::finish`] writes what is queued and ends it.
#[derive(Debug)]
pub struct SinkTask {
    queue: Option<mpsc::Sender<Entry>>,
    task: Option<JoinHandle<()>>,
}

impl RequestLog {
    /// Starts the writer when at least one file is asked for. Needs a tokio runtime.
    pub fn start(paths: SinkPaths, metrics: Metrics) -> (Self, SinkTask) {
        let failures_to_stderr = paths.failures_to_stderr;
        if paths.log.is_none() && paths.metrics.is_none() && paths.alerts.is_none() {
            let log = Self { queue: None, dropped: Arc::default(), failures_to_stderr };
            return (log, SinkTask { queue: None, task: None });
        }
        let (queue, entries) = mpsc::channel(QUEUE_LENGTH);
        let task = tokio::spawn(sink::run(paths, metrics, entries));
        let log = Self { queue: Some(queue.clone()), dropped: Arc::default(), failures_to_stderr };
        (log, SinkTask { queue: Some(queue), task: Some(task) })
    }

    /// Writes the one line of a request, after its record is in the files.
    pub fn write(&self, record: &RequestRecord) {
        let is_error = self.failures_to_stderr && record.failure.is_some();
        let line = Line { is_error, text: line_of(record) };
        if let Some(Entry::Log(line)) = self.queue_entry(Entry::Log(line)) {
            line.emit();
        }
    }

    /// Records that the files have not got because the queue was full.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Records that wait for the files.
    pub fn waiting(&self) -> usize {
        self.queue.as_ref().map_or(0, |queue| queue.max_capacity() - queue.capacity())
    }

    /// Queues one alert answer for the alerts file.
    pub fn write_alerts(&self, snapshot: &Value) {
        // A loss is counted; without a file there is nowhere to write.
        let _ = self.queue_entry(Entry::Alerts(snapshot.to_string()));
    }

    /// Waits until everything queued so far, and the current metrics, are in their files; not longer than a second,
    /// because a disk that hangs must not hold up whoever asks for the alerts.
    pub async fn flush(&self) {
        // Ignored: the writer goes on, and complains by itself when it cannot.
        let _ = tokio::time::timeout(FLUSH_PATIENCE, flush(self.queue.as_ref())).await;
    }

    /// Hands an entry to the writer; gives it back when there is none, or no room.
    fn queue_entry(&self, entry: Entry) -> Option<Entry> {
        let Some(queue) = &self.queue else { return Some(entry) };
        let entry = queue.try_send(entry).err()?.into_inner();
        let dropped = self.dropped.fetch_add(1, Ordering::Relaxed) + 1;
        // The first, and then ever more rarely: a line per loss would be one more flood.
        if dropped.is_power_of_two() {
            let message = "the queue of the files is full or closed; they lose records";
            life_cycle(true, json!({ "message": message, "dropped": dropped }));
        }
        Some(entry)
    }
}

/// One line and the stream it belongs to.
#[derive(Debug)]
struct Line {
    is_error: bool,
    text: String,
}

impl Line {
    fn emit(&self) {
        emit(self.is_error, &self.text);
    }
}

impl SinkTask {
    /// Writes what is queued, then ends the writer.
    pub async fn finish(mut self) {
        flush(self.queue.as_ref()).await;
        if let Some(queue) = self.queue.take() {
            // Ignored: a writer that is gone has nothing left to close.
            let _ = queue.send(Entry::Close).await;
        }
        if let Some(task) = self.task.take()
            && let Err(error) = task.await
        {
            life_cycle(true, json!({ "message": "log sink writer failed", "error": error.to_string() }));
        }
    }
}

async fn flush(queue: Option<&mpsc::Sender<Entry>>) {
    if let Some(queue) = queue {
        let (done, written) = oneshot::channel();
        if queue.send(Entry::Flush(done)).await.is_ok() {
            // Ignored: a dropped sender means that the writer ended, so there is nothing to wait for.
            let _ = written.await;
        }
    }
}

/// Writes one line about the process itself: start, failed start, a sink that cannot be written.
///
/// `fields` is an object; `level` and `service` are put in front of its members.
pub fn life_cycle(is_error: bool, fields: Value) {
    let mut line = opening(is_error);
    if let Value::Object(fields) = fields {
        line.extend(fields);
    }
    emit(is_error, &Value::Object(line).to_string());
}

fn opening(is_error: bool) -> Map<String, Value> {
    let mut line = Map::new();
    line.insert("level".into(), json!(if is_error { "error" } else { "info" }));
    line.insert("service".into(), json!(crate::metrics::SERVICE));
    line
}

fn emit(is_error: bool, line: &str) {
    let line = format!("{line}\n");
    // A closed standard stream must not end the service, and there is no other place left to complain.
    let _ = if is_error {
        std::io::stderr().lock().write_all(line.as_bytes())
    } else {
        std::io::stdout().lock().write_all(line.as_bytes())
    };
}

/// The members of a line, in their order.
#[derive(Serialize)]
struct Members<'a> {
    level: &'static str,
    service: &'static str,
    method: &'a str,
    path: &'a str,
    endpoint: &'a str,
    request_id: Option<&'a str>,
    correlation_id: Option<&'a str>,
    trace_id: Option<&'a str>,
    actor_type: Option<&'a str>,
    actor_id: Option<&'a str>,
    actor_role: Option<&'a str>,
    tool_name: Option<&'a str>,
    ticket_id: Option<&'a str>,
    replay: bool,
    status: u16,
    duration_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_parent: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_state: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requirement_code: Option<&'a str>,
}

/// The record as one line of JSON, without the line end.
fn line_of(record: &RequestRecord) -> String {
    let (actor, failure) = (record.actor.as_ref(), record.failure.as_ref());
    let matched = record.endpoint != crate::metrics::UNMATCHED;
    let members = Members {
        level: if failure.is_some() { "error" } else { "info" },
        service: crate::metrics::SERVICE,
        method: &record.method,
        path: &record.path,
        endpoint: &record.endpoint,
        request_id: record.request_id.as_deref(),
        correlation_id: record.correlation_id.as_deref(),
        trace_id: record.trace_id.as_deref(),
        actor_type: actor.map(|actor| actor.actor_type.as_str()),
        actor_id: actor.map(|actor| actor.actor_id.as_str()),
        actor_role: actor.map(|actor| actor.actor_role.as_str()),
        tool_name: record.tool_name.as_deref(),
        ticket_id: record.ticket_id.as_deref(),
        replay: record.replay,
        status: record.status,
        duration_ms: u64::try_from(record.duration.as_millis()).unwrap_or(u64::MAX),
        trace_parent: record.trace.as_ref().map(|trace| trace.parent.as_deref()),
        trace_state: record.trace.as_ref().map(|trace| trace.state.as_deref()),
        error_code: failure.map(|failure| failure.code.as_str()),
        message: failure.map(|failure| failure.message.as_str()),
        reason: failure.filter(|_| matched).map(|failure| failure.reason.as_deref()),
        requirement_code: failure.and_then(|failure| failure.requirement_code.as_deref()),
    };
    // Text, numbers and flags only, so this cannot fail.
    serde_json::to_string(&members).expect("lines are serializable")
}

#[cfg(test)]
mod tests;
