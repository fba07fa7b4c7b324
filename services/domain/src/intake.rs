//! Blind intake: identity signature and readiness.

use crate::canonical;
use serde_json::{Value, json};
use uuid::Uuid;

/// Default threshold of both confidences, in percent.
pub const DEFAULT_CONFIDENCE_THRESHOLD: i32 = 85;

/// Default window within which the same signature is a duplicate, in minutes.
pub const DEFAULT_DUPLICATE_WINDOW_MINUTES: i64 = 120;

/// Prompt shown when an SOP handoff is missing and the request brought none.
pub const DEFAULT_SOP_PROMPT: &str =
    "SOP handoff: confirm onsite access and completion scope before scheduling.";

/// What identifies a caller's problem.
#[derive(Clone, Copy, Debug)]
pub struct Identity<'a> {
    /// Account.
    pub account_id: Uuid,
    /// Site.
    pub site_id: Uuid,
    /// Incident type as given.
    pub incident_type: &'a str,
    /// Summary as given.
    pub summary: &'a str,
    /// Customer's name as given.
    pub customer_name: &'a str,
    /// Normalised phone: digits only.
    pub phone: Option<&'a str>,
    /// Normalised email: trimmed, lower case.
    pub email: Option<&'a str>,
}

impl Identity<'_> {
    /// The object that is hashed.
    pub fn components(&self) -> Value {
        json!({
            "account_id": self.account_id.to_string(),
            "site_id": self.site_id.to_string(),
            "incident_type": self.incident_type.trim().to_uppercase(),
            "summary": self.summary.trim().to_lowercase(),
            "customer_name": self.customer_name.trim().to_lowercase(),
            "contact_phone": self.phone,
            "contact_email": self.email,
        })
    }

    /// Canonical SHA-256 of the components, 64 hex digits.
    pub fn signature(&self) -> String {
        canonical::hash(&self.components())
    }
}

/// Reduces a phone number to its digits; 7 to 16 must remain.
pub fn normalise_phone(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    (7..=16).contains(&digits.len()).then_some(digits)
}

/// Trims and lower-cases an email; it must contain `@` and no white space.
pub fn normalise_email(text: &str) -> Option<String> {
    let email = text.trim().to_lowercase();
    (email.contains('@') && !email.contains(char::is_whitespace)).then_some(email)
}

/// Reasons why an intake is not ready to schedule, in report order; empty means ready.
pub fn readiness_reasons(
    identity_confidence: i32,
    classification_confidence: i32,
    handoff_acknowledged: bool,
    thresholds: (i32, i32),
) -> Vec<&'static str> {
    [
        (identity_confidence < thresholds.0, "IDENTITY_CONFIDENCE"),
        (classification_confidence < thresholds.1, "CLASSIFICATION_CONFIDENCE"),
        (!handoff_acknowledged, "SOP_HANDOFF_REQUIRED"),
    ]
    .into_iter()
    .filter_map(|(applies, reason)| applies.then_some(reason))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contact_channels_are_normalised_or_refused() {
        assert_eq!(normalise_phone("+1 (555) 010-1234").as_deref(), Some("15550101234"));
        assert_eq!(normalise_phone("12-34"), None);
        assert_eq!(normalise_email(" A@B.C ").as_deref(), Some("a@b.c"));
        assert_eq!(normalise_email("a b@c"), None);
    }

    #[test]
    fn readiness_names_every_reason() {
        assert!(readiness_reasons(85, 85, true, (85, 85)).is_empty());
        assert_eq!(readiness_reasons(84, 84, false, (85, 85)).len(), 3);
    }
}
