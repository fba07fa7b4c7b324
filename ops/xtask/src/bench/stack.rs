//! How fast the stack is: a lane, the first answer of a cold run, many drills on one and on two lanes, and the proxy.
//!
//! Every run is of a project of its own, with the topology of this one and drills that each check one answer.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::{figures, machine, show};

/// Bound for the first record of a run.
const BEGINS: Duration = Duration::from_secs(120);

/// Measures and prints one JSON document.
///
/// # Errors
/// A run does not pass, or a program is missing.
pub fn measure(runs: usize, drills: usize, profile: &str) -> Result<()> {
    let bench = Bench::new(profile, drills)?;
    let mut first_ms = Vec::new();
    let (mut lane_ms, mut stack_ms) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        first_ms.push(bench.first_answer()?);
        let journal = bench.run(&["d00*"], 1)?;
        lane_ms.extend(took(&journal, "lane-ready"));
        stack_ms.extend(took(&journal, "stack-ready"));
    }
    let (mut one_s, mut two_s, mut ratio) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..runs {
        // In turns, so that whatever else the machine does meets both.
        let one = seconds(&bench.run(&[], 1)?)?;
        let two = seconds(&bench.run(&[], 2)?)?;
        one_s.push(one);
        two_s.push(two);
        ratio.push(one / two);
    }
    let report = json!({
        "bench": "stack", "profile": profile, "runs": runs, "drills": drills, "machine": machine(),
        "lane_ready_ms": figures(&mut lane_ms)?,
        "stack_ready_ms": figures(&mut stack_ms)?,
        "first_asserted_answer_ms": figures(&mut first_ms)?,
        "all_drills_one_lane_s": figures(&mut one_s)?,
        "all_drills_two_lanes_s": figures(&mut two_s)?,
        "two_lanes_over_one": figures(&mut ratio)?,
        "proxy": proxy(runs, profile)?,
    });
    show(&serde_json::to_string_pretty(&report)?);
    Ok(())
}

/// A project with this one's topology.
struct Bench {
    dir: PathBuf,
    binary: PathBuf,
    bin_dir: PathBuf,
}

impl Bench {
    fn new(profile: &str, drills: usize) -> Result<Self> {
        let target = fs::canonicalize("target").context("target; build the workspace first")?;
        let bin_dir = target.join(profile);
        let binary = bin_dir.join("drillyard");
        if !binary.is_file() {
            bail!("{} is missing; `cargo build --workspace --bins` makes it", binary.display());
        }
        let dir = target.join(format!("bench-stack-{}", std::process::id()));
        fs::create_dir_all(dir.join("drills"))?;
        fs::create_dir_all(dir.join("ops"))?;
        fs::copy("ops/compose.yaml", dir.join("ops/compose.yaml"))?;
        for file in ["openapi.json", "services/api/openapi.json"] {
            if Path::new(file).is_file() {
                let copy = dir.join(file);
                fs::create_dir_all(copy.parent().unwrap_or(&dir))?;
                fs::copy(file, copy)?;
            }
        }
        for number in 0..drills {
            let text = format!(
                "drill: d{number:03}\ntitle: One answer\nsteps:\n- http: {{ get: dispatch-api/livez }}\n  expect: {{ status: 200 }}\n"
            );
            fs::write(dir.join(format!("drills/d{number:03}.yaml")), text)?;
        }
        Ok(Self { dir, binary, bin_dir })
    }

    #[expect(clippy::disallowed_methods, reason = "the bench starts the program it measures")]
    fn command(&self, names: &[&str], jobs: usize) -> Command {
        let mut command = Command::new(&self.binary);
        command.arg("--project").arg(&self.dir).arg("run").args(names).args(["--jobs", &jobs.to_string()]);
        command.arg("--bin-dir").arg(&self.bin_dir).stdin(Stdio::null());
        command
    }

