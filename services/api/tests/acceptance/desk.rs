//! What a dispatcher's desk does all day, as these tests need it.

use std::ops::{Deref, DerefMut};

use dispatch_testbed::{ACCOUNT, Answer, Api, SITE, TECHNICIAN, token};
use reqwest::Method;
use serde_json::{Map, Value, json};
use uuid::Uuid;

const API: &str = env!("CARGO_BIN_EXE_dispatch-api");

/// The incident type of a ticket when a test does not care.
pub const DOOR: &str = "DOOR_WONT_LATCH";

/// Incident types with the evidence keys of their templates, the signature apart.
pub const TEMPLATES: [(&str, [&str; 3]); 6] = [
    (
        "AUTO_OPERATOR_FAULT",
        [
            "photo_before_operator_and_sensors",
            "photo_after_operator_and_sensors",
            "note_cycle_and_sensor_tests",
        ],
    ),
    (
        "CANNOT_SECURE_ENTRY",
        [
            "photo_before_security_risk",
            "photo_after_temporary_or_permanent_securement",
            "note_risk_mitigation_and_customer_handoff",
        ],
    ),
    (
        "CLOSER_LEAKING_OR_SLAMMING",
        [
            "photo_before_closer_body",
            "photo_after_closer_or_adjustment",
            "note_sweep_and_latch_speed_settings",
        ],
    ),
    (
        DOOR,
        [
            "photo_before_door_edge_and_strike",
            "photo_after_latched_alignment",
            "note_adjustments_and_test_cycles",
        ],
    ),
    (
        "FRAME_OR_GLASS_DAMAGE",
        [
            "photo_before_damage_extent",
            "photo_after_repair_or_board_up",
            "note_safety_actions_and_follow_up_scope",
        ],
    ),
    (
        "HARDWARE_REPLACEMENT",
        [
            "photo_before_failed_hardware",
            "photo_after_installed_hardware",
            "note_part_numbers_and_function_test",
        ],
    ),
];

/// The evidence key that stands for a signature.
pub const SIGNATURE: &str = "signature_or_no_signature_reason";

/// The way of a ticket from READY_TO_SCHEDULE to INVOICED.
const WAY: [&str; 8] = [
    "READY_TO_SCHEDULE",
    "SCHEDULE_PROPOSED",
    "SCHEDULED",
    "DISPATCHED",
    "IN_PROGRESS",
    "COMPLETED_PENDING_VERIFICATION",
    "VERIFIED",
    "INVOICED",
];

/// An API with the demo fixtures, development headers and tokens.
pub struct Desk(Api);

impl Deref for Desk {
    type Target = Api;

    fn deref(&self) -> &Api {
        &self.0
    }
}

impl DerefMut for Desk {
    fn deref_mut(&mut self) -> &mut Api {
        &mut self.0
    }
}

impl Desk {
    /// With default settings.
    pub async fn open() -> Self {
        Self::open_with(&[]).await
    }

    /// With further settings.
    pub async fn open_with(settings: &[(&str, &str)]) -> Self {
        let all = [&[("DISPATCH_AUTH_JWT_SECRET", token::SECRET)], settings].concat();
        Self(Api::raise(API, &all).await)
    }

    /// Posts with a role's token and further headers.
    pub async fn post_token(&self, role: &str, path: &str, body: &Value, headers: &[(&str, &str)]) -> Answer {
        let bearer = format!("Bearer {}", token::for_role(role));
        self.post_headers(path, body, &[&[("authorization", bearer.as_str())], headers].concat()).await
    }

    /// Posts as a dispatcher who names the tool.
    pub async fn tooled(&self, tool: &str, path: &str, body: &Value, key: Uuid) -> Answer {
        let key = key.to_string();
        let headers = [
            ("x-actor-id", "dispatcher-1"),
            ("x-actor-role", "dispatcher"),
            ("x-tool-name", tool),
            ("idempotency-key", &key),
        ];
        self.post_headers(path, body, &headers).await
    }

    /// Creates a ticket; returns its path.
    pub async fn create(&self) -> String {
        let answer = self.moves("dispatcher", "/tickets", &ticket(), "NEW").await;
        path_of(&answer)
    }

    /// Creates a ticket and triages it as an emergency.
    pub async fn triaged(&self, incident_type: &str) -> String {
        let path = self.create().await;
        let body = triage("EMERGENCY", incident_type, "TRIAGED");
        self.moves("dispatcher", &format!("{path}/triage"), &body, "TRIAGED").await;
        path
    }

    /// Creates a ticket about a door and takes it to a state.
    pub async fn reach(&self, state: &str) -> String {
        self.reach_with(state, DOOR).await
    }

    /// The same with an incident type.
    pub async fn reach_with(&self, state: &str, incident_type: &str) -> String {
        let path = self.create().await;
        if state == "NEW" {
            return path;
        }
        assert!(WAY.contains(&state), "{state} is not on the way");
        for step in WAY {
            if step == "COMPLETED_PENDING_VERIFICATION" {
                self.attach(&path, incident_type, true).await;
            }
            let (role, command, body) = step_to(step, incident_type);
            self.moves(role, &format!("{path}{command}"), &body, step).await;
            if step == state {
                break;
            }
        }
        path
    }

