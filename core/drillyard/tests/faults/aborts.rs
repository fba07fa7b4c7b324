//! Runs that are ended at random instants, with faults at work.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::cases::{CASES, holding};
use crate::project::{Project, chain, pause};
use crate::trials::send;

/// Kinds at work at a time.
const TOGETHER: usize = 4;
/// The latest instant after the stack is ready, in milliseconds: by then every fault is at work.
const LATEST_MS: u64 = 2_500;
/// Bound for a run to begin its journal.
const BEGINS: Duration = Duration::from_secs(60);
/// Bound for the end of a run.
const ENDS: Duration = Duration::from_secs(60);
/// Bound for the reaper.
const REAPED: Duration = Duration::from_secs(15);

/// What came of the aborts.
#[derive(Debug, Default)]
pub struct Outcome {
    /// How many runs were ended.
    pub aborted: usize,
    /// How many of them had a fault at work at that instant.
    pub with_faults: usize,
    /// Faults that were at work in all.
    pub faults: usize,
    /// Records of journals that were read and hold together.
    pub records: usize,
    /// Everything that was left, or cannot be read.
    pub wrong: Vec<String>,
}

/// Numbers that repeat with their seed: xorshift64*, Marsaglia 2003 and Vigna 2016.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % bound
    }
}

/// Ends `count` runs, by INT, TERM and KILL in turn, each at an instant from the seed.
pub fn abort_all(count: usize, seed: u64) -> Outcome {
    let project = Project::new("aborts");
    for case in CASES {
        project.write(&format!("drills/holds-{}.yaml", case.kind), &holding(case));
    }
    let mut numbers = Numbers(seed | 1);
    let mut outcome = Outcome::default();
    for number in 0..count {
        let signal = ["INT", "TERM", "KILL"][number % 3];
        let first = (number * TOGETHER) % CASES.len();
        let kinds =
            CASES.iter().cycle().skip(first).take(TOGETHER).map(|case| format!("holds-{}", case.kind));
        abort(&project, (kinds.collect(), signal), numbers.below(LATEST_MS), &mut outcome);
    }
    outcome
}

fn abort(project: &Project, (drills, signal): (Vec<String>, &str), after_ms: u64, outcome: &mut Outcome) {
    let (begun, jobs) = (Instant::now(), TOGETHER.to_string());
    let before = project.journal().len();
    let mut args = vec!["run", "--jobs", jobs.as_str()];
    args.extend(drills.iter().map(String::as_str));
    let mut run = project.spawn(&args);
    // The journal of the run before is the last one until this run begins its own.
    while begun.elapsed() < BEGINS && (project.journal().len() == before || project.journal().is_empty()) {
        pause();
    }
    let instant = Instant::now();
    while instant.elapsed() < Duration::from_millis(after_ms) {
        pause();
    }
    let faults = project.open_faults();
    send(run.id(), signal);
    run.ended(ENDS);
    let what = format!("{signal} after {after_ms} ms with {faults} faults of {drills:?}");
    outcome.aborted += 1;
    outcome.with_faults += usize::from(faults > 0);
    outcome.faults += faults;
    outcome.wrong.extend(project.gone_within(REAPED).into_iter().map(|trace| format!("{what}: {trace}")));
    match chain(&project.journal()) {
        Ok(records) => outcome.records += records,
        Err(error) => outcome.wrong.push(format!("{what}: journal: {error}")),
    }
}

/// `prove-aborts COUNT SEED`: prints what came of it as JSON.
#[expect(clippy::print_stdout, reason = "it prints its result")]
pub fn prove(args: &[String]) -> ExitCode {
    let number =
        |index: usize, other: u64| args.get(index).and_then(|text| text.parse().ok()).unwrap_or(other);
    let (count, seed) = (number(0, 100), number(1, 20_260_213));
    let begun = Instant::now();
    let outcome = abort_all(usize::try_from(count).unwrap(), seed);
    let report = json!({
        "proof": "aborts", "seed": seed, "aborted": outcome.aborted, "with_faults_at_work": outcome.with_faults,
        "faults_at_work": outcome.faults, "journal_records": outcome.records,
        "residues_or_unreadable": outcome.wrong, "took_s": begun.elapsed().as_secs(),
    });
    println!("{report:#}");
    if outcome.wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
