//! What every successful command leaves behind besides its own rows: one audit event, its state
//! changes, at most one message and the stored answer, written in one statement.

use dispatch_domain::{ActorType, TicketState};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::outbox::OutboxDraft;

/// The audit event of a command.
#[derive(Debug)]
pub struct AuditDraft<'a> {
    /// Chosen by the caller, because a message may refer to it.
    pub id: Uuid,
    /// The ticket, unless the command has none.
    pub ticket_id: Option<Uuid>,
    /// Kind of actor.
    pub actor_type: ActorType,
    /// Actor as authenticated.
    pub actor_id: &'a str,
    /// Canonical role.
    pub actor_role: &'a str,
    /// Dotted tool name.
    pub tool_name: &'a str,
    /// Idempotency key.
    pub request_id: Uuid,
    /// Correlation id.
    pub correlation_id: &'a str,
    /// Trace id.
    pub trace_id: Option<&'a str>,
    /// State before; absent on creation.
    pub before_state: Option<TicketState>,
    /// State after.
    pub after_state: Option<TicketState>,
    /// Allow-listed and redacted.
    pub payload: &'a Value,
}

/// The answer that a repeated key gets.
#[derive(Debug)]
pub struct AnswerDraft<'a> {
    /// The claimed record.
    pub record_id: Uuid,
    /// HTTP status.
    pub status: u16,
    /// Exact bytes, valid JSON.
    pub body: &'a str,
    /// Account whose scope a replay needs.
    pub account_id: Option<Uuid>,
    /// Site whose scope a replay needs.
    pub site_id: Option<Uuid>,
}

/// Everything that is written at the end of a command.
#[derive(Debug)]
pub struct Journal<'a> {
    /// The audit event.
    pub audit: AuditDraft<'a>,
    /// State changes in order; the first element is absent on creation.
    pub transitions: &'a [(Option<TicketState>, TicketState)],
    /// A message to send.
    pub outbox: Option<&'a OutboxDraft>,
    /// The stored answer.
    pub answer: AnswerDraft<'a>,
}

/// Writes the journal in one round trip.
///
/// # Errors
/// A unique violation of `dispatch_outbox_idempotency_key_key` when the message was queued before;
/// a check violation when a state change is not legal.
pub async fn write(db: &mut PgConnection, journal: &Journal<'_>) -> Result<(), sqlx::Error> {
    let Journal { audit, transitions, outbox, answer } = journal;
    let from: Vec<Option<&str>> = transitions.iter().map(|(from, _)| from.map(TicketState::as_str)).collect();
    let to: Vec<&str> = transitions.iter().map(|(_, to)| to.as_str()).collect();
    sqlx::query(
        "WITH audit AS ( \
             INSERT INTO audit_events (id, ticket_id, actor_type, actor_id, actor_role, tool_name, request_id, \
                 correlation_id, trace_id, before_state, after_state, payload) \
             VALUES ($1, $2, $3::actor_type, $4, $5, $6, $7, $8, $9, $10::ticket_state, $11::ticket_state, $12) \
         ), moves AS ( \
             INSERT INTO ticket_state_transitions (ticket_id, from_state, to_state, audit_event_id) \
             SELECT $2, m.from_state::ticket_state, m.to_state::ticket_state, $1 \
             FROM unnest($13::text[], $14::text[]) WITH ORDINALITY AS m (from_state, to_state, n) ORDER BY m.n \
         ), message AS ( \
             INSERT INTO dispatch_outbox (id, aggregate_type, aggregate_id, event_type, payload, idempotency_key) \
             SELECT $15, $16, $17, $18, $19, $20 WHERE $15::uuid IS NOT NULL \
         ) \
         UPDATE idempotency_keys SET response_code = $22, response_body = $23::text::jsonb, \
             response_text = $23::text, account_id = $24, site_id = $25 \
         WHERE id = $21",
    )
    .bind(audit.id)
    .bind(audit.ticket_id)
    .bind(audit.actor_type.as_str())
    .bind(audit.actor_id)
    .bind(audit.actor_role)
    .bind(audit.tool_name)
    .bind(audit.request_id)
    .bind(audit.correlation_id)
    .bind(audit.trace_id)
    .bind(audit.before_state.map(TicketState::as_str))
    .bind(audit.after_state.map(TicketState::as_str))
    .bind(audit.payload)
    .bind(from)
    .bind(to)
    .bind(outbox.map(|message| message.id))
    .bind(outbox.map(|message| message.aggregate_type))
    .bind(outbox.map(|message| message.aggregate_id.as_str()))
    .bind(outbox.map(|message| message.event_type))
    .bind(outbox.map(|message| &message.payload))
    .bind(outbox.map(|message| message.idempotency_key.as_str()))
    .bind(answer.record_id)
    .bind(i32::from(answer.status))
    .bind(answer.body)
    .bind(answer.account_id)
    .bind(answer.site_id)
    .execute(db)
    .await?;
    Ok(())
}
