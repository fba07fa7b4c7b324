//! Requests to exceed the authorised amount.

use serde_json::Value;
use sqlx::{FromRow, PgConnection};
use time::OffsetDateTime;
use uuid::Uuid;

/// What a new approval asks for.
#[derive(Debug, Clone)]
pub struct NewApproval<'a> {
    /// The ticket.
    pub ticket_id: Uuid,
    /// The actor.
    pub requested_by: &'a str,
    /// `NTE_INCREASE` or `PROPOSAL`.
    pub approval_type: &'a str,
    /// Cents above the authorised amount.
    pub amount_delta_cents: Option<i64>,
    /// Why.
    pub reason: &'a str,
    /// `source`, `return_state` and references.
    pub evidence: &'a Value,
}

/// An approval as stored.
#[derive(Debug, Clone, FromRow)]
pub struct ApprovalRow {
    /// Identity.
    pub id: Uuid,
    /// `PENDING`, `APPROVED`, `DENIED` or `CANCELLED`.
    pub status: String,
    /// `NTE_INCREASE` or `PROPOSAL`.
    pub approval_type: String,
    /// Cents above the authorised amount.
    pub amount_delta_cents: Option<i64>,
    /// Why.
    pub reason: Option<String>,
    /// `source`, `return_state` and references.
    pub evidence: Value,
    /// Who asked.
    pub requested_by: String,
    /// When it was asked for.
    pub requested_at: OffsetDateTime,
    /// Who decided.
    pub decided_by: Option<String>,
    /// When it was decided.
    pub decided_at: Option<OffsetDateTime>,
    /// What was said about the decision.
    pub decision_notes: Option<String>,
}

macro_rules! columns {
    () => {
        "id, status::text AS status, approval_type, amount_delta_cents, reason, evidence, requested_by, requested_at, \
         decided_by, decided_at, decision_notes"
    };
}

/// Asks for an approval.
///
/// # Errors
/// When the database refuses the row.
pub async fn insert(db: &mut PgConnection, new: &NewApproval<'_>) -> Result<ApprovalRow, sqlx::Error> {
    sqlx::query_as(concat!(
        "INSERT INTO approvals (id, ticket_id, requested_by, approval_type, amount_delta_cents, reason, evidence) ",
        "VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING ",
        columns!()
    ))
    .bind(Uuid::now_v7())
    .bind(new.ticket_id)
    .bind(new.requested_by)
    .bind(new.approval_type)
    .bind(new.amount_delta_cents)
    .bind(new.reason)
    .bind(new.evidence)
    .fetch_one(db)
    .await
}

/// All approvals of a ticket, oldest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list(db: &mut PgConnection, ticket_id: Uuid) -> Result<Vec<ApprovalRow>, sqlx::Error> {
    sqlx::query_as(concat!(
        "SELECT ",
        columns!(),
        " FROM approvals WHERE ticket_id = $1 ORDER BY requested_at, id"
    ))
    .bind(ticket_id)
    .fetch_all(db)
    .await
}

/// How many approvals of a ticket wait for a decision.
///
/// # Errors
/// When the database does not answer.
pub async fn count_pending(db: &mut PgConnection, ticket_id: Uuid) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT count(*) FROM approvals WHERE ticket_id = $1 AND status = 'PENDING'")
        .bind(ticket_id)
        .fetch_one(db)
        .await
}

/// Reads an approval of a ticket and holds its row until the transaction ends.
///
/// # Errors
/// When the database does not answer.
pub async fn lock(
    db: &mut PgConnection,
    ticket_id: Uuid,
    id: Uuid,
) -> Result<Option<ApprovalRow>, sqlx::Error> {
    sqlx::query_as(concat!(
        "SELECT ",
        columns!(),
        " FROM approvals WHERE id = $1 AND ticket_id = $2 FOR UPDATE"
    ))
    .bind(id)
    .bind(ticket_id)
    .fetch_optional(db)
    .await
}

/// Decides an approval; notes replace the reason when given.
///
/// # Errors
/// When the database refuses the row.
pub async fn decide(
    db: &mut PgConnection,
    id: Uuid,
    status: &str,
    decided_by: &str,
    notes: Option<&str>,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE approvals SET status = $2::approval_status, decided_by = $3, decided_at = now(), \
             reason = coalesce($4, reason), decision_notes = $4 WHERE id = $1",
    )
    .bind(id)
    .bind(status)
    .bind(decided_by)
    .bind(notes)
    .execute(db)
    .await?;
    Ok(())
}

/// Withdraws every approval of a ticket that still waits, except one; returns their ids.
///
/// # Errors
/// When the database does not answer.
pub async fn cancel_pending(
    db: &mut PgConnection,
    ticket_id: Uuid,
    except: Option<Uuid>,
    cancelled_by: &str,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar(
        "UPDATE approvals SET status = 'CANCELLED', decided_by = $3, decided_at = now() \
         WHERE ticket_id = $1 AND status = 'PENDING' AND id IS DISTINCT FROM $2 RETURNING id",
    )
    .bind(ticket_id)
    .bind(except)
    .bind(cancelled_by)
    .fetch_all(db)
    .await
}

/// A change of the not-to-exceed amount.
#[derive(Debug, Clone)]
pub struct NteChange<'a> {
    /// The ticket.
    pub ticket_id: Uuid,
    /// The approval that allows it, if one does.
    pub approval_id: Option<Uuid>,
    /// Dotted name of the tool that changes it.
    pub tool_name: &'a str,
    /// Amount before, in cents.
    pub before_cents: i64,
    /// Amount after, in cents.
    pub after_cents: i64,
    /// The actor.
    pub actor_id: &'a str,
    /// Idempotency key.
    pub request_id: Uuid,
}

/// Enters a change of the not-to-exceed amount into the ledger.
///
/// # Errors
/// When the database refuses the row.
pub async fn record_nte(db: &mut PgConnection, change: &NteChange<'_>) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO nte_changes (ticket_id, approval_id, tool_name, before_cents, delta_cents, after_cents, \
             actor_id, request_id) VALUES ($1, $2, $3, $4, $5 - $4, $5, $6, $7)",
    )
    .bind(change.ticket_id)
    .bind(change.approval_id)
    .bind(change.tool_name)
    .bind(change.before_cents)
    .bind(change.after_cents)
    .bind(change.actor_id)
    .bind(change.request_id)
    .execute(db)
    .await
    .map(drop)
}

/// An entry of the ledger.
#[derive(Debug, Clone, FromRow)]
pub struct NteRow {
    /// The approval that allowed it, if one did.
    pub approval_id: Option<Uuid>,
    /// Dotted name of the tool.
    pub tool_name: String,
    /// Amount before, in cents.
    pub before_cents: i64,
    /// Difference, in cents.
    pub delta_cents: i64,
    /// Amount after, in cents.
    pub after_cents: i64,
    /// Who changed it.
    pub actor_id: String,
    /// When.
    pub created_at: OffsetDateTime,
}

/// The ledger of a ticket's not-to-exceed amount, oldest entry first.
///
/// # Errors
/// When the database does not answer.
pub async fn nte_ledger(db: &mut PgConnection, ticket_id: Uuid) -> Result<Vec<NteRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT approval_id, tool_name, before_cents, delta_cents, after_cents, actor_id, created_at \
         FROM nte_changes WHERE ticket_id = $1 ORDER BY created_at, id",
    )
    .bind(ticket_id)
    .fetch_all(db)
    .await
}
