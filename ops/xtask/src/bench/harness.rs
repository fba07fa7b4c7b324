//! `bench harness`: the harness beside its peers, on the same work against the same service, in turns.

use std::collections::BTreeMap;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::{Map, Value, json};

pub mod measure;
mod peers;
pub mod serve;
mod work;

use measure::{Line, Sample, sample};
use peers::Peers;

/// Texts of the bench, below the target folder.
const WORK: &str = "target/bench-harness";

/// Where the result is left.
const RESULT: &str = "target/bench-harness.json";

/// Samples by what was done and by whom.
type Samples = BTreeMap<&'static str, BTreeMap<String, Vec<Sample>>>;

/// Measures start-up, a thousand steps, checking, the page and memory, `runs` times in turns with the peers.
///
/// # Errors
/// The release binary is not there, or a run does not pass.
pub fn run(runs: usize) -> Result<()> {
    let drillyard = std::path::absolute("target/release/drillyard")?;
    if !drillyard.is_file() {
        bail!("`target/release/drillyard` is not there; cargo build --release --workspace --bins makes it");
    }
    let work = std::path::absolute(WORK)?;
    let ours = Ours::new(&drillyard, &work)?;
    let peers = Peers::fetch(&std::path::absolute("target/bench-peers")?, &mut |text| super::show(text))?;
    let server = Server::start()?;
    let (there, missing) = peers.work(&work.join("peers"), server.port)?;
    let mut samples = Samples::new();
    for round in 1..=runs {
        super::show(&format!("round {round} of {runs}"));
        let mut take = |what: &'static str, who: &str, line: &Line| -> Result<()> {
            let one = sample(line).with_context(|| format!("{what} of {who}"))?;
            samples.entry(what).or_default().entry(who.to_owned()).or_default().push(one);
            Ok(())
        };
        for (what, line) in &ours.lines {
            take(what, "drillyard", line)?;
        }
        for peer in &there {
            take(START, peer.name, &peer.version)?;
            let before = server.count()?;
            take(STEPS, peer.name, &peer.steps)?;
            let served = server.count()? - before;
            if served != 1_000 {
                bail!("{} sent {served} requests instead of 1000", peer.name);
            }
            for (what, line) in [(REPORTS, &peer.reports), (CHECK, &peer.check)] {
                if let Some(line) = line {
                    take(what, peer.name, line)?;
                }
            }
        }
    }
    let report = report(&samples, &ours, &missing, runs)?;
    let text = serde_json::to_string_pretty(&report)?;
    fs::write(RESULT, &text)?;
    super::show(&text);
    Ok(())
}

const START: &str = "T1 start-up";
const STEPS: &str = "T2 1,000 asserted steps";
const REPORTS: &str = "T3 the same with reports";
const CHECK: &str = "T4 check of 1,000 texts of 10 steps";
const PAGE: &str = "T10 page of 10,000 steps";
const SHORT: &str = "T11 1,000 steps in loops";
const LONG: &str = "T11 100,000 steps in loops";

/// What the harness itself does.
struct Ours {
    lines: Vec<(&'static str, Line)>,
    page: PathBuf,
}

impl Ours {
    fn new(drillyard: &Path, work: &Path) -> Result<Self> {
        let line = |project: &Path, words: &[&str]| {
            let program =
                [drillyard.display().to_string(), "--project".to_owned(), project.display().to_string()];
            let words = program.into_iter().chain(words.iter().map(|word| (*word).to_owned())).collect();
            Line { words, folder: work.to_owned(), exit: 0 }
        };
        let one = work::written(&work.join("one"), 1, 1_000)?;
        let many = work::written(&work.join("many"), 1_000, 10)?;
        let ten = work::written(&work.join("ten"), 10, 1_000)?;
        let (short, long) =
            (work::looped(&work.join("short"), 10)?, work::looped(&work.join("long"), 1_000)?);
        // The page is made of the evidence of one run, which is not measured.
        sample(&line(&ten, &["run"]))?;
        // Reports belong to every bundle, so the run without and the run with them are one and the same.
        let run = line(&one, &["run"]);
        let lines = vec![
            (START, line(&one, &["--version"])),
            (STEPS, run.clone()),
            (REPORTS, run),
            (CHECK, line(&many, &["check"])),
            (PAGE, line(&ten, &["report", "--format", "html"])),
            (SHORT, line(&short, &["run"])),
            (LONG, line(&long, &["run"])),
        ];
        Ok(Self { lines, page: ten.join("target/drillyard/runs/latest/reports/report.html") })
    }
}

fn report(samples: &Samples, ours: &Ours, missing: &[&str], runs: usize) -> Result<Value> {
    let mut done = Map::new();
    for (what, by_whom) in samples {
        let mut rows = Map::new();
        let own = by_whom.get("drillyard").map(|own| medians(own));
        for (who, taken) in by_whom {
            let [wall, cpu, rss] = medians(taken);
            let mut row = json!({ "wall_ms": wall, "cpu_ms": cpu, "rss_mib": rss, "samples": taken.len() });
            if let Some([own_wall, own_cpu, own_rss]) = own.filter(|_| who != "drillyard") {
                row["drillyard_is"] = json!({ "wall": ratio(own_wall, wall), "cpu": ratio(own_cpu, cpu), "rss": ratio(own_rss, rss) });
            }
            rows.insert(who.clone(), row);
        }
        done.insert((*what).to_owned(), Value::Object(rows));
    }
    let memory = |what: &str| samples.get(what).and_then(|by| by.get("drillyard")).map(|own| medians(own)[2]);
    let growth = memory(LONG).zip(memory(SHORT)).map(|(long, short)| ratio(long, short));
    Ok(json!({
        "bench": "harness",
        "runs": runs,
        "missing_peers": missing,
        "page_bytes": fs::metadata(&ours.page)?.len(),
        "memory_at_100000_steps_to_1000": growth,
        "figures": done,
        "machine": super::machine(),
    }))
}

/// Wall, processor and memory, each the median of its own.
fn medians(samples: &[Sample]) -> [f64; 3] {
    let middle = |figure: fn(&Sample) -> f64| {
        let mut all: Vec<f64> = samples.iter().map(figure).collect();
        all.sort_by(f64::total_cmp);
        (all[all.len() / 2] * 10.0).round() / 10.0
    };
    [middle(|one| one.wall_ms), middle(|one| one.cpu_ms), middle(|one| one.rss_mib)]
}

fn ratio(own: f64, other: f64) -> f64 {
    (own / other * 100.0).round() / 100.0
}

/// The service that peers are pointed at.
struct Server {
    child: Child,
    port: u16,
}

impl Server {
    #[expect(clippy::disallowed_methods, reason = "the bench starts the service it measures against")]
    fn start() -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let words = ["bench".to_owned(), "serve".to_owned(), port.to_string()];
        let child = Command::new(std::env::current_exe()?).args(words).stdin(Stdio::null()).spawn()?;
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if begun.elapsed() > Duration::from_secs(5) {
                bail!("the service does not answer");
            }
            std::thread::yield_now();
        }
        Ok(Self { child, port })
    }

    fn count(&self) -> Result<u64> {
        use std::io::{Read as _, Write as _};
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.write_all(b"GET /count HTTP/1.1\r\n\r\n")?;
        stream.shutdown(std::net::Shutdown::Write)?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        text.rsplit("\r\n\r\n").next().context("a body")?.parse().context("a count")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
