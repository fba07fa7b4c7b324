//! Delivers what commands leave in the outbox.

use std::sync::Arc;
use std::time::Duration;

use dispatch_store::StoreError;
use dispatch_store::outbox_queue::{self, Claim, ClaimedMessage, Finish, Outcome};
use serde_json::json;
use time::OffsetDateTime;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::backoff;
use crate::context::Context;
use crate::log::{Level, now_text};
use crate::sms::{InvalidMessage, SmsError, SmsMessage};
use crate::stats::Tally;

mod wake;

/// How often an outcome is offered to the database before the lease is left to run out.
const FINISH_ATTEMPTS: u32 = 3;

/// Pause between two offers.
const FINISH_PAUSE: Duration = Duration::from_millis(200);

/// Shortest pause between two looks when something is about to become due.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);

/// Pause before the next look at something that is due and that nobody has claimed yet.
const TAKEN_PAUSE: Duration = Duration::from_millis(100);

/// Works the outbox off until the worker is told to end.
pub async fn run(context: Context) {
    let wake = Arc::new(Notify::new());
    let listener = tokio::spawn(wake::listen(context.clone(), Arc::clone(&wake)));
    while !context.stop.is_cancelled() {
        let pause = match pass(&context).await {
            // More may be due: what was claimed freed the next message of its recipient.
            Ok(tally) if tally.processed > 0 => continue,
            Ok(_) => until_due(&context).await,
            Err(error) => {
                report(&context, &error);
                context.config.outbox.poll
            }
        };
        context.pause(pause, &wake).await;
    }
    if let Err(error) = listener.await {
        context.log.event(Level::Error, "worker.listener_error", json!({ "error": error.to_string() }));
    }
}

/// Claims what is due, sends it and records the outcomes; nothing when messages are switched off.
///
/// # Errors
/// When nothing could be claimed. A message whose outcome could not be recorded is only counted.
pub async fn pass(context: &Context) -> Result<Tally, StoreError> {
    let pool = context.pool().await?;
    let mut tally = Tally::default();
    if context.config.sms.enabled {
        let claim = Claim {
            token: format!("{}/{}", context.config.identity, Uuid::new_v4()),
            limit: context.config.outbox.batch_limit,
            lease: context.config.outbox.lease,
        };
        let mut sending = JoinSet::new();
        // Together, because each belongs to another recipient and a slow provider must not outlast the lease.
        for message in outbox_queue::claim(pool, &claim).await? {
            sending.spawn(handle(context.clone(), claim.token.clone(), message));
        }
        while let Some(handled) = sending.join_next().await {
            match handled {
                Ok(handled) => tally += handled,
                Err(error) => {
                    tally.unrecorded += 1;
                    context.log.event(
                        Level::Error,
                        "worker.outbox_panic",
                        json!({ "error": error.to_string() }),
                    );
                }
            }
        }
    }
    let backlog = outbox_queue::backlog(pool).await?;
    context.stats.cycle(tally, backlog);
    Ok(tally)
}

/// The pause until the next look: the poll interval, or less when a message becomes due before.
async fn until_due(context: &Context) -> Duration {
    let poll = context.config.outbox.poll;
    if !context.config.sms.enabled {
        return poll;
    }
    let due = match context.pool().await {
        Ok(pool) => outbox_queue::next_due(pool).await,
        Err(error) => Err(error),
    };
    match due {
        // Due by now and not claimed: it has become so since the look, or another worker is just taking it.
        Ok(Some(due)) if due.is_zero() => TAKEN_PAUSE.min(poll),
        Ok(Some(due)) => due.clamp(SHORTEST_PAUSE, poll),
        Ok(None) | Err(_) => poll,
    }
}

/// Sends one message and records what became of it.
async fn handle(context: Context, token: String, message: ClaimedMessage) -> Tally {
    let outcome = deliver(&context, &message).await;
    let finish = finish(&context, &token, &message, &outcome).await;
    let mut fields = json!({
        "outbox_id": message.id,
        "event_type": message.event_type,
        "aggregate_id": message.aggregate_id,
        "attempt_count": message.attempt_count,
        "status": outcome.status(),
    });
    let (level, event) = match (&finish, &outcome) {
        (Err(_) | Ok(Finish::LeaseLost), _) => (Level::Error, "worker.outbox_unrecorded"),
        (Ok(Finish::RecordedWithoutAudit), _) => (Level::Error, "worker.outbox_unaudited"),
        (_, Outcome::Sent { .. }) => (Level::Info, "worker.outbox_sent"),
        (_, Outcome::Suppressed { .. }) => (Level::Warn, "worker.outbox_suppressed"),
        (_, Outcome::Deferred { .. }) => (Level::Info, "worker.outbox_deferred"),
        (_, Outcome::Retry { .. }) => (Level::Warn, "worker.outbox_retry"),
        (_, Outcome::DeadLetter { .. }) => (Level::Error, "worker.outbox_dead_letter"),
    };
    match &outcome {
        Outcome::Sent { provider_result } => fields["provider_result"] = provider_result.clone(),
        Outcome::Retry { error, .. } | Outcome::DeadLetter { error } => fields["error"] = json!(error),
        Outcome::Deferred { reason, .. } | Outcome::Suppressed { reason } => fields["reason"] = json!(reason),
    }
    if let Err(error) = &finish {
        fields["database_error"] = json!(error.to_string());
    }
    context.log.event(level, event, fields);
    counted(&outcome, &finish)
}

