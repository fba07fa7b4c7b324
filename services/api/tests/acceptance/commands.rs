//! Every mutating command with a ticket that is ready for it.

use dispatch_testbed::{ACCOUNT, SECOND_TECHNICIAN, SITE, TECHNICIAN};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::desk::{Desk, arrival, completion, id, ticket, triage, verdict, window};

/// One command that will succeed.
pub struct Call {
    pub role: &'static str,
    pub path: String,
    pub body: Value,
    pub status: u16,
    /// History rows that it adds.
    pub moves: i64,
}

/// Every POST of the served description: path and tool.
pub async fn served(desk: &Desk) -> Vec<(String, String)> {
    let description = desk.get_with("/openapi.json", &[]).await;
    let paths = description.body["paths"].as_object().unwrap();
    let posts = paths.iter().filter_map(|(path, methods)| Some((path, methods.get("post")?)));
    // Operations have no tool; they are tested where they belong.
    let tool = |post: &Value| post.get("x-tool-name")?.as_str().map(str::to_owned);
    let commands: Vec<_> = posts.filter_map(|(path, post)| Some((path.clone(), tool(post)?))).collect();
    assert!(commands.len() >= 29, "the description lists the commands");
    commands
}

/// Prepares what the command needs; panics for one that has no row here, so that none is forgotten.
pub async fn ready(desk: &Desk, tool: &str) -> Call {
    let (role, status, moves) = expected(tool);
    let (path, body) = match tool {
        "ticket.create" => ("/tickets".to_owned(), ticket()),
        "ticket.blind_intake" => ("/tickets/intake".to_owned(), intake()),
        "ops.autonomy.pause" => ("/ops/autonomy/pause".to_owned(), json!({ "scope_type": "GLOBAL" })),
        "ops.autonomy.rollback" => ("/ops/autonomy/rollback".to_owned(), json!({ "scope_type": "GLOBAL" })),
        "outbox.replay" => ("/outbox/replay".to_owned(), json!({ "outbox_id": dead_letter(desk).await })),
        "account.create" => ("/accounts".to_owned(), json!({ "name": "Another account" })),
        "account.update" => (format!("/accounts/{ACCOUNT}"), json!({ "name": "Renamed account" })),
        "site.create" => ("/sites".to_owned(), site()),
        "site.update" => (format!("/sites/{SITE}"), json!({ "name": "Renamed site" })),
        "technician.create" => ("/technicians".to_owned(), json!({ "name": "Another technician" })),
        "technician.update" => (format!("/technicians/{SECOND_TECHNICIAN}"), json!({ "name": "Renamed" })),
        "token.revoke" => {
            let body =
                json!({ "jti": Uuid::new_v4(), "expires_at": "2036-12-05T10:00:00Z", "reason": "lost" });
            ("/ops/tokens/revoke".to_owned(), body)
        }
        _ => on_a_ticket(desk, tool).await,
    };
    Call { role, path, body, status, moves }
}

/// Role, status and history rows.
fn expected(tool: &str) -> (&'static str, u16, i64) {
    match tool {
        "ticket.create" | "ticket.blind_intake" | "schedule.hold" => ("dispatcher", 201, 1),
        "assignment.recommend" | "closeout.add_evidence" => ("dispatcher", 201, 0),
        "account.create" | "site.create" | "technician.create" => ("admin", 201, 0),
        "account.update" | "site.update" | "technician.update" | "token.revoke" => ("admin", 200, 0),
        "tech.check_in" => ("dispatcher", 200, 2),
        "tech.request_change" => ("technician", 200, 1),
        "billing.generate_invoice" => ("finance", 200, 1),
        "outbox.replay" => ("finance", 200, 0),
        "closeout.evidence_exception" | "ops.autonomy.pause" | "ops.autonomy.rollback" => {
            ("dispatcher", 200, 0)
        }
        _ => ("dispatcher", 200, 1),
    }
}

