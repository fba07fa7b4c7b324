//! One JSON document of the whole run, for other programs.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use jiff::Timestamp;
use serde::ser::{Error as _, SerializeSeq as _};
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{Format, ReportError};
use crate::history::{History, UnitHistory};
use crate::record::{CountsRecord, Outcome, PlaceRecord, SnapshotRecord, UnitWord};

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
    units: Units<'a>,
}

/// The units one after the other, each with its steps read from the journal, so that the report is never in memory.
struct Units<'a> {
    history: &'a History,
    bundle: &'a Path,
}

impl Serialize for Units<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.history.units.iter().map(|history| unit(history, self.bundle)))
    }
}

struct Steps<'a> {
    unit: &'a UnitHistory,
    bundle: &'a Path,
}

impl Serialize for Steps<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.unit.ended_steps))?;
        for step in self.unit.steps_in(self.bundle).map_err(S::Error::custom)? {
            list.serialize_element(&step.map_err(S::Error::custom)?.0)?;
        }
        list.end()
    }
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
    steps: Steps<'a>,
    snapshots: &'a [SnapshotRecord],
}

fn render(history: &History, bundle: &Path, out: &mut dyn Write) -> Result<(), ReportError> {
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
        units: Units { history, bundle },
    };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    Ok(out.write_all(b"\n")?)
}

fn unit<'a>(history: &'a UnitHistory, bundle: &'a Path) -> Unit<'a> {
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
        steps: Steps { unit: history, bundle },
        snapshots: &history.snapshots,
    }
}