    /// Runs to the end; gives the records of the journal.
    fn run(&self, names: &[&str], jobs: usize) -> Result<Vec<Value>> {
        let output = self.command(names, jobs).output().context("starting drillyard")?;
        if !output.status.success() {
            bail!(
                "the run did not pass:\n{}{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
        }
        self.journal()
    }

    fn journal(&self) -> Result<Vec<Value>> {
        let journal = self.dir.join("target/drillyard/runs/latest/journal.jsonl");
        let text = fs::read_to_string(&journal).with_context(|| journal.display().to_string())?;
        Ok(text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
    }

    /// Milliseconds from the start of the program until the first step of a run has its verdict.
    fn first_answer(&self) -> Result<f64> {
        let (begun, clock) = (Instant::now(), SystemTime::now());
        let mut run = self.command(&["d000"], 1).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        while run.try_wait()?.is_none() && begun.elapsed() < BEGINS {
            std::thread::yield_now();
        }
        let records = self.journal()?;
        let first = records.iter().find(|record| record["event"]["kind"] == "step-finished");
        let first = first.context("the run had no step")?;
        let at = first["at"].as_str().and_then(milliseconds).context("a record without a moment")?;
        Ok(at - clock.duration_since(UNIX_EPOCH)?.as_secs_f64() * 1_000.0)
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        // A folder that stays is in `target`, and found there.
        let _ = fs::remove_dir_all(&self.dir);
    }
}

fn took(records: &[Value], kind: &str) -> Vec<f64> {
    let events = records.iter().map(|record| &record["event"]).filter(|event| event["kind"] == kind);
    events.filter_map(|event| Some(event["took_us"].as_f64()? / 1_000.0)).collect()
}

/// Seconds of all units together: from the first that began to the last that ended.
fn seconds(records: &[Value]) -> Result<f64> {
    let moments = |kind: &str| -> Vec<f64> {
        let of_kind = records.iter().filter(|record| record["event"]["kind"] == kind);
        of_kind.filter_map(|record| milliseconds(record["at"].as_str()?)).collect()
    };
    let first = moments("unit-started").into_iter().reduce(f64::min);
    let last = moments("unit-finished").into_iter().reduce(f64::max);
    let (first, last) = first.zip(last).context("the journal holds no unit")?;
    Ok((last - first) / 1_000.0)
}

/// Milliseconds since 1970 of `2026-01-31T12:00:00.123456Z`: days by the civil calendar of Howard Hinnant.
fn milliseconds(text: &str) -> Option<f64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let mut date = date.splitn(3, '-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let mut time = time.splitn(3, ':').map(|part| part.parse::<f64>().ok());
    let (hour, minute, second) = (time.next()??, time.next()??, time.next()??);
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year - era * 400;
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + day_of_year - 719_468;
    #[expect(clippy::cast_precision_loss, reason = "days since 1970")]
    let days = days as f64;
    Some((days * 86_400.0 + hour * 3_600.0 + minute * 60.0 + second) * 1_000.0)
}

/// What a proxy adds to a small round trip, and how exact its latency is; the engine's test target measures it.
#[expect(clippy::disallowed_methods, reason = "the bench runs the target that measures")]
fn proxy(runs: usize, profile: &str) -> Result<Value> {
    let (mut added, mut share, mut late) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..runs {
        let mut command = Command::new("cargo");
        command.args(["test", "--quiet", "--workspace", "--test", "backend"]);
        if profile == "release" {
            command.arg("--release");
        }
        let output = command.args(["--", "measure-edges"]).output().context("starting cargo")?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let line = text.lines().find(|line| line.starts_with('{'));
        let line =
            line.with_context(|| format!("no figures:\n{text}{}", String::from_utf8_lossy(&output.stderr)))?;
        let measured: Value = serde_json::from_str(line)?;
        let number = |name: &str| measured[name].as_f64().with_context(|| format!("no `{name}`"));
        let (straight, through) = (number("straight_us")?, number("through_us")?);
        added.push(through - straight);
        share.push(through / straight);
        late.push(number("latency_50ms_p50_ms")? - 50.0);
    }
    Ok(json!({
        "added_p50_us": figures(&mut added)?, "through_over_straight": figures(&mut share)?,
        "latency_of_50_ms_off_by_ms": figures(&mut late)?,
    }))
}

#[cfg(test)]
mod tests {
    use super::milliseconds;

    #[test]
    fn moments_are_read_as_milliseconds_since_1970() {
        assert_eq!(milliseconds("1970-01-01T00:00:00Z"), Some(0.0));
        assert_eq!(milliseconds("2000-03-01T00:00:00.5Z"), Some(951_868_800_500.0));
        assert_eq!(milliseconds("2026-11-22T22:28:12Z"), Some(1_795_386_492_000.0));
        assert_eq!(milliseconds("yesterday"), None);
    }
}
