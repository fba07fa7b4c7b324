//! Closeout templates: which evidence and checklist items an incident type requires.

use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeSet;

/// Version of the six templates.
pub const VERSION: &str = "1.0.0";

/// The evidence key that a signature, or a reason for none, satisfies.
pub const SIGNATURE_KEY: &str = "signature_or_no_signature_reason";

/// Checklist items every template requires, sorted.
pub const CHECKLIST_KEYS: &[&str] = &[
    "billing_authorization",
    "onsite_photos_after",
    "parts_used_or_needed",
    "resolution_status",
    "work_performed",
];

/// What one incident type requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Template {
    /// Upper-case incident type.
    pub incident_type: &'static str,
    /// Template version.
    pub version: &'static str,
    /// Required evidence keys, sorted.
    pub evidence_keys: &'static [&'static str],
    /// Required checklist keys, sorted.
    pub checklist_keys: &'static [&'static str],
    /// Work of this kind is never completed by automation.
    pub high_risk: bool,
}

macro_rules! template {
    ($incident_type:literal, $high_risk:literal, [$($key:literal),+]) => {
        Template {
            incident_type: $incident_type,
            version: VERSION,
            evidence_keys: &[$($key,)+ SIGNATURE_KEY],
            checklist_keys: CHECKLIST_KEYS,
            high_risk: $high_risk,
        }
    };
}

/// The six templates, sorted by incident type.
pub const TEMPLATES: &[Template] = &[
    template!(
        "AUTO_OPERATOR_FAULT",
        true,
        [
            "note_cycle_and_sensor_tests",
            "photo_after_operator_and_sensors",
            "photo_before_operator_and_sensors"
        ]
    ),
    template!(
        "CANNOT_SECURE_ENTRY",
        true,
        [
            "note_risk_mitigation_and_customer_handoff",
            "photo_after_temporary_or_permanent_securement",
            "photo_before_security_risk"
        ]
    ),
    template!(
        "CLOSER_LEAKING_OR_SLAMMING",
        false,
        [
            "note_sweep_and_latch_speed_settings",
            "photo_after_closer_or_adjustment",
            "photo_before_closer_body"
        ]
    ),
    template!(
        "DOOR_WONT_LATCH",
        false,
        [
            "note_adjustments_and_test_cycles",
            "photo_after_latched_alignment",
            "photo_before_door_edge_and_strike"
        ]
    ),
    template!(
        "FRAME_OR_GLASS_DAMAGE",
        true,
        [
            "note_safety_actions_and_follow_up_scope",
            "photo_after_repair_or_board_up",
            "photo_before_damage_extent"
        ]
    ),
    template!(
        "HARDWARE_REPLACEMENT",
        false,
        [
            "note_part_numbers_and_function_test",
            "photo_after_installed_hardware",
            "photo_before_failed_hardware"
        ]
    ),
];

wire_enum! {
    /// Why a closeout is not ready, or that it is.
    enum RequirementCode as "closeout requirement" {
        Ready = "READY",
        MissingEvidence = "MISSING_EVIDENCE",
        MissingChecklist = "MISSING_CHECKLIST",
        MissingRequirements = "MISSING_REQUIREMENTS",
        TemplateNotFound = "TEMPLATE_NOT_FOUND",
        MissingSignatureConfirmation = "MISSING_SIGNATURE_CONFIRMATION",
        InvalidEvidenceReference = "INVALID_EVIDENCE_REFERENCE",
        MissingCompletionContext = "MISSING_COMPLETION_CONTEXT",
        AutomationRiskBlock = "AUTOMATION_RISK_BLOCK",
    }
}

/// Result of comparing what is there with what the template requires; serialises in wire order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Evaluation {
    /// Whether `code` is READY.
    pub ready: bool,
    /// READY or what is missing.
    pub code: RequirementCode,
    /// Upper-case incident type.
    pub incident_type: String,
    /// The template's version, none if there is no template.
    pub template_version: Option<&'static str>,
    /// Required and absent, sorted.
    pub missing_evidence_keys: Vec<String>,
    /// Required and not boolean `true`, sorted.
    pub missing_checklist_keys: Vec<String>,
}

/// Finds the template of an incident type, trimmed and in any case.
pub fn lookup(incident_type: &str) -> Option<&'static Template> {
    let wanted = incident_type.trim().to_uppercase();
    TEMPLATES.iter().find(|template| template.incident_type == wanted)
}

