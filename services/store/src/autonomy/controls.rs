//! The switches themselves: pausing, lifting, listing, and what was done to them.

use dispatch_domain::ActorType;
use dispatch_domain::vocabulary::{AutonomyAction, AutonomyScope};
use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, Row};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::column::word;

/// Any number that nothing else in this database locks: two first pauses must not both find no switch.
const SWITCH_LOCK: i64 = 0x5EED_A070;

/// A switch as stored.
#[derive(Debug, Clone)]
pub struct ControlRow {
    /// Identity.
    pub id: Uuid,
    /// What it covers.
    pub scope: AutonomyScope,
    /// Set for `INCIDENT`, upper case.
    pub incident_type: Option<String>,
    /// Set for `TICKET`.
    pub ticket_id: Option<Uuid>,
    /// Autonomous work is off.
    pub is_paused: bool,
    /// Why, as the last actor said.
    pub reason: Option<String>,
    /// Who switched last, and by which request.
    pub by: SwitchedBy,
    /// When it was first switched.
    pub created_at: OffsetDateTime,
    /// When it was last switched.
    pub updated_at: OffsetDateTime,
}

/// One entry of a switch's history.
#[derive(Debug, Clone)]
pub struct HistoryRow {
    /// Identity.
    pub id: Uuid,
    /// What the switch covers.
    pub scope: AutonomyScope,
    /// Set for `INCIDENT`, upper case.
    pub incident_type: Option<String>,
    /// Set for `TICKET`.
    pub ticket_id: Option<Uuid>,
    /// What was done.
    pub action: AutonomyAction,
    /// Before; false also when there was no switch.
    pub previous_is_paused: bool,
    /// After.
    pub next_is_paused: bool,
    /// Who did it, and by which request.
    pub by: SwitchedBy,
    /// Why.
    pub reason: Option<String>,
    /// Action, scope and reason once more.
    pub payload: Value,
    /// When.
    pub created_at: OffsetDateTime,
}

/// Who switched, and by which request.
#[derive(Debug, Clone)]
pub struct SwitchedBy {
    /// Kind of actor.
    pub actor_type: ActorType,
    /// Actor id.
    pub actor_id: String,
    /// Canonical role.
    pub actor_role: Option<String>,
    /// Idempotency key.
    pub request_id: Uuid,
    /// Correlation id.
    pub correlation_id: Option<String>,
    /// Trace id.
    pub trace_id: Option<String>,
}

/// What is to be switched.
#[derive(Debug, Clone)]
pub struct SwitchDraft<'a> {
    /// What it covers.
    pub scope: AutonomyScope,
    /// For `INCIDENT` only: trimmed, upper case.
    pub incident_type: Option<&'a str>,
    /// For `TICKET` only.
    pub ticket_id: Option<Uuid>,
    /// What is done.
    pub action: AutonomyAction,
    /// Why; replaces the reason given before, also when absent.
    pub reason: Option<&'a str>,
    /// Who does it.
    pub by: SwitchedBy,
}

/// What switching did.
#[derive(Debug, Clone)]
pub struct Switched {
    /// The switch as it now stands.
    pub control: ControlRow,
    /// Before; false also when there was no switch.
    pub previous_is_paused: bool,
    /// The history entry.
    pub history_id: Uuid,
}

impl FromRow<'_, PgRow> for SwitchedBy {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            actor_type: word(row, "actor_type")?,
            actor_id: row.try_get("actor_id")?,
            actor_role: row.try_get("actor_role")?,
            request_id: row.try_get("request_id")?,
            correlation_id: row.try_get("correlation_id")?,
            trace_id: row.try_get("trace_id")?,
        })
    }
}

impl FromRow<'_, PgRow> for ControlRow {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            scope: word(row, "scope_type")?,
            incident_type: row.try_get("incident_type")?,
            ticket_id: row.try_get("ticket_id")?,
            is_paused: row.try_get("is_paused")?,
            reason: row.try_get("reason")?,
            by: SwitchedBy::from_row(row)?,
            created_at: row.try_get("created_at")?,
            updated_at: row.try_get("updated_at")?,
        })
    }
}

