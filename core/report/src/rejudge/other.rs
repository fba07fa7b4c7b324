//! Old observations under another text.

use std::collections::{BTreeMap, BTreeSet};

use drillyard_engine::judge::Expected;
use drillyard_spec::drill::{Action, Drill, Step};
use drillyard_spec::project::Project;
use drillyard_spec::template::fill_value;
use serde_json::json;

use super::bindings::Recorded;
use super::{Rejudged, RejudgedStep, Snapshots, drill, failures, settle, steps_of, whole};
use crate::history::{History, UnitHistory};
use crate::record::{Outcome, PhaseWord, StepRecord};

const PHASES: [PhaseWord; 4] =
    [PhaseWord::Steady, PhaseWord::Steps, PhaseWord::Finally, PhaseWord::SteadyAfter];

/// Judges the units whose texts are at `path` under what is written there in the new project instead of the old one.
///
/// A step meets its observations by phase and title, or else by position and action. A value that only the run knew,
/// such as a fresh name, makes the expectation inconclusive.
#[must_use]
pub fn under(history: &History, (old, new): (&Project, &Project), path: &str) -> Vec<Rejudged> {
    let units = history.units.iter().filter(|unit| unit.unit.place.file == path);
    let both = |id| (drill(old, id), drill(new, id));
    units.map(|unit| unit_under(unit, both(&unit.unit.id), history)).collect()
}

fn unit_under(
    unit: &UnitHistory,
    (old, new): (Option<&Drill>, Option<&Drill>),
    history: &History,
) -> Rejudged {
    let Some(drill) = new else {
        let mut gone = whole(unit, Vec::new());
        (gone.now, gone.taken) = (Outcome::Inconclusive, Some("the other text has no such unit".to_owned()));
        return gone;
    };
    let mut values = BTreeMap::new();
    values.extend(history.facts.get("seed").map(|seed| ("run.seed".to_owned(), seed.clone())));
    values.extend(unit.lane.as_ref().map(|lane| ("lane.name".to_owned(), json!(lane))));
    let mut judging = Judging {
        unit,
        old,
        names: Recorded { values, at: unit.started_at },
        snapshots: Snapshots::of(unit),
        used: BTreeSet::new(),
        steps: Vec::new(),
    };
    for phase in PHASES {
        for (index, step) in steps_of(drill, phase).iter().enumerate() {
            judging.step(phase, index, step);
        }
    }
    whole(unit, judging.steps)
}

/// Whether the record is of an action of that name: it names it as a member, or with a word.
fn does(record: &StepRecord, action: &str) -> bool {
    record.action.get(action).is_some() || record.action.get("action").is_some_and(|name| name == action)
}

struct Judging<'a> {
    unit: &'a UnitHistory,
    old: Option<&'a Drill>,
    names: Recorded,
    snapshots: Snapshots<'a>,
    used: BTreeSet<usize>,
    steps: Vec<RejudgedStep>,
}

impl<'a> Judging<'a> {
    fn step(&mut self, phase: PhaseWord, index: usize, step: &Step) {
        if let Action::Let(values) = &step.action {
            for (name, value) in values {
                // The moment at which a name was bound is not in the record.
                let moved = value.to_string().contains("${now");
                match fill_value(value, &self.names).ok().filter(|_| !moved) {
                    Some(value) => drop(self.names.values.insert(name.clone(), value)),
                    None => drop(self.names.values.remove(name)),
                }
            }
            return;
        }
        let record = self.record_of(phase, index, step);
        let (now, why) = match record {
            Some(record) => self.judged(record, step),
            None => (Outcome::Inconclusive, vec!["the run has no observation for this step".to_owned()]),
        };
        let recorded = record.map(|record| record.verdict);
        self.steps.push(RejudgedStep { phase, title: step.title.clone(), recorded, now, why });
    }

    /// The step as it was written when the run made the record.
    fn before(&self, record: &StepRecord) -> Option<&'a Step> {
        steps_of(self.old?, record.phase).get(usize::try_from(record.index).ok()?)
    }

    fn record_of(&mut self, phase: PhaseWord, index: usize, step: &Step) -> Option<&'a StepRecord> {
        let free = |at: usize| !self.used.contains(&at) && self.unit.steps[at].phase == phase;
        let of_name = step.action.info().name;
        let by_title =
            (0..self.unit.steps.len()).find(|at| free(*at) && self.unit.steps[*at].title == step.title);
        let at = by_title.or_else(|| {
            (0..self.unit.steps.len()).find(|at| {
                let record = &self.unit.steps[*at];
                free(*at) && record.index == index as u64 && does(record, of_name)
            })
        })?;
        self.used.insert(at);
        self.unit.steps.get(at)
    }

    fn judged(&mut self, record: &StepRecord, step: &Step) -> (Outcome, Vec<String>) {
        let Some(last) = record.observations.last() else {
            return (Outcome::Inconclusive, vec!["nothing was observed".to_owned()]);
        };
        self.names.at = last.at;
        let mut expected = Vec::new();
        for written in &step.expect {
            // An expectation that reads as before was filled in by the run itself.
            let unchanged = self.before(record).is_some_and(|old| {
                old.expect.iter().any(|one| one.field == written.field && one.pattern == written.pattern)
            });
            match record.expected.get(&written.field).filter(|_| unchanged) {
                Some(filled) => {
                    expected.push(Expected { field: &written.field, pattern: filled.clone(), written })
                }
                None => match fill_value(&written.pattern, &self.names) {
                    Ok(pattern) => expected.push(Expected { field: &written.field, pattern, written }),
                    Err(reason) => {
                        return (Outcome::Inconclusive, vec![format!("{}: {reason}", written.field)]);
                    }
                },
            }
        }
        if let Some(document) = &last.answer {
            for save in &step.save {
                if let Some(value) = save.path.get(document) {
                    self.names.values.insert(save.name.clone(), value.clone());
                }
            }
        }
        let answered = record.observations.iter().any(|seen| seen.answer.is_some());
        settle((failures(&expected, last), step.within.is_some(), answered), step, last, &mut self.snapshots)
    }
}
