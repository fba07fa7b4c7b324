//! A finished run as one value, gathered from its records. Reports are functions of it.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use serde_json::Value;

use crate::journal::{JournalError, JournalReader};
use crate::manifest::{JOURNAL, UnitVerdict};
use crate::record::{
    CountsRecord, Entry, Outcome, Record, ServiceWord, SnapshotRecord, StepRecord, UnitRecord,
};
use crate::recovery::{self, Recovery};

/// Everything a run said, by unit.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    /// Unique, sortable name of the run.
    pub run_id: String,
    /// What the evidence is bound to.
    pub facts: BTreeMap<String, Value>,
    /// How many units were to run.
    pub planned: u64,
    /// Moment of the first record.
    pub started_at: Option<Timestamp>,
    /// Moment of the last record.
    pub ended_at: Option<Timestamp>,
    /// What services said of themselves, in order.
    pub services: Vec<ServiceMoment>,
    /// Units in the order in which they began.
    pub units: Vec<UnitHistory>,
    /// What could not be removed.
    pub residue: Vec<String>,
    /// The end; nothing when the run never said that it ended.
    pub end: Option<End>,
}

/// A service that changed state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceMoment {
    /// When.
    pub at: Timestamp,
    /// Name in the topology.
    pub service: String,
    /// Lane, or nothing for a shared service.
    pub lane: Option<String>,
    /// What it did.
    pub state: ServiceWord,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// Figures.
    pub counts: CountsRecord,
    /// Exit code.
    pub exit_code: u8,
    /// One sentence.
    pub summary: String,
    /// Microseconds in all.
    pub took_us: u64,
}

/// A unit with everything it did.
#[derive(Debug, Clone, PartialEq)]
pub struct UnitHistory {
    /// The unit.
    pub unit: UnitRecord,
    /// When it began.
    pub started_at: Timestamp,
    /// Name of its lane.
    pub lane: Option<String>,
    /// Steps that ended; in an outline those that did not pass.
    pub steps: Vec<StepRecord>,
    /// When each of these steps ended.
    pub step_ends: Vec<Timestamp>,
    /// Steps that ended, also those an outline leaves out.
    pub ended_steps: usize,
    /// Expectations that were judged.
    pub judged: usize,
    /// Worst outcome of the steps that cover a runbook step, by runbook step.
    pub covered: BTreeMap<String, Outcome>,
    /// What was recovered from.
    pub recoveries: Vec<Recovery>,
    /// Where the journal speaks of it first, in bytes.
    pub begins: u64,
    /// Snapshots that were compared.
    pub snapshots: Vec<SnapshotRecord>,
    /// The end; nothing when the unit never ended.
    pub end: Option<UnitEnd>,
}

/// How a unit ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitEnd {
    /// Outcome.
    pub verdict: Outcome,
    /// Why, when there is more to say than the steps show.
    pub reason: Option<String>,
    /// Microseconds including the lane.
    pub took_us: u64,
    /// Connection strings of a lane that was kept.
    pub kept: Vec<String>,
}

impl UnitHistory {
    /// A unit that has done nothing yet.
    #[must_use]
    pub fn begun(unit: UnitRecord, started_at: Timestamp, lane: Option<String>) -> Self {
        Self {
            unit,
            started_at,
            lane,
            steps: Vec::new(),
            step_ends: Vec::new(),
            ended_steps: 0,
            judged: 0,
            covered: BTreeMap::new(),
            recoveries: Vec::new(),
            begins: 0,
            snapshots: Vec::new(),
            end: None,
        }
    }

    fn take(&mut self, step: StepRecord, at: Timestamp, keep: Keep) {
        self.ended_steps += 1;
        self.judged += step.expected.len();
        if let Some(covers) = &step.covers {
            let worst = self.covered.entry(covers.clone()).or_insert(step.verdict);
            *worst = (*worst).max(step.verdict);
        }
        self.recoveries.extend(recovery::recovery(&self.unit.id, &step));
        if keep == Keep::All || step.verdict != Outcome::Passed {
            self.steps.push(step);
            self.step_ends.push(at);
        }
    }

    /// Every step of the unit as the journal has it, one after the other, with the moment it ended.
    ///
    /// # Errors
    ///
    /// The journal cannot be opened; further on, a line that is not a record.
    pub fn steps_in<'a>(
        &'a self,
        bundle: &Path,
    ) -> Result<impl Iterator<Item = Result<(StepRecord, Timestamp), JournalError>> + 'a, JournalError> {
        let mut records = JournalReader::open_at(&bundle.join(JOURNAL), self.begins)?;
        let mut over = false;
        let mine = format!("\"unit\":{}}}", Value::String(self.unit.id.clone()));
        Ok(std::iter::from_fn(move || {
            while !over {
                match records.next_but_steps_of_others(mine.as_bytes())? {
                    Ok(Record { at, event: Entry::StepFinished { unit, step }, .. })
                        if unit == self.unit.id =>
                    {
                        return Some(Ok((*step, at)));
                    }
                    Ok(Record { event: Entry::UnitFinished { unit, .. }, .. }) => over = unit == self.unit.id,
                    Ok(_) => {}
                    Err(error) => return Some(Err(error)),
                }
            }
            None
        }))
    }
}

/// Which steps are kept in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keep {
    All,
    NotPassed,
}

