//! Section E: what a template asks for, as the gate tells it.

use serde_json::{Value, json};

use crate::desk::{DOOR, Desk, SIGNATURE, TEMPLATES, checklist, item};

/// What a completion is told to miss.
async fn missing(desk: &Desk, incident_type: &str, evidence: &[&str], checklist: Value) -> Value {
    let path = desk.reach_with("IN_PROGRESS", incident_type).await;
    for key in evidence {
        desk.post("technician", &format!("{path}/evidence"), &item(key)).await;
    }
    let body = json!({ "checklist_status": checklist, "no_signature_reason": "customer absent" });
    let answer = desk.post("technician", &format!("{path}/tech/complete"), &body).await;
    if answer.status == 200 { json!({ "requirement_code": "READY" }) } else { answer.body["error"].clone() }
}

#[tokio::test]
async fn six_templates_are_found_in_any_case_and_their_keys_are_sorted() {
    let desk = Desk::open().await;
    for (incident_type, keys) in TEMPLATES {
        let error = missing(&desk, &incident_type.to_lowercase(), &[], json!({})).await;
        assert_eq!(error["requirement_code"], "MISSING_REQUIREMENTS", "{incident_type}");
        let mut wanted = keys;
        wanted.sort_unstable();
        assert_eq!(error["missing_evidence_keys"], json!(wanted));
        let flags: Vec<String> = checklist().as_object().unwrap().keys().cloned().collect();
        assert_eq!(error["missing_checklist_keys"], json!(flags));
        assert_eq!(error["template_version"], "1.0.0");
    }
}

#[tokio::test]
async fn an_unknown_type_has_no_template_and_no_lists() {
    let desk = Desk::open().await;
    // A technician fit for everything is dispatched to a type that has no template.
    let error = missing(&desk, "ROOF_GONE", &[], checklist()).await;
    assert_eq!(error["requirement_code"], "TEMPLATE_NOT_FOUND");
    assert_eq!(
        (&error["missing_evidence_keys"], &error["missing_checklist_keys"], &error["template_version"]),
        (&json!([]), &json!([]), &Value::Null)
    );
}

#[tokio::test]
async fn what_is_missing_is_named_by_kind() {
    let desk = Desk::open().await;
    let [first, second, third] = TEMPLATES[3].1;
    let error = missing(&desk, DOOR, &[first, third], checklist()).await;
    assert_eq!(error["requirement_code"], "MISSING_EVIDENCE");
    assert_eq!(error["missing_evidence_keys"], json!([second]));

    let mut flags = checklist();
    flags["work_performed"] = json!(false);
    flags["billing_authorization"] = json!(false);
    let error = missing(&desk, DOOR, &[first, second, third], flags.clone()).await;
    assert_eq!(error["requirement_code"], "MISSING_CHECKLIST");
    assert_eq!(error["missing_checklist_keys"], json!(["billing_authorization", "work_performed"]));

    let error = missing(&desk, DOOR, &[first, second], flags).await;
    assert_eq!(error["requirement_code"], "MISSING_REQUIREMENTS");
    assert!(!error["missing_evidence_keys"].to_string().contains(SIGNATURE), "a reason stands for it");

    let ready = missing(&desk, DOOR, &[first, second, third], checklist()).await;
    assert_eq!(ready["requirement_code"], "READY");
}
