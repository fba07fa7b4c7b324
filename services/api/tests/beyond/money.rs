//! What a ticket may cost, who allows it, and what is charged.

use dispatch_testbed::Api;
use serde_json::{Value, json};

use crate::desk::{DOOR_KEYS, attach, completion, create, post_as, start_work};
use crate::raise;

async fn ask(api: &Api, cents: i64) -> (String, String) {
    let path = start_work(api, "DOOR_WONT_LATCH").await;
    let change =
        json!({ "approval_type": "NTE_INCREASE", "reason": "new lock", "amount_delta_cents": cents });
    let asked =
        api.moves("technician", &format!("{path}/tech/request-change"), &change, "APPROVAL_REQUIRED").await;
    (path, asked.body["approval"]["id"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn an_approved_amount_is_added_and_entered_into_the_ledger() {
    let api = raise(&[]).await;
    let (path, approval) = ask(&api, 12_500).await;
    let decision = json!({ "approval_id": approval, "decision": "APPROVED", "notes": "fine" });
    let ticket = api.moves("approver", &format!("{path}/approval/decide"), &decision, "IN_PROGRESS").await;
    assert_eq!(ticket.body["nte_cents"], 12_500);
    let read = api.get(&format!("{path}/approvals")).await.body;
    assert_eq!(
        (&read["approvals"][0]["status"], &read["approvals"][0]["decision_notes"]),
        (&json!("APPROVED"), &json!("fine"))
    );
    let entry = &read["nte_ledger"][0];
    assert_eq!(
        (&entry["before_cents"], &entry["delta_cents"], &entry["after_cents"]),
        (&json!(0), &json!(12_500), &json!(12_500))
    );
    assert_eq!(entry["approval_id"], approval);
    let altered = sqlx_refuses(&api, "UPDATE nte_changes SET delta_cents = 1, after_cents = 1").await;
    assert!(altered, "the ledger is append-only");
}

async fn sqlx_refuses(api: &Api, statement: &str) -> bool {
    let statement = format!(
        "DO $$ BEGIN {statement}; RAISE EXCEPTION 'it went through'; EXCEPTION WHEN integrity_constraint_violation THEN NULL; END $$"
    );
    api.database.execute(&statement).await;
    true
}

#[tokio::test]
async fn a_denied_amount_is_not_added_and_triage_changes_are_in_the_ledger() {
    let api = raise(&[]).await;
    let (path, approval) = ask(&api, 12_500).await;
    let decision = json!({ "approval_id": approval, "decision": "DENIED" });
    let ticket = api.moves("approver", &format!("{path}/approval/decide"), &decision, "TRIAGED").await;
    assert_eq!(ticket.body["nte_cents"], 0);
    let triage = json!({ "priority": "URGENT", "incident_type": "DOOR_WONT_LATCH", "nte_cents": 700, "workflow_outcome": "READY_TO_SCHEDULE" });
    api.moves("dispatcher", &format!("{path}/triage"), &triage, "READY_TO_SCHEDULE").await;
    let ledger = api.get(&format!("{path}/approvals")).await.body["nte_ledger"].clone();
    assert_eq!((ledger.as_array().unwrap().len(), &ledger[0]["tool_name"]), (1, &json!("ticket.triage")));
}

#[tokio::test]
async fn only_one_approval_is_open_and_a_cancelled_ticket_has_none() {
    let api = raise(&[]).await;
    let (path, approval) = ask(&api, 100).await;
    // A second one, as an older installation may have it.
    api.database
        .execute("INSERT INTO approvals (ticket_id, requested_by, approval_type) SELECT id, 'x', 'PROPOSAL' FROM tickets")
        .await;
    let decision = json!({ "approval_id": approval, "decision": "APPROVED" });
    api.moves("approver", &format!("{path}/approval/decide"), &decision, "IN_PROGRESS").await;
    let statuses = "SELECT status::text FROM approvals ORDER BY requested_at";
    assert_eq!(api.database.texts(statuses).await, ["APPROVED", "CANCELLED"]);
    let change = json!({ "approval_type": "PROPOSAL", "reason": "more" });
    api.moves("technician", &format!("{path}/tech/request-change"), &change, "APPROVAL_REQUIRED").await;
    api.moves("dispatcher", &format!("{path}/cancel"), &json!({ "reason": "done elsewhere" }), "CANCELLED")
        .await;
    assert_eq!(api.count("SELECT count(*) FROM approvals WHERE status = 'PENDING'").await, 0);
}

#[tokio::test]
async fn four_eyes_are_needed_only_where_configured() {
    let api = raise(&[("DISPATCH_FOUR_EYES", "on")]).await;
    let path = create(&api).await;
    let triage = json!({ "priority": "URGENT", "incident_type": "X", "requires_approval": true });
    let triaged = api.moves("dispatcher", &format!("{path}/triage"), &triage, "APPROVAL_REQUIRED").await;
    assert_eq!(triaged.body["nte_cents"], 0);
    let events = api.get(&format!("{path}/timeline")).await.body["events"].clone();
    let approval = events[1]["payload"]["approval_id"].as_str().unwrap().to_owned();
    let decision = json!({ "approval_id": approval, "decision": "APPROVED" });
    let decide = format!("{path}/approval/decide");
    let refused = api.refuses("dispatcher", &decide, &decision, "FOUR_EYES_REQUIRED").await;
    assert_eq!(
        (refused.status, &refused.body["error"]["policy_error"]["dimension"]),
        (403, &json!("policy"))
    );
    let other = [("x-actor-id", "somebody-else"), ("x-actor-role", "approver")];
    assert_eq!(post_as(&api, &other, &decide, &decision).await.state(), "READY_TO_SCHEDULE");
}

#[tokio::test]
async fn an_invoice_has_a_number_and_lines_and_is_voided_when_work_is_reopened() {
    let api = raise(&[]).await;
    let path = start_work(&api, "DOOR_WONT_LATCH").await;
    attach(&api, &path, &DOOR_KEYS).await;
    api.moves(
        "technician",
        &format!("{path}/tech/complete"),
        &completion(),
        "COMPLETED_PENDING_VERIFICATION",
    )
    .await;
    let pass = json!({ "timestamp": "2026-12-05T13:00:00Z", "result": "PASS" });
    api.moves("qa", &format!("{path}/qa/verify"), &pass, "VERIFIED").await;
    let invoice = format!("{path}/billing/generate-invoice");
    let bad = json!({ "lines": [{ "description": "Lock", "unit_price_cents": "free" }] });
    let refused = api.refuses("finance", &invoice, &bad, "INVALID_REQUEST").await;
    assert_eq!(
        refused.body["error"]["fields"],
        json!([{ "field": "lines[0].unit_price_cents", "code": "TYPE", "message": "Expected integer" }])
    );
    let lines = json!({ "currency": "EUR", "lines": [
        { "description": "Lock", "quantity": 2, "unit_price_cents": 4500 },
        { "description": "Labour", "unit_price_cents": 12_000 },
    ] });
    api.moves("finance", &invoice, &lines, "INVOICED").await;
    let read = |body: Value| body["invoices"].as_array().unwrap().clone();
    let invoices = read(api.get_as("finance", &format!("{path}/invoices")).await.body);
    assert_eq!((&invoices[0]["total_cents"], &invoices[0]["currency"]), (&json!(21_000), &json!("EUR")));
    assert!(invoices[0]["number"].as_str().unwrap().starts_with("INV-20"));
    assert_eq!(api.get_as("technician", &format!("{path}/invoices")).await.status, 403);
    let reopen = json!({ "reason": "door sticks again" });
    api.moves("qa", &format!("{path}/closeout/reopen-after-verification"), &reopen, "IN_PROGRESS").await;
    api.moves(
        "technician",
        &format!("{path}/tech/complete"),
        &completion(),
        "COMPLETED_PENDING_VERIFICATION",
    )
    .await;
    api.moves("qa", &format!("{path}/qa/verify"), &pass, "VERIFIED").await;
    // A body of an original client: anything goes.
    api.moves("finance", &invoice, &json!({ "note": [1, 2] }), "INVOICED").await;
    let invoices = read(api.get(&format!("{path}/invoices")).await.body);
    assert_eq!(
        (&invoices[0]["status"], &invoices[0]["void_reason"]),
        (&json!("VOID"), &json!("door sticks again"))
    );
    assert_eq!((&invoices[1]["status"], &invoices[1]["currency"]), (&json!("ISSUED"), &json!("USD")));
    assert_ne!(invoices[0]["number"], invoices[1]["number"]);
}
