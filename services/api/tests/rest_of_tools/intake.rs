//! The same report is one ticket, and nobody schedules what nobody has checked.

use futures::future::join_all;
use serde_json::{Value, json};

use crate::desk::{ACCOUNT, SITE, get_as, post_as};
use crate::raise;

const INTAKE: &str = "/tickets/intake";

fn report(identity: f64, classification: f64, acknowledged: bool) -> Value {
    json!({
        "account_id": ACCOUNT,
        "site_id": SITE,
        "summary": "Back door will not latch",
        "incident_type": "DOOR_WONT_LATCH",
        "customer_name": "Ada Byron",
        "contact_phone": "+1 (555) 010-1234",
        "contact_email": "Ada@Example.com",
        "priority": "URGENT",
        "identity_confidence": identity,
        "classification_confidence": classification,
        "sop_handoff_acknowledged": acknowledged,
    })
}

#[tokio::test]
async fn a_report_is_one_ticket_however_it_is_spelled() {
    let service = raise().await;
    let first = service.moves("agent", INTAKE, &report(75.9, 72.0, false), "TRIAGED").await;
    assert_eq!(first.status, 201);
    let id = first.body["id"].as_str().unwrap().to_owned();
    assert_eq!(first.body["customer_phone"], "15550101234");
    assert_eq!(first.body["customer_email"], "ada@example.com");
    assert_eq!(
        (&first.body["identity_confidence"], &first.body["classification_confidence"]),
        (&json!(75), &json!(72))
    );
    assert_eq!(
        (&first.body["sop_handoff_required"], &first.body["sop_handoff_acknowledged"]),
        (&json!(true), &json!(false))
    );
    assert!(first.body["sop_handoff_prompt"].as_str().unwrap().starts_with("SOP handoff"));

    let other =
        [("x-actor-id", "someone-else"), ("x-actor-role", "dispatcher"), ("x-correlation-id", "call-7")];
    let again = post_as(&service, &other, INTAKE, &report(75.9, 72.0, false)).await;
    assert_eq!((again.status, again.code()), (409, "DUPLICATE_INTAKE"), "{}", again.text);
    let error = &again.body["error"];
    assert_eq!(error["duplicate_ticket_id"], id.as_str());
    assert_eq!(error["duplicate_ticket_state"], "TRIAGED");
    assert_eq!(error["duplicate_created_at"], first.body["created_at"]);
    assert_eq!(error["identity_signature"], first.body["identity_signature"]);
    assert_eq!(error["duplicate_within_minutes"], 120);
    assert_eq!(error["policy_error"], json!({ "dimension": "identity" }));

    let mut spelled = report(99.0, 99.0, true);
    spelled["summary"] = "  back DOOR will not latch ".into();
    spelled["incident_type"] = " door_wont_latch".into();
    spelled["customer_name"] = "ADA BYRON".into();
    spelled["contact_phone"] = "1.555.010.1234".into();
    spelled["contact_email"] = "ada@example.com".into();
    service.refuses("agent", INTAKE, &spelled, "DUPLICATE_INTAKE").await;
    assert_eq!(service.count("SELECT count(*) FROM tickets").await, 1);
    assert_eq!(service.count("SELECT count(*) FROM idempotency_keys").await, 1);

    let timeline = service.get(&format!("/tickets/{id}/timeline")).await;
    let events = timeline.body["events"].as_array().unwrap();
    assert_eq!(events.len(), 3, "{}", timeline.text);
    let link = &events[1];
    assert_eq!(
        (&link["tool_name"], &link["actor_id"]),
        (&json!("ticket.blind_intake"), &json!("someone-else"))
    );
    assert_eq!((&link["before_state"], &link["after_state"]), (&json!("TRIAGED"), &json!("TRIAGED")));
    assert_eq!(
        (&link["correlation_id"], &link["payload"]["error_code"]),
        (&json!("call-7"), &json!("DUPLICATE_INTAKE"))
    );
    assert_eq!(link["payload"]["duplicate_ticket_id"], id.as_str());
    assert!(link["payload"]["request"]["contact_phone"].as_str().unwrap().starts_with("redacted:"));

    let cancel = json!({ "reason": "called twice" });
    service.moves("dispatcher", &format!("/tickets/{id}/cancel"), &cancel, "CANCELLED").await;
    service.moves("agent", INTAKE, &report(98.0, 97.0, true), "READY_TO_SCHEDULE").await;
}

