//! Reading the stream of state changes in the order in which readers may rely on it.

use sqlx::{FromRow, PgConnection};
use time::OffsetDateTime;
use uuid::Uuid;

/// A place in the stream: an event is behind another when its pair is greater.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct StreamPlace {
    /// Number of the writing transaction.
    pub txid: i64,
    /// Sequence of the row.
    pub seq: i64,
}

/// One state change of a ticket.
#[derive(Debug, Clone, FromRow)]
pub struct TicketEventRow {
    /// Number of the writing transaction.
    pub txid: i64,
    /// Sequence of the row.
    pub seq: i64,
    /// `ticket.created` or `ticket.state_changed`.
    pub event_type: String,
    /// The ticket.
    pub ticket_id: Uuid,
    /// Its account.
    pub account_id: Uuid,
    /// Its site.
    pub site_id: Uuid,
    /// Absent on creation.
    pub from_state: Option<String>,
    /// The new state.
    pub to_state: String,
    /// Number of the change within its ticket.
    pub ticket_seq: Option<i64>,
    /// What caused it.
    pub audit_event_id: Uuid,
    /// Dotted tool name.
    pub tool_name: String,
    /// Kind of actor.
    pub actor_type: String,
    /// Who did it.
    pub actor_id: String,
    /// Canonical role.
    pub actor_role: Option<String>,
    /// Correlation id.
    pub correlation_id: Option<String>,
    /// Trace id.
    pub trace_id: Option<String>,
    /// Start of the writing transaction.
    pub occurred_at: OffsetDateTime,
}

impl TicketEventRow {
    /// Where the event is in the stream.
    pub fn place(&self) -> StreamPlace {
        StreamPlace { txid: self.txid, seq: self.seq }
    }
}

/// Events behind a place, in order.
///
/// # Errors
/// When the database does not answer.
pub async fn after(
    db: &mut PgConnection,
    place: StreamPlace,
    limit: i64,
) -> Result<Vec<TicketEventRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT txid, seq, event_type, ticket_id, account_id, site_id, from_state::text AS from_state, \
             to_state::text AS to_state, ticket_seq, audit_event_id, tool_name, actor_type::text AS actor_type, \
             actor_id, actor_role, correlation_id, trace_id, occurred_at \
         FROM ticket_events WHERE (position_txid, seq) > ($1::text::xid8, $2) ORDER BY position_txid, seq LIMIT $3",
    )
    .bind(place.txid.to_string())
    .bind(place.seq)
    .bind(limit)
    .fetch_all(db)
    .await
}

/// The end of the stream: nothing that is shown already is behind it.
///
/// # Errors
/// When the database does not answer.
pub async fn end(db: &mut PgConnection) -> Result<StreamPlace, sqlx::Error> {
    let last: Option<(i64, i64)> = sqlx::query_as(
        "SELECT txid::text::bigint, seq FROM ticket_state_transitions \
         WHERE txid < pg_snapshot_xmin(pg_current_snapshot()) \
         ORDER BY ticket_state_transitions.txid DESC, seq DESC LIMIT 1",
    )
    .fetch_optional(db)
    .await?;
    Ok(last.map_or_else(StreamPlace::default, |(txid, seq)| StreamPlace { txid, seq }))
}
