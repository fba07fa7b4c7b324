//! Section G: tickets from their first to their last day.

use dispatch_testbed::TECHNICIAN;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::commands::change;
use crate::desk::{
    DOOR, Desk, SIGNATURE, TEMPLATES, arrival, bypass, completion, completion_unsigned, id, item, keys,
    path_of, ticket, triage, verdict, window,
};

async fn tools(desk: &Desk, path: &str) -> Vec<Value> {
    let timeline = desk.get(&format!("{path}/timeline")).await;
    timeline.body["events"].as_array().unwrap().iter().map(|event| event["tool_name"].clone()).collect()
}

#[tokio::test]
async fn a_scheduled_ticket_with_a_change_request_reaches_its_invoice() {
    let desk = Desk::open().await;
    let path = desk.create().await;
    let ready = triage("URGENT", DOOR, "READY_TO_SCHEDULE");
    desk.moves("dispatcher", &format!("{path}/triage"), &ready, "READY_TO_SCHEDULE").await;
    let key = Uuid::new_v4();
    let later = json!({ "start": "2036-12-06T10:00:00Z", "end": "2036-12-06T12:00:00Z" });
    let (propose, options) = (format!("{path}/schedule/propose"), json!({ "options": [window(), later] }));
    let proposed = desk.post_with("dispatcher", &propose, &options, key).await;
    assert_eq!(proposed.state(), "SCHEDULE_PROPOSED");
    assert_eq!(desk.post_with("dispatcher", &propose, &options, key).await.text, proposed.text);
    desk.moves("dispatcher", &format!("{path}/schedule/confirm"), &window(), "SCHEDULED").await;
    let order = json!({ "tech_id": TECHNICIAN });
    desk.moves("dispatcher", &format!("{path}/assignment/dispatch"), &order, "DISPATCHED").await;
    desk.moves("tech", &format!("{path}/tech/check-in"), &arrival(), "IN_PROGRESS").await;
    let changed = desk
        .moves("technician", &format!("{path}/tech/request-change"), &change(), "APPROVAL_REQUIRED")
        .await;
    let decision = json!({ "approval_id": changed.body["approval"]["id"], "decision": "APPROVED" });
    desk.moves("approver", &format!("{path}/approval/decide"), &decision, "IN_PROGRESS").await;
    desk.attach(&path, DOOR, true).await;
    desk.moves(
        "technician",
        &format!("{path}/tech/complete"),
        &completion(),
        "COMPLETED_PENDING_VERIFICATION",
    )
    .await;
    desk.moves("qa", &format!("{path}/qa/verify"), &verdict(), "VERIFIED").await;
    desk.moves("finance", &format!("{path}/billing/generate-invoice"), &json!({}), "INVOICED").await;
    assert_eq!(desk.state(&path).await, "INVOICED");

    assert_eq!(desk.database.texts("SELECT status::text FROM approvals").await, ["APPROVED"]);
    for (from, to) in
        [("DISPATCHED", "ON_SITE"), ("ON_SITE", "IN_PROGRESS"), ("READY_TO_SCHEDULE", "SCHEDULE_PROPOSED")]
    {
        let rows = format!(
            "SELECT count(*) FROM ticket_state_transitions WHERE from_state = '{from}' AND to_state = '{to}'"
        );
        assert_eq!(desk.count(&rows).await, 1, "{from}->{to}");
    }
    let tools = tools(&desk, &path).await;
    assert!(tools.len() >= 12, "{tools:?}");
    for tool in [
        "ticket.create",
        "ticket.triage",
        "schedule.propose",
        "schedule.confirm",
        "assignment.dispatch",
        "tech.check_in",
        "tech.request_change",
        "approval.decide",
        "closeout.add_evidence",
        "tech.complete",
        "qa.verify",
        "billing.generate_invoice",
    ] {
        assert!(tools.contains(&json!(tool)), "{tool}");
    }
}

