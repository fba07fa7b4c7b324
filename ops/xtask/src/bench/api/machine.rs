//! The machine that was measured on.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use serde_json::{Value, json};

/// Flushes that are timed; the median counts.
const FLUSHES: usize = 25;

/// Processor, memory, load, kernel, and how long a flush to the disk under `folder` takes.
///
/// # Errors
/// The folder cannot be written to.
pub fn describe(folder: &Path) -> Result<Value> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let after = |text: &str, label: &str| {
        let line = text.lines().find(|line| line.starts_with(label)).unwrap_or_default();
        line.split_once(':').map(|(_, value)| value.trim().to_owned())
    };
    Ok(json!({
        "os": std::env::consts::OS,
        "arch": std::env::consts::ARCH,
        "kernel": read("/proc/sys/kernel/osrelease").trim(),
        "processor": after(&read("/proc/cpuinfo"), "model name"),
        "cores": std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
        "memory": after(&read("/proc/meminfo"), "MemTotal"),
        "load_at_start": read("/proc/loadavg").trim(),
        "flush_us": flush_us(folder)?,
    }))
}

/// Median time of a flushed write of one page, which is what a commit waits for.
fn flush_us(folder: &Path) -> Result<u64> {
    let path = folder.join("flush");
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).open(&path)?;
    let mut times = Vec::new();
    for _ in 0..FLUSHES {
        let started = Instant::now();
        file.write_all(&[0; 8192])?;
        file.sync_data()?;
        times.push(u64::try_from(started.elapsed().as_micros())?);
    }
    fs::remove_file(&path)?;
    times.sort_unstable();
    Ok(times[FLUSHES / 2])
}