/// Compares evidence keys and a checklist with the incident type's template.
///
/// A checklist item counts only when it is boolean `true`; a checklist that is no object misses everything.
pub fn evaluate(incident_type: &str, evidence_keys: &BTreeSet<&str>, checklist: &Value) -> Evaluation {
    let incident_type = incident_type.trim().to_uppercase();
    let Some(template) = lookup(&incident_type) else {
        return Evaluation {
            ready: false,
            code: RequirementCode::TemplateNotFound,
            incident_type,
            template_version: None,
            missing_evidence_keys: Vec::new(),
            missing_checklist_keys: Vec::new(),
        };
    };
    let missing = |keys: &[&str], present: &dyn Fn(&str) -> bool| -> Vec<String> {
        keys.iter().filter(|key| !present(key)).map(|key| (*key).to_owned()).collect()
    };
    let missing_evidence_keys = missing(template.evidence_keys, &|key| evidence_keys.contains(key));
    let missing_checklist_keys =
        missing(template.checklist_keys, &|key| checklist.get(key) == Some(&Value::Bool(true)));
    let code = match (missing_evidence_keys.is_empty(), missing_checklist_keys.is_empty()) {
        (true, true) => RequirementCode::Ready,
        (false, true) => RequirementCode::MissingEvidence,
        (true, false) => RequirementCode::MissingChecklist,
        (false, false) => RequirementCode::MissingRequirements,
    };
    Evaluation {
        ready: code == RequirementCode::Ready,
        code,
        incident_type,
        template_version: Some(template.version),
        missing_evidence_keys,
        missing_checklist_keys,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn full_checklist() -> Value {
        Value::Object(CHECKLIST_KEYS.iter().map(|key| ((*key).to_owned(), Value::Bool(true))).collect())
    }

    #[test]
    fn six_templates_sorted_with_sorted_keys() {
        assert_eq!(TEMPLATES.len(), 6);
        assert!(TEMPLATES.windows(2).all(|pair| pair[0].incident_type < pair[1].incident_type));
        for template in TEMPLATES {
            assert_eq!((template.evidence_keys.len(), template.checklist_keys.len()), (4, 5));
            assert!(
                template.evidence_keys.windows(2).all(|pair| pair[0] < pair[1]),
                "{}",
                template.incident_type
            );
            assert!(template.checklist_keys.windows(2).all(|pair| pair[0] < pair[1]));
        }
        assert_eq!(TEMPLATES.iter().filter(|template| template.high_risk).count(), 3);
    }

    #[test]
    fn lookup_trims_and_folds_case() {
        assert_eq!(
            lookup(" door_wont_latch ").map(|template| template.incident_type),
            Some("DOOR_WONT_LATCH")
        );
        assert_eq!(lookup("ROOF_GONE"), None);
    }

    #[test]
    fn evaluation_names_what_is_missing() {
        let keys: BTreeSet<&str> = TEMPLATES[3].evidence_keys.iter().copied().collect();
        let none = BTreeSet::new();
        let code =
            |keys: &BTreeSet<&str>, checklist: &Value| evaluate("door_wont_latch", keys, checklist).code;
        assert_eq!(code(&keys, &full_checklist()), RequirementCode::Ready);
        assert_eq!(code(&none, &full_checklist()), RequirementCode::MissingEvidence);
        assert_eq!(code(&keys, &json!("yes")), RequirementCode::MissingChecklist);
        assert_eq!(code(&none, &Value::Null), RequirementCode::MissingRequirements);
        assert_eq!(evaluate("x", &keys, &Value::Null).code, RequirementCode::TemplateNotFound);
    }

    #[test]
    fn only_boolean_true_satisfies_a_checklist_item() {
        let mut checklist = full_checklist();
        checklist["work_performed"] = json!("true");
        checklist["resolution_status"] = json!(1);
        let evaluation = evaluate("DOOR_WONT_LATCH", &BTreeSet::new(), &checklist);
        assert_eq!(evaluation.missing_checklist_keys, ["resolution_status", "work_performed"]);
    }

    #[test]
    fn evaluation_serialises_in_wire_order() {
        let evaluation = evaluate("x", &BTreeSet::new(), &Value::Null);
        assert_eq!(
            serde_json::to_string(&evaluation).unwrap(),
            r#"{"ready":false,"code":"TEMPLATE_NOT_FOUND","incident_type":"X","template_version":null,"missing_evidence_keys":[],"missing_checklist_keys":[]}"#
        );
    }
}
