//! The outbox as a queue: claim by lease, finish by lease, and what is waiting.
//!
//! A message is claimed in one short transaction and finished in a second one; it is sent in between, while no
//! transaction is open. A worker that dies meanwhile leaves a lease behind that runs out, and the next worker
//! sends again under the same message key.

use std::time::Duration;

use dispatch_domain::outbox::UNKNOWN_RECIPIENT;
use serde_json::{Value, json};
use sqlx::postgres::PgListener;
use sqlx::{FromRow, PgConnection, PgPool};
use time::Time;
use uuid::Uuid;

/// Channel notified when a transaction that queued a message commits; the payload is the row's id.
pub const CHANNEL: &str = "dispatch_outbox";

/// Actor of the audit rows.
const AUDIT_ACTOR: &str = "dispatch-outbox-worker";

/// Tool named in the audit rows.
const AUDIT_TOOL: &str = "dispatch.outbox_worker";

/// Words by which a recipient asks not to be written to, and the words that take it back: the common keywords
/// of text message providers.
const OPT_OUT: [&str; 6] = ["STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"];
const OPT_IN: [&str; 3] = ["START", "YES", "UNSTOP"];

/// Who claims, how much and for how long.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Written to `locked_by`; unique per claim, so that a late finish of an expired lease changes nothing.
    pub token: String,
    /// Most rows claimed at once.
    pub limit: u32,
    /// How long nobody else may claim the rows.
    pub lease: Duration,
}

/// A message that this claim may send.
#[derive(Debug, Clone, FromRow)]
pub struct ClaimedMessage {
    /// Row id.
    pub id: Uuid,
    /// Usually `ticket`.
    pub aggregate_type: String,
    /// Usually a ticket id.
    pub aggregate_id: String,
    /// What the message announces.
    pub event_type: String,
    /// As written by the command.
    pub payload: Value,
    /// Unique over the whole table; sent to the provider as its message key.
    pub idempotency_key: String,
    /// Failed attempts so far; a lease that ran out counts as one.
    pub attempt_count: i32,
    /// The recipient's last word on the matter was to stop.
    pub opted_out: bool,
}

/// What became of a claimed message.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The provider took it; the object's members are added to the payload.
    Sent {
        /// `provider`, `provider_message_id`, `provider_status`, `last_send_at`, `dry_run`.
        provider_result: Value,
    },
    /// It failed and is due again after the delay.
    Retry {
        /// Stored as `last_error`.
        error: String,
        /// From now.
        delay: Duration,
    },
    /// It was not tried and is due again after the delay; no attempt is counted.
    Deferred {
        /// A word such as `quiet_hours`, stored as `last_error`.
        reason: &'static str,
        /// From now.
        delay: Duration,
    },
    /// It failed for good.
    DeadLetter {
        /// Stored as `last_error`.
        error: String,
    },
    /// It was deliberately not sent.
    Suppressed {
        /// A word such as `unknown_recipient`, stored as `last_error`.
        reason: &'static str,
    },
}

impl Outcome {
    /// The row's status afterwards.
    #[must_use]
    pub fn status(&self) -> &'static str {
        match self {
            Self::Sent { .. } => "SENT",
            Self::Retry { .. } | Self::Deferred { .. } => "PENDING",
            Self::DeadLetter { .. } => "DEAD_LETTER",
            Self::Suppressed { .. } => "SUPPRESSED",
        }
    }

    /// A success or a deliberate silence is no failed attempt.
    fn failed_attempts(&self) -> i32 {
        i32::from(matches!(self, Self::Retry { .. } | Self::DeadLetter { .. }))
    }

    fn last_error(&self) -> Option<&str> {
        match self {
            Self::Sent { .. } => None,
            Self::Retry { error, .. } | Self::DeadLetter { error } => Some(error),
            Self::Deferred { reason, .. } | Self::Suppressed { reason } => Some(reason),
        }
    }

    fn delay(&self) -> Duration {
        match self {
            Self::Retry { delay, .. } | Self::Deferred { delay, .. } => *delay,
            Self::Sent { .. } | Self::DeadLetter { .. } | Self::Suppressed { .. } => Duration::ZERO,
        }
    }
}

