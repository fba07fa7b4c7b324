//! Events into entries: the one place that knows both the engine's types and the format's.

use std::time::Duration;

use drillyard_engine::event::{Counts, Event, Observation, SnapshotResult, StepReport, Unit};
use drillyard_engine::verdict::Failure;
use drillyard_spec::source::Place;
use serde_json::Value;

use super::{
    CountsRecord, Entry, FailureRecord, ObservationRecord, Outcome, PlaceRecord, SnapshotRecord, StepRecord,
    UnitRecord,
};
use crate::chain::sha256_hex;

/// The largest whole number every reader of JSON keeps exactly, 2^53 - 1 (RFC 7493).
const LARGEST_EXACT: u64 = (1 << 53) - 1;

/// How deep a document of a record may be nested. Readers stop at 128 levels, and a record has a few of its own.
const DEEPEST: usize = 100;

impl From<&Event> for Entry {
    fn from(event: &Event) -> Self {
        match event {
            Event::RunStarted { run_id, facts, units } => Self::RunStarted {
                format: super::FORMAT.to_owned(),
                run_id: run_id.clone(),
                facts: facts.iter().map(|(name, fact)| (name.clone(), exact(fact))).collect(),
                units: *units as u64,
            },
            Event::Service { service, lane, state, pid, detail, took } => Self::Service {
                service: service.clone(),
                lane: lane.clone(),
                state: (*state).into(),
                pid: *pid,
                detail: detail.clone(),
                took_us: micros(*took),
            },
            Event::StackReady { took } => Self::StackReady { took_us: micros(*took) },
            Event::LaneReady { unit, lane, took } => {
                Self::LaneReady { unit: unit.clone(), lane: lane.clone(), took_us: micros(*took) }
            }
            Event::UnitStarted(unit) => Self::UnitStarted(unit.into()),
            Event::StepStarted { unit, phase, index, title } => Self::StepStarted {
                unit: unit.clone(),
                phase: (*phase).into(),
                index: *index as u64,
                title: title.clone(),
            },
            Event::StepFinished { unit, step } => {
                Self::StepFinished { unit: unit.clone(), step: Box::new(step.as_ref().into()) }
            }
            Event::Snapshot { unit, file, text, result } => {
                Self::Snapshot(snapshot(unit, file, text, result))
            }
            Event::UnitFinished { unit, verdict, reason, took, kept } => Self::UnitFinished {
                unit: unit.clone(),
                verdict: (*verdict).into(),
                reason: reason.clone(),
                took_us: micros(*took),
                kept: kept.clone(),
            },
            Event::StackStopped { residue } => Self::StackStopped { residue: residue.clone() },
            Event::RunFinished { counts, exit_code, summary, took } => Self::RunFinished {
                counts: (*counts).into(),
                exit_code: *exit_code,
                summary: summary.clone(),
                took_us: micros(*took),
            },
        }
    }
}

impl From<&Place> for PlaceRecord {
    fn from(place: &Place) -> Self {
        Self { file: place.file.to_string(), line: place.line as u64, column: place.column as u64 }
    }
}

impl From<&Unit> for UnitRecord {
    fn from(unit: &Unit) -> Self {
        Self {
            id: unit.id.clone(),
            door: unit.kind.into(),
            title: unit.title.clone(),
            place: (&unit.place).into(),
            tags: unit.tags.clone(),
            text_sha256: unit.text_sha256.clone(),
            rerun: unit.rerun.clone(),
        }
    }
}

impl From<&StepReport> for StepRecord {
    fn from(step: &StepReport) -> Self {
        Self {
            index: step.index as u64,
            phase: step.phase.into(),
            title: step.title.clone(),
            place: (&step.place).into(),
            covers: step.covers.clone(),
            action: exact(&step.action),
            expected: step.expected.iter().map(|(field, pattern)| (field.clone(), exact(pattern))).collect(),
            observations: step.observations.iter().map(Into::into).collect(),
            attempts: step.attempts,
            verdict: Outcome::from(step.verdict),
            failures: step.failures.iter().map(Into::into).collect(),
            log_window: step.log_window.clone(),
            took_us: micros(step.took),
        }
    }
}

impl From<&Observation> for ObservationRecord {
    fn from(observation: &Observation) -> Self {
        Self {
            attempt: observation.attempt,
            at: observation.at,
            took_us: micros(observation.took),
            answer: observation.answer.as_ref().ok().map(exact),
            no_answer: observation.answer.as_ref().err().cloned(),
        }
    }
}

impl From<&Failure> for FailureRecord {
    fn from(failure: &Failure) -> Self {
        Self {
            path: failure.path.clone(),
            expected: failure.expected.clone(),
            actual: failure.actual.clone(),
            place: (&failure.place).into(),
            line: failure.line.clone(),
        }
    }
}

impl From<Counts> for CountsRecord {
    fn from(counts: Counts) -> Self {
        Self {
            passed: counts.passed as u64,
            failed: counts.failed as u64,
            inconclusive: counts.inconclusive as u64,
            aborted: counts.aborted as u64,
            snapshot: counts.snapshot as u64,
        }
    }
}

fn snapshot(unit: &str, file: &str, text: &str, result: &SnapshotResult) -> SnapshotRecord {
    let diff = match result {
        SnapshotResult::Different(diff) => Some(diff.clone()),
        SnapshotResult::Matched | SnapshotResult::New => None,
    };
    SnapshotRecord {
        unit: unit.to_owned(),
        file: file.to_owned(),
        result: result.into(),
        diff,
        attachment: None,
        text_sha256: sha256_hex(text.as_bytes()),
    }
}

fn micros(took: Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(LARGEST_EXACT).min(LARGEST_EXACT)
}

/// The same value as every reader of JSON will see it: whole numbers that a double cannot hold, and what is nested
/// deeper than a reader follows, become text.
fn exact(value: &Value) -> Value {
    exact_below(value, 0)
}

fn exact_below(value: &Value, depth: usize) -> Value {
    match value {
        Value::Number(number) => {
            let magnitude = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs));
            match magnitude {
                Some(magnitude) if magnitude > LARGEST_EXACT => Value::String(number.to_string()),
                _ => value.clone(),
            }
        }
        Value::Array(_) | Value::Object(_) if depth == DEEPEST => Value::String(value.to_string()),
        Value::Array(items) => Value::Array(items.iter().map(|item| exact_below(item, depth + 1)).collect()),
        Value::Object(members) => Value::Object(
            members.iter().map(|(name, member)| (name.clone(), exact_below(member, depth + 1))).collect(),
        ),
        Value::Null | Value::Bool(_) | Value::String(_) => value.clone(),
    }
}
