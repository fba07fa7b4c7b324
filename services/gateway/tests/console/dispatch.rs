//! A small dispatch API with one ticket, whose actions and transitions come from the domain's own tables.

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use dispatch_domain::action::{COCKPIT_ACTIONS, PACKET_ACTIONS, View};
use dispatch_domain::{ErrorCode, Refusal, Role, TicketState, Tool, ToolName, tool};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, MutexGuard};

pub const TICKET: &str = "00000000-0000-0000-0000-0000000000a1";
const NOW: &str = "2026-11-22T12:00:00.000Z";

/// What happened to the ticket.
#[derive(Debug, Default)]
pub struct Case {
    pub state: Option<TicketState>,
    pub summary: String,
    pub evidence: Vec<String>,
    pub events: Vec<Value>,
    pub keys: Vec<String>,
    /// Set to make every read fail.
    pub down: bool,
}

#[derive(Clone, Default)]
pub struct Dispatch(Arc<Mutex<Case>>);

impl Dispatch {
    pub fn case(&self) -> MutexGuard<'_, Case> {
        self.0.lock().unwrap()
    }

    pub fn router(&self) -> Router {
        Router::new().fallback(answer).with_state(self.clone())
    }
}

async fn answer(State(dispatch): State<Dispatch>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let payload: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let header =
        |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut case = dispatch.case();
    if case.down {
        return reply(
            503,
            json!({ "error": { "code": "DB_UNAVAILABLE", "message": "The database is away" } }),
        );
    }
    let (status, document) = match parts.uri.path() {
        "/readyz" => (200, json!({ "ok": true })),
        "/ops/alerts" => (200, alerts(&case)),
        _ => match tool::by_name(header("x-tool-name")) {
            Some(tool) if tool.is_mutating() => {
                case.keys.push(header("idempotency-key").to_owned());
                change(&mut case, tool, &payload, header("x-actor-id"))
            }
            Some(tool) => (200, read(&case, tool.name)),
            None => (404, json!({ "error": { "code": "NOT_FOUND", "message": parts.uri.path() } })),
        },
    };
    reply(status, document)
}

fn reply(status: u16, document: Value) -> Response {
    (StatusCode::from_u16(status).unwrap(), axum::Json(document)).into_response()
}

fn refused(code: &str, message: &str, details: Value) -> (u16, Value) {
    let mut error = json!({ "code": code, "message": message, "policy_error": details });
    error["policy_error"]["code"] = code.into();
    (409, json!({ "error": error }))
}

fn change(case: &mut Case, tool: &Tool, payload: &Value, actor: &str) -> (u16, Value) {
    let before = case.state;
    if let (Some(state), Some(accepted)) = (before, tool.accepted_states)
        && !accepted.contains(&state)
    {
        let details = json!({ "dimension": "state", "from_state": state, "allowed_from_states": accepted, "to_state": tool.result });
        return refused("INVALID_STATE_TRANSITION", "The ticket is in another state", details);
    }
    match tool.name {
        ToolName::TicketCreate => case.summary = payload["summary"].as_str().unwrap_or_default().to_owned(),
        ToolName::CloseoutAddEvidence => {
            case.evidence.push(payload["evidence_key"].as_str().unwrap_or_default().to_owned())
        }
        ToolName::TechComplete if case.evidence.is_empty() => {
            let details = json!({ "dimension": "evidence", "missing_evidence_keys": ["photo_after_latched_alignment"], "requirement_code": "MISSING_EVIDENCE" });
            return refused(
                "CLOSEOUT_REQUIREMENTS_INCOMPLETE",
                "Closeout requirements are incomplete",
                details,
            );
        }
        _ => {}
    }
    let result =
        if tool.name == ToolName::TicketTriage { Some(TicketState::ReadyToSchedule) } else { tool.result };
    case.state = result.or(before);
    let event = json!({ "id": case.events.len().to_string(), "created_at": NOW, "actor_type": "HUMAN", "actor_id": actor,
        "actor_role": "dispatcher", "tool_name": tool.name, "before_state": before, "after_state": case.state, "payload": payload });
    case.events.push(event);
    let status = if tool.name == ToolName::TicketCreate { 201 } else { 200 };
    (status, ticket(case))
}