fn counted(outcome: &Outcome, finish: &Result<Finish, StoreError>) -> Tally {
    if !matches!(finish, Ok(Finish::Recorded | Finish::RecordedWithoutAudit)) {
        return Tally { unrecorded: 1, ..Tally::default() };
    }
    let one = Tally { processed: 1, ..Tally::default() };
    match outcome {
        Outcome::Sent { .. } => Tally { sent: 1, ..one },
        Outcome::Retry { .. } => Tally { failed: 1, ..one },
        Outcome::DeadLetter { .. } => Tally { failed: 1, dead_lettered: 1, ..one },
        Outcome::Suppressed { .. } => Tally { suppressed: 1, ..one },
        Outcome::Deferred { .. } => one,
    }
}

/// Decides about one message and sends it if nothing speaks against it.
async fn deliver(context: &Context, message: &ClaimedMessage) -> Outcome {
    let failed = u32::try_from(message.attempt_count).unwrap_or(0);
    if failed >= context.config.outbox.max_attempts {
        let error = format!("given up after {failed} attempts whose outcome was never recorded");
        return Outcome::DeadLetter { error };
    }
    let sms = match SmsMessage::from_payload(&message.payload, &message.idempotency_key) {
        Ok(_) if message.opted_out => return Outcome::Suppressed { reason: "recipient_opted_out" },
        Ok(sms) => sms,
        Err(InvalidMessage::UnknownRecipient) => return Outcome::Suppressed { reason: "unknown_recipient" },
        Err(error) => return Outcome::DeadLetter { error: error.to_string() },
    };
    if let Some(delay) = quiet_for(context, message).await {
        return Outcome::Deferred { reason: "quiet_hours", delay };
    }
    match context.sms.send(&sms).await {
        Ok(receipt) => Outcome::Sent {
            provider_result: json!({
                "provider": context.sms.name(),
                "provider_message_id": receipt.provider_message_id,
                "provider_status": receipt.status,
                "last_send_at": now_text(),
                "dry_run": receipt.dry_run,
            }),
        },
        Err(SmsError::Suppressed(reason)) => Outcome::Suppressed { reason },
        Err(SmsError::Permanent(error)) => Outcome::DeadLetter { error },
        Err(SmsError::Transient(error)) => after_failure(context, failed + 1, error),
    }
}

/// How long the customer must not be written to, by the clock at the ticket's site, or in UTC where there is none.
async fn quiet_for(context: &Context, message: &ClaimedMessage) -> Option<Duration> {
    let hours = context.config.sms.quiet_hours?;
    let local = match context.pool().await {
        Ok(pool) => outbox_queue::local_time(pool, &message.aggregate_id).await,
        Err(error) => Err(error),
    };
    // A database that fails here fails the recording, too; UTC only decides whether a send is tried before.
    let now = local.ok().flatten().unwrap_or_else(|| OffsetDateTime::now_utc().time());
    hours.left(now)
}

/// `attempt` counts the one that has just failed.
fn after_failure(context: &Context, attempt: u32, error: String) -> Outcome {
    let config = &context.config.outbox;
    if attempt >= config.max_attempts {
        return Outcome::DeadLetter { error };
    }
    let delay = backoff::delay(attempt, config.retry_base, config.retry_cap, rand::random());
    Outcome::Retry { error, delay }
}

/// Offers the outcome again when the database was only busy; a sent message must not be sent twice for a lock.
async fn finish(
    context: &Context,
    token: &str,
    message: &ClaimedMessage,
    outcome: &Outcome,
) -> Result<Finish, StoreError> {
    let mut attempt = 1;
    loop {
        let finished = outbox_queue::finish(context.pool().await?, token, message, outcome).await;
        match finished {
            Err(error) if attempt < FINISH_ATTEMPTS && dispatch_store::is_unavailable(&error) => {
                attempt += 1;
                tokio::time::interval_at(tokio::time::Instant::now() + FINISH_PAUSE, FINISH_PAUSE)
                    .tick()
                    .await;
            }
            finished => return finished,
        }
    }
}

/// Says once why passes fail, until the reason changes or a pass works again.
fn report(context: &Context, error: &StoreError) {
    if context.stats.failure(&error.to_string()) {
        context.log.event(Level::Error, "worker.outbox_error", json!({ "error": error.to_string() }));
    }
}
