//! The worker's numbers: one table, shown as JSON and as Prometheus text.

use std::fmt::Write;

use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::stats::Snapshot;

/// One number.
struct Metric {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
    value: f64,
}

/// Every number in order. Instants are seconds since 1970, 0 for "not yet".
fn table(state: &Snapshot) -> Vec<Metric> {
    let counter = |name, help, value: u64| Metric { name, kind: "counter", help, value: value as f64 };
    let gauge = |name, help, value: f64| Metric { name, kind: "gauge", help, value };
    let (backlog, assignment) = (&state.backlog, &state.assignment);
    vec![
        gauge("outbox_pending", "Messages waiting, due or not.", backlog.pending as f64),
        gauge("outbox_in_flight", "Messages under a lease.", backlog.in_flight as f64),
        gauge("outbox_oldest_age_seconds", "Age of the oldest unsent message.", backlog.oldest_age_seconds),
        gauge("outbox_dead_letter_total", "Messages given up on, as stored.", backlog.dead_letter as f64),
        counter("worker_cycles_total", "Passes over the outbox.", state.cycles),
        counter("worker_errors_total", "Passes that failed.", state.errors),
        counter("worker_notifications_total", "Commits heard of.", state.notifications),
        counter("worker_outbox_processed_total", "Recorded outcomes.", state.tally.processed),
        counter("worker_outbox_sent_total", "Messages the provider took.", state.tally.sent),
        counter("worker_outbox_failed_total", "Failed attempts.", state.tally.failed),
        counter("worker_outbox_dead_lettered_total", "Messages given up on.", state.tally.dead_lettered),
        counter("worker_outbox_suppressed_total", "Messages deliberately not sent.", state.tally.suppressed),
        counter("worker_outbox_unrecorded_total", "Outcomes not recorded.", state.tally.unrecorded),
        counter("worker_outbox_pruned_total", "Sent messages deleted by retention.", state.pruned),
        gauge("worker_queue_total", "Scheduled tickets when last read.", assignment.queue_total as f64),
        gauge(
            "worker_queue_missing_tech",
            "Scheduled tickets without a technician.",
            assignment.queue_missing_tech as f64,
        ),
        gauge("worker_tickets_parked", "Tickets left alone until they change.", assignment.parked as f64),
        counter("worker_assignment_cycles_total", "Cycles over the queue.", assignment.cycles),
        counter("worker_api_calls_total", "Calls to dispatch-api.", assignment.api_calls),
        counter("worker_recommendations_total", "Recommendations given.", assignment.recommendations),
        counter("worker_dispatches_total", "Technicians sent.", assignment.dispatches),
        counter("worker_assignment_skipped_total", "Tickets not dispatched.", assignment.skipped),
        counter("worker_autonomy_paused_total", "Tickets left alone by a pause.", assignment.paused),
        counter("worker_assignment_errors_total", "Calls that failed.", assignment.errors),
        gauge(
            "worker_last_queue_read_timestamp",
            "When the queue was read.",
            seconds(assignment.last_read_at),
        ),
        gauge("worker_last_dispatch_timestamp", "When one was sent.", seconds(assignment.last_success_at)),
        gauge("worker_last_cycle_timestamp", "When a pass last worked.", seconds(state.last_cycle_at)),
        gauge("worker_last_sent_timestamp", "When a message was last taken.", seconds(state.last_sent_at)),
        gauge("worker_last_heartbeat_timestamp", "When it last beat.", seconds(state.last_heartbeat_at)),
    ]
}

/// An object with one member per number.
pub(super) fn json(state: &Snapshot) -> Value {
    table(state).iter().map(|metric| (metric.name.to_owned(), json!(metric.value))).collect()
}

/// Prometheus text, format 0.0.4; writing into a `String` cannot fail.
pub(super) fn text(state: &Snapshot) -> String {
    let mut text = String::new();
    for Metric { name, kind, help, value } in table(state) {
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
    }
    text
}

fn seconds(instant: Option<OffsetDateTime>) -> f64 {
    instant.map_or(0.0, |instant| instant.unix_timestamp_nanos() as f64 / 1e9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_faces_carry_every_number() {
        let state = Snapshot { cycles: 7, ..Snapshot::default() };
        let object = json(&state);
        assert_eq!(object.as_object().unwrap().len(), table(&state).len());
        assert_eq!(object["worker_cycles_total"], 7.0);
        assert!(text(&state).contains("# TYPE worker_cycles_total counter\nworker_cycles_total 7\n"));
    }
}
