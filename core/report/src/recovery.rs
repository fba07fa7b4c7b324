//! How long recoveries took and what was lost, from the steps that say that a fault was recovered from.

use serde_json::Value;

use crate::history::History;
use crate::record::{Outcome, StepRecord};

/// One recovery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// The unit.
    pub unit: String,
    /// The fault in a few words.
    pub fault: String,
    /// Milliseconds from the fault until all was as before: the recovery time that was reached.
    pub rto_ms: u64,
    /// Milliseconds from the fault until it was undone.
    pub outage_ms: u64,
    /// Acknowledged effects that are not there: the recovery point that was reached; nothing where nobody compared.
    pub lost: Option<u64>,
    /// Whether what was expected of it held.
    pub verdict: Outcome,
}

/// The recoveries of a run, in the order in which they ended within each unit.
#[must_use]
pub fn recoveries(history: &History) -> Vec<Recovery> {
    history.units.iter().flat_map(|unit| unit.recoveries.iter().cloned()).collect()
}

/// The recovery that a step is the end of.
#[must_use]
pub fn recovery(unit: &str, step: &StepRecord) -> Option<Recovery> {
    let answer = step.observations.last()?.answer.as_ref()?;
    step.action.get("fault").and_then(Value::as_str)?.strip_prefix("recovered from")?;
    Some(Recovery {
        unit: unit.to_owned(),
        fault: answer["fault"].as_str()?.to_owned(),
        rto_ms: answer["rto_ms"].as_u64()?,
        outage_ms: answer["outage_ms"].as_u64()?,
        lost: answer["lost"].as_u64(),
        verdict: step.verdict,
    })
}

impl Recovery {
    /// What was lost, as a word.
    #[must_use]
    pub fn lost(&self) -> String {
        self.lost.map_or_else(|| "not compared".to_owned(), |lost| lost.to_string())
    }

    /// One line for people.
    #[must_use]
    pub fn line(&self) -> String {
        let Self { unit, fault, rto_ms, outage_ms, .. } = self;
        let lost = self.lost();
        format!(
            "{unit}: {fault}: recovered after {rto_ms} ms ({outage_ms} ms of outage), acknowledged effects lost: {lost}"
        )
    }
}
