//! Alerts: what is counted, where each alert stands, and every step it took.

use dispatch_domain::alert::{AlertState, Standing};
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, PgPool, Row};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::column::{optional_word, word};
use crate::page::Page;

/// Key of the advisory lock under which alerts change; any number does that nothing else uses.
const LOCK: i64 = 0x616c_6572_7473;

/// So many error answers with one code, counted some time ago.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// Error code.
    pub code: &'static str,
    /// Milliseconds since they were counted; an age, because clocks of instances differ.
    pub age_ms: i64,
    /// How many.
    pub count: i64,
}

/// Adds to the counts that all instances share.
///
/// # Errors
/// When the database does not answer.
pub async fn count(pool: &PgPool, counted: &[Counted]) -> Result<(), sqlx::Error> {
    let codes: Vec<&str> = counted.iter().map(|entry| entry.code).collect();
    let ages: Vec<i64> = counted.iter().map(|entry| entry.age_ms).collect();
    let counts: Vec<i64> = counted.iter().map(|entry| entry.count).collect();
    // In one order, so that two instances never wait for each other.
    sqlx::query(
        "INSERT INTO ops_signal_counts (code, slice, count) \
         SELECT code, date_trunc('second', clock_timestamp() - age * interval '1 millisecond') AS slice, sum(count) \
         FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS new (code, age, count) \
         GROUP BY 1, 2 ORDER BY 1, 2 \
         ON CONFLICT (code, slice) DO UPDATE SET count = ops_signal_counts.count + excluded.count",
    )
    .bind(codes)
    .bind(ages)
    .bind(counts)
    .execute(pool)
    .await?;
    Ok(())
}

/// Sums per code over the last `window_s` seconds. An answer is forgotten at most one second late.
///
/// # Errors
/// When the database does not answer.
pub async fn recent(db: &mut PgConnection, window_s: u32) -> Result<Vec<(String, i64)>, sqlx::Error> {
    sqlx::query_as(
        "SELECT code, sum(count)::bigint FROM ops_signal_counts \
         WHERE slice > clock_timestamp() - make_interval(secs => $1) - interval '1 second' GROUP BY code",
    )
    .bind(f64::from(window_s))
    .fetch_all(db)
    .await
}

/// Forgets counts that no window of `window_s` seconds can reach any more.
///
/// # Errors
/// When the database does not answer.
pub async fn forget(pool: &PgPool, window_s: u32) -> Result<u64, sqlx::Error> {
    let outcome = sqlx::query(
        "DELETE FROM ops_signal_counts WHERE slice < clock_timestamp() - make_interval(secs => $1) - interval '1 minute'",
    )
    .bind(f64::from(window_s))
    .execute(pool)
    .await?;
    Ok(outcome.rows_affected())
}

/// Where one alert stands.
#[derive(Debug, Clone)]
pub struct AlertRow {
    /// Alert code.
    pub code: String,
    /// State.
    pub state: AlertState,
    /// This life of the alert.
    pub episode: Uuid,
    /// Signal when the state was entered.
    pub count: i64,
    /// Threshold when the state was entered.
    pub threshold: i64,
    /// When the state was entered.
    pub since: OffsetDateTime,
    /// When the episode began.
    pub first_seen_at: OffsetDateTime,
    /// When it fired.
    pub fired_at: Option<OffsetDateTime>,
    /// When somebody took it on.
    pub acknowledged_at: Option<OffsetDateTime>,
    /// Who did.
    pub acknowledged_by: Option<String>,
    /// When it was over.
    pub resolved_at: Option<OffsetDateTime>,
    /// The same for the judge.
    pub standing: Standing,
}

impl FromRow<'_, PgRow> for AlertRow {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let state = word(row, "state")?;
        Ok(Self {
            code: row.try_get("code")?,
            state,
            episode: row.try_get("episode")?,
            count: row.try_get("count")?,
            threshold: row.try_get("threshold")?,
            since: row.try_get("since")?,
            first_seen_at: row.try_get("first_seen_at")?,
            fired_at: row.try_get("fired_at")?,
            acknowledged_at: row.try_get("acknowledged_at")?,
            acknowledged_by: row.try_get("acknowledged_by")?,
            resolved_at: row.try_get("resolved_at")?,
            standing: Standing { state, for_s: row.try_get("for_s")?, low_for_s: row.try_get("low_for_s")? },
        })
    }
}

/// Where every alert stands that was ever seen.
///
/// # Errors
/// When the database does not answer.
pub async fn list(db: &mut PgConnection) -> Result<Vec<AlertRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT code, state, episode, count, threshold, since, first_seen_at, fired_at, acknowledged_at, \
             acknowledged_by, resolved_at, \
             extract(epoch FROM clock_timestamp() - since)::float8 AS for_s, \
             extract(epoch FROM clock_timestamp() - low_since)::float8 AS low_for_s \
         FROM ops_alerts ORDER BY code",
    )
    .fetch_all(db)
    .await
}

/// Waits until no other transaction changes alerts; until the end of this one none will.
///
/// # Errors
/// When the database does not answer.
pub async fn lock(db: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(LOCK).execute(db).await?;
    Ok(())
}

/// One step of an alert.
#[derive(Debug, Clone)]
pub struct Step<'a> {
    /// Alert code.
    pub code: &'a str,
    /// This life of the alert.
    pub episode: Uuid,
    /// Where it stood; none at the very first.
    pub from: Option<AlertState>,
    /// Where it stands now.
    pub to: AlertState,
    /// The signal.
    pub count: i64,
    /// The threshold.
    pub threshold: i64,
    /// Who did it; none when the API judged by itself.
    pub by: Option<StepBy<'a>>,
}