fn ticket(case: &Case) -> Value {
    json!({ "id": TICKET, "state": case.state, "summary": case.summary, "priority": "URGENT", "incident_type": "DOOR_WONT_LATCH",
        "scheduled_start": null, "scheduled_end": null, "assigned_tech_id": null, "version": case.events.len() })
}

fn read(case: &Case, name: ToolName) -> Value {
    match name {
        ToolName::DispatcherCockpit => {
            json!({ "generated_at": NOW, "queue": queue(case), "selected_ticket": null })
        }
        ToolName::TechJobPacket => packet(case),
        ToolName::TicketTimeline => json!({ "ticket_id": TICKET, "events": case.events }),
        _ => ticket(case),
    }
}

fn queue(case: &Case) -> Vec<Value> {
    let Some(state) = case.state.filter(|state| *state != TicketState::Closed) else { return Vec::new() };
    let view = View { role: Role::Dispatcher, ticket_id: TICKET, state };
    vec![
        json!({ "ticket_id": TICKET, "state": state, "priority": "URGENT", "incident_type": "DOOR_WONT_LATCH",
        "site": { "name": "Demo Site North" }, "assigned_tech": null, "scheduled_start": null, "last_update_at": NOW,
        "last_transition_at": NOW, "sla_deadline_at": NOW, "sla_timer_remaining": "-00:10", "sla_status": "breach",
        "sla_delay_attribution": "unknown", "actions": view.describe_all(COCKPIT_ACTIONS, |_| None) }),
    ]
}

fn packet(case: &Case) -> Value {
    let state = case.state.unwrap_or(TicketState::New);
    let view = View { role: Role::Dispatcher, ticket_id: TICKET, state };
    let key = "photo_after_latched_alignment";
    json!({ "packet": {
        "header": { "current_state": state, "scheduled_window": { "start": null, "end": null } },
        "site_and_access": { "site_name": "Demo Site North", "address": { "address1": "100 Demo Drive", "city": "Oakland" },
            "access_instructions": null, "onsite_contact": { "name": "Front desk", "phone": "+1-555-0100", "role": "customer" } },
        "work_scope": { "summary": case.summary, "customer_description": "It swings open", "nte_cents": 50000 },
        "evidence_requirements": { "required_evidence": [{ "key": key, "present": !case.evidence.is_empty() }], "evidence_items": [] },
        "checklist": { "required_items": [{ "key": "work_performed", "checked": false }] },
        "closeout_gate": { "ready": false, "code": "MISSING_EVIDENCE", "missing_evidence_keys": [key], "missing_checklist_keys": [],
            "invalid_evidence_refs": [], "no_signature_reason": null },
        "actions": view.describe_all(PACKET_ACTIONS, gate),
    } })
}

/// Like the API's: closed until a completion has brought its checklist.
fn gate(name: ToolName) -> Option<Refusal> {
    let closed =
        || Refusal::new(ErrorCode::CloseoutRequirementsIncomplete, "Closeout requirements are incomplete");
    (name == ToolName::TechComplete).then(closed)
}

fn alerts(case: &Case) -> Value {
    let stuck = usize::from(case.state.is_some());
    let alarm = json!({ "code": "STUCK_SCHEDULING", "message": "Tickets rest too long", "runbook": "stuck_scheduling.md" });
    json!({ "generated_at": NOW, "thresholds": { "stuck_scheduling_count": 1 }, "signals": { "stuck_scheduling_count": stuck },
        "alerts": if stuck == 0 { Vec::new() } else { vec![alarm] } })
}
