//! A line of the journal taken apart without reading more of it than verification needs.
//!
//! Canonical JSON puts the members of a record into one order, so all but `event` can be cut off both ends of the line.
//! A line that does not have exactly this form was not written by a journal.

use std::borrow::Cow;

use serde::Deserialize;

use crate::chain::SEAL;
use crate::record::{Outcome, PhaseWord};

/// The members of a record as they stand in its line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    pub(super) at: &'a str,
    pub(super) event: &'a str,
    pub(super) prev: &'a str,
    pub(super) seq: u64,
    pub(super) sha256: &'a str,
    /// Everything before the seal, which the digest is of, but for the closing brace.
    pub(super) open: &'a str,
}

impl<'a> Line<'a> {
    /// Takes a line apart; nothing when it does not have the form of a record.
    pub(super) fn cut(line: &'a str) -> Option<Self> {
        let (open, sha256) = digest(line.strip_suffix("\"}")?, SEAL)?;
        let (rest, seq) = open.rsplit_once(",\"seq\":")?;
        let number = seq.parse::<u64>().ok().filter(|number| number.to_string() == seq)?;
        let (rest, prev) = digest(rest.strip_suffix('"')?, ",\"prev\":\"")?;
        let (at, event) = rest.strip_prefix("{\"at\":\"")?.split_once("\",\"event\":")?;
        Some(Self { at, event, prev, seq: number, sha256, open })
    }
}

/// Splits a text that ends with a digest behind `name`.
fn digest<'a>(text: &'a str, name: &str) -> Option<(&'a str, &'a str)> {
    let cut = text.len().checked_sub(64)?;
    let digest = text.get(cut..)?;
    let lower_hex = digest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let before = text.get(..cut)?.strip_suffix(name)?;
    lower_hex.then_some((before, digest))
}

/// What verification needs of the kinds of event a run has most of.
#[derive(Debug, Deserialize)]
pub(super) struct Glance<'a> {
    pub(super) kind: &'a str,
    #[serde(borrow)]
    pub(super) unit: Option<Cow<'a, str>>,
    pub(super) step: Option<StepGlance>,
}

/// What decides about a unit in a step that has ended.
#[derive(Debug, Deserialize)]
pub(super) struct StepGlance {
    pub(super) phase: PhaseWord,
    pub(super) verdict: Outcome,
}