#[tokio::test]
async fn an_emergency_reaches_its_invoice_under_one_correlation_id() {
    let desk = Desk::open().await;
    let post = async |role: &str, path: &str, body: &Value, key: Uuid| {
        let key = key.to_string();
        let headers = [
            ("x-actor-id", "actor-1"),
            ("x-actor-role", role),
            ("x-correlation-id", "one-story"),
            ("idempotency-key", key.as_str()),
        ];
        desk.post_headers(path, body, &headers).await
    };
    let path = path_of(&post("dispatcher", "/tickets", &ticket(), Uuid::new_v4()).await);
    let steps = async |role: &str, command: &str, body: &Value, state: &str| {
        let answer = post(role, &format!("{path}{command}"), body, Uuid::new_v4()).await;
        assert_eq!((answer.status, answer.state()), (200, state), "{command}: {}", answer.text);
    };
    steps("dispatcher", "/triage", &triage("EMERGENCY", DOOR, "TRIAGED"), "TRIAGED").await;
    steps("dispatcher", "/assignment/dispatch", &bypass(), "DISPATCHED").await;
    steps("technician", "/tech/check-in", &arrival(), "IN_PROGRESS").await;
    let empty = json!({ "checklist_status": {} });
    let refused = post("technician", &format!("{path}/tech/complete"), &empty, Uuid::new_v4()).await;
    refused.expect(409, "CLOSEOUT_REQUIREMENTS_INCOMPLETE");
    assert_eq!(refused.body["error"]["requirement_code"], "MISSING_SIGNATURE_CONFIRMATION");
    let evidence = format!("{path}/evidence");
    for (number, key) in keys(DOOR, true).into_iter().enumerate() {
        let request = Uuid::new_v4();
        let first = post("technician", &evidence, &item(key), request).await;
        if number == 0 {
            let again = post("technician", &evidence, &item(key), request).await;
            assert_eq!((again.status, &again.body["id"]), (201, &first.body["id"]));
            assert_eq!(desk.count("SELECT count(*) FROM evidence_items").await, 1);
        }
    }
    steps("technician", "/tech/complete", &completion(), "COMPLETED_PENDING_VERIFICATION").await;
    steps("qa", "/qa/verify", &verdict(), "VERIFIED").await;
    steps("finance", "/billing/generate-invoice", &json!({}), "INVOICED").await;

    let item = "closeout.add_evidence";
    let told = ["ticket.create", "ticket.triage", "assignment.dispatch", "tech.check_in"];
    let rest = ["tech.complete", "qa.verify", "billing.generate_invoice"];
    assert_eq!(tools(&desk, &path).await, [&told[..], &[item; 4], &rest].concat());
    let other = "SELECT count(*) FROM audit_events WHERE correlation_id IS DISTINCT FROM 'one-story'";
    assert_eq!(desk.count(other).await, 0);
    let stored = "SELECT count(*) FROM idempotency_keys WHERE endpoint LIKE '%/evidence'";
    assert_eq!(desk.count(stored).await, 4);
    assert_eq!(desk.transitions().await, 9);
}

#[tokio::test]
async fn every_template_leads_from_an_emergency_to_an_invoice() {
    let desk = Desk::open().await;
    for (number, (incident_type, template)) in TEMPLATES.into_iter().enumerate() {
        let path = desk.triaged(incident_type).await;
        let url = |command: &str| format!("{path}{command}");
        desk.moves("dispatcher", &url("/assignment/dispatch"), &bypass(), "DISPATCHED").await;
        desk.moves("technician", &url("/tech/check-in"), &arrival(), "IN_PROGRESS").await;
        let packet_path = format!("/ux/technician/job-packet/{}", id(&path));
        let packet = desk.get_as("technician", &packet_path).await.body["packet"].clone();
        assert_eq!(packet["closeout_gate"]["code"], "MISSING_SIGNATURE_CONFIRMATION", "{packet}");
        let required = packet["evidence_requirements"]["required_evidence"].as_array().unwrap();
        let shown: Vec<&str> = required.iter().map(|entry| entry["key"].as_str().unwrap()).collect();
        assert_eq!(shown.len(), 4);
        assert!(template.iter().chain([&SIGNATURE]).all(|key| shown.contains(key)), "{shown:?}");
        let refused = desk.post("technician", &url("/tech/complete"), &completion()).await;
        refused.expect(409, "CLOSEOUT_REQUIREMENTS_INCOMPLETE");
        let signed = number % 2 == 1;
        desk.attach(&path, incident_type, signed).await;
        let body = if signed { completion() } else { completion_unsigned() };
        desk.moves("technician", &url("/tech/complete"), &body, "COMPLETED_PENDING_VERIFICATION").await;
        desk.moves("qa", &url("/qa/verify"), &verdict(), "VERIFIED").await;
        desk.moves("finance", &url("/billing/generate-invoice"), &json!({}), "INVOICED").await;
        let packet = desk.get_as("technician", &packet_path).await.body["packet"].clone();
        assert_eq!(packet["closeout_gate"]["code"], "READY", "{incident_type}");
        let cockpit =
            desk.get(&format!("/ux/dispatcher/cockpit?state=INVOICED&ticket_id={}", id(&path))).await;
        let row = cockpit.body["queue"].as_array().unwrap().iter().find(|row| row["ticket_id"] == id(&path));
        let actions = row.unwrap()["actions"].as_array().unwrap();
        let open = actions.iter().find(|action| action["action_id"] == "open_technician_packet").unwrap();
        assert_eq!(open["enabled"], true);
        assert_eq!(tools(&desk, &path).await.last().unwrap(), "billing.generate_invoice");
    }
}
