//! Section F: evidence, and what a closeout asks of it.

use dispatch_testbed::{Answer, ObjectServer};
use futures::future::join_all;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::desk::{DOOR, Desk, SIGNATURE, TEMPLATES, completion, completion_unsigned, item, keys, verdict};

fn requirement<'a>(answer: &'a Answer, code: &str) -> &'a Value {
    answer.expect(409, "CLOSEOUT_REQUIREMENTS_INCOMPLETE");
    assert_eq!(answer.body["error"]["requirement_code"], code, "{}", answer.text);
    &answer.body["error"]
}

async fn complete(desk: &Desk, path: &str, body: &Value) -> Answer {
    desk.post("technician", &format!("{path}/tech/complete"), body).await
}

#[tokio::test]
async fn items_are_listed_in_order_with_who_added_them() {
    let desk = Desk::open().await;
    let path = desk.create().await;
    let mut added = Vec::new();
    for key in &keys(DOOR, false)[..2] {
        let answer = desk.post("technician", &format!("{path}/evidence"), &item(key)).await;
        assert_eq!(answer.status, 201);
        added.push(answer.body);
    }
    let list = desk.get(&format!("{path}/evidence")).await;
    assert_eq!((list.status, &list.body["evidence"]), (200, &json!(added)));
    let members: Vec<&String> = added[0].as_object().unwrap().keys().collect();
    let all = [
        "id",
        "ticket_id",
        "kind",
        "uri",
        "checksum",
        "is_immutable",
        "immutable_reason",
        "immutable_by",
        "immutable_at",
        "metadata",
        "created_by",
        "created_at",
    ];
    assert_eq!(members, all);
    assert_eq!(added[0]["created_by"], "actor-1");
    let audited = "SELECT count(*) FROM audit_events WHERE tool_name = 'closeout.add_evidence'";
    assert_eq!(desk.count(audited).await, 2);
    desk.get("/tickets/not-a-uuid/evidence").await.expect(400, "INVALID_TICKET_ID");
    desk.get(&format!("/tickets/{}/evidence", Uuid::new_v4())).await.expect(404, "TICKET_NOT_FOUND");
}

#[tokio::test]
async fn a_completion_names_exactly_the_key_that_is_missing() {
    let desk = Desk::open().await;
    let path = desk.reach("IN_PROGRESS").await;
    let [first, second, third] = TEMPLATES[3].1;
    for key in [first, second] {
        desk.post("technician", &format!("{path}/evidence"), &item(key)).await;
    }
    let refused = complete(&desk, &path, &completion_unsigned()).await;
    let error = requirement(&refused, "MISSING_EVIDENCE");
    assert_eq!(
        (&error["missing_evidence_keys"], &error["missing_checklist_keys"]),
        (&json!([third]), &json!([]))
    );
    assert_eq!(desk.state(&path).await, "IN_PROGRESS");
    let candidate = desk.post("agent", &format!("{path}/closeout/candidate"), &completion_unsigned()).await;
    assert_eq!(requirement(&candidate, "MISSING_EVIDENCE")["missing_evidence_keys"], json!([third]));
}

#[tokio::test]
async fn a_completion_with_everything_is_one_move() {
    let desk = Desk::open().await;
    let path = desk.reach("IN_PROGRESS").await;
    desk.attach(&path, DOOR, true).await;
    let before = desk.transitions().await;
    assert_eq!(complete(&desk, &path, &completion()).await.status, 200);
    assert_eq!(desk.transitions().await, before + 1);
    let states =
        "SELECT before_state || '>' || after_state FROM audit_events WHERE tool_name = 'tech.complete'";
    assert_eq!(desk.database.texts(states).await, ["IN_PROGRESS>COMPLETED_PENDING_VERIFICATION"]);
}

#[tokio::test]
async fn a_signature_or_a_reason_is_asked_for() {
    let desk = Desk::open().await;
    let path = desk.reach("IN_PROGRESS").await;
    desk.attach(&path, DOOR, false).await;
    let refused = complete(&desk, &path, &completion()).await;
    let error = requirement(&refused, "MISSING_SIGNATURE_CONFIRMATION");
    assert_eq!(error["missing_evidence_keys"], json!([SIGNATURE]));
    assert_eq!(complete(&desk, &path, &completion_unsigned()).await.status, 200);
}

#[tokio::test]
async fn one_reference_outside_the_store_is_named_and_blocks() {
    let desk = Desk::open().await;
    let path = desk.reach("IN_PROGRESS").await;
    desk.attach(&path, DOOR, false).await;
    let stray = json!({ "kind": "PHOTO", "uri": "file:///tmp/picture.jpg", "checksum": null });
    assert_eq!(desk.post("technician", &format!("{path}/evidence"), &stray).await.status, 201);
    let refused = complete(&desk, &path, &completion_unsigned()).await;
    let error = requirement(&refused, "INVALID_EVIDENCE_REFERENCE");
    assert_eq!(error["invalid_evidence_refs"], json!(["file:///tmp/picture.jpg"]));
}

#[tokio::test]
async fn a_reference_that_was_changed_after_completion_is_found_at_verification() {
    let desk = Desk::open().await;
    let path = desk.reach("COMPLETED_PENDING_VERIFICATION").await;
    let uri = "https://elsewhere.example/picture.jpg";
    let change = "WHERE id = (SELECT id FROM evidence_items ORDER BY created_at LIMIT 1)";
    desk.database.execute(&format!("UPDATE evidence_items SET uri = '{uri}' {change}")).await;
    let refused = desk.post("qa", &format!("{path}/qa/verify"), &verdict()).await;
    assert_eq!(requirement(&refused, "INVALID_EVIDENCE_REFERENCE")["invalid_evidence_refs"], json!([uri]));
    assert_eq!(desk.state(&path).await, "COMPLETED_PENDING_VERIFICATION");
}