impl FromRow<'_, PgRow> for HistoryRow {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            scope: word(row, "scope_type")?,
            incident_type: row.try_get("incident_type")?,
            ticket_id: row.try_get("ticket_id")?,
            action: word(row, "action")?,
            previous_is_paused: row.try_get("previous_is_paused")?,
            next_is_paused: row.try_get("next_is_paused")?,
            by: SwitchedBy::from_row(row)?,
            reason: row.try_get("reason")?,
            payload: row.try_get("payload")?,
            created_at: row.try_get("created_at")?,
        })
    }
}

macro_rules! columns {
    () => {
        "id, scope_type, incident_type, ticket_id, is_paused, reason, actor_type::text AS actor_type, actor_id, \
         actor_role, request_id, correlation_id, trace_id, created_at, updated_at"
    };
}

/// Which rows of a table with a scope apply to the ticket `$1` of the incident type `$2` (upper case).
macro_rules! applies {
    () => {
        "(scope_type = 'GLOBAL' OR (scope_type = 'TICKET' AND ticket_id = $1) \
          OR (scope_type = 'INCIDENT' AND (incident_type = $2 OR upper(incident_type) = upper($2))))"
    };
}

/// Most specific first, then the one switched last.
macro_rules! specific_first {
    () => {
        " ORDER BY CASE scope_type WHEN 'TICKET' THEN 0 WHEN 'INCIDENT' THEN 1 ELSE 2 END, updated_at DESC, id"
    };
}

/// Switches one scope and appends to its history; a scope has one switch, made on first use.
///
/// # Errors
/// When the database refuses a row, for example for a ticket that does not exist.
pub async fn switch(db: &mut PgConnection, draft: &SwitchDraft<'_>) -> Result<Switched, sqlx::Error> {
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(SWITCH_LOCK).execute(&mut *db).await?;
    let present: Option<ControlRow> = sqlx::query_as(concat!(
        "SELECT ",
        columns!(),
        " FROM autonomy_control_state WHERE scope_type = $1 AND ticket_id IS NOT DISTINCT FROM $2 \
          AND upper(incident_type) IS NOT DISTINCT FROM upper($3) FOR UPDATE"
    ))
    .bind(draft.scope.as_str())
    .bind(draft.ticket_id)
    .bind(draft.incident_type)
    .fetch_optional(&mut *db)
    .await?;
    let id = present.as_ref().map_or_else(Uuid::now_v7, |control| control.id);
    let previous_is_paused = present.is_some_and(|control| control.is_paused);
    let control = store(db, id, draft).await?;
    let history_id = append(db, id, draft, previous_is_paused).await?;
    Ok(Switched { control, previous_is_paused, history_id })
}

/// Clock time and not the transaction's: whoever got the lock last is the newest.
async fn store(db: &mut PgConnection, id: Uuid, draft: &SwitchDraft<'_>) -> Result<ControlRow, sqlx::Error> {
    sqlx::query_as(concat!(
        "INSERT INTO autonomy_control_state (id, scope_type, incident_type, ticket_id, is_paused, reason, ",
        "actor_type, actor_id, actor_role, request_id, correlation_id, trace_id, created_at, updated_at) ",
        "VALUES ($1, $2, $3, $4, $5, $6, $7::actor_type, $8, $9, $10, $11, $12, clock_timestamp(), ",
        "clock_timestamp()) ON CONFLICT (id) DO UPDATE SET is_paused = excluded.is_paused, ",
        "reason = excluded.reason, actor_type = excluded.actor_type, actor_id = excluded.actor_id, ",
        "actor_role = excluded.actor_role, request_id = excluded.request_id, ",
        "correlation_id = excluded.correlation_id, trace_id = excluded.trace_id, ",
        "updated_at = excluded.updated_at RETURNING ",
        columns!()
    ))
    .bind(id)
    .bind(draft.scope.as_str())
    .bind(draft.incident_type)
    .bind(draft.ticket_id)
    .bind(is_paused(draft))
    .bind(draft.reason)
    .bind(draft.by.actor_type.as_str())
    .bind(&draft.by.actor_id)
    .bind(&draft.by.actor_role)
    .bind(draft.by.request_id)
    .bind(&draft.by.correlation_id)
    .bind(&draft.by.trace_id)
    .fetch_one(db)
    .await
}

