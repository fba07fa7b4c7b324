//! Tickets that come in blind: one per signature, and a link on the original when it comes in again.

use dispatch_domain::{Priority, TicketState};
use sqlx::postgres::PgRow;
use sqlx::{ConnectOptions, Connection, FromRow, PgConnection, PgPool, Row};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::column::word;
use crate::journal::AuditDraft;
use crate::tickets::{self, NewTicket, TicketRow};

/// What identifies an intake.
#[derive(Debug, Clone, Copy)]
pub struct Signature<'a> {
    /// Customer organisation.
    pub account_id: Uuid,
    /// Service location.
    pub site_id: Uuid,
    /// SHA-256 of the identity, hexadecimal.
    pub hash: &'a str,
}

/// What a blind intake adds to a new ticket.
#[derive(Debug, Clone)]
pub struct NewIntake<'a> {
    /// The ticket.
    pub ticket: NewTicket,
    /// How urgent it is.
    pub priority: Priority,
    /// Trimmed, not blank.
    pub incident_type: &'a str,
    /// Trimmed, not blank.
    pub customer_name: &'a str,
    /// Digits only.
    pub customer_phone: Option<&'a str>,
    /// Lower case.
    pub customer_email: Option<&'a str>,
    /// SHA-256 of the identity, hexadecimal.
    pub identity_signature: &'a str,
    /// 0 to 100.
    pub identity_confidence: i32,
    /// 0 to 100.
    pub classification_confidence: i32,
    /// The hand-off still to be made; none when the ticket is ready.
    pub sop_handoff_prompt: Option<&'a str>,
}

/// The ticket that came in first.
#[derive(Debug, Clone, Copy)]
pub struct OriginalRow {
    /// Identity.
    pub id: Uuid,
    /// Its state.
    pub state: TicketState,
    /// When it came in.
    pub created_at: OffsetDateTime,
}

impl FromRow<'_, PgRow> for OriginalRow {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            state: word(row, "state")?,
            created_at: row.try_get("created_at")?,
        })
    }
}

/// Makes all intakes of one signature wait for this transaction, so that [`original`] stays true until it ends.
///
/// # Errors
/// When the database does not answer, or another intake of the signature takes too long.
pub async fn serialise(db: &mut PgConnection, signature: Signature<'_>) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))")
        .bind(format!("intake {} {} {}", signature.account_id, signature.site_id, signature.hash))
        .execute(db)
        .await?;
    Ok(())
}

/// The newest open ticket of the signature that came in within the last minutes.
///
/// # Errors
/// When the database does not answer.
pub async fn original(
    db: &mut PgConnection,
    signature: Signature<'_>,
    within_minutes: u32,
) -> Result<Option<OriginalRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT id, state::text AS state, created_at FROM tickets \
         WHERE account_id = $1 AND site_id = $2 AND identity_signature = $3 \
           AND state NOT IN ('CLOSED', 'CANCELLED') AND created_at > now() - make_interval(mins => $4) \
         ORDER BY created_at DESC, id DESC LIMIT 1",
    )
    .bind(signature.account_id)
    .bind(signature.site_id)
    .bind(signature.hash)
    .bind(i32::try_from(within_minutes).unwrap_or(i32::MAX))
    .fetch_optional(db)
    .await
}

/// Inserts the ticket of an intake; `None` when account or site do not exist or do not belong together.
///
/// # Errors
/// When the database refuses the row.
pub async fn insert(db: &mut PgConnection, new: &NewIntake<'_>) -> Result<Option<TicketRow>, sqlx::Error> {
    let inserted = sqlx::query(
        "INSERT INTO tickets (id, account_id, site_id, state, priority, incident_type, summary, description, \
             nte_cents, customer_name, customer_phone, customer_email, identity_signature, identity_confidence, \
             classification_confidence, sop_handoff_required, sop_handoff_acknowledged, sop_handoff_prompt) \
         SELECT $1, s.account_id, s.id, $4::ticket_state, $5::priority_level, $6, $7, $8, $9, $10, $11, $12, $13, \
             $14, $15, $16::text IS NOT NULL, $16::text IS NULL, $16 \
         FROM sites s WHERE s.id = $3 AND s.account_id = $2",
    )
    .bind(new.ticket.id)
    .bind(new.ticket.account_id)
    .bind(new.ticket.site_id)
    .bind(new.ticket.state.as_str())
    .bind(new.priority.as_str())
    .bind(new.incident_type)
    .bind(&new.ticket.summary)
    .bind(&new.ticket.description)
    .bind(new.ticket.nte_cents)
    .bind(new.customer_name)
    .bind(new.customer_phone)
    .bind(new.customer_email)
    .bind(new.identity_signature)
    .bind(new.identity_confidence)
    .bind(new.classification_confidence)
    .bind(new.sop_handoff_prompt)
    .execute(&mut *db)
    .await?;
    if inserted.rows_affected() == 0 { Ok(None) } else { tickets::find(db, new.ticket.id).await }
}

/// Records on the original that it came in again, and commits at once: the command that found out is refused,
/// and its transaction is rolled back.
///
/// The connection is a new one. That command holds one of the pool's, and a pool whose every connection waits for
/// a second one never gets it.
///
/// # Errors
/// When the database cannot be reached or refuses the row.
pub async fn link(pool: &PgPool, event: &AuditDraft<'_>) -> Result<(), sqlx::Error> {
    let mut connection = pool.connect_options().connect().await?;
    sqlx::query(
        "INSERT INTO audit_events (id, ticket_id, actor_type, actor_id, actor_role, tool_name, request_id, \
             correlation_id, trace_id, before_state, after_state, payload) \
         VALUES ($1, $2, $3::actor_type, $4, $5, $6, $7, $8, $9, $10::ticket_state, $11::ticket_state, $12)",
    )
    .bind(event.id)
    .bind(event.ticket_id)
    .bind(event.actor_type.as_str())
    .bind(event.actor_id)
    .bind(event.actor_role)
    .bind(event.tool_name)
    .bind(event.request_id)
    .bind(event.correlation_id)
    .bind(event.trace_id)
    .bind(event.before_state.map(TicketState::as_str))
    .bind(event.after_state.map(TicketState::as_str))
    .bind(event.payload)
    .execute(&mut connection)
    .await?;
    connection.close().await
}