/// Objects over HTTP are probed and compared.
async fn strict() -> (Desk, ObjectServer) {
    let desk = Desk::open_with(&[
        ("DISPATCH_OBJECT_STORE_SCHEMES", "http"),
        ("DISPATCH_EVIDENCE_REQUIRE_HEAD", "true"),
        ("DISPATCH_EVIDENCE_REQUIRE_CHECKSUM", "true"),
    ])
    .await;
    (desk, ObjectServer::start().await)
}

/// A ticket whose items are kept by the server, verified.
async fn verified(desk: &Desk, server: &ObjectServer) -> (String, String) {
    let path = desk.reach("IN_PROGRESS").await;
    let mut last = String::new();
    for key in keys(DOOR, true) {
        let (uri, etag) = server.put(&format!("/evidence/{key}"), b"bytes of a picture");
        let item = json!({ "kind": "PHOTO", "uri": uri, "checksum": etag, "evidence_key": key });
        let answer = desk.post("technician", &format!("{path}/evidence"), &item).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        last = uri;
    }
    let complete = complete(desk, &path, &completion()).await;
    assert_eq!(complete.status, 200, "{}", complete.text);
    desk.moves("qa", &format!("{path}/qa/verify"), &verdict(), "VERIFIED").await;
    (path, last)
}

#[tokio::test]
async fn probed_evidence_carries_a_ticket_to_its_end() {
    let (desk, server) = strict().await;
    let (path, _) = verified(&desk, &server).await;
    assert!(!server.heads().is_empty(), "objects were asked for");
    desk.moves("finance", &format!("{path}/close"), &json!({ "reason": "done" }), "CLOSED").await;
    assert_eq!(desk.count("SELECT count(*) FROM evidence_items WHERE NOT is_immutable").await, 0);
    let artifacts = desk.database.texts("SELECT artifact_type::text FROM closeout_artifacts").await;
    assert_eq!(artifacts, ["closeout_packet"]);
}

#[tokio::test]
async fn an_object_that_is_gone_or_changed_keeps_a_ticket_open() {
    let (desk, server) = strict().await;
    let (path, uri) = verified(&desk, &server).await;
    let item = format!("WHERE uri = '{uri}'");
    let close = async || desk.post("finance", &format!("{path}/close"), &json!({ "reason": "done" })).await;
    desk.database.execute(&format!("UPDATE evidence_items SET checksum = 'another' {item}")).await;
    let refused = close().await;
    assert_eq!(requirement(&refused, "INVALID_EVIDENCE_REFERENCE")["invalid_evidence_refs"], json!([uri]));
    let dead = "http://127.0.0.1:1/gone";
    desk.database.execute(&format!("UPDATE evidence_items SET uri = '{dead}' {item}")).await;
    let refused = close().await;
    assert_eq!(requirement(&refused, "INVALID_EVIDENCE_REFERENCE")["invalid_evidence_refs"], json!([dead]));
    assert_eq!(desk.state(&path).await, "VERIFIED");
}

#[tokio::test]
async fn a_null_checksum_is_no_checksum() {
    let desk = Desk::open().await;
    let path = desk.create().await;
    let item = json!({ "kind": "PHOTO", "uri": "s3://evidence/x", "checksum": null });
    let answer = desk.post("technician", &format!("{path}/evidence"), &item).await;
    assert_eq!((answer.status, &answer.body["checksum"]), (201, &Value::Null));
}

#[tokio::test]
async fn a_candidate_of_low_risk_completes_and_its_risk_is_kept() {
    let desk = Desk::open().await;
    let path = desk.reach("IN_PROGRESS").await;
    desk.attach(&path, DOOR, false).await;
    let before = desk.transitions().await;
    let candidate = desk.post("agent", &format!("{path}/closeout/candidate"), &completion_unsigned()).await;
    assert_eq!(candidate.status, 200, "{}", candidate.text);
    assert_eq!(desk.transitions().await, before + 1);
    let level = "SELECT payload -> 'risk_profile' ->> 'level' FROM audit_events \
                 WHERE tool_name = 'closeout.candidate'";
    assert_eq!(desk.database.texts(level).await, ["low"]);
}

#[tokio::test]
async fn a_candidate_of_high_risk_is_left_to_a_person() {
    let desk = Desk::open().await;
    let path = desk.reach_with("IN_PROGRESS", "CANNOT_SECURE_ENTRY").await;
    desk.attach(&path, "CANNOT_SECURE_ENTRY", false).await;
    let refused = desk.post("agent", &format!("{path}/closeout/candidate"), &completion_unsigned()).await;
    refused.expect(409, "MANUAL_REVIEW_REQUIRED");
    let error = &refused.body["error"];
    assert_eq!(error["requirement_code"], "AUTOMATION_RISK_BLOCK");
    assert_eq!(error["risk_profile"]["level"], "high");
    assert!(!error["risk_profile"]["reasons"].as_array().unwrap().is_empty());
    assert_eq!(desk.state(&path).await, "IN_PROGRESS");
    let audited = "SELECT count(*) FROM audit_events WHERE tool_name = 'closeout.candidate'";
    assert_eq!(desk.count(audited).await, 0);
}

#[tokio::test]
async fn items_may_be_added_at_once() {
    let desk = Desk::open().await;
    let path = desk.create().await;
    let url = format!("{path}/evidence");
    let answers = join_all(TEMPLATES[3].1.map(|key| {
        let (desk, url) = (&desk, &url);
        async move { desk.post("technician", url, &item(key)).await.status }
    }))
    .await;
    assert_eq!(answers, [201, 201, 201]);
    assert_eq!(desk.count("SELECT count(*) FROM evidence_items").await, 3);
}
