use super::*;
use serde_json::json;

const URI: &str = "s3://bucket/object";

fn item(n: u128, key: Option<&str>, uri: &str) -> Item {
    Item {
        id: Uuid::from_u128(n),
        kind: "PHOTO".to_owned(),
        uri: uri.to_owned(),
        evidence_key: key.map(str::to_owned),
    }
}

fn door_items() -> Vec<Item> {
    let keys = template::lookup("DOOR_WONT_LATCH").unwrap().evidence_keys;
    keys.iter().enumerate().map(|(n, key)| item(n as u128 + 1, Some(key), URI)).collect()
}

fn checklist() -> Value {
    Value::Object(template::CHECKLIST_KEYS.iter().map(|key| ((*key).to_owned(), true.into())).collect())
}

/// Runs the gate for a door ticket with a full checklist.
fn gate(items: &[Item], reason: Option<&str>, references: &[&str]) -> Result<Passed, Box<Failed>> {
    let references: Vec<String> = references.iter().map(|text| (*text).to_owned()).collect();
    Gate {
        incident_type: Some("door_wont_latch"),
        items,
        checklist: &checklist(),
        no_signature_reason: reason,
        references: &references,
        schemes: &Schemes::default(),
        failing_uris: &BTreeSet::new(),
        waived: &BTreeSet::new(),
    }
    .check()
}

fn names(refusal: &Refusal) -> Vec<&str> {
    refusal.details.keys().map(String::as_str).collect()
}

#[test]
fn complete_work_passes_with_a_signature_or_a_reason() {
    assert!(
        gate(&door_items(), None, &[]).is_ok_and(|passed| passed.signature_item && passed.evaluation.ready)
    );
    assert!(
        gate(&door_items()[..3], Some("customer absent"), &[]).is_ok_and(|passed| !passed.signature_item)
    );
    assert!(gate(&door_items()[..3], Some("  "), &[]).is_err());
}

#[test]
fn a_signature_kind_in_any_case_counts() {
    let mut items = door_items();
    items[3].evidence_key = None;
    items[3].kind = " signature ".to_owned();
    assert!(gate(&items, None, &[]).is_ok());
}

#[test]
fn signature_rule_comes_before_the_template() {
    let unknown = Gate {
        incident_type: Some("ROOF_GONE"),
        items: &[],
        checklist: &Value::Null,
        no_signature_reason: None,
        references: &[],
        schemes: &Schemes::default(),
        failing_uris: &BTreeSet::new(),
        waived: &BTreeSet::new(),
    };
    assert_eq!(unknown.check().unwrap_err().code, RequirementCode::MissingSignatureConfirmation);
    let with_reason = Gate { no_signature_reason: Some("absent"), ..unknown.clone() };
    assert_eq!(with_reason.check().unwrap_err().code, RequirementCode::TemplateNotFound);
    let without_type = Gate { incident_type: Some(" "), ..unknown };
    assert_eq!(without_type.check().unwrap_err().step, Step::IncidentType);
}

#[test]
fn one_bad_uri_on_any_item_blocks_when_no_reference_is_named() {
    let mut items = door_items();
    items.push(item(9, None, "file:///x"));
    assert_eq!(gate(&items, None, &[]).unwrap_err().invalid_evidence_refs, ["file:///x"]);
    assert!(gate(&items, None, &[URI]).is_ok(), "named references leave other items alone");
}

#[test]
fn a_required_item_must_be_resolvable_even_when_references_are_named() {
    let mut items = door_items();
    items.push(item(9, Some("note_adjustments_and_test_cycles"), " "));
    let failed = gate(&items, None, &[URI]).unwrap_err();
    assert_eq!(failed.invalid_evidence_refs, [Uuid::from_u128(9).to_string()]);
}

#[test]
fn named_references_lead_to_items_by_id_or_uri() {
    let items = door_items();
    let id = Uuid::from_u128(1).to_string();
    assert!(gate(&items, None, &[&id, URI]).is_ok());
    let unknown = Uuid::from_u128(77).to_string();
    let failed = gate(&items, None, &["s3://other/thing", &unknown, " s3://other/thing "]).unwrap_err();
    assert_eq!(failed.invalid_evidence_refs, [unknown, "s3://other/thing".to_owned()]);
}

