//! The table on the console and the report on disk.

use std::fs;
use std::path::Path;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::Measured;
use super::target::{self, Verdict};

/// Everything that was measured.
#[derive(Debug)]
pub struct Outcome {
    /// Measurements in order.
    pub measured: Vec<Measured>,
    /// The most memory that an API has held, in kilobytes.
    pub peak_kb: u64,
    /// The statements of each kind of traffic.
    pub statements: Vec<Value>,
    /// The machine.
    pub machine: Value,
}

/// The medians of one measurement.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Requests per second.
    pub requests_per_s: f64,
    /// Half of the requests, in microseconds.
    pub p50_us: f64,
    /// 99 of 100 requests, in microseconds.
    pub p99_us: f64,
    /// CPU time of the API per request, in microseconds.
    pub api_us: f64,
    /// CPU time of the database per request, in microseconds.
    pub database_us: f64,
    /// Requests per second that pgbench's transactions stand for.
    pub peer_per_s: f64,
    /// CPU time of the database per request under pgbench, in microseconds.
    pub peer_database_us: f64,
    /// Requests per second beside pgbench's of the same turn.
    pub ratio: f64,
    /// Lowest and highest requests per second of the runs, as parts of the median: how noisy the machine was.
    pub spread: (f64, f64),
}

impl Row {
    /// The medians.
    #[expect(clippy::cast_precision_loss, reason = "counts of a few seconds")]
    pub fn of(measured: &Measured) -> Self {
        let of = |figure: &dyn Fn(usize) -> f64| median((0..measured.loads.len()).map(figure).collect());
        let (loads, paces) = (&measured.loads, &measured.paces);
        let pace = |i: usize| loads[i].requests as f64 / loads[i].window.as_secs_f64();
        let per_request = |us: u64, i: usize| us as f64 / loads[i].requests.max(1) as f64;
        let requests_per_s = of(&pace);
        let all: Vec<f64> = (0..loads.len()).map(pace).collect();
        Self {
            requests_per_s,
            p50_us: of(&|i| loads[i].p50_us.into()),
            p99_us: of(&|i| loads[i].p99_us.into()),
            api_us: of(&|i| per_request(loads[i].api_us, i)),
            database_us: of(&|i| per_request(loads[i].database_us, i)),
            peer_per_s: of(&|i| paces[i].requests_per_s),
            peer_database_us: of(&|i| paces[i].database_us),
            ratio: of(&|i| pace(i) / paces[i].requests_per_s.max(1.0)),
            spread: (
                all.iter().copied().fold(f64::INFINITY, f64::min) / requests_per_s.max(1.0),
                all.iter().copied().fold(0.0, f64::max) / requests_per_s.max(1.0),
            ),
        }
    }

    fn document(&self) -> Value {
        let round = |value: f64| (value * 100.0).round() / 100.0;
        json!({
            "requests_per_s": round(self.requests_per_s),
            "p50_us": self.p50_us, "p99_us": self.p99_us,
            "api_cpu_us": round(self.api_us), "database_cpu_us": round(self.database_us),
            "pgbench_per_s": round(self.peer_per_s), "pgbench_database_cpu_us": round(self.peer_database_us),
            "ratio": round(self.ratio), "lowest": round(self.spread.0), "highest": round(self.spread.1),
        })
    }
}

/// The middle of some numbers; 0 of none.
fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(0.0)
}

impl Outcome {
    fn verdicts(&self) -> Vec<Verdict> {
        target::verdicts(&self.measured, self.peak_kb)
    }

    /// Prints the table and the targets.
    pub fn show(&self) {
        note(&format!(
            "{:<8} {:>7} {:>4} {:>9} {:>8} {:>8} {:>7} {:>7} {:>9} {:>7} {:>6} {:>11}",
            "traffic",
            "tickets",
            "conn",
            "req/s",
            "p50 µs",
            "p99 µs",
            "api µs",
            "db µs",
            "pgbench/s",
            "db µs",
            "ratio",
            "spread"
        ));
        for one in &self.measured {
            let row = Row::of(one);
            note(&format!(
                "{:<8} {:>7} {:>4} {:>9.0} {:>8.0} {:>8.0} {:>7.1} {:>7.1} {:>9.0} {:>7.1} {:>6.2} {:>5.2}-{:.2}",
                one.kind.name(),
                one.tickets,
                one.connections,
                row.requests_per_s,
                row.p50_us,
                row.p99_us,
                row.api_us,
                row.database_us,
                row.peer_per_s,
                row.peer_database_us,
                row.ratio,
                row.spread.0,
                row.spread.1
            ));
        }
        note("");
        for verdict in self.verdicts() {
            note(&verdict.to_string());
        }
    }

    /// Writes `api.json` into a folder.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub fn keep(&self, folder: &Path) -> Result<()> {
        let measurements: Vec<Value> = self
            .measured
            .iter()
            .map(|one| {
                let busy: Vec<f64> =
                    one.loads.iter().map(|load| (load.busy * 100.0).round() / 100.0).collect();
                json!({
                    "traffic": one.kind.name(), "tickets": one.tickets, "connections": one.connections,
                    "runs": one.loads.len(), "medians": Row::of(one).document(), "machine_busy": busy,
                })
            })
            .collect();
        let report = json!({
            "bench": "api",
            "machine": self.machine,
            "rss_peak_kb": self.peak_kb,
            "measurements": measurements,
            "targets": self.verdicts().iter().map(Verdict::document).collect::<Vec<Value>>(),
            "statements": self.statements,
        });
        fs::create_dir_all(folder)?;
        let path = folder.join("api.json");
        fs::write(&path, format!("{report:#}\n"))?;
        note(&format!("written to {}", path.display()));
        Ok(())
    }

    /// Whether every target that was measured is met.
    ///
    /// # Errors
    /// Names how many are not.
    pub fn judge(&self) -> Result<()> {
        let missed = self.verdicts().iter().filter(|verdict| !verdict.is_met()).count();
        if missed > 0 { bail!("{missed} targets are missed") } else { Ok(()) }
    }
}

/// One line for whoever waits.
#[expect(clippy::print_stdout, reason = "the face of the command")]
pub fn note(text: &str) {
    println!("{text}");
}