impl History {
    /// Reads the journal of a bundle, also of one whose run was interrupted.
    ///
    /// # Errors
    ///
    /// The journal cannot be read, or a whole line of it is not a record.
    pub fn read(bundle: &Path) -> Result<Self, JournalError> {
        Self::gather(bundle, Keep::All)
    }

    /// Units that passed in some of their runs only, each with how often it passed and ran.
    #[must_use]
    pub fn flaky(&self) -> Vec<(&str, usize, usize)> {
        let mut ran: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for unit in &self.units {
            let (passed, all) = ran.entry(&unit.unit.id).or_default();
            *passed += usize::from(unit.end.as_ref().is_some_and(|end| end.verdict == Outcome::Passed));
            *all += 1;
        }
        let flaky = ran.into_iter().filter(|(_, (passed, all))| *passed > 0 && passed < all);
        flaky.map(|(unit, (passed, all))| (unit, passed, all)).collect()
    }

    /// The same without the steps that passed, so that its size does not grow with the run;
    /// [`UnitHistory::steps_in`] gives them one by one.
    ///
    /// # Errors
    ///
    /// As [`History::read`].
    pub fn outline(bundle: &Path) -> Result<Self, JournalError> {
        Self::gather(bundle, Keep::NotPassed)
    }

    fn gather(bundle: &Path, keep: Keep) -> Result<Self, JournalError> {
        let mut history = Self::default();
        let mut lanes = BTreeMap::new();
        let mut records = JournalReader::open(&bundle.join(JOURNAL))?;
        loop {
            let begins = records.offset();
            let Some(record) = records.next() else { return Ok(history) };
            history.take((record?, begins), keep, &mut lanes);
        }
    }

    fn take(&mut self, (record, begins): (Record, u64), keep: Keep, lanes: &mut BTreeMap<String, String>) {
        let at = record.at;
        self.started_at.get_or_insert(at);
        self.ended_at = Some(at);
        match record.event {
            Entry::RunStarted { run_id, facts, units, .. } => {
                (self.run_id, self.facts, self.planned) = (run_id, facts, units);
            }
            // A lane is raised before or after its unit says that it begins.
            Entry::LaneReady { unit, lane, .. } => match self.open_unit(&unit) {
                Some(open) => open.lane = Some(lane),
                None => drop(lanes.insert(unit, lane)),
            },
            Entry::UnitStarted(unit) => {
                let lane = lanes.remove(&unit.id);
                self.units.push(UnitHistory { begins, ..UnitHistory::begun(unit, at, lane) });
            }
            Entry::StepFinished { unit, step } => {
                if let Some(open) = self.open_unit(&unit) {
                    open.take(*step, at, keep);
                }
            }
            Entry::Snapshot(snapshot) => {
                if let Some(open) = self.open_unit(&snapshot.unit) {
                    open.snapshots.push(snapshot);
                }
            }
            Entry::UnitFinished { unit, verdict, reason, took_us, kept } => {
                if let Some(open) = self.open_unit(&unit) {
                    open.end = Some(UnitEnd { verdict, reason, took_us, kept });
                }
            }
            Entry::StackStopped { residue } => self.residue.extend(residue),
            Entry::RunFinished { counts, exit_code, summary, took_us } => {
                self.end = Some(End { counts, exit_code, summary, took_us });
            }
            Entry::Service { service, lane, state, .. } => {
                self.services.push(ServiceMoment { at, service, lane, state });
            }
            Entry::StackReady { .. } | Entry::StepStarted { .. } => {}
        }
    }

    /// The unit of that name that has not ended; a run may repeat a unit.
    fn open_unit(&mut self, id: &str) -> Option<&mut UnitHistory> {
        self.units.iter_mut().rev().find(|unit| unit.unit.id == id && unit.end.is_none())
    }
}

/// What a manifest says about a run beyond its files, gathered in passing without keeping the records.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Summary {
    pub(crate) run_id: String,
    pub(crate) facts: BTreeMap<String, Value>,
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) ended_at: Option<Timestamp>,
    pub(crate) counts: Option<CountsRecord>,
    pub(crate) exit_code: Option<u8>,
    pub(crate) units: Vec<UnitVerdict>,
}

impl Summary {
    /// Takes note of the moment of one more record.
    pub(crate) fn saw(&mut self, at: Timestamp) {
        self.started_at.get_or_insert(at);
        self.ended_at = Some(at);
    }

    /// Takes note of what one more record says.
    pub(crate) fn take(&mut self, entry: &Entry) {
        match entry {
            Entry::RunStarted { run_id, facts, .. } => {
                self.run_id.clone_from(run_id);
                self.facts.clone_from(facts);
            }
            Entry::UnitFinished { unit, verdict, .. } => {
                self.units.push(UnitVerdict { unit: unit.clone(), verdict: *verdict });
            }
            Entry::RunFinished { counts, exit_code, .. } => {
                (self.counts, self.exit_code) = (Some(*counts), Some(*exit_code));
            }
            Entry::Service { .. }
            | Entry::StackReady { .. }
            | Entry::LaneReady { .. }
            | Entry::UnitStarted(_)
            | Entry::StepStarted { .. }
            | Entry::StepFinished { .. }
            | Entry::Snapshot(_)
            | Entry::StackStopped { .. } => {}
        }
    }
}
