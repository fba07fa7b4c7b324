//! Attempts to call work done: what was said, and what became of it.

use dispatch_domain::ActorType;
use serde_json::Value;
use sqlx::{FromRow, PgConnection, PgPool};
use time::OffsetDateTime;
use uuid::Uuid;

/// One attempt.
#[derive(Debug, Clone)]
pub struct CompletionDraft<'a> {
    /// The ticket.
    pub ticket_id: Uuid,
    /// Kind of actor.
    pub actor_type: ActorType,
    /// Who says so.
    pub actor_id: &'a str,
    /// Canonical role.
    pub actor_role: &'a str,
    /// `tech.complete` or `closeout.candidate`.
    pub tool_name: &'a str,
    /// Idempotency key.
    pub request_id: Uuid,
    /// The audit event, unless the attempt was refused.
    pub audit_event_id: Option<Uuid>,
    /// The checklist as given.
    pub checklist: &'a Value,
    /// Why there is no signature.
    pub no_signature_reason: Option<&'a str>,
    /// References as given.
    pub evidence_refs: &'a Value,
    /// Why it was refused; none when the gate let it through.
    pub refused: Option<&'a str>,
}

/// What a later check needs of the newest attempt that was not refused.
#[derive(Debug, Clone, FromRow)]
pub struct CompletionRow {
    /// The checklist.
    pub checklist: Value,
    /// Why there is no signature.
    pub no_signature_reason: Option<String>,
    /// References.
    pub evidence_refs: Value,
    /// The request as kept in the audit trail.
    pub request: Option<Value>,
}

/// An attempt as it is listed.
#[derive(Debug, Clone, FromRow)]
pub struct AttemptRow {
    /// Counts from 1 per ticket.
    pub attempt: i32,
    /// Who said so.
    pub actor_id: String,
    /// Canonical role.
    pub actor_role: Option<String>,
    /// `tech.complete` or `closeout.candidate`.
    pub tool_name: String,
    /// The checklist.
    pub checklist: Value,
    /// Why there is no signature.
    pub no_signature_reason: Option<String>,
    /// References.
    pub evidence_refs: Value,
    /// `ACCEPTED`, `REFUSED`, `VERIFIED` or `REJECTED`.
    pub outcome: String,
    /// Why it was refused.
    pub requirement_code: Option<String>,
    /// Who judged an accepted attempt.
    pub judged_by: Option<String>,
    /// When.
    pub judged_at: Option<OffsetDateTime>,
    /// What was said about it.
    pub judge_notes: Option<String>,
    /// When the attempt was made.
    pub created_at: OffsetDateTime,
}

const INSERT: &str = "INSERT INTO completions (ticket_id, attempt, actor_type, actor_id, actor_role, tool_name, \
         request_id, audit_event_id, checklist, no_signature_reason, evidence_refs, outcome, requirement_code) \
     SELECT $1, 1 + coalesce((SELECT max(attempt) FROM completions WHERE ticket_id = $1), 0), $2::actor_type, $3, \
         $4, $5, $6, $7, $8, $9, $10, CASE WHEN $11::text IS NULL THEN 'ACCEPTED' ELSE 'REFUSED' END, $11";

macro_rules! bound {
    ($draft:expr) => {
        sqlx::query(INSERT)
            .bind($draft.ticket_id)
            .bind($draft.actor_type.as_str())
            .bind($draft.actor_id)
            .bind($draft.actor_role)
            .bind($draft.tool_name)
            .bind($draft.request_id)
            .bind($draft.audit_event_id)
            .bind($draft.checklist)
            .bind($draft.no_signature_reason)
            .bind($draft.evidence_refs)
            .bind($draft.refused)
    };
}

/// Keeps an attempt; the caller holds the ticket's lock.
///
/// # Errors
/// When the database refuses the row.
pub async fn insert(db: &mut PgConnection, draft: &CompletionDraft<'_>) -> Result<(), sqlx::Error> {
    bound!(draft).execute(db).await.map(drop)
}

/// Keeps an attempt whose command was rolled back, in a transaction of its own.
///
/// # Errors
/// When the database does not answer or refuses the row.
pub async fn insert_refused(pool: &PgPool, draft: &CompletionDraft<'_>) -> Result<(), sqlx::Error> {
    let mut transaction = crate::begin(pool).await?;
    // The lock first, in a statement of its own: the next one then sees every attempt that is numbered already.
    sqlx::query("SELECT FROM tickets WHERE id = $1 FOR NO KEY UPDATE")
        .bind(draft.ticket_id)
        .execute(&mut *transaction)
        .await?;
    bound!(draft).execute(&mut *transaction).await?;
    transaction.commit().await
}

/// The newest attempt of a ticket that the gate let through.
///
/// # Errors
/// When the database does not answer.
pub async fn latest(db: &mut PgConnection, ticket_id: Uuid) -> Result<Option<CompletionRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT c.checklist, c.no_signature_reason, c.evidence_refs, a.payload -> 'request' AS request \
         FROM completions c LEFT JOIN audit_events a ON a.id = c.audit_event_id \
         WHERE c.ticket_id = $1 AND c.outcome <> 'REFUSED' ORDER BY c.attempt DESC LIMIT 1",
    )
    .bind(ticket_id)
    .fetch_optional(db)
    .await
}

/// Writes down how the newest accepted attempt was judged: `VERIFIED` or `REJECTED`.
///
/// # Errors
/// When the database does not answer.
pub async fn judge(
    db: &mut PgConnection,
    ticket_id: Uuid,
    outcome: &str,
    judged_by: &str,
    notes: Option<&str>,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE completions SET outcome = $2, judged_by = $3, judged_at = now(), judge_notes = $4 \
         WHERE ticket_id = $1 AND outcome = 'ACCEPTED' AND attempt = \
             (SELECT max(attempt) FROM completions WHERE ticket_id = $1 AND outcome <> 'REFUSED')",
    )
    .bind(ticket_id)
    .bind(outcome)
    .bind(judged_by)
    .bind(notes)
    .execute(db)
    .await
    .map(drop)
}

/// Every attempt of a ticket, oldest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list(db: &mut PgConnection, ticket_id: Uuid) -> Result<Vec<AttemptRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT attempt, actor_id, actor_role, tool_name, checklist, no_signature_reason, evidence_refs, outcome, \
             requirement_code, judged_by, judged_at, judge_notes, created_at \
         FROM completions WHERE ticket_id = $1 ORDER BY attempt",
    )
    .bind(ticket_id)
    .fetch_all(db)
    .await
}