async fn append(
    db: &mut PgConnection,
    control_id: Uuid,
    draft: &SwitchDraft<'_>,
    previous_is_paused: bool,
) -> Result<Uuid, sqlx::Error> {
    sqlx::query_scalar(
        "INSERT INTO autonomy_control_history (id, control_state_id, scope_type, incident_type, ticket_id, action, \
             previous_is_paused, next_is_paused, actor_type, actor_id, actor_role, request_id, correlation_id, \
             trace_id, reason, payload, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::actor_type, $10, $11, $12, $13, $14, $15, $16, \
             clock_timestamp()) RETURNING id",
    )
    .bind(Uuid::now_v7())
    .bind(control_id)
    .bind(draft.scope.as_str())
    .bind(draft.incident_type)
    .bind(draft.ticket_id)
    .bind(draft.action.as_str())
    .bind(previous_is_paused)
    .bind(is_paused(draft))
    .bind(draft.by.actor_type.as_str())
    .bind(&draft.by.actor_id)
    .bind(&draft.by.actor_role)
    .bind(draft.by.request_id)
    .bind(&draft.by.correlation_id)
    .bind(&draft.by.trace_id)
    .bind(draft.reason)
    .bind(serde_json::json!({
        "action": draft.action,
        "scope_type": draft.scope,
        "incident_type": draft.incident_type,
        "ticket_id": draft.ticket_id,
        "reason": draft.reason,
    }))
    .fetch_one(db)
    .await
}

fn is_paused(draft: &SwitchDraft<'_>) -> bool {
    draft.action == AutonomyAction::Pause
}

/// All switches.
///
/// # Errors
/// When the database does not answer.
pub async fn list(db: &mut PgConnection) -> Result<Vec<ControlRow>, sqlx::Error> {
    sqlx::query_as(concat!("SELECT ", columns!(), " FROM autonomy_control_state", specific_first!()))
        .fetch_all(db)
        .await
}

/// The switches that apply to a ticket, most specific first: at most one per kind of scope. The first decides.
///
/// # Errors
/// When the database does not answer.
pub async fn applying(
    db: &mut PgConnection,
    ticket_id: Uuid,
    incident_type: Option<&str>,
) -> Result<Vec<ControlRow>, sqlx::Error> {
    sqlx::query_as(concat!(
        "SELECT ",
        columns!(),
        " FROM autonomy_control_state WHERE ",
        applies!(),
        specific_first!()
    ))
    .bind(ticket_id)
    .bind(upper(incident_type))
    .fetch_all(db)
    .await
}

/// What was done to the switches that apply to a ticket, newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn history(
    db: &mut PgConnection,
    ticket_id: Uuid,
    incident_type: Option<&str>,
) -> Result<Vec<HistoryRow>, sqlx::Error> {
    sqlx::query_as(concat!(
        "SELECT id, scope_type, incident_type, ticket_id, action, previous_is_paused, next_is_paused, ",
        "actor_type::text AS actor_type, actor_id, actor_role, request_id, correlation_id, trace_id, reason, ",
        "payload, created_at FROM autonomy_control_history WHERE ",
        applies!(),
        " ORDER BY created_at DESC, id DESC"
    ))
    .bind(ticket_id)
    .bind(upper(incident_type))
    .fetch_all(db)
    .await
}

fn upper(incident_type: Option<&str>) -> Option<String> {
    incident_type.map(|text| text.trim().to_uppercase())
}
