//! Counters of this process since it started: requests, errors, transitions, replays, latencies.
//!
//! The registry is written after a command's commit, so that rolled back work is never counted. Two faces read
//! it: the JSON snapshot that existing dashboards know, and Prometheus text.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dispatch_domain::TicketState;
use serde_json::{Value, json};
use tokio::sync::Notify;

mod exposition;
mod gauges;
mod histogram;

pub use gauges::Gauges;
use histogram::Histogram;

/// The service's name on the wire.
pub const SERVICE: &str = "dispatch-api";

/// The endpoint name under which requests to unknown routes are counted.
pub const UNMATCHED: &str = "UNMATCHED";

/// The error code that is also counted as an idempotency conflict.
const CONFLICT_SIGNAL: &str = "IDEMPOTENCY_PAYLOAD_MISMATCH";

/// Methods counted under their own name. Anything else is counted as `OTHER`, because a client may send any
/// word as a method and each would otherwise become a counter of its own.
const METHODS: [&str; 9] = ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"];

/// The registry; clones share one state.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    registry: Mutex<Registry>,
    changed: Notify,
}

/// Everything counted. Keys are in the order in which the snapshot lists them.
#[derive(Debug, Default)]
struct Registry {
    requests: BTreeMap<(&'static str, String, u16), u64>,
    latencies: BTreeMap<(&'static str, String), Histogram>,
    errors: BTreeMap<CodeOrder, u64>,
    transitions: BTreeMap<(Option<CodeOrder>, CodeOrder), u64>,
    replays: u64,
    conflicts: u64,
    override_closes: BTreeMap<CodeOrder, u64>,
    assignments_with_snapshot: u64,
    assignments_without_snapshot: u64,
    probes: BTreeMap<&'static str, u64>,
    probe_latency: Histogram,
    forgotten_answers: u64,
}

/// An upper-case code whose order puts `_` before letters and digits, as the contract's lists do.
#[derive(Clone, Debug, PartialEq, Eq)]
struct CodeOrder(String);

impl CodeOrder {
    fn weights(&self) -> impl Iterator<Item = u8> + '_ {
        self.0.bytes().map(|byte| if byte == b'_' { 1 } else { byte })
    }
}

impl Ord for CodeOrder {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.weights().cmp(other.weights())
    }
}

impl PartialOrd for CodeOrder {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Metrics {
    /// Counts one answered request. `endpoint` is the route template, or [`UNMATCHED`].
    pub fn request(&self, method: &str, endpoint: &str, status: u16, duration: Duration) {
        let method = METHODS.into_iter().find(|known| *known == method).unwrap_or("OTHER");
        self.change(|registry| {
            *registry.requests.entry((method, endpoint.to_owned(), status)).or_default() += 1;
            registry.latencies.entry((method, endpoint.to_owned())).or_default().observe(duration);
        });
    }

    /// Counts one error answer by its code; an idempotency conflict is counted by [`Metrics::conflict`] as well.
    pub fn error(&self, code: &str) {
        self.change(|registry| {
            *registry.errors.entry(CodeOrder(code.to_owned())).or_default() += 1;
        });
    }

    /// Counts one committed transition row; `from` is `None` on creation.
    pub fn transition(&self, from: Option<TicketState>, to: TicketState) {
        let from = from.map(|state| CodeOrder(state.as_str().to_owned()));
        let to = CodeOrder(to.as_str().to_owned());
        self.change(|registry| *registry.transitions.entry((from, to)).or_default() += 1);
    }

    /// Counts one answer that was replayed from the idempotency record.
    pub fn replay(&self) {
        self.change(|registry| registry.replays += 1);
    }

    /// Counts one key that was used again with another payload.
    pub fn conflict(&self) {
        self.change(|registry| registry.conflicts += 1);
    }

    /// Counts one committed dispatch, by whether it named a recommendation snapshot.
    pub fn dispatch_assignment(&self, with_snapshot: bool) {
        self.change(|registry| {
            if with_snapshot {
                registry.assignments_with_snapshot += 1;
            } else {
                registry.assignments_without_snapshot += 1;
            }
        });
    }

    /// Counts one committed force close by its override code.
    pub fn override_close(&self, code: &str) {
        self.change(|registry| {
            *registry.override_closes.entry(CodeOrder(code.to_owned())).or_default() += 1;
        });
    }

    /// Counts one probe of an evidence object by what came of it.
    pub fn probe(&self, result: &'static str, duration: Duration) {
        self.change(|registry| {
            *registry.probes.entry(result).or_default() += 1;
            registry.probe_latency.observe(duration);
        });
    }

    /// Counts stored answers that were forgotten.
    pub fn forgotten(&self, answers: u64) {
        self.change(|registry| registry.forgotten_answers += answers);
    }

    /// Resolves once something was counted since the last call. One waiter: the metrics sink.
    pub async fn changed(&self) {
        self.shared.changed.notified().await;
    }

    /// The `counters` object: nine members, lists sorted by their keys.
    pub fn counters(&self) -> Value {
        let registry = self.lock();
        let requests: Vec<Value> = registry
            .requests
            .iter()
            .map(|((method, endpoint, status), count)| {
                json!({ "method": method, "endpoint": endpoint, "status": status, "count": count })
            })
            .collect();
        let transitions: Vec<Value> = registry
            .transitions
            .iter()
            .map(|((from, to), count)| {
                json!({ "from_state": from.as_ref().map(|code| &code.0), "to_state": to.0, "count": count })
            })
            .collect();
        json!({
            "requests_total": requests,
            "errors_total": by_code(&registry.errors),
            "transitions_total": transitions,
            "idempotency_replay_total": registry.replays,
            "idempotency_conflict_total": registry.conflicts,
            "dispatch_override_close_total": registry.override_closes.values().sum::<u64>(),
            "dispatch_override_close_by_code": by_code(&registry.override_closes),
            "dispatch_assignments_with_snapshot_total": registry.assignments_with_snapshot,
            "dispatch_assignments_without_snapshot_total": registry.assignments_without_snapshot,
        })
    }

    /// The whole JSON snapshot: `service`, `generated_at`, `counters`.
    pub fn json_snapshot(&self) -> Value {
        json!({
            "service": SERVICE,
            "generated_at": crate::clock::now_text(),
            "counters": self.counters(),
        })
    }

    /// The same counters, the latency histograms and what was measured just now, as Prometheus text (exposition
    /// format 0.0.4).
    pub fn prometheus(&self, gauges: &Gauges) -> String {
        let mut text = exposition::render(&self.lock());
        gauges.render(&mut text);
        text
    }

    fn change(&self, count: impl FnOnce(&mut Registry)) {
        count(&mut self.lock());
        self.shared.changed.notify_one();
    }

    /// A panic while counting leaves at worst one count missing, so a poisoned lock is used as it is.
    fn lock(&self) -> MutexGuard<'_, Registry> {
        self.shared.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether an error code is counted as an idempotency conflict too.
pub fn is_conflict(code: &str) -> bool {
    code == CONFLICT_SIGNAL
}

fn by_code(counts: &BTreeMap<CodeOrder, u64>) -> Vec<Value> {
    counts.iter().map(|(code, count)| json!({ "code": code.0, "count": count })).collect()
}

#[cfg(test)]
mod tests;
