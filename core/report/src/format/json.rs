//! One JSON document of the whole run, for other programs.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::{Format, ReportError};
use crate::history::{History, UnitHistory};
use crate::record::{CountsRecord, Outcome, PlaceRecord, SnapshotRecord, StepRecord, UnitWord};

/// Name and version of the document's format.
pub const VERSION: &str = "drillyard.report/1";

/// One document with all units and steps.
pub const FORMAT: Format = Format {
    name: "json",
    about: "one document with every unit, step and observation",
    file: "report.json",
    in_bundle: true,
    render,
};

#[derive(Serialize)]
struct Document<'a> {
    format: &'static str,
    run_id: &'a str,
    facts: &'a BTreeMap<String, Value>,
    started_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    planned: u64,
    counts: Option<CountsRecord>,
    exit_code: Option<u8>,
    summary: Option<&'a str>,
    took_us: Option<u64>,
    residue: &'a [String],
    flaky: Vec<Flaky<'a>>,
    units: Vec<Unit<'a>>,
}

/// A unit that passed in some of its runs only.
#[derive(Serialize)]
struct Flaky<'a> {
    unit: &'a str,
    passed: usize,
    ran: usize,
}

#[derive(Serialize)]
struct Unit<'a> {
    id: &'a str,
    door: UnitWord,
    title: &'a str,
    place: &'a PlaceRecord,
    tags: &'a [String],
    text_sha256: &'a str,
    rerun: &'a str,
    lane: Option<&'a str>,
    started_at: Timestamp,
    /// Nothing when the unit never ended.
    verdict: Option<Outcome>,
    reason: Option<&'a str>,
    took_us: Option<u64>,
    kept: &'a [String],
    steps: &'a [StepRecord],
    snapshots: &'a [SnapshotRecord],
}

fn render(history: &History, _: &Path) -> Result<String, ReportError> {
    let end = history.end.as_ref();
    let document = Document {
        format: VERSION,
        run_id: &history.run_id,
        facts: &history.facts,
        started_at: history.started_at,
        ended_at: history.ended_at,
        planned: history.planned,
        counts: end.map(|end| end.counts),
        exit_code: end.map(|end| end.exit_code),
        summary: end.map(|end| end.summary.as_str()),
        took_us: end.map(|end| end.took_us),
        residue: &history.residue,
        flaky: history.flaky().into_iter().map(|(unit, passed, ran)| Flaky { unit, passed, ran }).collect(),
        units: history.units.iter().map(unit).collect(),
    };
    let mut text = serde_json::to_string_pretty(&document)?;
    text.push('\n');
    Ok(text)
}

fn unit(history: &UnitHistory) -> Unit<'_> {
    let (unit, end) = (&history.unit, history.end.as_ref());
    Unit {
        id: &unit.id,
        door: unit.door,
        title: &unit.title,
        place: &unit.place,
        tags: &unit.tags,
        text_sha256: &unit.text_sha256,
        rerun: &unit.rerun,
        lane: history.lane.as_deref(),
        started_at: history.started_at,
        verdict: end.map(|end| end.verdict),
        reason: end.and_then(|end| end.reason.as_deref()),
        took_us: end.map(|end| end.took_us),
        kept: end.map_or(&[], |end| &end.kept),
        steps: &history.steps,
        snapshots: &history.snapshots,
    }
}