#[test]
fn objects_that_could_not_be_confirmed_are_invalid() {
    let failing = BTreeSet::from([URI.to_owned()]);
    let gate = Gate {
        incident_type: Some("DOOR_WONT_LATCH"),
        items: &door_items(),
        checklist: &checklist(),
        no_signature_reason: None,
        references: &[],
        schemes: &Schemes::default(),
        failing_uris: &failing,
        waived: &BTreeSet::new(),
    };
    assert_eq!(gate.check().unwrap_err().step, Step::References);
}

#[test]
fn refusals_show_the_members_their_audience_knows() {
    let no_type = Failed::at(Step::IncidentType, None);
    assert!(!names(&no_type.refusal(Audience::Completion)).contains(&"invalid_evidence_refs"));
    assert!(names(&no_type.refusal(Audience::Verification)).contains(&"invalid_evidence_refs"));
    let context = Failed::missing_completion_context(Some("door_wont_latch"));
    assert_eq!(names(&context.refusal(Audience::Close)), ["requirement_code", "incident_type"]);
    assert_eq!(names(&context.refusal(Audience::Verification)).len(), 6);
    let missing = gate(&[], Some("absent"), &[]).unwrap_err();
    let refusal = missing.refusal(Audience::Completion);
    assert!(!names(&refusal).contains(&"invalid_evidence_refs"));
    assert_eq!(refusal.details["template_version"], "1.0.0");
    assert_eq!(refusal.details["missing_evidence_keys"].as_array().unwrap().len(), 3);
    assert_eq!(
        missing.refusal(Audience::Close).policy_error(),
        Some(json!({ "dimension": "evidence", "requirement_code": "MISSING_EVIDENCE" }))
    );
}

#[test]
fn completion_context_is_read_leniently_but_references_strictly() {
    let request = json!({ "checklist_status": "x", "no_signature_reason": " ", "evidence_refs": [" a "] });
    let context = CompletionContext::from_request(&request).unwrap();
    assert_eq!((context.checklist.len(), context.no_signature_reason), (0, None));
    assert_eq!(context.references, ["a"]);
    for bad in [json!("a"), json!([""]), json!([1])] {
        assert!(CompletionContext::from_request(&json!({ "evidence_refs": bad })).is_err());
    }
    assert_eq!(CompletionContext::from_request(&Value::Null), Ok(CompletionContext::default()));
}

#[test]
fn risky_types_and_keys_are_left_to_a_person() {
    assert_eq!(risk_profile("door_wont_latch", &door_items()).level, RiskLevel::Low);
    let risky =
        [item(1, Some("photo_before_security_risk"), URI), item(2, Some("photo_before_security_risk"), URI)];
    let profile = risk_profile("cannot_secure_entry", &risky);
    assert_eq!(
        profile.reasons,
        [
            "high-risk incident type: CANNOT_SECURE_ENTRY",
            "high-risk evidence key: photo_before_security_risk"
        ]
    );
    let evaluation = template::evaluate("CANNOT_SECURE_ENTRY", &BTreeSet::new(), &Value::Null);
    let refusal = risk_block(&evaluation, &profile);
    assert_eq!(refusal.policy_error(), Some(json!({ "dimension": "policy" })));
    assert_eq!(refusal.details["risk_profile"]["evidence_items"], 2);
}

#[test]
fn a_waiver_lets_a_missing_key_a_bad_reference_and_a_missing_signature_pass() {
    let mut items = door_items()[1..3].to_vec();
    items.push(item(9, Some("note"), "nowhere"));
    let check = |waived: &[&str]| {
        let waived: BTreeSet<String> = waived.iter().map(|text| (*text).to_owned()).collect();
        let gate = Gate {
            incident_type: Some("DOOR_WONT_LATCH"),
            items: &items,
            checklist: &checklist(),
            no_signature_reason: None,
            references: &[],
            schemes: &Schemes::default(),
            failing_uris: &BTreeSet::new(),
            waived: &waived,
        };
        gate.check().map_err(|failed| failed.code)
    };
    let missing = template::lookup("DOOR_WONT_LATCH").unwrap().evidence_keys[0];
    assert_eq!(check(&[]).unwrap_err(), RequirementCode::MissingSignatureConfirmation);
    assert_eq!(check(&[SIGNATURE_KEY]).unwrap_err(), RequirementCode::InvalidEvidenceReference);
    assert_eq!(check(&[SIGNATURE_KEY, "nowhere"]).unwrap_err(), RequirementCode::MissingEvidence);
    assert!(check(&[SIGNATURE_KEY, "nowhere", missing]).is_ok());
}