async fn on_a_ticket(desk: &Desk, tool: &str) -> (String, Value) {
    let (state, route, body) = match tool {
        "ticket.triage" => ("NEW", "triage", triage("URGENT", "DOOR_WONT_LATCH", "TRIAGED")),
        "ticket.cancel" => ("NEW", "cancel", json!({ "reason": "called twice" })),
        "ticket.request_info" => ("NEW", "request-info", json!({ "reason": "which door?" })),
        "schedule.propose" => ("READY_TO_SCHEDULE", "schedule/propose", json!({ "options": [window()] })),
        "schedule.confirm" => ("SCHEDULE_PROPOSED", "schedule/confirm", window()),
        "schedule.hold" => ("SCHEDULED", "schedule/hold", hold()),
        "dispatch.resume" => return resumable(desk).await,
        "schedule.release" => return held(desk, "release", "customer_confirmation_id").await,
        "schedule.rollback" => return held(desk, "rollback", "confirmation_id").await,
        "assignment.dispatch" => {
            // A site without a region takes every technician.
            desk.database.execute("UPDATE sites SET region = NULL").await;
            ("SCHEDULED", "assignment/dispatch", json!({ "tech_id": TECHNICIAN }))
        }
        "assignment.recommend" => (
            "SCHEDULED",
            "assignment/recommend",
            json!({ "service_type": "DOOR_REPAIR_V1", "recommendation_limit": 3 }),
        ),
        "tech.check_in" => ("DISPATCHED", "tech/check-in", arrival()),
        "tech.request_change" => ("IN_PROGRESS", "tech/request-change", change()),
        "approval.decide" => return decision(desk).await,
        "closeout.add_evidence" => ("IN_PROGRESS", "evidence", json!({ "kind": "NOTE", "uri": "s3://e/n" })),
        "closeout.candidate" => return finished(desk, "closeout/candidate").await,
        "tech.complete" => return finished(desk, "tech/complete").await,
        "qa.verify" => ("COMPLETED_PENDING_VERIFICATION", "qa/verify", verdict()),
        "qa.reject" => {
            let body = json!({ "timestamp": "2026-12-05T13:00:00Z", "reason": "the latch still sticks" });
            ("COMPLETED_PENDING_VERIFICATION", "qa/reject", body)
        }
        "billing.generate_invoice" => ("VERIFIED", "billing/generate-invoice", json!({})),
        "ticket.close" => ("VERIFIED", "close", json!({ "reason": "done" })),
        "ticket.force_close" => ("COMPLETED_PENDING_VERIFICATION", "force-close", force_close()),
        "dispatch.force_hold" => ("IN_PROGRESS", "dispatch/force-hold", json!({ "reason": "storm" })),
        "dispatch.force_unassign" => ("IN_PROGRESS", "dispatch/force-unassign", json!({ "reason": "ill" })),
        "dispatch.manual_bypass" => {
            ("IN_PROGRESS", "dispatch/manual-bypass", json!({ "bypass_rationale": "tool is down" }))
        }
        "reopen_after_verification" => {
            ("INVOICED", "closeout/reopen-after-verification", json!({ "reason": "came loose" }))
        }
        "closeout.evidence_exception" => {
            ("IN_PROGRESS", "closeout/evidence-exception", json!({ "exception_reason": "camera broke" }))
        }
        other => panic!("{other} is served and has no row in commands.rs"),
    };
    (format!("{}/{route}", desk.reach(state).await), body)
}

pub fn intake() -> Value {
    json!({
        "account_id": ACCOUNT, "site_id": SITE, "summary": format!("Back door {}", Uuid::new_v4()),
        "incident_type": "DOOR_WONT_LATCH", "customer_name": "Ada Byron", "contact_phone": "+1 (555) 010-1234",
        "priority": "URGENT", "identity_confidence": 98, "classification_confidence": 97,
        "sop_handoff_acknowledged": true,
    })
}

pub fn hold() -> Value {
    json!({ "hold_reason": "CUSTOMER_PENDING", "confirmation_window": window() })
}

pub fn change() -> Value {
    json!({ "approval_type": "NTE_INCREASE", "reason": "the frame is rotten", "amount_delta_cents": 5000 })
}

pub fn force_close() -> Value {
    json!({
        "override_code": "FORCE", "override_reason": "the auditor asked for it in writing",
        "approver_role": "dispatcher",
    })
}

async fn held(desk: &Desk, command: &str, member: &str) -> (String, Value) {
    let path = desk.reach("SCHEDULED").await;
    let answer = desk.post("dispatcher", &format!("{path}/schedule/hold"), &hold()).await;
    (format!("{path}/schedule/{command}"), json!({ member: answer.body["hold_id"] }))
}

async fn resumable(desk: &Desk) -> (String, Value) {
    let path = desk.reach("IN_PROGRESS").await;
    let held =
        desk.post("dispatcher", &format!("{path}/dispatch/force-hold"), &json!({ "reason": "storm" })).await;
    assert_eq!(held.state(), "ON_HOLD", "{}", held.text);
    (format!("{path}/dispatch/resume"), json!({ "reason": "the storm is over" }))
}

fn site() -> Value {
    json!({
        "account_id": ACCOUNT, "name": "Another site", "address1": "2 Road", "city": "Oakland",
        "region": "CA", "postal_code": "94607",
    })
}

async fn decision(desk: &Desk) -> (String, Value) {
    let path = desk.reach("IN_PROGRESS").await;
    let answer = desk.post("technician", &format!("{path}/tech/request-change"), &change()).await;
    let body = json!({ "approval_id": answer.body["approval"]["id"], "decision": "APPROVED" });
    (format!("{path}/approval/decide"), body)
}

async fn finished(desk: &Desk, command: &str) -> (String, Value) {
    let path = desk.reach("IN_PROGRESS").await;
    desk.attach(&path, "DOOR_WONT_LATCH", true).await;
    (format!("{path}/{command}"), completion())
}

/// A message that was given up.
pub async fn dead_letter(desk: &Desk) -> String {
    let path = desk.reach("SCHEDULED").await;
    let row = format!("aggregate_id = '{}'", id(&path));
    let fail = "status = 'DEAD_LETTER', attempt_count = 6, last_error = 'provider answered 502'";
    desk.database.execute(&format!("UPDATE dispatch_outbox SET {fail} WHERE {row}")).await;
    desk.database.text(&format!("SELECT id::text FROM dispatch_outbox WHERE {row}")).await.unwrap()
}
