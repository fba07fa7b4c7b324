//! Probes, counters and alerts.

use dispatch_domain::alert::{AlertCode, AlertState, RULES, RUNBOOKS, SEVERITY};
use dispatch_domain::{ActorType, Role, TicketState};
use serde_json::{Value, json};

use super::shape::{closed, closed_with, flag, free, instant, integer, is, list, or_null, text, uuid, word};

pub(super) fn schemas() -> Vec<(&'static str, Value)> {
    vec![
        ("Liveness", closed(&[("ok", flag()), ("status", text()), ("service", text())])),
        ("Readiness", readiness()),
        ("Health", health()),
        ("Counters", counters()),
        (
            "Metrics",
            closed(&[("service", text()), ("generated_at", instant()), ("counters", is("Counters"))]),
        ),
        ("Alert", alert()),
        ("Alerts", alerts()),
        ("AlertHistory", history()),
        (
            "AlertAcknowledgement",
            closed(&[
                ("code", word(AlertCode::ALL)),
                ("state", word(&[AlertState::Acknowledged])),
                ("episode", uuid()),
                ("acknowledged_by", text()),
                ("note", or_null(text())),
            ]),
        ),
        ("StuckTickets", stuck()),
        ("OpenApi", json!({ "type": "object", "required": ["openapi", "info", "paths"] })),
    ]
}

fn readiness() -> Value {
    closed_with(
        &[("ready", flag()), ("failing", list(text())), ("contract_hash", text())],
        &[("reason", text())],
    )
}

fn health() -> Value {
    let failure =
        closed_with(&[("name", text()), ("status", text())], &[("status_code", text()), ("reason", text())]);
    closed(&[
        ("status", word(&["ok", "unhealthy", "down"])),
        ("service", text()),
        ("generated_at", instant()),
        ("runbook", text()),
        ("checks", free()),
        ("failures", list(failure)),
    ])
}

fn counters() -> Value {
    let by_code = || list(closed(&[("code", text()), ("count", integer())]));
    let requests =
        closed(&[("method", text()), ("endpoint", text()), ("status", integer()), ("count", integer())]);
    let moves = closed(&[
        ("from_state", or_null(word(TicketState::ALL))),
        ("to_state", word(TicketState::ALL)),
        ("count", integer()),
    ]);
    closed(&[
        ("requests_total", list(requests)),
        ("errors_total", by_code()),
        ("transitions_total", list(moves)),
        ("idempotency_replay_total", integer()),
        ("idempotency_conflict_total", integer()),
        ("dispatch_override_close_total", integer()),
        ("dispatch_override_close_by_code", by_code()),
        ("dispatch_assignments_with_snapshot_total", integer()),
        ("dispatch_assignments_without_snapshot_total", integer()),
    ])
}

fn alert() -> Value {
    closed_with(
        &[
            ("code", word(AlertCode::ALL)),
            ("severity", word(&[SEVERITY])),
            ("count", integer()),
            ("threshold", integer()),
            ("runbook", text()),
        ],
        &[("stale_minutes", integer())],
    )
}

fn alerts() -> Value {
    let signals: Vec<(&str, Value)> = RULES.iter().map(|rule| (rule.signal_name, integer())).collect();
    let mut thresholds = signals.clone();
    thresholds.push(("stuck_scheduling_minutes", integer()));
    let runbooks: Vec<(&str, Value)> = RUNBOOKS.iter().map(|(code, _)| (*code, text())).collect();
    closed(&[
        ("service", text()),
        ("generated_at", instant()),
        ("thresholds", closed(&thresholds)),
        ("signals", closed(&signals)),
        ("alerts", list(is("Alert"))),
        ("runbooks", closed(&runbooks)),
        ("metrics", closed(&[("generated_at", instant()), ("counters", is("Counters"))])),
    ])
}

fn history() -> Value {
    let alert = closed(&[
        ("code", text()),
        ("state", word(AlertState::ALL)),
        ("episode", uuid()),
        ("count", integer()),
        ("threshold", integer()),
        ("since", instant()),
        ("first_seen_at", instant()),
        ("fired_at", or_null(instant())),
        ("acknowledged_at", or_null(instant())),
        ("acknowledged_by", or_null(text())),
        ("resolved_at", or_null(instant())),
        ("runbook", text()),
    ]);
    let step = closed(&[
        ("code", text()),
        ("episode", uuid()),
        ("from_state", or_null(word(AlertState::ALL))),
        ("to_state", word(AlertState::ALL)),
        ("count", integer()),
        ("threshold", integer()),
        ("actor_type", or_null(word(ActorType::ALL))),
        ("actor_id", or_null(text())),
        ("actor_role", or_null(word(Role::ALL))),
        ("note", or_null(text())),
        ("created_at", instant()),
    ]);
    closed(&[
        ("generated_at", instant()),
        ("alerts", list(alert)),
        ("steps", list(step)),
        ("next_cursor", or_null(text())),
    ])
}

fn stuck() -> Value {
    let item = closed(&[
        ("ticket_id", uuid()),
        ("account_id", uuid()),
        ("site_id", uuid()),
        ("state", word(TicketState::ALL)),
        ("assigned_tech_id", or_null(uuid())),
        ("since", instant()),
        ("waiting_minutes", integer()),
    ]);
    closed(&[
        ("code", word(&[AlertCode::StuckScheduling])),
        ("generated_at", instant()),
        ("stale_minutes", integer()),
        ("items", list(item)),
        ("next_cursor", or_null(text())),
    ])
}
