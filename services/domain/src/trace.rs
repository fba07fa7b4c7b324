//! Trace context: reading `traceparent`, `tracestate` and the older `x-trace-id`.

use std::fmt;
use std::str::FromStr;

/// A valid `traceparent`, normalised to lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceParent {
    version: String,
    /// 32 hex digits, not all zero.
    pub trace_id: String,
    /// 16 hex digits, not all zero.
    pub parent_id: String,
    flags: String,
}

/// A text that is no `traceparent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a traceparent: expected 2, 32, 16 and 2 hex digits joined by dashes, neither id all zero")]
pub struct InvalidTraceParent;

impl TraceParent {
    /// A sampled context from random ids; none if one of them is zero.
    pub fn from_ids(trace_id: u128, parent_id: u64) -> Option<Self> {
        format!("00-{trace_id:032x}-{parent_id:016x}-01").parse().ok()
    }
}

impl FromStr for TraceParent {
    type Err = InvalidTraceParent;

    /// Reads `version-trace id-parent id-flags`, any case; a further `-suffix` is ignored.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim().to_ascii_lowercase();
        let mut parts = text.splitn(5, '-');
        let mut hex = |digits: usize| {
            parts
                .next()
                .filter(|part| part.len() == digits && part.bytes().all(|byte| byte.is_ascii_hexdigit()))
                .map(str::to_owned)
                .ok_or(InvalidTraceParent)
        };
        let (version, trace_id, parent_id, flags) = (hex(2)?, hex(32)?, hex(16)?, hex(2)?);
        let all_zero = |digits: &str| digits.bytes().all(|byte| byte == b'0');
        if all_zero(&trace_id) || all_zero(&parent_id) {
            return Err(InvalidTraceParent);
        }
        Ok(Self { version, trace_id, parent_id, flags })
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}-{}", self.version, self.trace_id, self.parent_id, self.flags)
    }
}

/// Where a trace id came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TraceSource {
    /// A valid `traceparent`.
    TraceParent,
    /// Only `x-trace-id` was given.
    Legacy,
    /// `traceparent` was invalid, `x-trace-id` stood in.
    LegacyFallback,
    /// Nothing usable.
    Absent,
}

/// The trace context of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// What is stored with audit rows.
    pub trace_id: Option<String>,
    /// Normalised four-part form.
    pub trace_parent: Option<TraceParent>,
    /// Kept only together with a valid `traceparent`.
    pub trace_state: Option<String>,
    /// Which header decided.
    pub source: TraceSource,
}

impl TraceContext {
    /// Decides from the three header values; blank ones count as absent.
    pub fn extract(trace_parent: Option<&str>, trace_state: Option<&str>, trace_id: Option<&str>) -> Self {
        let given =
            |value: Option<&str>| value.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
        let parent = given(trace_parent);
        if let Some(valid) = parent.as_deref().and_then(|text| text.parse::<TraceParent>().ok()) {
            return Self {
                trace_id: Some(valid.trace_id.clone()),
                trace_parent: Some(valid),
                trace_state: given(trace_state),
                source: TraceSource::TraceParent,
            };
        }
        let legacy = given(trace_id);
        let source = match (&legacy, &parent) {
            (Some(_), Some(_)) => TraceSource::LegacyFallback,
            (Some(_), None) => TraceSource::Legacy,
            (None, _) => TraceSource::Absent,
        };
        Self { trace_id: legacy, trace_parent: None, trace_state: None, source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALID: &str = "00-0AF7651916CD43DD8448EB211C80319C-B7AD6B7169203331-01";

    #[test]
    fn traceparent_is_normalised_and_a_suffix_ignored() {
        let parsed: TraceParent = format!(" {VALID}-more-of-it ").parse().unwrap();
        assert_eq!(parsed.to_string(), VALID.to_lowercase());
    }

    #[test]
    fn malformed_and_all_zero_ids_are_refused() {
        for text in [
            "",
            "00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
        ] {
            assert_eq!(text.parse::<TraceParent>(), Err(InvalidTraceParent), "{text}");
        }
    }

    #[test]
    fn a_valid_traceparent_wins_and_the_legacy_id_stands_in() {
        let context = TraceContext::extract(Some(VALID), Some("a=1"), Some("old"));
        assert_eq!(context.trace_id.as_deref(), Some("0af7651916cd43dd8448eb211c80319c"));
        assert_eq!(context.trace_state.as_deref(), Some("a=1"));
        let fallback = TraceContext::extract(Some("bad"), Some("a=1"), Some(" old "));
        assert_eq!(
            (fallback.trace_id.as_deref(), fallback.source),
            (Some("old"), TraceSource::LegacyFallback)
        );
        assert_eq!(fallback.trace_state, None);
        assert_eq!(TraceContext::extract(None, None, Some("old")).source, TraceSource::Legacy);
        assert_eq!(TraceContext::extract(Some("bad"), None, Some(" ")).source, TraceSource::Absent);
    }
}
