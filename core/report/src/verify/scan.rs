//! One pass over the journal: the chain, and what the records say together.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use super::problem::{Problem, RecordFault};
use crate::bundle::TEXTS;
use crate::chain;
use crate::history::Summary;
use crate::journal;
use crate::manifest::JOURNAL;
use crate::record::{self, CountsRecord, Entry, Outcome, PhaseWord, Record};

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
        let line =
            str::from_utf8(line).map_err(|error| (None, RecordFault::NotARecord(error.to_string())))?;
        let parsed = serde_json::from_str::<Record>(line);
        let seq = parsed.as_ref().ok().map(|record| record.seq);
        let body = chain::unseal(line).filter(|(body, digest)| chain::sha256_hex(body.as_bytes()) == *digest);
        // The digest first: it says more of a damaged line than where a parser gives up.
        if body.is_none() && parsed.is_ok() {
            return Err((seq, RecordFault::Altered));
        }
        let record = parsed.map_err(|error| (None, RecordFault::NotARecord(error.to_string())))?;
        if journal::canonical(line).ok().as_deref() != Some(line) {
            return Err((seq, RecordFault::NotCanonical));
        }
        let expected = self.records + 1;
        if record.seq != expected {
            return Err((seq, RecordFault::OutOfOrder { expected }));
        }
        if record.prev != self.head {
            return Err((seq, RecordFault::NotChained));
        }
        self.in_place(&record.event).map_err(|detail| (seq, RecordFault::OutOfPlace(detail)))?;
        self.take(&record);
        self.records += 1;
        self.head = record.sha256;
        Ok(())
    }

    fn in_place(&self, entry: &Entry) -> Result<(), String> {
        match entry {
            Entry::RunStarted { format, .. } if format != record::FORMAT => {
                Err(format!("the format `{format}` is not `{}`", record::FORMAT))
            }
            Entry::RunStarted { .. } if self.started => Err("a run begins once".to_owned()),
            // The stack is raised first: what it is made of belongs to the facts the run begins with.
            Entry::RunStarted { .. } | Entry::Service { .. } | Entry::StackReady { .. } if !self.started => {
                Ok(())
            }
            _ if !self.started => Err("the run had not begun".to_owned()),
            _ if self.summary.exit_code.is_some() => Err("the run had ended before".to_owned()),
            Entry::UnitFinished { unit, .. } if !self.open.contains_key(unit) => {
                Err(format!("the unit `{unit}` had not begun"))
            }
            _ => Ok(()),
        }
    }

    fn take(&mut self, record: &Record) {
        self.summary.take(record.at, &record.event);
        match &record.event {
            Entry::RunStarted { .. } => self.started = true,
            Entry::UnitStarted(unit) => {
                self.open.insert(unit.id.clone(), Outcome::Passed);
                self.texts.insert(format!("{TEXTS}/{}", unit.place.file), unit.text_sha256.clone());
            }
            // What the clean-up says does not decide about the service.
            Entry::StepFinished { unit, step } if step.phase != PhaseWord::Finally => {
                if let Some(worst) = self.open.get_mut(unit) {
                    *worst = step.verdict.max(*worst);
                }
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