/// The person or program behind a step.
#[derive(Debug, Clone)]
pub struct StepBy<'a> {
    /// Kind of actor.
    pub actor_type: &'a str,
    /// Actor id.
    pub actor_id: &'a str,
    /// Canonical role.
    pub actor_role: &'a str,
    /// What they had to say.
    pub note: Option<&'a str>,
    /// Idempotency key.
    pub request_id: Uuid,
    /// Correlation id.
    pub correlation_id: &'a str,
}

/// Takes a step: writes the history row and brings the alert's own row up to date.
///
/// # Errors
/// When the database refuses.
pub async fn take(db: &mut PgConnection, step: &Step<'_>) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO ops_alert_history (id, code, episode, from_state, to_state, count, threshold, \
             actor_type, actor_id, actor_role, note, request_id, correlation_id) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
    )
    .bind(Uuid::now_v7())
    .bind(step.code)
    .bind(step.episode)
    .bind(step.from.map(AlertState::as_str))
    .bind(step.to.as_str())
    .bind(step.count)
    .bind(step.threshold)
    .bind(step.by.as_ref().map(|by| by.actor_type))
    .bind(step.by.as_ref().map(|by| by.actor_id))
    .bind(step.by.as_ref().map(|by| by.actor_role))
    .bind(step.by.as_ref().and_then(|by| by.note))
    .bind(step.by.as_ref().map(|by| by.request_id))
    .bind(step.by.as_ref().map(|by| by.correlation_id))
    .execute(&mut *db)
    .await?;
    sqlx::query(
        "INSERT INTO ops_alerts (code, state, episode, count, threshold, since, first_seen_at) \
         VALUES ($1, $2, $3, $4, $5, clock_timestamp(), clock_timestamp()) \
         ON CONFLICT (code) DO UPDATE SET state = $2, count = $4, threshold = $5, low_since = NULL, \
             since = clock_timestamp(), episode = $3, \
             first_seen_at = CASE WHEN $2 = 'pending' THEN clock_timestamp() ELSE ops_alerts.first_seen_at END, \
             fired_at = CASE $2 WHEN 'pending' THEN NULL WHEN 'firing' THEN clock_timestamp() \
                 ELSE ops_alerts.fired_at END, \
             acknowledged_at = CASE $2 WHEN 'pending' THEN NULL WHEN 'acknowledged' THEN clock_timestamp() \
                 ELSE ops_alerts.acknowledged_at END, \
             acknowledged_by = CASE $2 WHEN 'pending' THEN NULL WHEN 'acknowledged' THEN $6 \
                 ELSE ops_alerts.acknowledged_by END, \
             resolved_at = CASE $2 WHEN 'resolved' THEN clock_timestamp() END",
    )
    .bind(step.code)
    .bind(step.to.as_str())
    .bind(step.episode)
    .bind(step.count)
    .bind(step.threshold)
    .bind(step.by.as_ref().map(|by| by.actor_id))
    .execute(db)
    .await?;
    Ok(())
}

/// Remembers since when an alert's signal is low, or that it no longer is.
///
/// # Errors
/// When the database refuses.
pub async fn mark_low(db: &mut PgConnection, code: &str, is_low: bool) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE ops_alerts SET low_since = CASE WHEN $2 THEN coalesce(low_since, clock_timestamp()) END \
         WHERE code = $1",
    )
    .bind(code)
    .bind(is_low)
    .execute(db)
    .await?;
    Ok(())
}

/// One step as it was recorded.
#[derive(Debug, Clone)]
pub struct HistoryRow {
    /// Row id.
    pub id: Uuid,
    /// Alert code.
    pub code: String,
    /// The life of the alert.
    pub episode: Uuid,
    /// Where it stood.
    pub from: Option<AlertState>,
    /// Where it went.
    pub to: AlertState,
    /// The signal.
    pub count: i64,
    /// The threshold.
    pub threshold: i64,
    /// Kind of actor; none when the API judged by itself.
    pub actor_type: Option<String>,
    /// Actor id.
    pub actor_id: Option<String>,
    /// Canonical role.
    pub actor_role: Option<String>,
    /// What they had to say.
    pub note: Option<String>,
    /// When.
    pub at: OffsetDateTime,
}

impl FromRow<'_, PgRow> for HistoryRow {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            code: row.try_get("code")?,
            episode: row.try_get("episode")?,
            from: optional_word(row, "from_state")?,
            to: word(row, "to_state")?,
            count: row.try_get("count")?,
            threshold: row.try_get("threshold")?,
            actor_type: row.try_get("actor_type")?,
            actor_id: row.try_get("actor_id")?,
            actor_role: row.try_get("actor_role")?,
            note: row.try_get("note")?,
            at: row.try_get("created_at")?,
        })
    }
}

/// One page of steps, newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn history(
    db: &mut PgConnection,
    code: Option<&str>,
    page: &Page,
) -> Result<Vec<HistoryRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT id, code, episode, from_state, to_state, count, threshold, actor_type, actor_id, actor_role, note, \
             created_at FROM ops_alert_history \
         WHERE ($1::text IS NULL OR code = $1) \
           AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3)) \
         ORDER BY created_at DESC, id DESC LIMIT $4",
    )
    .bind(code)
    .bind(page.after.map(|place| place.at))
    .bind(page.after.map(|place| place.id))
    .bind(page.limit)
    .fetch_all(db)
    .await
}
