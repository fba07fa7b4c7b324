//! Benchmarks: figures with the machine's description, never assertions.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

pub mod api;
pub mod harness;
pub mod stack;

/// Runs all drills and scenarios `runs` times and shows how long their lanes and the stack took, from the journals.
///
/// # Errors
/// A run does not pass, or its journal cannot be read.
pub fn lanes(runs: usize) -> Result<()> {
    let mut ready_ms = Vec::new();
    let mut stack_ms = Vec::new();
    for _ in 0..runs {
        run_all()?;
        let journal = Path::new("target/drillyard/runs/latest/journal.jsonl");
        let text = fs::read_to_string(journal).with_context(|| journal.display().to_string())?;
        for line in text.lines() {
            let record: Value = serde_json::from_str(line)?;
            let event = &record["event"];
            let took = event["took_us"].as_f64().map(|us| us / 1_000.0);
            match (event["kind"].as_str(), took) {
                (Some("lane-ready"), Some(ms)) => ready_ms.push(ms),
                (Some("stack-ready"), Some(ms)) => stack_ms.push(ms),
                _ => {}
            }
        }
    }
    let report = json!({
        "bench": "lanes",
        "runs": runs,
        "lane_ready_ms": figures(&mut ready_ms)?,
        "stack_ready_ms": figures(&mut stack_ms)?,
        "machine": machine(),
    });
    show(&serde_json::to_string_pretty(&report)?);
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the bench starts the program it measures")]
fn run_all() -> Result<()> {
    let output = Command::new("target/debug/drillyard")
        .args(["run", "--jobs", "1"])
        .output()
        .context("target/debug/drillyard; build it first")?;
    if !output.status.success() {
        bail!("the run did not pass:\n{}", String::from_utf8_lossy(&output.stdout));
    }
    Ok(())
}

fn figures(samples: &mut [f64]) -> Result<Value> {
    if samples.is_empty() {
        bail!("the journals hold no such record");
    }
    samples.sort_by(f64::total_cmp);
    let at = |share: f64| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "an index"
        )]
        let index = ((samples.len() - 1) as f64 * share).round() as usize;
        (samples[index] * 10.0).round() / 10.0
    };
    Ok(json!({ "samples": samples.len(), "min": at(0.0), "p50": at(0.5), "p95": at(0.95), "max": at(1.0) }))
}

fn machine() -> Value {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    json!({ "os": std::env::consts::OS, "arch": std::env::consts::ARCH, "cores": cores, "load": load.trim() })
}

#[expect(clippy::print_stdout, reason = "the result of the command")]
pub fn show(text: &str) {
    println!("{text}");
}
