//! Autonomy switches, decisions and their history.

use dispatch_domain::ActorType;
use dispatch_domain::vocabulary::{AutonomyAction, AutonomyScope};
use serde_json::{Value, json};

use super::shape::{closed, flag, free, instant, is, list, or_null, text, uuid, word};

type Members = Vec<(&'static str, Value)>;

pub(super) fn schemas() -> Vec<(&'static str, Value)> {
    let chain = || ("chain", list(is("AutonomyLink")));
    let controls = || ("controls", list(is("AutonomyControl")));
    let decision = || ("decision", or_null(is("AutonomyDecision")));
    vec![
        ("AutonomyControl", control()),
        ("AutonomyDecision", closed(&decided())),
        ("AutonomyLink", link()),
        ("AutonomyHistory", history()),
        (
            "AutonomySwitch",
            closed(&[
                ("action", word(AutonomyAction::ALL)),
                ("scope", is("AutonomyControl")),
                ("previous_is_paused", flag()),
                ("current_is_paused", flag()),
                ("history_id", uuid()),
            ]),
        ),
        (
            "AutonomyState",
            closed(&[
                ("generated_at", instant()),
                controls(),
                decision(),
                chain(),
                ("query", closed(&[("ticket_id", or_null(uuid())), ("incident_type", or_null(text()))])),
            ]),
        ),
        (
            "AutonomyReplay",
            closed(&[
                ("generated_at", instant()),
                ("ticket_id", uuid()),
                ("incident_type", or_null(text())),
                decision(),
                chain(),
                controls(),
                ("history", list(is("AutonomyHistory"))),
            ]),
        ),
    ]
}

fn target() -> Members {
    vec![
        ("scope_type", word(AutonomyScope::ALL)),
        ("incident_type", or_null(text())),
        ("ticket_id", or_null(uuid())),
    ]
}

fn decided() -> Members {
    let mut members = target();
    members.extend([("is_paused", flag()), ("reason", or_null(text()))]);
    members
}

fn by() -> Members {
    vec![
        ("actor_type", word(ActorType::ALL)),
        ("actor_id", text()),
        ("actor_role", or_null(text())),
        ("request_id", uuid()),
        ("correlation_id", or_null(text())),
        ("trace_id", or_null(text())),
    ]
}

fn control() -> Value {
    let mut members = vec![("id", uuid())];
    members.extend(decided());
    members.extend(by());
    members.extend([("created_at", instant()), ("updated_at", instant())]);
    closed(&members)
}

fn link() -> Value {
    let null = || json!({ "type": "null" });
    let mut members = decided();
    members.extend([("actor_role", null()), ("created_at", null()), ("updated_at", null())]);
    closed(&members)
}

fn history() -> Value {
    let mut members = vec![("id", uuid())];
    members.extend(target());
    members.extend([
        ("action", word(AutonomyAction::ALL)),
        ("previous_is_paused", flag()),
        ("next_is_paused", flag()),
    ]);
    members.extend(by());
    members.extend([("reason", or_null(text())), ("payload", free()), ("created_at", instant())]);
    closed(&members)
}
