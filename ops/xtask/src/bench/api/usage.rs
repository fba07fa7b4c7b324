//! CPU time and memory of processes, from `/proc`.

use std::fs;

use anyhow::{Context as _, Result};

/// Clock ticks per second of `/proc/<pid>/stat`; fixed by the kernel's interface to programs.
const TICKS_PER_S: u64 = 100;

/// CPU time of a process with all its threads, in microseconds.
///
/// # Errors
/// The process is gone.
pub fn process_us(pid: u32) -> Result<u64> {
    Ok(own_ticks(&fields(pid)?) * (1_000_000 / TICKS_PER_S))
}

/// CPU time of a server, of its living children and of those it has seen end, in microseconds.
///
/// # Errors
/// The server is gone.
pub fn family_us(pid: u32) -> Result<u64> {
    let server = fields(pid)?;
    // Fields 16 and 17: what ended children have used.
    let mut ticks = own_ticks(&server) + number(&server, 16) + number(&server, 17);
    for entry in fs::read_dir("/proc")?.filter_map(Result::ok) {
        let Some(child) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        // A process may end while the folder is read.
        if let Ok(fields) = fields(child)
            && number(&fields, 4) == u64::from(pid)
        {
            ticks += own_ticks(&fields);
        }
    }
    Ok(ticks * (1_000_000 / TICKS_PER_S))
}

/// The most memory a process has held, in kilobytes.
///
/// # Errors
/// The process is gone.
pub fn peak_kb(pid: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.trim().parse().ok())
        .context("the kernel does not tell the peak of the memory held")
}

/// Busy and total time of all processors since the start of the machine, in ticks.
///
/// # Errors
/// `/proc/stat` cannot be read.
pub fn machine_ticks() -> Result<(u64, u64)> {
    let stat = fs::read_to_string("/proc/stat")?;
    let line = stat.lines().next().unwrap_or_default();
    let numbers: Vec<u64> = line.split_whitespace().skip(1).filter_map(|word| word.parse().ok()).collect();
    let total: u64 = numbers.iter().take(8).sum();
    let idle = numbers.get(3).copied().unwrap_or(0) + numbers.get(4).copied().unwrap_or(0);
    Ok((total - idle, total))
}

fn fields(pid: u32) -> Result<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in parentheses may hold anything; what follows it begins with field 3.
    let (_, tail) = stat.rsplit_once(')').context("a stat line has a name")?;
    Ok(tail.split_whitespace().map(str::to_owned).collect())
}

/// User and system time: fields 14 and 15.
fn own_ticks(fields: &[String]) -> u64 {
    number(fields, 14) + number(fields, 15)
}

/// Field `n` as proc(5) counts them.
fn number(fields: &[String], n: usize) -> u64 {
    fields.get(n - 3).and_then(|word| word.parse().ok()).unwrap_or(0)
}
