//! The process from start to end: for ever with a drain, or a number of passes with a summary.

use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::config::{Config, RunMode};
use crate::context::Context;
use crate::job::{self, JOBS};
use crate::log::{self, EventLog, Level};
use crate::stats::Tally;
use crate::{ops, sms};

/// Runs every job until SIGTERM or SIGINT, then finishes what is in progress.
///
/// # Errors
/// When the provider's client cannot be made or the operational address cannot be listened on.
pub async fn run_until_told(config: Config) -> anyhow::Result<ExitCode> {
    let context = context(config)?;
    let mut signals = Signals::install()?;
    let config = &context.config;
    let listener = TcpListener::bind((config.host, config.port))
        .await
        .with_context(|| format!("cannot listen on {}:{}", config.host, config.port))?;
    announce(&context, listener.local_addr()?.port());

    let ops = tokio::spawn(ops::serve(listener, context.clone()));
    let heartbeat = tokio::spawn(beat(context.clone()));
    let mut jobs = JoinSet::new();
    for job in &JOBS {
        jobs.spawn((job.run)(context.clone()));
    }
    let signal = tokio::select! {
        signal = signals.next() => signal,
        Some(ended) = jobs.join_next() => {
            // Jobs end only after a signal, so this one has panicked.
            let error = ended.err().map_or_else(|| "it returned".to_owned(), |error| error.to_string());
            context.log.event(Level::Error, "worker.fatal_error", json!({ "message": error }));
            return Ok(ExitCode::FAILURE);
        }
    };
    let status = drain(&context, signal, &mut jobs).await;
    heartbeat.abort();
    ops.abort();
    Ok(status)
}

/// Runs so many passes, or until one finds nothing, and prints the sum of what they did.
///
/// # Errors
/// When the provider's client cannot be made or the database cannot be worked with.
pub async fn run_passes(config: Config, passes: u32) -> anyhow::Result<ExitCode> {
    let context = context(config)?;
    for warning in &context.config.warnings {
        context.log.event(Level::Warn, "worker.config_warning", json!({ "message": warning }));
    }
    let mut total = Tally::default();
    let never = Notify::new();
    for pass in 1..=passes {
        let tally = job::outbox::pass(&context).await.context("the outbox cannot be worked off")?;
        total += tally;
        if tally.processed == 0 {
            break;
        }
        if pass < passes {
            context.pause(context.config.outbox.poll, &never).await;
        }
    }
    log::summary(&summary(&context, total));
    context.close().await;
    Ok(ExitCode::SUCCESS)
}

fn summary(context: &Context, total: Tally) -> Value {
    let mut line = json!({
        "processed": total.processed,
        "sent": total.sent,
        "failed": total.failed,
        "deadLettered": total.dead_lettered,
        "suppressed": total.suppressed,
        "skipped": total.processed == 0,
    });
    if total.processed == 0 {
        line["reason"] = json!(if context.config.sms.enabled { "no_rows" } else { "sms_disabled" });
    }
    line
}

fn context(config: Config) -> anyhow::Result<Context> {
    let adapter = sms::adapter(&config.sms).context("the provider's client cannot be made")?;
    let log = EventLog::new(&config.identity, config.mode != RunMode::Forever);
    Ok(Context::new(config, adapter, log))
}

fn announce(context: &Context, port: u16) {
    let config = &context.config;
    for warning in &config.warnings {
        context.log.event(Level::Warn, "worker.config_warning", json!({ "message": warning }));
    }
    let jobs: Vec<&str> = JOBS.iter().map(|job| job.name).collect();
    let fields = json!({
        "message": "dispatch-worker started",
        "identity": config.identity,
        "host": config.host.to_string(),
        "port": port,
        "jobs": jobs,
        "sms": if config.sms.enabled { context.sms.name() } else { "disabled" },
        "heartbeat_ms": ms(config.heartbeat),
        "poll_ms": ms(config.outbox.poll),
        "lease_ms": ms(config.outbox.lease),
        "batch_limit": config.outbox.batch_limit,
        "max_attempts": config.outbox.max_attempts,
        "request_timeout_ms": ms(config.sms.request_timeout),
    });
    context.log.event(Level::Info, "worker.started", fields);
}

/// Beats on its own timer and from memory only, so that it beats while the database is down.
async fn beat(context: Context) {
    let mut timer = interval(context.config.heartbeat);
    timer.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        timer.tick().await;
        context.stats.heartbeat();
        let state = context.stats.snapshot();
        let at = |time: Option<time::OffsetDateTime>| time.map(dispatch_domain::schedule::format_instant);
        let fields = json!({
            "cycle": state.cycles,
            "pending": state.backlog.pending,
            "in_flight": state.backlog.in_flight,
            "dead_letter": state.backlog.dead_letter,
            "oldest_age_seconds": state.backlog.oldest_age_seconds,
            "sent": state.tally.sent,
            "failed": state.tally.failed,
            "dead_lettered": state.tally.dead_lettered,
            "suppressed": state.tally.suppressed,
            "last_cycle_at": at(state.last_cycle_at),
            "last_sent_at": at(state.last_sent_at),
            "last_error": state.last_error,
            "queue_total": state.assignment.queue_total,
            "queue_missing_tech": state.assignment.queue_missing_tech,
            "queue_read_at": at(state.assignment.last_read_at),
            "dispatches": state.assignment.dispatches,
            "parked": state.assignment.parked,
            "assignment_error": state.assignment.last_error,
            "batch_limit": context.config.assignment.batch_limit,
        });
        context.log.event(Level::Info, "worker.heartbeat", fields);
    }
}

/// Nothing new is begun; what is claimed is sent and recorded. A further signal changes nothing.
async fn drain(context: &Context, signal: &str, jobs: &mut JoinSet<()>) -> ExitCode {
    let cycle = context.stats.snapshot().cycles;
    context.log.event(Level::Warn, "worker.shutdown_requested", json!({ "signal": signal, "cycle": cycle }));
    context.stop.cancel();
    let timeout = context.config.shutdown_timeout;
    let finished = tokio::time::timeout(timeout, async {
        while let Some(ended) = jobs.join_next().await {
            if let Err(error) = ended {
                context.log.event(Level::Error, "worker.job_panic", json!({ "error": error.to_string() }));
            }
        }
        context.close().await;
    });
    if finished.await.is_err() {
        let reason = "work in progress was not finished in time; its leases will run out";
        let fields = json!({ "signal": signal, "reason": reason, "timeout_ms": ms(timeout) });
        context.log.event(Level::Error, "worker.shutdown_forced", fields);
        return ExitCode::FAILURE;
    }
    let state = context.stats.snapshot();
    let fields = json!({
        "cycles": state.cycles,
        "processed": state.tally.processed,
        "sent": state.tally.sent,
        "failed": state.tally.failed,
        "dead_lettered": state.tally.dead_lettered,
        "suppressed": state.tally.suppressed,
        "errors": state.errors,
        "last_error": state.last_error,
        "api_calls": state.assignment.api_calls,
        "recommendations": state.assignment.recommendations,
        "dispatches": state.assignment.dispatches,
        "skipped": state.assignment.skipped,
        "assignment_cycles": state.assignment.cycles,
        "assignment_errors": state.assignment.errors,
        "assignment_error": state.assignment.last_error,
    });
    context.log.event(Level::Info, "worker.shutdown_complete", fields);
    ExitCode::SUCCESS
}

/// The two signals that end the worker.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn install() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

fn ms(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
