//! What the figures have to be.

use std::fmt;

use serde_json::{Value, json};

use super::Measured;
use super::report::Row;
use super::work::Kind;

/// Which figure a target is about.
#[derive(Debug, Clone, Copy)]
enum Figure {
    ApiUs,
    DatabaseUs,
    PerSecond,
    P99Us,
    Ratio,
}

/// A bound on one figure of one measurement.
struct Target {
    kind: Kind,
    tickets: u64,
    figure: Figure,
    /// At least, for paces and ratios; at most, for everything else.
    bound: f64,
}

const fn target(kind: Kind, tickets: u64, figure: Figure, bound: f64) -> Target {
    Target { kind, tickets, figure, bound }
}

/// Connections that the targets are about.
const CONNECTIONS: usize = 64;

/// The most memory that the API may hold, in kilobytes.
const MEMORY_KB: u64 = 40 * 1024;

/// The system that this one replaces served 6,600 tickets and, of 10,000, 25 cockpits per second on a machine of this
/// kind; the paces are 3 and 50 times that.
const TARGETS: [Target; 13] = [
    target(Kind::Ticket, 10_000, Figure::ApiUs, 25.0),
    target(Kind::Ticket, 10_000, Figure::DatabaseUs, 45.0),
    target(Kind::Ticket, 10_000, Figure::PerSecond, 3.0 * 6_600.0),
    target(Kind::Cockpit, 100, Figure::ApiUs, 300.0),
    target(Kind::Cockpit, 100, Figure::DatabaseUs, 300.0),
    target(Kind::Cockpit, 10_000, Figure::PerSecond, 50.0 * 25.0),
    target(Kind::Create, 10_000, Figure::ApiUs, 120.0),
    target(Kind::Create, 10_000, Figure::Ratio, 0.7),
    target(Kind::Cockpit, 100_000, Figure::P99Us, 20_000.0),
    target(Kind::Queue, 100_000, Figure::P99Us, 20_000.0),
    target(Kind::List, 100_000, Figure::P99Us, 20_000.0),
    target(Kind::Ticket, 100_000, Figure::ApiUs, 25.0),
    target(Kind::Ticket, 100_000, Figure::DatabaseUs, 45.0),
];

/// A target with what was measured.
#[derive(Debug)]
pub struct Verdict {
    about: String,
    measured: f64,
    bound: f64,
    at_least: bool,
}

impl Verdict {
    /// Whether the figure is within its bound.
    pub fn is_met(&self) -> bool {
        if self.at_least { self.measured >= self.bound } else { self.measured <= self.bound }
    }

    /// As the report has it.
    pub fn document(&self) -> Value {
        json!({
            "about": self.about,
            "measured": (self.measured * 100.0).round() / 100.0,
            (if self.at_least { "at_least" } else { "at_most" }): self.bound,
            "met": self.is_met(),
        })
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, sign) =
            (if self.is_met() { "pass" } else { "MISS" }, if self.at_least { '≥' } else { '≤' });
        write!(f, "{word}  {:<56} {:>10.2}  {sign} {:.2}", self.about, self.measured, self.bound)
    }
}

/// The targets that the measurements can tell about. Cost independent of the table's size is one of its own: the
/// database's time per cockpit may grow by half at most from 10,000 tickets to 100,000.
pub fn verdicts(measured: &[Measured], peak_kb: u64) -> Vec<Verdict> {
    let row = |kind: Kind, tickets: u64| {
        let one = measured
            .iter()
            .find(|one| one.kind == kind && one.tickets == tickets && one.connections == CONNECTIONS);
        one.map(Row::of)
    };
    let mut verdicts: Vec<Verdict> = TARGETS
        .iter()
        .filter_map(|target| {
            let row = row(target.kind, target.tickets)?;
            let (what, figure, at_least) = match target.figure {
                Figure::ApiUs => ("API µs per request", row.api_us, false),
                Figure::DatabaseUs => ("database µs per request", row.database_us, false),
                Figure::PerSecond => ("requests per second", row.requests_per_s, true),
                Figure::P99Us => ("p99 µs", row.p99_us, false),
                Figure::Ratio => ("requests per pgbench transaction", row.ratio, true),
            };
            let about = format!("{} of {}: {what}", target.kind.name(), target.tickets);
            Some(Verdict { about, measured: figure, bound: target.bound, at_least })
        })
        .collect();
    for kind in [Kind::Cockpit, Kind::Queue, Kind::List] {
        if let (Some(small), Some(large)) = (row(kind, 10_000), row(kind, 100_000)) {
            verdicts.push(Verdict {
                about: format!("{}: database µs at 100,000 per that at 10,000", kind.name()),
                measured: large.database_us / small.database_us.max(1.0),
                bound: 1.5,
                at_least: false,
            });
        }
    }
    if peak_kb > 0 {
        #[expect(clippy::cast_precision_loss, reason = "kilobytes of a small process")]
        let (measured, bound) = (peak_kb as f64 / 1024.0, MEMORY_KB as f64 / 1024.0);
        verdicts.push(Verdict { about: "memory, MB".to_owned(), measured, bound, at_least: false });
    }
    verdicts
}
