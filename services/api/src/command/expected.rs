//! The version of a ticket that a command was decided on, when the caller says so.

use axum::http::HeaderMap;
use axum::http::header::IF_MATCH;
use dispatch_domain::{ErrorCode, Refusal};

use super::Fields;
use crate::failure::Failure;

/// What `If-Match` allows; without the header, or with `*`, any version.
#[derive(Debug, Clone, Default)]
pub(super) struct Expected(Option<Vec<i64>>);

impl Expected {
    /// Reads the header: `*`, or versions in double quotes, comma-separated.
    ///
    /// # Errors
    /// 400 for anything else. A weak tag never matches, so it is refused as well.
    pub(super) fn of_header(headers: &HeaderMap) -> Result<Self, Refusal> {
        let Some(value) = headers.get(IF_MATCH) else { return Ok(Self(None)) };
        let invalid = || {
            let message = "Header 'If-Match' must be * or versions in double quotes";
            Refusal::new(ErrorCode::InvalidRequest, message)
        };
        let text = value.to_str().map_err(|_| invalid())?.trim();
        if text == "*" {
            return Ok(Self(None));
        }
        let versions = text.split(',').map(|tag| {
            let version = tag.trim().strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
            version.and_then(|version| version.parse().ok()).ok_or_else(invalid)
        });
        versions.collect::<Result<Vec<i64>, Refusal>>().map(|versions| Self(Some(versions)))
    }

    /// Compares with the ticket as it is; the body's `expected_version` counts beside the header.
    ///
    /// # Errors
    /// 409 naming the current version, 400 when the member is no whole number.
    pub(super) fn check(&self, fields: Fields<'_>, current: i64) -> Result<(), Failure> {
        let member = fields.optional_cents("expected_version")?;
        let by_header = self.0.as_ref().is_none_or(|versions| versions.contains(&current));
        if by_header && member.is_none_or(|version| version == current) {
            return Ok(());
        }
        let message = "The ticket was changed since it was read";
        Err(Refusal::new(ErrorCode::VersionConflict, message).with("current_version", current).into())
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue};
    use serde_json::json;

    use super::Expected;
    use crate::command::Fields;

    fn header(text: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(axum::http::header::IF_MATCH, HeaderValue::from_static(text))])
    }

    #[test]
    fn header_and_member_both_have_to_agree() {
        let none = json!({});
        let check = |text, body: &serde_json::Value| {
            Expected::of_header(&header(text)).unwrap().check(Fields::of(body), 3).is_ok()
        };
        assert!(check("*", &none) && check("\"3\"", &none) && check("\"1\", \"3\"", &none));
        assert!(!check("\"2\"", &none));
        assert!(check("\"3\"", &json!({ "expected_version": 3.0 })));
        assert!(!check("\"3\"", &json!({ "expected_version": 2 })));
        let any = Expected::of_header(&HeaderMap::new()).unwrap();
        let refused = any.check(Fields::of(&json!({ "expected_version": 4 })), 3).unwrap_err();
        assert_eq!((refused.status, &refused.refusal.details["current_version"]), (409, &json!(3)));
        assert_eq!(any.check(Fields::of(&json!({ "expected_version": "3" })), 3).unwrap_err().status, 400);
    }

    #[test]
    fn anything_but_versions_in_quotes_is_refused() {
        for text in ["3", "W/\"3\"", "\"x\"", "\"3", ""] {
            assert!(Expected::of_header(&header(text)).is_err(), "{text}");
        }
    }
}
