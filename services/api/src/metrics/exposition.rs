//! Prometheus text, format 0.0.4.

use std::fmt::Write;

use super::Registry;
use super::histogram::Histogram;

/// Renders every family; writing into a `String` cannot fail, so the results of `writeln!` carry nothing.
pub(super) fn render(registry: &Registry) -> String {
    let mut text = String::new();
    family(&mut text, "dispatch_api_requests_total", "counter", "Answered requests.");
    for ((method, endpoint, status), count) in &registry.requests {
        let labels = [("method", *method), ("endpoint", endpoint), ("status", &status.to_string())];
        sample(&mut text, "dispatch_api_requests_total", &labels, *count);
    }
    family(&mut text, "dispatch_api_errors_total", "counter", "Error answers by code.");
    for (code, count) in &registry.errors {
        sample(&mut text, "dispatch_api_errors_total", &[("code", &code.0)], *count);
    }
    family(&mut text, "dispatch_api_transitions_total", "counter", "Committed transition rows.");
    for ((from, to), count) in &registry.transitions {
        let from = from.as_ref().map_or("", |code| &code.0);
        let labels = [("from_state", from), ("to_state", to.0.as_str())];
        sample(&mut text, "dispatch_api_transitions_total", &labels, *count);
    }
    single(&mut text, "dispatch_api_idempotency_replay_total", "Replayed answers.", registry.replays);
    single(&mut text, "dispatch_api_idempotency_conflict_total", "Reused keys.", registry.conflicts);
    family(&mut text, "dispatch_api_override_close_total", "counter", "Force closes by override code.");
    for (code, count) in &registry.override_closes {
        sample(&mut text, "dispatch_api_override_close_total", &[("code", &code.0)], *count);
    }
    family(&mut text, "dispatch_api_assignments_total", "counter", "Dispatches by use of a snapshot.");
    let assignments =
        [("true", registry.assignments_with_snapshot), ("false", registry.assignments_without_snapshot)];
    for (snapshot, count) in assignments {
        sample(&mut text, "dispatch_api_assignments_total", &[("snapshot", snapshot)], count);
    }
    single(
        &mut text,
        "dispatch_api_forgotten_answers_total",
        "Stored answers forgotten because of their age.",
        registry.forgotten_answers,
    );
    latencies(&mut text, registry);
    probes(&mut text, registry);
    text
}

fn probes(text: &mut String, registry: &Registry) {
    family(text, "dispatch_api_evidence_probes_total", "counter", "Probes of evidence objects by result.");
    for (result, count) in &registry.probes {
        sample(text, "dispatch_api_evidence_probes_total", &[("result", result)], count);
    }
    const NAME: &str = "dispatch_api_evidence_probe_duration_seconds";
    family(text, NAME, "histogram", "Time that a probe of an evidence object took.");
    histogram(text, NAME, &[], &registry.probe_latency);
}

fn latencies(text: &mut String, registry: &Registry) {
    const NAME: &str = "dispatch_api_request_duration_seconds";
    family(text, NAME, "histogram", "Time from the first byte read to the answer.");
    for ((method, endpoint), histogram_of) in &registry.latencies {
        histogram(text, NAME, &[("method", *method), ("endpoint", endpoint)], histogram_of);
    }
}

fn histogram(text: &mut String, name: &str, labels: &[(&str, &str)], histogram: &Histogram) {
    let bucket = format!("{name}_bucket");
    let with = |bound: &str, count: u64, text: &mut String| {
        let mut labels = labels.to_vec();
        labels.push(("le", bound));
        sample(text, &bucket, &labels, count);
    };
    for (bound, count) in histogram.cumulative() {
        with(&bound.to_string(), count, text);
    }
    with("+Inf", histogram.count, text);
    sample(text, &format!("{name}_sum"), labels, histogram.sum_seconds);
    sample(text, &format!("{name}_count"), labels, histogram.count);
}

fn single(text: &mut String, name: &str, help: &str, value: u64) {
    family(text, name, "counter", help);
    sample(text, name, &[], value);
}

pub(super) fn family(text: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

pub(super) fn sample(text: &mut String, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
    text.push_str(name);
    for (position, (label, content)) in labels.iter().enumerate() {
        let open = if position == 0 { '{' } else { ',' };
        let content = content.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n");
        let _ = write!(text, "{open}{label}=\"{content}\"");
    }
    if !labels.is_empty() {
        text.push('}');
    }
    let _ = writeln!(text, " {value}");
}
