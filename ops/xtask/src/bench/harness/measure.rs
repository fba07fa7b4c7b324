//! One program, measured: wall time, processor time and the most memory it had, children that it waited for included.

use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use serde_json::{Value, json};

/// What one run of a program took.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// From start to end, in milliseconds.
    pub wall_ms: f64,
    /// User and system time, in milliseconds.
    pub cpu_ms: f64,
    /// Largest resident memory of any one process, in MiB.
    pub rss_mib: f64,
}

/// A command line.
#[derive(Debug, Clone)]
pub struct Line {
    /// Program and arguments.
    pub words: Vec<String>,
    /// Folder it works in.
    pub folder: std::path::PathBuf,
    /// The exit code it has to have.
    pub exit: i32,
}

/// Runs the program in a process of its own, so that nothing else is in its figures.
///
/// # Errors
/// It cannot be started or ends otherwise than it should.
#[expect(clippy::disallowed_methods, reason = "the bench starts what it measures")]
pub fn sample(line: &Line) -> Result<Sample> {
    let this = std::env::current_exe()?;
    let output = Command::new(this)
        .args(["bench", "measure"])
        .args(&line.words)
        .current_dir(&line.folder)
        .envs([("CI", "1"), ("NO_COLOR", "1"), ("STEPCI_DISABLE_ANALYTICS", "1")])
        .stdin(Stdio::null())
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().last().unwrap_or_default();
    let report: Value = serde_json::from_str(last).with_context(|| format!("{}: {text}", line.words[0]))?;
    if report["exit"] != json!(line.exit) {
        bail!("`{}` ended with {}:\n{}", line.words.join(" "), report["exit"], tail(report["said"].as_str()));
    }
    let figure = |name: &str| report[name].as_f64().with_context(|| name.to_owned());
    Ok(Sample { wall_ms: figure("wall_ms")?, cpu_ms: figure("cpu_ms")?, rss_mib: figure("rss_mib")? })
}

fn tail(said: Option<&str>) -> String {
    let lines: Vec<&str> = said.unwrap_or_default().lines().collect();
    lines[lines.len().saturating_sub(12)..].join("\n")
}

/// Runs the words as a program and gives its figures as a line of JSON: the other end of [`sample`].
///
/// # Errors
/// It cannot be started.
#[expect(clippy::disallowed_methods, reason = "the bench starts what it measures")]
pub fn child(words: &[String]) -> Result<Value> {
    let (program, args) = words.split_first().context("a program to measure")?;
    let begun = Instant::now();
    let output =
        Command::new(program).args(args).stdin(Stdio::null()).output().with_context(|| program.clone())?;
    let wall_ms = begun.elapsed().as_secs_f64() * 1_000.0;
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let cpu_us = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    let said =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    let (cpu_ms, rss_mib) = (cpu_us as f64 / 1_000.0, usage.max_rss() as f64 / 1_024.0);
    let kept: String = said.chars().rev().take(4_000).collect::<Vec<_>>().into_iter().rev().collect();
    Ok(json!({
        "wall_ms": wall_ms, "cpu_ms": cpu_ms, "rss_mib": rss_mib, "exit": output.status.code(), "said": kept,
    }))
}
