//! Everything that still stands in the way of a completion, at once: the gate itself names one class at a time.

use std::collections::BTreeSet;

use dispatch_domain::closeout::Item;
use dispatch_domain::template::{SIGNATURE_KEY, Template};
use serde_json::{Value, json};

/// What is looked at.
pub(super) struct Known<'a> {
    /// The incident's template; none when there is no type, or none for it.
    pub(super) template: Option<&'a Template>,
    /// Evidence so far.
    pub(super) items: &'a [Item],
    /// What waivers let pass.
    pub(super) waived: &'a BTreeSet<String>,
    /// The gate's signature rule is satisfied by a recorded reason.
    pub(super) reason_recorded: bool,
    /// Items whose object cannot be looked at.
    pub(super) invalid: &'a [String],
    /// Flags of the newest completion.
    pub(super) checked: &'a dyn Fn(&str) -> bool,
}

impl Known<'_> {
    /// `evidence_ready` needs photos and notes only; signature and checklist belong to the completion's own form.
    pub(super) fn document(&self) -> Value {
        let mut blocking = Vec::new();
        let mut block = |kind: &str, key: &str, message: String, action: &str| {
            blocking
                .push(json!({ "kind": kind, "key": key, "message": message, "suggested_action": action }));
        };
        let Some(template) = self.template else {
            block(
                "INCIDENT_TYPE",
                "incident_type",
                "No template for the incident type".to_owned(),
                "ticket.triage",
            );
            return json!({ "evidence_ready": false, "checklist_ready": false, "blocking": blocking });
        };
        let has = |key: &str| {
            self.waived.contains(key)
                || self.items.iter().any(|item| item.evidence_key.as_deref() == Some(key))
        };
        let missing: Vec<&str> =
            template.evidence_keys.iter().copied().filter(|key| *key != SIGNATURE_KEY && !has(key)).collect();
        for key in &missing {
            block("EVIDENCE", key, format!("Evidence '{key}' is missing"), "closeout.add_evidence");
        }
        for uri in self.invalid {
            block("REFERENCE", uri, "The reference names no object".to_owned(), "closeout.add_evidence");
        }
        if !self.reason_recorded && !has(SIGNATURE_KEY) && !self.items.iter().any(Item::is_signature) {
            let message = "A signature, or a reason for none, is needed".to_owned();
            block("SIGNATURE", SIGNATURE_KEY, message, "tech.complete");
        }
        let open: Vec<&str> =
            template.checklist_keys.iter().copied().filter(|key| !(self.checked)(key)).collect();
        for key in &open {
            block("CHECKLIST", key, format!("Checklist item '{key}' is not confirmed"), "tech.complete");
        }
        json!({
            "evidence_ready": missing.is_empty() && self.invalid.is_empty(),
            "checklist_ready": open.is_empty(),
            "blocking": blocking,
        })
    }
}
