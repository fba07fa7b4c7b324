//! What a dispatcher's desk does all day, as the tests need it.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use dispatch_testbed::{Answer, Api};

pub use dispatch_testbed::{ACCOUNT, SITE, TECHNICIAN};

/// Keys of the template of a door that will not latch, the signature apart.
pub const DOOR_KEYS: [&str; 3] = [
    "photo_before_door_edge_and_strike",
    "photo_after_latched_alignment",
    "note_adjustments_and_test_cycles",
];

/// Keys of the template of an entry that cannot be secured, the signature apart.
pub const SECURITY_KEYS: [&str; 3] = [
    "photo_before_security_risk",
    "photo_after_temporary_or_permanent_securement",
    "note_risk_mitigation_and_customer_handoff",
];

/// Posts with headers of its own and a fresh key.
pub async fn post_as(service: &Api, headers: &[(&str, &str)], path: &str, body: &Value) -> Answer {
    let key = Uuid::new_v4().to_string();
    let headers: Vec<(&str, &str)> = [headers, &[("idempotency-key", &key)]].concat();
    service.post_headers(path, body, &headers).await
}

/// Reads as a role.
pub async fn get_as(service: &Api, role: &str, path: &str) -> Answer {
    service.get_as(role, path).await
}

pub fn triage(priority: &str, incident_type: &str, outcome: &str) -> Value {
    json!({ "priority": priority, "incident_type": incident_type, "workflow_outcome": outcome })
}

/// Creates a ticket; returns its path.
pub async fn create(service: &Api) -> String {
    let body = json!({ "account_id": ACCOUNT, "site_id": SITE, "summary": "Door will not latch" });
    let answer = service.moves("dispatcher", "/tickets", &body, "NEW").await;
    format!("/tickets/{}", answer.body["id"].as_str().unwrap())
}

/// The id at the end of a ticket's path.
pub fn id(path: &str) -> &str {
    path.trim_start_matches("/tickets/")
}

pub fn window() -> Value {
    json!({ "start": "2036-12-05T10:00:00.000Z", "end": "2036-12-05T12:00:00.000Z" })
}

/// Creates a ticket and takes it to SCHEDULE_PROPOSED.
pub async fn propose(service: &Api) -> String {
    let path = create(service).await;
    let ready = triage("URGENT", "DOOR_WONT_LATCH", "READY_TO_SCHEDULE");
    service.moves("dispatcher", &format!("{path}/triage"), &ready, "READY_TO_SCHEDULE").await;
    let options = json!({ "options": [window()] });
    service.moves("agent", &format!("{path}/schedule/propose"), &options, "SCHEDULE_PROPOSED").await;
    path
}

/// Creates a ticket and takes it to SCHEDULED.
pub async fn schedule(service: &Api) -> String {
    let path = propose(service).await;
    service.moves("dispatcher", &format!("{path}/schedule/confirm"), &window(), "SCHEDULED").await;
    path
}

/// Creates an emergency of an incident type and takes it to IN_PROGRESS.
pub async fn start_work(service: &Api, incident_type: &str) -> String {
    let path = create(service).await;
    let triaged = triage("EMERGENCY", incident_type, "TRIAGED");
    service.moves("dispatcher", &format!("{path}/triage"), &triaged, "TRIAGED").await;
    let order = json!({ "tech_id": TECHNICIAN, "dispatch_mode": "STANDARD" });
    service.moves("dispatcher", &format!("{path}/assignment/dispatch"), &order, "DISPATCHED").await;
    let arrival = json!({ "timestamp": "2026-12-05T10:05:00Z", "location": {} });
    service.moves("technician", &format!("{path}/tech/check-in"), &arrival, "IN_PROGRESS").await;
    path
}

pub async fn attach(service: &Api, path: &str, keys: &[&str]) {
    for key in keys {
        let item = json!({ "kind": "PHOTO", "uri": format!("s3://evidence/{key}"), "evidence_key": key });
        assert_eq!(service.post("technician", &format!("{path}/evidence"), &item).await.status, 201);
    }
}

/// A whole checklist and a reason for having no signature.
pub fn completion() -> Value {
    let flags = [
        "billing_authorization",
        "onsite_photos_after",
        "parts_used_or_needed",
        "resolution_status",
        "work_performed",
    ];
    let checklist: Map<String, Value> = flags.iter().map(|flag| ((*flag).to_owned(), true.into())).collect();
    json!({ "checklist_status": checklist, "no_signature_reason": "customer absent" })
}

/// The state of a ticket.
pub async fn state(service: &Api, path: &str) -> String {
    service.get(path).await.state().to_owned()
}
