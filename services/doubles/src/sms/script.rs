//! The answers a drill asks for.

use std::time::Duration;

use axum::http::StatusCode;
use serde::Deserialize;

/// Longest scripted delay: enough for every client time-out, short enough to end by itself.
const MAX_DELAY_MS: u64 = 120_000;

/// One scripted answer.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    /// Status instead of 200.
    pub(super) status: Option<StatusCode>,
    /// Wait before answering.
    pub(super) delay: Option<Duration>,
    /// Whether the message goes out although the status says otherwise.
    pub(super) take_effect: bool,
    /// Calls that still get this answer.
    pub(super) times: u32,
}

impl Default for Answer {
    fn default() -> Self {
        Self { status: None, delay: None, take_effect: false, times: 1 }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Script {
    answers: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    status: Option<u16>,
    delay_ms: Option<u64>,
    #[serde(default)]
    take_effect: bool,
    times: Option<u32>,
}

/// Reads `{"answers": [{status, delay_ms, take_effect, times}]}`; every member of an answer is optional, but an
/// answer that asks for nothing is refused.
///
/// # Errors
/// A sentence that names the answer and what is wrong with it.
pub(super) fn parse_script(body: &[u8]) -> Result<Vec<Answer>, String> {
    let script: Script =
        serde_json::from_slice(body).map_err(|error| format!("the script cannot be read: {error}"))?;
    script.answers.iter().enumerate().map(|(index, entry)| answer(index, entry)).collect()
}

fn answer(index: usize, entry: &Entry) -> Result<Answer, String> {
    let wrong = |what: &str| format!("answers[{index}]: {what}");
    if entry.status.is_none() && entry.delay_ms.is_none() {
        return Err(wrong("needs `status` or `delay_ms`"));
    }
    let status = entry
        .status
        .map(|status| {
            StatusCode::from_u16(status)
                .ok()
                .filter(|status| (200..600).contains(&status.as_u16()))
                .ok_or_else(|| wrong("`status` must be 200 to 599"))
        })
        .transpose()?;
    if entry.delay_ms.is_some_and(|delay| delay > MAX_DELAY_MS) {
        return Err(wrong("`delay_ms` must be at most 120000"));
    }
    if entry.times == Some(0) {
        return Err(wrong("`times` must be at least 1"));
    }
    Ok(Answer {
        status,
        delay: entry.delay_ms.map(Duration::from_millis),
        take_effect: entry.take_effect,
        times: entry.times.unwrap_or(1),
    })
}
