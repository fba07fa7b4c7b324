//! One pass over the journal: the chain, and what the records say together.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use super::line::{Glance, Line};
use super::problem::{Problem, RecordFault};
use crate::bundle::TEXTS;
use crate::chain;
use crate::history::Summary;
use crate::manifest::JOURNAL;
use crate::record::{self, CountsRecord, Entry, Outcome, PhaseWord};

/// What a journal says, as far as its chain holds.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// Whole records.
    pub(super) records: u64,
    /// Digest of the last.
    pub(super) head: String,
    /// Whether the run has begun.
    started: bool,
    /// Whether there is a bad record; nothing after it was read.
    pub(super) broken: bool,
    /// What the manifest has to repeat.
    pub(super) summary: Summary,
    /// Figures counted from the units.
    pub(super) counted: CountsRecord,
    /// Units whose verdict is better than their worst step allows: unit, verdict, worst step.
    pub(super) flattered: Vec<(String, Outcome, Outcome)>,
    /// Units that began and never ended.
    pub(super) open: BTreeMap<String, Outcome>,
    /// Whether something was left behind.
    pub(super) residue: bool,
    /// Texts of units: path in the bundle and digest.
    pub(super) texts: BTreeMap<String, String>,
    /// Snapshot texts: path and digest.
    pub(super) snapshots: BTreeMap<String, String>,
}

/// Reads the journal up to its first bad record, which becomes a problem.
pub(super) fn scan(path: &Path, problems: &mut Vec<Problem>) -> Option<Scan> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            problems.push(Problem::Missing { file: JOURNAL.to_owned() });
            return None;
        }
        Err(error) => {
            problems.push(Problem::unreadable(JOURNAL, &error));
            return None;
        }
    };
    let mut scan = Scan { head: chain::GENESIS.to_owned(), ..Scan::default() };
    let mut lines = BufReader::new(file);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        match lines.read_until(b'\n', &mut bytes) {
            Ok(0) => return Some(scan),
            Ok(_) => {}
            Err(error) => {
                problems.push(Problem::unreadable(JOURNAL, &error));
                scan.broken = true;
                return Some(scan);
            }
        }
        if let Err((seq, fault)) = scan.line(&bytes) {
            problems.push(Problem::Record { line: scan.records + 1, seq, fault });
            scan.broken = true;
            return Some(scan);
        }
    }
}

impl Scan {
    fn line(&mut self, bytes: &[u8]) -> Result<(), (Option<u64>, RecordFault)> {
        let Some((b'\n', line)) = bytes.split_last() else { return Err((None, RecordFault::Unfinished)) };
        let line = str::from_utf8(line).map_err(|error| (None, not_a_record(&error)))?;
        let line = Line::cut(line)
            .ok_or_else(|| (None, not_a_record(&"it does not have the form of a journal's line")))?;
        self.record(&line).map_err(|fault| (Some(line.seq), fault))?;
        self.records += 1;
        line.sha256.clone_into(&mut self.head);
        Ok(())
    }

    fn record(&mut self, line: &Line<'_>) -> Result<(), RecordFault> {
        if !chain::holds(line.open, line.sha256) {
            return Err(RecordFault::Altered);
        }
        let expected = self.records + 1;
        if line.seq != expected {
            return Err(RecordFault::OutOfOrder { expected });
        }
        if line.prev != self.head {
            return Err(RecordFault::NotChained);
        }
        let at = line.at.parse().map_err(|error: jiff::Error| not_a_record(&error))?;
        self.event(line.event)?;
        self.summary.saw(at);
        Ok(())
    }

    /// A run consists mostly of steps, and of those only the outcome counts here.
    fn event(&mut self, text: &str) -> Result<(), RecordFault> {
        let glance: Glance<'_> = serde_json::from_str(text).map_err(|error| not_a_record(&error))?;
        match (glance.kind, glance.unit, glance.step) {
            // The stack is raised first: what it is made of belongs to the facts the run begins with.
            ("service" | "stack-ready", _, _) if !self.started => Ok(()),
            ("service" | "stack-ready" | "lane-ready" | "step-started", _, _) => self.running(),
            ("step-finished", Some(unit), Some(step)) => {
                self.running()?;
                // What the clean-up says does not decide about the service.
                if let Some(worst) = self.open.get_mut(&*unit).filter(|_| step.phase != PhaseWord::Finally) {
                    *worst = step.verdict.max(*worst);
                }
                Ok(())
            }
            _ => {
                let entry: Entry = serde_json::from_str(text).map_err(|error| not_a_record(&error))?;
                self.in_place(&entry)?;
                self.take(&entry);
                Ok(())
            }
        }
    }

    fn running(&self) -> Result<(), RecordFault> {
        match (self.started, self.summary.exit_code) {
            (true, None) => Ok(()),
            (false, _) => Err(RecordFault::OutOfPlace("the run had not begun".to_owned())),
            (true, Some(_)) => Err(RecordFault::OutOfPlace("the run had ended before".to_owned())),
        }
    }

    fn in_place(&self, entry: &Entry) -> Result<(), RecordFault> {
        let wrong = |detail: String| Err(RecordFault::OutOfPlace(detail));
        match entry {
            Entry::RunStarted { format, .. } if format != record::FORMAT => {
                wrong(format!("the format `{format}` is not `{}`", record::FORMAT))
            }
            Entry::RunStarted { .. } if self.started => wrong("a run begins once".to_owned()),
            Entry::RunStarted { .. } => Ok(()),
            Entry::UnitFinished { unit, .. } if !self.open.contains_key(unit) => {
                wrong(format!("the unit `{unit}` had not begun"))
            }
            _ => self.running(),
        }
    }

    fn take(&mut self, entry: &Entry) {
        self.summary.take(entry);
        match entry {
            Entry::RunStarted { .. } => self.started = true,
            Entry::UnitStarted(unit) => {
                self.open.insert(unit.id.clone(), Outcome::Passed);
                self.texts.insert(format!("{TEXTS}/{}", unit.place.file), unit.text_sha256.clone());
            }
            Entry::Snapshot(snapshot) => {
                if let Some(path) = &snapshot.attachment {
                    self.snapshots.insert(path.clone(), snapshot.text_sha256.clone());
                }
            }
            Entry::UnitFinished { unit, verdict, .. } => {
                self.counted.add(*verdict);
                let worst = self.open.remove(unit).unwrap_or(Outcome::Passed);
                if *verdict < worst {
                    self.flattered.push((unit.clone(), *verdict, worst));
                }
            }
            Entry::StackStopped { residue } => self.residue |= !residue.is_empty(),
            _ => {}
        }
    }
}

fn not_a_record(why: &dyn Display) -> RecordFault {
    RecordFault::NotARecord(why.to_string())
}
