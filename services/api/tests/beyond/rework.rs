//! Ways back: from a hold, from missing information, from a check that found the work incomplete.

use serde_json::{Value, json};

use crate::desk::{DOOR_KEYS, TECHNICIAN, attach, completion, create, schedule, start_work, triage};
use crate::raise;

#[tokio::test]
async fn held_work_goes_on_where_it_was_held() {
    let api = raise(&[]).await;
    let path = schedule(&api).await;
    let order = json!({ "tech_id": TECHNICIAN });
    api.moves("dispatcher", &format!("{path}/assignment/dispatch"), &order, "DISPATCHED").await;
    let (hold, resume) = (format!("{path}/dispatch/force-hold"), format!("{path}/dispatch/resume"));
    api.moves("dispatcher", &hold, &json!({}), "ON_HOLD").await;
    api.moves("dispatcher", &resume, &json!({ "reason": "part is there" }), "DISPATCHED").await;
    let arrival = json!({ "timestamp": "2026-12-05T10:05:00Z" });
    api.moves("technician", &format!("{path}/tech/check-in"), &arrival, "IN_PROGRESS").await;
    api.moves("dispatcher", &hold, &json!({}), "ON_HOLD").await;
    let resumed = api.moves("dispatcher", &resume, &json!({}), "IN_PROGRESS").await;
    assert_eq!(resumed.body["assigned_tech_id"], TECHNICIAN);
    api.refuses("dispatcher", &resume, &json!({}), "INVALID_STATE_TRANSITION").await;
}

#[tokio::test]
async fn held_work_can_be_scheduled_anew_and_only_a_dispatcher_says_so() {
    let api = raise(&[]).await;
    let path = start_work(&api, "DOOR_WONT_LATCH").await;
    let resume = format!("{path}/dispatch/resume");
    api.moves("dispatcher", &format!("{path}/dispatch/force-hold"), &json!({}), "ON_HOLD").await;
    api.refuses("technician", &resume, &json!({}), "FORBIDDEN").await;
    api.refuses("dispatcher", &resume, &json!({ "resume_to": "CLOSED" }), "INVALID_REQUEST").await;
    let anew = json!({ "resume_to": "READY_TO_SCHEDULE" });
    let ticket = api.moves("dispatcher", &resume, &anew, "READY_TO_SCHEDULE").await;
    assert_eq!(
        (&ticket.body["assigned_tech_id"], &ticket.body["scheduled_start"]),
        (&Value::Null, &Value::Null)
    );
}

#[tokio::test]
async fn a_new_ticket_waits_for_information_and_is_triaged_with_it() {
    let api = raise(&[]).await;
    let path = create(&api).await;
    let ask = format!("{path}/request-info");
    api.refuses("customer", &ask, &json!({ "reason": "x" }), "FORBIDDEN").await;
    api.refuses("agent", &ask, &json!({ "reason": " " }), "INVALID_REQUEST").await;
    let questions = json!({ "reason": "Which door?", "questions": ["front or back"] });
    api.moves("agent", &ask, &questions, "NEEDS_INFO").await;
    api.refuses("agent", &ask, &questions, "INVALID_STATE_TRANSITION").await;
    api.moves("dispatcher", &format!("{path}/triage"), &triage("URGENT", "X", "TRIAGED"), "TRIAGED").await;
    let events = api.get(&format!("{path}/timeline")).await.body["events"].clone();
    assert_eq!(events[1]["payload"]["questions"], json!(["front or back"]));
}

#[tokio::test]
async fn rejected_work_goes_on_and_every_attempt_is_kept() {
    let api = raise(&[]).await;
    let path = start_work(&api, "DOOR_WONT_LATCH").await;
    let complete = format!("{path}/tech/complete");
    let refused =
        api.refuses("technician", &complete, &completion(), "CLOSEOUT_REQUIREMENTS_INCOMPLETE").await;
    assert_eq!(refused.body["error"]["requirement_code"], "MISSING_EVIDENCE");
    attach(&api, &path, &DOOR_KEYS).await;
    api.moves("technician", &complete, &completion(), "COMPLETED_PENDING_VERIFICATION").await;
    let reject = json!({ "timestamp": "2026-12-05T12:00:00Z", "reason": "latch still sticks" });
    api.refuses("technician", &format!("{path}/qa/reject"), &reject, "FORBIDDEN").await;
    api.moves("qa", &format!("{path}/qa/reject"), &reject, "IN_PROGRESS").await;
    api.moves("technician", &complete, &completion(), "COMPLETED_PENDING_VERIFICATION").await;
    let pass = json!({ "timestamp": "2026-12-05T13:00:00Z", "result": "PASS" });
    api.moves("qa", &format!("{path}/qa/verify"), &pass, "VERIFIED").await;
    let attempts = api.get(&format!("{path}/completions")).await.body["completions"].clone();
    let shown: Vec<(&str, &Value)> = attempts
        .as_array()
        .unwrap()
        .iter()
        .map(|attempt| (attempt["outcome"].as_str().unwrap(), &attempt["requirement_code"]))
        .collect();
    assert_eq!(
        shown,
        [("REFUSED", &json!("MISSING_EVIDENCE")), ("REJECTED", &json!(null)), ("VERIFIED", &json!(null))]
    );
    assert_eq!(attempts[1]["judge_notes"], "latch still sticks");
    assert_eq!(attempts[2]["checklist"]["work_performed"], true);
    assert_eq!(api.get_as("customer", &format!("{path}/completions")).await.status, 403);
}

#[tokio::test]
async fn a_checklist_item_whose_name_is_redacted_in_the_trail_still_counts() {
    let api = raise(&[]).await;
    let path = start_work(&api, "DOOR_WONT_LATCH").await;
    attach(&api, &path, &DOOR_KEYS).await;
    let mut said = completion();
    said["checklist_status"]["email_sent"] = true.into();
    api.moves("technician", &format!("{path}/tech/complete"), &said, "COMPLETED_PENDING_VERIFICATION").await;
    let attempts = api.get(&format!("{path}/completions")).await.body["completions"].clone();
    assert_eq!(attempts[0]["checklist"]["email_sent"], true);
}
