//! Bundles as a gate sees them.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::AlertTime;
use crate::chain;
use crate::history::{History, UnitHistory};
use crate::manifest::MANIFEST;
use crate::record::Outcome;
use crate::verify::{Signed, Trust, verify_with};

/// What a sign-off is bound to: a run and the digest of its manifest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Standing {
    /// Folder of the bundle.
    pub dir: String,
    /// The run.
    pub run: String,
    /// SHA-256 of its manifest, lower-case hex.
    pub manifest_sha256: String,
}

/// A bundle that was verified.
#[derive(Debug)]
pub struct Evidence {
    pub(super) dir: PathBuf,
    /// What is wrong with it; then nothing else of it counts.
    pub(super) problems: Vec<String>,
    pub(super) history: History,
    pub(super) standing: Standing,
    pub(super) signed: bool,
}

impl Evidence {
    /// Reads and verifies the bundle at `dir`. What is wrong with it is kept, not raised: it is a reason of the gate.
    #[must_use]
    pub fn read(dir: &Path, trust: &Trust) -> Self {
        let (mut problems, mut signed) = (Vec::new(), false);
        match verify_with(dir, trust) {
            Ok(verified) => {
                signed = matches!(verified.signed, Signed::By { .. });
                if !verified.complete {
                    problems.push("the run was interrupted".to_owned());
                }
            }
            Err(found) => problems.extend(found.iter().map(ToString::to_string)),
        }
        let history = History::read(dir).unwrap_or_default();
        let manifest_sha256 =
            std::fs::read(dir.join(MANIFEST)).map(|bytes| chain::sha256_hex(&bytes)).unwrap_or_default();
        let standing =
            Standing { dir: dir.display().to_string(), run: history.run_id.clone(), manifest_sha256 };
        Self { dir: dir.to_owned(), problems, history, standing, signed }
    }

    /// What a sign-off is bound to.
    #[must_use]
    pub const fn standing(&self) -> &Standing {
        &self.standing
    }

    /// Whether it verified and its run ended.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.problems.is_empty()
    }

    /// Name in a sentence.
    pub(super) fn name(&self) -> String {
        if self.standing.run.is_empty() { self.dir.display().to_string() } else { self.standing.run.clone() }
    }

    pub(super) fn fact(&self, name: &str) -> Option<&Value> {
        self.history.facts.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn commit(&self) -> Option<&str> {
        self.fact("commit").and_then(Value::as_str)
    }

    pub(super) fn backend(&self) -> &str {
        self.fact("backend").and_then(Value::as_str).unwrap_or("unknown")
    }

    pub(super) fn ended(&self) -> Option<Timestamp> {
        self.history.ended_at
    }

    /// The last time the unit ran.
    pub(super) fn unit(&self, id: &str) -> Option<&UnitHistory> {
        self.history.units.iter().rev().find(|unit| unit.unit.id == id)
    }

    /// Every wait for an alert that was met.
    pub(super) fn alert_times(&self) -> Vec<AlertTime> {
        let of_unit = |unit: &UnitHistory| -> Vec<AlertTime> {
            let met = unit
                .steps
                .iter()
                .filter(|step| step.verdict == Outcome::Passed && step.action.get("alerts").is_some());
            let id = &unit.unit.id;
            met.map(|step| AlertTime {
                unit: id.clone(),
                step: step.title.clone(),
                took_ms: step.took_us / 1_000,
            })
            .collect()
        };
        self.history.units.iter().flat_map(of_unit).collect()
    }

    /// Milliseconds of a unit, or of its step of that title.
    pub(super) fn took_ms(&self, id: &str, step: Option<&str>) -> Option<f64> {
        let unit = self.unit(id)?;
        let micros = match step {
            None => unit.end.as_ref()?.took_us,
            Some(title) => unit.steps.iter().find(|step| step.title == title)?.took_us,
        };
        #[expect(clippy::cast_precision_loss, reason = "a time of at most days")]
        let millis = micros as f64 / 1_000.0;
        Some(millis)
    }
}
