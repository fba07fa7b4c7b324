//! Which completed work automation must leave to a person.

use super::Item;
use crate::error_code::ErrorCode;
use crate::refusal::Refusal;
use crate::template::{self, Evaluation, RequirementCode};
use serde::Serialize;
use serde_json::{Value, json};

/// Evidence keys that make a completion high-risk.
pub const HIGH_RISK_KEYS: &[&str] = &[
    "photo_before_security_risk",
    "note_risk_mitigation_and_customer_handoff",
    "note_safety_actions_and_follow_up_scope",
];

wire_enum! {
    /// How risky a completion is.
    enum RiskLevel as "risk level" {
        Low = "low",
        High = "high",
    }
}

/// Risk of a candidate completion; serialises in wire order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RiskProfile {
    /// High if there is any reason.
    pub level: RiskLevel,
    /// Why, incident type first, then one per risky key in item order.
    pub reasons: Vec<String>,
    /// Keys of all items, distinct, sorted.
    pub evidence_keys: Vec<String>,
    /// Number of items.
    pub evidence_items: usize,
    /// Upper-case incident type.
    pub incident_type: String,
}

/// Judges the risk of completing a ticket with this evidence.
pub fn risk_profile(incident_type: &str, items: &[Item]) -> RiskProfile {
    let incident_type = incident_type.trim().to_uppercase();
    let mut reasons = Vec::new();
    if template::lookup(&incident_type).is_some_and(|template| template.high_risk) {
        reasons.push(format!("high-risk incident type: {incident_type}"));
    }
    for key in items.iter().filter_map(|item| item.evidence_key.as_deref()) {
        let reason = format!("high-risk evidence key: {key}");
        if HIGH_RISK_KEYS.contains(&key) && !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    let mut evidence_keys: Vec<String> = items.iter().filter_map(|item| item.evidence_key.clone()).collect();
    evidence_keys.sort();
    evidence_keys.dedup();
    RiskProfile {
        level: if reasons.is_empty() { RiskLevel::Low } else { RiskLevel::High },
        reasons,
        evidence_keys,
        evidence_items: items.len(),
        incident_type,
    }
}

/// The refusal of a high-risk candidate; a person may still complete the work.
pub fn risk_block(evaluation: &Evaluation, profile: &RiskProfile) -> Refusal {
    let nothing = || Value::Array(Vec::new());
    Refusal::new(ErrorCode::ManualReviewRequired, "High-risk work needs a manual review before completion")
        .with("requirement_code", RequirementCode::AutomationRiskBlock.as_str())
        .with("incident_type", evaluation.incident_type.as_str())
        .with("template_version", evaluation.template_version)
        .with("missing_evidence_keys", nothing())
        .with("missing_checklist_keys", nothing())
        .with("invalid_evidence_refs", nothing())
        .with("risk_profile", json!(profile))
}
