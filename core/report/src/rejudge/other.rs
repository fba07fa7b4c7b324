//! Old observations under another text.

use std::collections::{BTreeMap, BTreeSet};

use drillyard_engine::judge::Expected;
use drillyard_spec::drill::{Action, Always, Drill, Each, Step};
use drillyard_spec::project::Project;
use drillyard_spec::template::fill_value;
use serde_json::{Value, json};

use super::bindings::Recorded;
use super::{
    Rejudged, RejudgedStep, Snapshots, drill, failures, judged_step, settle, steps_of, whole, written,
};
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
        deferred: Vec::new(),
        backend: history.facts.get("backend").and_then(Value::as_str).unwrap_or_default(),
        steps: Vec::new(),
    };
    for phase in PHASES {
        if phase == PhaseWord::Finally {
            // What was kept for the end came before `finally`, the last first.
            while let Some(kept) = judging.deferred.pop() {
                kept.iter().for_each(|step| judging.step(phase, None, step));
            }
        }
        for (index, step) in steps_of(drill, phase).iter().enumerate() {
            judging.step(phase, Some(index), step);
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
    /// Steps kept for the end.
    deferred: Vec<Vec<Step>>,
    /// The backend the run was on.
    backend: &'a str,
    steps: Vec<RejudgedStep>,
}

impl<'a> Judging<'a> {
    /// Judges a step, and those inside of it. `index` is its position among the steps of its phase, where it is not
    /// inside of another.
    fn step(&mut self, phase: PhaseWord, index: Option<usize>, step: &Step) {
        if !step.backends.is_empty() && !step.backends.iter().any(|backend| backend == self.backend) {
            return;
        }
        match &step.action {
            Action::Let(values) => self.bind(values),
            Action::Parallel(branches) => {
                branches.iter().flatten().for_each(|inner| self.step(phase, None, inner));
            }
            Action::Each(each) => self.each(phase, each),
            Action::Defer(steps) => self.deferred.push(steps.clone()),
            Action::Always(always) => {
                self.always(phase, step, always);
                always.during.iter().for_each(|inner| self.step(phase, None, inner));
            }
            _ => self.single(phase, index, step),
        }
    }

    fn bind(&mut self, values: &[(String, Value)]) {
        for (name, value) in values {
            // The moment at which a name was bound is not in the record.
            let moved = value.to_string().contains("${now");
            match fill_value(value, &self.names).ok().filter(|_| !moved) {
                Some(value) => drop(self.names.values.insert(name.clone(), value)),
                None => drop(self.names.values.remove(name)),
            }
        }
    }

    /// Every turn of a loop; where its list is not known, as many turns as there are records of.
    fn each(&mut self, phase: PhaseWord, each: &Each) {
        let elements = match fill_value(&each.of, &self.names) {
            Ok(Value::Array(elements)) => elements.into_iter().map(Some).collect(),
            _ => {
                let first = each.steps.iter().find(|step| !matches!(step.action, Action::Let(_)));
                let turns = first.map_or(0, |first| self.left(phase, &first.title));
                vec![None; turns.max(1)]
            }
        };
        for element in elements {
            match element {
                Some(element) => drop(self.names.values.insert(each.name.clone(), element)),
                None => drop(self.names.values.remove(&each.name)),
            }
            each.steps.iter().for_each(|inner| self.step(phase, None, inner));
        }
    }

    /// Records of that title which no step has met yet.
    fn left(&self, phase: PhaseWord, title: &str) -> usize {
        let steps = self.unit.steps.iter().enumerate();
        steps.filter(|(at, one)| !self.used.contains(at) && one.phase == phase && one.title == title).count()
    }

    /// An invariant is judged by the look that was recorded, which is the last one.
    fn always(&mut self, phase: PhaseWord, step: &Step, always: &Always) {
        let record = self.record_of(phase, None, step);
        let looked = record.and_then(|record| record.action.get("step")?.as_u64());
        let held = looked.and_then(|at| always.holds.get(usize::try_from(at).ok()?)).or(always.holds.last());
        let verdict = match (record, held) {
            (Some(record), Some(held)) => self.judged(record, held),
            _ => (Outcome::Inconclusive, vec!["the run has no observation for this step".to_owned()]),
        };
        self.keep(phase, step, record, verdict);
    }

    fn single(&mut self, phase: PhaseWord, index: Option<usize>, step: &Step) {
        let record = self.record_of(phase, index, step);
        let verdict = match record {
            Some(record) => self.judged(record, step),
            None => (Outcome::Inconclusive, vec!["the run has no observation for this step".to_owned()]),
        };
        self.keep(phase, step, record, verdict);
    }

    fn keep(
        &mut self,
        phase: PhaseWord,
        step: &Step,
        record: Option<&StepRecord>,
        (now, why): (Outcome, Vec<String>),
    ) {
        let recorded = record.map(|record| record.verdict);
        self.steps.push(RejudgedStep { phase, title: step.title.clone(), recorded, now, why });
    }

    /// The step as it was written when the run made the record.
    fn before(&self, record: &StepRecord) -> Option<&'a Step> {
        let step = written(self.old?, record)?;
        Some(judged_step(step, record))
    }

    fn record_of(&mut self, phase: PhaseWord, index: Option<usize>, step: &Step) -> Option<&'a StepRecord> {
        let free = |at: usize| !self.used.contains(&at) && self.unit.steps[at].phase == phase;
        let of_name = step.action.info().name;
        let by_title =
            (0..self.unit.steps.len()).find(|at| free(*at) && self.unit.steps[*at].title == step.title);
        let at = by_title.or_else(|| {
            (0..self.unit.steps.len()).find(|at| {
                let record = &self.unit.steps[*at];
                free(*at) && index.is_some_and(|index| record.index == index as u64) && does(record, of_name)
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
