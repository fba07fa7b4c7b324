//! Old observations under another text.

use std::collections::{BTreeMap, BTreeSet};

use drillyard_engine::judge::Expected;
use drillyard_spec::drill::{Action, Drill, Step};
use drillyard_spec::project::Project;
use drillyard_spec::template::fill_value;
use serde_json::{Value, json};

use super::bindings::Recorded;
use super::{Rejudged, RejudgedStep, Snapshots, drill, failures, settle, steps_of, whole};
use crate::history::{History, UnitHistory};
use crate::record::{Outcome, PhaseWord, StepRecord};

const PHASES: [PhaseWord; 4] = [PhaseWord::Steady, PhaseWord::Steps, PhaseWord::Finally, PhaseWord::SteadyAfter];

/// Judges the units whose texts are at `path` of `project` under what is written there now.
///
/// A step meets its observations by phase and title, or else by position and action. A value that only the run knew,
/// such as a fresh name, makes the expectation inconclusive.
#[must_use]
pub fn under(history: &History, project: &Project, path: &str) -> Vec<Rejudged> {
    let units = history.units.iter().filter(|unit| unit.unit.place.file == path);
    units.map(|unit| unit_under(unit, drill(project, &unit.unit.id), history)).collect()
}

fn unit_under(unit: &UnitHistory, drill: Option<&Drill>, history: &History) -> Rejudged {
    let Some(drill) = drill else {
        let mut gone = whole(unit, Vec::new());
        (gone.now, gone.taken) = (Outcome::Inconclusive, Some("the other text has no such unit".to_owned()));
        return gone;
    };
    let mut values = BTreeMap::new();
    values.extend(history.facts.get("seed").map(|seed| ("run.seed".to_owned(), seed.clone())));
    values.extend(unit.lane.as_ref().map(|lane| ("lane.name".to_owned(), json!(lane))));
    let mut judging = Judging {
        unit,
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

struct Judging<'a> {
    unit: &'a UnitHistory,
    names: Recorded,
    snapshots: Snapshots<'a>,
    used: BTreeSet<usize>,
    steps: Vec<RejudgedStep>,
}

impl<'a> Judging<'a> {
    fn step(&mut self, phase: PhaseWord, index: usize, step: &Step) {
        if let Action::Let(values) = &step.action {
            for (name, value) in values {
                if let Ok(value) = fill_value(value, &self.names) {
                    self.names.values.insert(name.clone(), value);
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

    fn record_of(&mut self, phase: PhaseWord, index: usize, step: &Step) -> Option<&'a StepRecord> {
        let free = |at: usize| !self.used.contains(&at) && self.unit.steps[at].phase == phase;
        let of_name = step.action.info().name;
        let by_title = (0..self.unit.steps.len()).find(|at| free(*at) && self.unit.steps[*at].title == step.title);
        let at = by_title.or_else(|| {
            (0..self.unit.steps.len()).find(|at| {
                let record = &self.unit.steps[*at];
                free(*at) && record.index == index as u64 && record.action.get("action").is_some_and(|name| name == of_name)
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
            match fill_value(&written.pattern, &self.names) {
                Ok(pattern) => expected.push(Expected { field: &written.field, pattern, written }),
                // What the expectation was filled in with is in the record, as long as it reads the same.
                Err(reason) => match record.expected.get(&written.field).filter(|old| same_shape(&written.pattern, old)) {
                    Some(old) => expected.push(Expected { field: &written.field, pattern: old.clone(), written }),
                    None => return (Outcome::Inconclusive, vec![format!("{}: {reason}", written.field)]),
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

/// Whether a filled pattern can have come from a written one: equal but for texts with holes.
fn same_shape(written: &Value, filled: &Value) -> bool {
    match (written, filled) {
        (Value::String(text), _) if text.contains("${") => true,
        (Value::Object(written), Value::Object(filled)) => {
            written.len() == filled.len()
                && written.iter().all(|(name, value)| filled.get(name).is_some_and(|other| same_shape(value, other)))
        }
        (Value::Array(written), Value::Array(filled)) => {
            written.len() == filled.len() && written.iter().zip(filled).all(|(a, b)| same_shape(a, b))
        }
        (written, filled) => written == filled,
    }
}