/// What a finish found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// Row and audit event are written.
    Recorded,
    /// The row is written; its audit event was refused by the database.
    RecordedWithoutAudit,
    /// The lease had run out and somebody else holds or has finished the row; nothing was written.
    LeaseLost,
}

/// How much is waiting.
#[derive(Debug, Clone, Copy, Default, PartialEq, FromRow)]
pub struct Backlog {
    /// Rows waiting, due or not.
    pub pending: i64,
    /// Rows under a lease.
    pub in_flight: i64,
    /// Rows given up on.
    pub dead_letter: i64,
    /// Age of the oldest row that is neither sent nor given up on; 0 when there is none.
    pub oldest_age_seconds: f64,
}

/// SQL: no older message of the same recipient is unsent. The row is `o`, parameter 1 the unknown recipient, who has
/// no order to keep.
macro_rules! first_of_recipient {
    () => {
        "(coalesce(btrim(o.payload ->> 'to'), '') IN ('', $1) OR NOT EXISTS ( \
            SELECT FROM dispatch_outbox e WHERE e.payload ->> 'to' = o.payload ->> 'to' \
              AND e.status IN ('PENDING', 'IN_FLIGHT') AND (e.created_at, e.id) < (o.created_at, o.id)))"
    };
}

/// Claims due messages and messages whose lease ran out, oldest first.
///
/// A message whose recipient still has an older unsent one is left alone, so that a recipient reads messages in
/// the order in which they were written. Rows locked by another claim are skipped.
///
/// # Errors
/// When the database does not answer; nothing is claimed then.
pub async fn claim(pool: &PgPool, claim: &Claim) -> Result<Vec<ClaimedMessage>, sqlx::Error> {
    let mut transaction = crate::begin(pool).await?;
    let claimed = sqlx::query_as(
        concat!("WITH due AS ( \
             SELECT o.id FROM dispatch_outbox o \
             WHERE ((o.status = 'PENDING' AND o.next_attempt_at <= now()) \
                    OR (o.status = 'IN_FLIGHT' AND (o.locked_until IS NULL OR o.locked_until < now()))) \
               AND ", first_of_recipient!(), " \
             ORDER BY o.created_at, o.id LIMIT $4 FOR UPDATE OF o SKIP LOCKED \
         ), leased AS ( \
             UPDATE dispatch_outbox o SET status = 'IN_FLIGHT', locked_by = $2, \
                 locked_until = now() + make_interval(secs => $3), updated_at = now(), \
                 attempt_count = o.attempt_count + (o.status = 'IN_FLIGHT')::int, \
                 last_error = CASE WHEN o.status = 'IN_FLIGHT' THEN 'lease ran out before the outcome was recorded' \
                     ELSE o.last_error END \
             FROM due WHERE o.id = due.id \
             RETURNING o.id, o.aggregate_type, o.aggregate_id, o.event_type, o.payload, o.idempotency_key, \
                 o.attempt_count, o.created_at \
         ) \
         SELECT leased.*, coalesce(( \
             SELECT upper(btrim(m.body)) = ANY($5) FROM messages m \
             WHERE m.direction = 'INBOUND' AND m.from_addr = btrim(leased.payload ->> 'to') \
               AND upper(btrim(m.body)) = ANY($5 || $6) ORDER BY m.created_at DESC LIMIT 1), false) AS opted_out \
         FROM leased ORDER BY leased.created_at, leased.id"),
    )
    .bind(UNKNOWN_RECIPIENT)
    .bind(&claim.token)
    .bind(claim.lease.as_secs_f64())
    .bind(i64::from(claim.limit))
    .bind(&OPT_OUT[..])
    .bind(&OPT_IN[..])
    .fetch_all(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(claimed)
}

/// Records what became of a claimed message, together with its audit event.
///
/// The audit event names the ticket when the aggregate is an existing one. An audit event that the database
/// refuses is given up, behind a savepoint, rather than the outcome: else one odd row would be sent for ever.
///
/// # Errors
/// When the database does not answer; the row then keeps its lease until it runs out.
pub async fn finish(
    pool: &PgPool,
    token: &str,
    message: &ClaimedMessage,
    outcome: &Outcome,
) -> Result<Finish, sqlx::Error> {
    let mut transaction = crate::begin(pool).await?;
    if !record_outcome(&mut transaction, token, message, outcome).await? {
        return Ok(Finish::LeaseLost);
    }
    sqlx::query("SAVEPOINT audit").execute(&mut *transaction).await?;
    let audited = match record_audit(&mut transaction, token, message, outcome).await {
        Ok(()) => true,
        Err(sqlx::Error::Database(_)) => {
            sqlx::query("ROLLBACK TO SAVEPOINT audit").execute(&mut *transaction).await?;
            false
        }
        Err(error) => return Err(error),
    };
    transaction.commit().await?;
    Ok(if audited { Finish::Recorded } else { Finish::RecordedWithoutAudit })
}

async fn record_outcome(
    db: &mut PgConnection,
    token: &str,
    message: &ClaimedMessage,
    outcome: &Outcome,
) -> Result<bool, sqlx::Error> {
    let additions =
        if let Outcome::Sent { provider_result } = outcome { Some(provider_result) } else { None };
    let done = sqlx::query(
        "UPDATE dispatch_outbox SET status = $3, attempt_count = attempt_count + $4, last_error = $5, \
             next_attempt_at = CASE WHEN $3 = 'PENDING' THEN now() + make_interval(secs => $6) \
                 ELSE next_attempt_at END, \
             payload = CASE WHEN $7::jsonb IS NULL THEN payload ELSE payload || $7::jsonb END, \
             locked_by = NULL, locked_until = NULL, updated_at = now() \
         WHERE id = $1 AND status = 'IN_FLIGHT' AND locked_by = $2",
    )
    .bind(message.id)
    .bind(token)
    .bind(outcome.status())
    .bind(outcome.failed_attempts())
    .bind(outcome.last_error())
    .bind(outcome.delay().as_secs_f64())
    .bind(additions)
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

async fn record_audit(
    db: &mut PgConnection,
    token: &str,
    message: &ClaimedMessage,
    outcome: &Outcome,
) -> Result<(), sqlx::Error> {
    let ticket_id = (message.aggregate_type == dispatch_domain::outbox::AGGREGATE_TYPE)
        .then(|| dispatch_domain::parse_uuid(&message.aggregate_id))
        .flatten();
    sqlx::query(
        "INSERT INTO audit_events (ticket_id, actor_type, actor_id, actor_role, tool_name, request_id, payload) \
         VALUES ((SELECT id FROM tickets WHERE id = $1 FOR KEY SHARE), 'SYSTEM', $2, 'system', $3, $4, $5)",
    )
    .bind(ticket_id)
    .bind(AUDIT_ACTOR)
    .bind(AUDIT_TOOL)
    .bind(Uuid::new_v4())
    .bind(audit_payload(token, message, outcome))
    .execute(db)
    .await?;
    Ok(())
}

/// `attempt_count` is the count before this attempt.
fn audit_payload(token: &str, message: &ClaimedMessage, outcome: &Outcome) -> Value {
    let mut payload = json!({
        "outbox_id": message.id,
        "aggregate_type": message.aggregate_type,
        "aggregate_id": message.aggregate_id,
        "event_type": message.event_type,
        "attempt_count": message.attempt_count,
        "status": outcome.status(),
        "worker": token,
    });
    match outcome {
        Outcome::Sent { provider_result } => payload["provider_result"] = provider_result.clone(),
        Outcome::Retry { error, .. } | Outcome::DeadLetter { error } => payload["error"] = json!(error),
        Outcome::Deferred { reason, .. } | Outcome::Suppressed { reason } => {
            payload["reason"] = json!(reason)
        }
    }
    payload
}

/// The wall clock at the site of a ticket; `None` when the aggregate is no ticket or its site has no usable zone.
///
/// # Errors
/// When the database does not answer.
pub async fn local_time(pool: &PgPool, aggregate_id: &str) -> Result<Option<Time>, sqlx::Error> {
    let Some(ticket) = dispatch_domain::parse_uuid(aggregate_id) else { return Ok(None) };
    let found = sqlx::query_scalar(
        "SELECT (now() AT TIME ZONE s.timezone)::time FROM tickets t JOIN sites s ON s.id = t.site_id WHERE t.id = $1",
    )
    .bind(ticket)
    .fetch_optional(pool)
    .await;
    match found {
        // Class 22: the site's zone is not one that the database knows.
        Err(sqlx::Error::Database(error)) if error.code().is_some_and(|code| code.starts_with("22")) => {
            Ok(None)
        }
        found => found,
    }
}

/// Counts what is waiting.
///
/// # Errors
/// When the database does not answer.
pub async fn backlog(pool: &PgPool) -> Result<Backlog, sqlx::Error> {
    sqlx::query_as(
        "SELECT count(*) FILTER (WHERE status = 'PENDING') AS pending, \
             count(*) FILTER (WHERE status = 'IN_FLIGHT') AS in_flight, \
             count(*) FILTER (WHERE status = 'DEAD_LETTER') AS dead_letter, \
             coalesce(extract(epoch FROM now() - min(created_at) \
                 FILTER (WHERE status IN ('PENDING', 'IN_FLIGHT'))), 0)::float8 AS oldest_age_seconds \
         FROM dispatch_outbox WHERE status IN ('PENDING', 'IN_FLIGHT', 'DEAD_LETTER')",
    )
    .fetch_one(pool)
    .await
}

/// How long until a message that may be claimed becomes due or a lease runs out; `None` when nothing waits.
///
/// Messages behind an older one of their recipient do not count: they come up when that one is done.
///
/// # Errors
/// When the database does not answer.
pub async fn next_due(pool: &PgPool) -> Result<Option<Duration>, sqlx::Error> {
    let seconds: Option<f64> = sqlx::query_scalar(concat!(
        "SELECT extract(epoch FROM min(CASE WHEN o.status = 'PENDING' THEN o.next_attempt_at ELSE o.locked_until END) \
             - now())::float8 \
         FROM dispatch_outbox o WHERE o.status IN ('PENDING', 'IN_FLIGHT') AND ",
        first_of_recipient!()
    ))
    .bind(UNKNOWN_RECIPIENT)
    .fetch_one(pool)
    .await?;
    Ok(seconds.map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or_default()))
}

/// Deletes messages sent longer ago than `age`, at most `limit` at once; returns how many.
///
/// # Errors
/// When the database does not answer.
pub async fn prune_sent(pool: &PgPool, age: Duration, limit: u32) -> Result<u64, sqlx::Error> {
    let done = sqlx::query(
        "DELETE FROM dispatch_outbox WHERE id IN ( \
             SELECT id FROM dispatch_outbox \
             WHERE status = 'SENT' AND updated_at < now() - make_interval(secs => $1) \
             ORDER BY updated_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
    )
    .bind(age.as_secs_f64())
    .bind(i64::from(limit))
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}

/// A connection that hears every commit that queued a message.
///
/// # Errors
/// When the database does not answer.
pub async fn listen(pool: &PgPool) -> Result<PgListener, sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    Ok(listener)
}