#[tokio::test]
async fn reports_of_one_instant_make_one_ticket_and_a_link_each() {
    let service = raise().await;
    // More callers than the service has connections.
    let body = report(98.0, 97.0, true);
    let answers = join_all((0..24).map(|_| service.post("agent", INTAKE, &body))).await;
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 23, "{statuses:?}");
    assert_eq!(service.count("SELECT count(*) FROM tickets").await, 1);
    assert_eq!(
        service
            .count("SELECT count(*) FROM audit_events WHERE payload ->> 'error_code' = 'DUPLICATE_INTAKE'")
            .await,
        23
    );
    let ready = answers.iter().find(|answer| answer.status == 201).unwrap();
    assert_eq!(ready.state(), "READY_TO_SCHEDULE");
    assert_eq!(
        (&ready.body["sop_handoff_required"], &ready.body["sop_handoff_acknowledged"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(ready.body["sop_handoff_prompt"], Value::Null);
}

#[tokio::test]
async fn an_unchecked_report_is_not_scheduled() {
    let service = raise().await;
    let triage = json!({ "priority": "URGENT", "incident_type": "DOOR_WONT_LATCH", "workflow_outcome": "READY_TO_SCHEDULE" });
    for (identity, classification, code) in [
        (60.0, 95.0, "LOW_IDENTITY_CONFIDENCE"),
        (95.0, 30.0, "LOW_CLASSIFICATION_CONFIDENCE"),
        (95.0, 95.0, "SOP_HANDOFF_REQUIRED"),
    ] {
        let mut body = report(identity, classification, false);
        body["summary"] = code.into();
        let ticket = service.moves("agent", INTAKE, &body, "TRIAGED").await;
        let path = format!("/tickets/{}", ticket.body["id"].as_str().unwrap());
        let headers = [("x-actor-id", "d"), ("x-actor-role", "dispatcher"), ("x-correlation-id", "mine")];
        let refused = post_as(&service, &headers, &format!("{path}/triage"), &triage).await;
        assert_eq!((refused.status, refused.code()), (409, code), "{}", refused.text);
        assert_eq!(refused.body["error"]["correlation_id"], "mine");
        assert_eq!(service.get(&path).await.state(), "TRIAGED");
        if code == "SOP_HANDOFF_REQUIRED" {
            assert!(refused.body["error"]["sop_handoff_prompt"].as_str().unwrap().contains("SOP"));
            let mut acknowledged = triage.clone();
            acknowledged["sop_handoff_acknowledged"] = true.into();
            service.moves("dispatcher", &format!("{path}/triage"), &acknowledged, "READY_TO_SCHEDULE").await;
        }
    }
}

#[tokio::test]
async fn a_report_that_cannot_be_taken_in_says_what_is_wrong() {
    let service = raise().await;
    let mut silent = report(90.0, 90.0, true);
    for name in ["contact_phone", "contact_email"] {
        silent.as_object_mut().unwrap().remove(name);
    }
    let refused = service.refuses("agent", INTAKE, &silent, "BLIND_INTAKE_VALIDATION_FAILED").await;
    assert_eq!((refused.status, &refused.body["error"]["missing_contact_channel"]), (400, &json!(true)));
    for (name, value) in [
        ("contact_phone", json!("call me maybe")),
        ("contact_email", json!("nobody")),
        ("priority", json!("urgent")),
        ("identity_confidence", json!(101)),
        ("customer_name", json!("  ")),
        ("site_id", json!("00000000-0000-4000-8000-000000000001")),
    ] {
        let mut body = report(90.0, 90.0, true);
        body[name] = value;
        let refused = service.refuses("agent", INTAKE, &body, "INVALID_REQUEST").await;
        assert!(refused.status == 400 && refused.text.contains(name), "{}", refused.text);
    }
    let foreign = [("x-actor-id", "d"), ("x-actor-role", "agent"), ("x-account-scope", SITE)];
    let refused = post_as(&service, &foreign, INTAKE, &report(90.0, 90.0, true)).await;
    assert_eq!((refused.status, refused.code()), (403, "FORBIDDEN_SCOPE"));
    service.refuses("customer", INTAKE, &report(90.0, 90.0, true), "FORBIDDEN").await;
    assert_eq!(get_as(&service, "dispatcher", INTAKE).await.code(), "INVALID_TICKET_ID");
    assert_eq!(service.count("SELECT count(*) FROM tickets").await, 0);
}
