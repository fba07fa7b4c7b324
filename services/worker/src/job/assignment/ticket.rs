//! One ticket: may a machine act on it, whom does the API recommend, and who is sent.

use dispatch_domain::ToolName;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

use super::queue::Waiting;
use crate::api::{Api, ApiFailure, Command, Trail};
use crate::context::Context;
use crate::log::Level;

/// Candidates that are asked for; the next is tried when one has become unavailable meanwhile.
const CANDIDATES: u32 = 3;

/// Answers that concern the candidate and not the ticket.
const NEXT_PLEASE: [&str; 5] = [
    "TECH_UNAVAILABLE",
    "ASSIGNMENT_NOT_FOUND",
    "ASSIGNMENT_CAPABILITY_MISMATCH",
    "ASSIGNMENT_ZONE_MISMATCH",
    "ASSIGNMENT_RECOMMENDATION_MISMATCH",
];

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Somebody is on the way.
    Dispatched,
    /// A pause, or somebody else was faster.
    LeftAlone,
    /// It has to be tried again later.
    Failed,
}

/// One run over one ticket.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    /// The worker's.
    pub context: &'a Context,
    /// Where commands go.
    pub api: &'a Api,
    /// The ticket.
    pub waiting: &'a Waiting,
    /// What the run is known by.
    pub trail: &'a Trail,
}

/// Gives one ticket its technician.
pub async fn assign(run: Run<'_>) -> Ended {
    let Run { context, api, waiting, trail } = run;
    let ticket = waiting.ticket;
    context.stats.api_call();
    match api
        .read(&format!("/ops/autonomy/state?ticket_id={ticket}"), ToolName::OpsAutonomyState, trail)
        .await
    {
        Ok(state) if state["decision"]["is_paused"] == true => {
            return paused(run, &state);
        }
        Ok(_) => {}
        Err(error) => return failed(run, "autonomy", &error, None),
    }
    context.stats.api_call();
    let body = json!({ "service_type": waiting.service_type, "recommendation_limit": CANDIDATES });
    let command = Command {
        path: format!("/tickets/{ticket}/assignment/recommend"),
        tool: ToolName::AssignmentRecommend,
        key: key(context, "recommend", waiting),
        body: &body,
    };
    let answer = match api.command(&command, trail).await {
        Ok(answer) => answer,
        Err(error) => return failed(run, "recommend", &error, None),
    };
    context.stats.recommended();
    dispatch(run, &answer).await
}

async fn dispatch(run: Run<'_>, answer: &Value) -> Ended {
    let Run { context, api, waiting, trail } = run;
    let snapshot = &answer["snapshot_id"];
    let entries = answer["recommendations"].as_array().map(Vec::as_slice).unwrap_or_default();
    let candidates: Vec<&str> = entries.iter().filter_map(|entry| entry["tech_id"].as_str()).collect();
    if candidates.is_empty() {
        let summary = json!({ "total": entries.len(), "with_tech": 0, "missing_tech": entries.len() });
        let fields =
            json!({ "ticket_id": waiting.ticket, "summary": summary, "correlation_id": trail.correlation });
        context.log.event(Level::Warn, "worker.no_recommendation", fields);
        return Ended::Failed;
    }
    let mut last = Ended::Failed;
    for (place, technician) in candidates.iter().enumerate() {
        let mut body = json!({ "tech_id": technician, "dispatch_mode": "STANDARD" });
        // The snapshot stands for its first candidate; the others are sent on their own account.
        if place == 0 {
            body["recommendation_snapshot_id"] = snapshot.clone();
        }
        let command = Command {
            path: format!("/tickets/{}/assignment/dispatch", waiting.ticket),
            tool: ToolName::AssignmentDispatch,
            key: key(context, &format!("dispatch:{technician}"), waiting),
            body: &body,
        };
        context.stats.api_call();
        match api.command(&command, trail).await {
            Ok(_) => {
                context.stats.dispatched();
                let fields = json!({
                    "ticket_id": waiting.ticket,
                    "tech_id": technician,
                    "recommendation_snapshot_id": snapshot,
                    "correlation_id": trail.correlation,
                });
                context.log.event(Level::Info, "worker.dispatch_success", fields);
                return Ended::Dispatched;
            }
            Err(error) if error.code == "INVALID_STATE_TRANSITION" => {
                // Another worker or a person sent somebody since the queue was read.
                let fields = json!({ "ticket_id": waiting.ticket, "correlation_id": trail.correlation });
                context.log.event(Level::Info, "worker.already_dispatched", fields);
                return Ended::LeftAlone;
            }
            Err(error) => {
                let next = NEXT_PLEASE.contains(&error.code.as_str());
                last = failed(run, "dispatch", &error, Some(technician));
                if !next {
                    return last;
                }
            }
        }
    }
    last
}

fn paused(run: Run<'_>, state: &Value) -> Ended {
    let Run { context, waiting, trail, .. } = run;
    context.stats.paused();
    let decision = &state["decision"];
    let fields = json!({
        "ticket_id": waiting.ticket,
        "scope_type": decision["scope_type"],
        "reason": decision["reason"],
        "correlation_id": trail.correlation,
    });
    context.log.event(Level::Info, "worker.autonomy_paused", fields);
    Ended::LeftAlone
}

fn failed(run: Run<'_>, step: &str, error: &ApiFailure, technician: Option<&str>) -> Ended {
    let Run { context, waiting, trail, .. } = run;
    if error.code == "AUTONOMY_DISABLED" {
        context.stats.paused();
    }
    context.stats.assignment_failed(step, &error.code);
    let mut fields = json!({
        "ticket_id": waiting.ticket,
        "error": error.message,
        "code": error.code,
        "status": error.status,
        "path": error.path,
        "correlation_id": trail.correlation,
    });
    if let Some(technician) = technician {
        fields["tech_id"] = json!(technician);
    }
    context.log.event(Level::Error, &format!("worker.{step}_error"), fields);
    // A pause is no fault of the ticket.
    if error.code == "AUTONOMY_DISABLED" { Ended::LeftAlone } else { Ended::Failed }
}

/// The same for the same ticket, its last change and the action, whoever asks; 128 bits of a SHA-256 as a version 4 UUID.
fn key(context: &Context, action: &str, waiting: &Waiting) -> Uuid {
    let identity = &context.config.identity;
    let text = format!("{identity}|{action}|{}|{}", waiting.ticket, waiting.changed_at);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&Sha256::digest(text)[..16]);
    Builder::from_random_bytes(bytes).into_uuid()
}