    /// Adds the items of a template, with a signature when wanted.
    pub async fn attach(&self, path: &str, incident_type: &str, signature: bool) {
        for key in keys(incident_type, signature) {
            let answer = self.post("technician", &format!("{path}/evidence"), &item(key)).await;
            assert_eq!(answer.status, 201, "{}", answer.text);
        }
    }

    /// The state of a ticket.
    pub async fn state(&self, path: &str) -> String {
        self.get(path).await.state().to_owned()
    }

    /// The tickets in the database.
    pub async fn tickets(&self) -> i64 {
        self.count("SELECT count(*) FROM tickets").await
    }

    /// The history rows in the database.
    pub async fn transitions(&self) -> i64 {
        self.count("SELECT count(*) FROM ticket_state_transitions").await
    }

    /// The audit rows in the database.
    pub async fn audits(&self) -> i64 {
        self.count("SELECT count(*) FROM audit_events").await
    }

    /// One counter of `/metrics`: the entry whose members are these, or a plain number. 0 when it is not there.
    pub async fn counter(&self, name: &str, members: &Value) -> i64 {
        let metrics = self.get_with("/metrics", &[]).await;
        let counter = &metrics.body["counters"][name];
        let Some(entries) = counter.as_array() else { return counter.as_i64().unwrap_or(0) };
        let wanted = members.as_object().unwrap();
        let found = entries.iter().find(|entry| wanted.iter().all(|(name, value)| entry[name] == *value));
        found.map_or(0, |entry| entry["count"].as_i64().unwrap())
    }

    /// Sends nothing but what it is told to, as a dispatcher.
    pub async fn raw_post(&self, path: &str, body: &Value) -> Answer {
        let request = self.request(Method::POST, path).header("x-actor-id", "dispatcher-1");
        dispatch_testbed::send(request.header("x-actor-role", "dispatcher").json(body)).await
    }
}

/// The path of the ticket in an answer.
pub fn path_of(answer: &Answer) -> String {
    format!("/tickets/{}", answer.body["id"].as_str().unwrap())
}

/// The id at the end of a ticket's path.
pub fn id(path: &str) -> &str {
    path.trim_start_matches("/tickets/")
}

pub fn ticket() -> Value {
    json!({ "account_id": ACCOUNT, "site_id": SITE, "summary": "Door will not latch" })
}

pub fn triage(priority: &str, incident_type: &str, outcome: &str) -> Value {
    json!({ "priority": priority, "incident_type": incident_type, "workflow_outcome": outcome })
}

/// A window in the future.
pub fn window() -> Value {
    json!({ "start": "2036-12-05T10:00:00.000Z", "end": "2036-12-05T12:00:00.000Z" })
}

/// An emergency dispatch that says everything.
pub fn bypass() -> Value {
    json!({
        "tech_id": TECHNICIAN, "dispatch_mode": "EMERGENCY_BYPASS",
        "dispatch_rationale": "someone is locked out", "dispatch_confirmation": true,
    })
}

pub fn arrival() -> Value {
    json!({ "timestamp": "2026-12-05T10:05:00Z", "location": {} })
}

pub fn verdict() -> Value {
    json!({ "timestamp": "2026-12-05T13:00:00Z", "result": "PASS" })
}

pub fn item(key: &str) -> Value {
    json!({ "kind": "PHOTO", "uri": format!("s3://evidence/{key}"), "evidence_key": key })
}

/// The evidence keys of a template.
pub fn keys(incident_type: &str, signature: bool) -> Vec<&'static str> {
    let (_, keys) = TEMPLATES.iter().find(|(name, _)| *name == incident_type).unwrap();
    keys.iter().copied().chain(signature.then_some(SIGNATURE)).collect()
}

pub fn checklist() -> Value {
    let flags = [
        "billing_authorization",
        "onsite_photos_after",
        "parts_used_or_needed",
        "resolution_status",
        "work_performed",
    ];
    flags.iter().map(|flag| ((*flag).to_owned(), Value::Bool(true))).collect::<Map<_, _>>().into()
}

/// A whole checklist, without a word on the signature.
pub fn completion() -> Value {
    json!({ "checklist_status": checklist() })
}

/// A whole checklist and a reason for having no signature.
pub fn completion_unsigned() -> Value {
    json!({ "checklist_status": checklist(), "no_signature_reason": "customer absent" })
}

/// Who takes a ticket into a state, and how.
fn step_to(state: &str, incident_type: &str) -> (&'static str, &'static str, Value) {
    match state {
        "READY_TO_SCHEDULE" => {
            ("dispatcher", "/triage", triage("EMERGENCY", incident_type, "READY_TO_SCHEDULE"))
        }
        "SCHEDULE_PROPOSED" => ("dispatcher", "/schedule/propose", json!({ "options": [window()] })),
        "SCHEDULED" => ("dispatcher", "/schedule/confirm", window()),
        "DISPATCHED" => ("dispatcher", "/assignment/dispatch", json!({ "tech_id": TECHNICIAN })),
        "IN_PROGRESS" => ("technician", "/tech/check-in", arrival()),
        // A candidate would be refused for the types that are left to a person.
        "COMPLETED_PENDING_VERIFICATION" => ("technician", "/tech/complete", completion()),
        "VERIFIED" => ("qa", "/qa/verify", verdict()),
        _ => ("finance", "/billing/generate-invoice", json!({})),
    }
}
