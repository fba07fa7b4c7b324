//! Gives scheduled tickets a technician: recommend, then dispatch, through dispatch-api alone (chapter 21, 1).
//!
//! Every command's key is made of the ticket, its last change and the action. A cycle that is repeated after a crash is
//! answered as before; a ticket that came back into the queue has changed, so it is really dispatched again.

use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::Instant;
use uuid::Uuid;

use crate::api::{Api, Trail};
use crate::context::Context;
use crate::log::Level;
use crate::stats::AssignmentTally;
use dispatch_domain::ToolName;

mod queue;
mod setbacks;
mod ticket;

use queue::Waiting;
use setbacks::{Patience, Setbacks};
use ticket::{Ended, Run};

/// Where the queue is read: everything scheduled, the most pressing first.
const QUEUE: &str = "/ux/dispatcher/cockpit?state=SCHEDULED";

/// Works the queue off until the worker is told to end; idle while it is switched off.
pub async fn run(context: Context) {
    let config = &context.config.assignment;
    let who = json!({
        "identity": context.config.identity,
        "actor_id": config.principal.id,
        "actor_role": config.principal.role,
        "actor_type": config.principal.kind,
    });
    if !config.enabled {
        let mut fields =
            json!({ "reason": "DISPATCH_WORKER_ENABLED is not on; scheduled tickets are left to people" });
        merge(&mut fields, &who);
        context.log.event(Level::Warn, "worker.disabled", fields);
        return context.stop.cancelled().await;
    }
    let api = match Api::new(&config.api_url, config.request_timeout, config.credentials.clone()) {
        Ok(api) => api,
        Err(error) => {
            context.log.event(Level::Error, "worker.assignment_error", json!({ "error": error.to_string() }));
            return context.stop.cancelled().await;
        }
    };
    let mut fields = json!({
        "api_base": config.api_url,
        "credentials": config.credentials.kind(),
        "loop_ms": u64::try_from(config.pause.as_millis()).unwrap_or(u64::MAX),
        "batch_limit": config.batch_limit,
        "idempotency_profile": "ticket and last change, deterministic uuid",
    });
    merge(&mut fields, &who);
    context.log.event(Level::Info, "worker.assignment_started", fields);
    let never = Notify::new();
    let mut setbacks = Setbacks::default();
    while !context.stop.is_cancelled() {
        cycle(&context, &api, &mut setbacks).await;
        context.pause(config.pause, &never).await;
    }
}

/// Reads the queue once and takes on what is due.
async fn cycle(context: &Context, api: &Api, setbacks: &mut Setbacks) {
    let trace = Uuid::new_v4();
    let trail = Trail::within(trace);
    context.stats.api_call();
    let answer = match api.read(QUEUE, ToolName::DispatcherCockpit, &trail).await {
        Ok(answer) => answer,
        Err(error) => {
            context.stats.assignment_failed("cockpit", &error.code);
            let fields = json!({
                "error": error.message,
                "code": error.code,
                "status": error.status,
                "path": error.path,
                "correlation_id": trail.correlation,
            });
            context.log.event(Level::Error, "worker.cockpit_error", fields);
            context.stats.assignment_cycle(AssignmentTally::default(), None);
            return;
        }
    };
    let queue = queue::read(&answer);
    setbacks.keep_only(&queue);
    let due: Vec<&Waiting> = queue.iter().filter(|waiting| waiting.assigned.is_none()).collect();
    let (total, missing) = (queue.len(), due.len());
    let batch = usize::try_from(context.config.assignment.batch_limit).unwrap_or(usize::MAX);
    let now = Instant::now();
    let selected: Vec<&Waiting> =
        due.into_iter().filter(|waiting| setbacks.is_due(waiting, now)).take(batch).collect();
    let mut tally = AssignmentTally { queued: selected.len() as u64, ..AssignmentTally::default() };
    for waiting in selected {
        if context.stop.is_cancelled() {
            break;
        }
        let trail = Trail::within(trace);
        match ticket::assign(Run { context, api, waiting, trail: &trail }).await {
            Ended::Dispatched => {
                tally.succeeded += 1;
                setbacks.forget(waiting);
            }
            Ended::LeftAlone => tally.skipped += 1,
            Ended::Failed => {
                tally.skipped += 1;
                set_back(context, setbacks, waiting);
            }
        }
        tally.processed += 1;
    }
    context.stats.assignment_cycle(tally, Some((total as u64, missing as u64, setbacks.parked())));
    let fields = json!({
        "queue_total": total,
        "queue_missing_tech": missing,
        "queued_count": tally.queued,
        "processed_count": tally.processed,
        "skipped_count": tally.skipped,
        "success_count": tally.succeeded,
        "parked_count": setbacks.parked(),
        "correlation_id": trail.correlation,
    });
    context.log.event(Level::Info, "worker.cycle_complete", fields);
}

/// The ticket waits longer after each failure, so that those behind it are served; at last it waits for its next change.
fn set_back(context: &Context, setbacks: &mut Setbacks, waiting: &Waiting) {
    let outbox = &context.config.outbox;
    let park_after = context.config.assignment.park_after;
    let patience = Patience { base: outbox.retry_base, cap: outbox.retry_cap, park_after };
    let failures = setbacks.failed(waiting, &patience, Instant::now());
    if failures == park_after {
        let fields = json!({ "ticket_id": waiting.ticket, "failures": failures });
        context.log.event(Level::Error, "worker.ticket_parked", fields);
    }
}

fn merge(fields: &mut Value, more: &Value) {
    if let (Value::Object(fields), Value::Object(more)) = (fields, more) {
        fields.extend(more.clone());
    }
}
