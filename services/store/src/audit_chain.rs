//! Checking that the audit trail is as it was written.
//!
//! The digests are computed here from the rows themselves, not by the function that wrote them.

use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

/// What was found.
#[derive(Debug, Clone, FromRow)]
pub struct ChainFacts {
    /// Chains: tickets with events, and the one of events without a ticket.
    pub chains: i64,
    /// Events looked at.
    pub events: i64,
    /// Events that are not as they were written, or behind a gap.
    pub broken: i64,
    /// SHA-256 over every chain's newest digest, in order of tickets: changes with every event. Lower-case hex.
    pub anchor: String,
    /// The newest digest, when one chain was asked for.
    pub head: Option<String>,
}

/// A place where the trail is not as it was written.
#[derive(Debug, Clone, FromRow)]
pub struct BrokenLink {
    /// The ticket of the chain; none for events without one.
    pub ticket_id: Option<Uuid>,
    /// The event.
    pub event_id: Uuid,
    /// Its number in the chain.
    pub ticket_seq: Option<i64>,
    /// `ALTERED`, `UNLINKED` or `GAP`.
    pub kind: String,
}

macro_rules! links {
    () => {
        "WITH links AS ( \
             SELECT a.ticket_id, a.id AS event_id, a.ticket_seq, a.entry_hash, \
                 CASE WHEN a.ticket_seq IS DISTINCT FROM row_number() OVER chain THEN 'GAP' \
                      WHEN a.prev_hash IS DISTINCT FROM lag(a.entry_hash) OVER chain THEN 'UNLINKED' \
                      WHEN a.entry_hash IS DISTINCT FROM sha256(coalesce(a.prev_hash, ''::bytea) || convert_to( \
                          jsonb_build_array(a.ticket_seq, a.id, a.ticket_id, a.actor_type, a.actor_id, a.actor_role, \
                              a.tool_name, a.request_id, a.correlation_id, a.trace_id, a.before_state, a.after_state, \
                              a.payload, (extract(epoch FROM a.created_at) * 1000000)::bigint)::text, 'UTF8')) \
                          THEN 'ALTERED' END AS kind \
             FROM audit_events a WHERE $1::uuid IS NULL OR a.ticket_id = $1 \
             WINDOW chain AS (PARTITION BY a.ticket_id ORDER BY a.ticket_seq NULLS FIRST, a.seq))"
    };
}

/// Lets the connection's statements take as long as they need.
///
/// # Errors
/// When the database does not answer.
pub async fn lift_limits(db: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query("SET statement_timeout = 0").execute(db).await.map(drop)
}

/// Recomputes one ticket's chain, or all of them.
///
/// # Errors
/// When the database does not answer.
pub async fn inspect(db: &mut PgConnection, ticket_id: Option<Uuid>) -> Result<ChainFacts, sqlx::Error> {
    sqlx::query_as(concat!(
        links!(),
        ", heads AS (SELECT DISTINCT ON (ticket_id) ticket_id, entry_hash FROM links \
             ORDER BY ticket_id, ticket_seq DESC NULLS LAST) \
         SELECT (SELECT count(*) FROM heads) AS chains, (SELECT count(*) FROM links) AS events, \
             (SELECT count(*) FROM links WHERE kind IS NOT NULL) AS broken, \
             encode(sha256(coalesce((SELECT string_agg(entry_hash, ''::bytea ORDER BY ticket_id) FROM heads), \
                 ''::bytea)), 'hex') AS anchor, \
             CASE WHEN $1::uuid IS NOT NULL THEN (SELECT encode(entry_hash, 'hex') FROM heads) END AS head"
    ))
    .bind(ticket_id)
    .fetch_one(db)
    .await
}

/// The first places where a chain is broken, in order of tickets and numbers.
///
/// # Errors
/// When the database does not answer.
pub async fn broken(
    db: &mut PgConnection,
    ticket_id: Option<Uuid>,
    limit: i64,
) -> Result<Vec<BrokenLink>, sqlx::Error> {
    sqlx::query_as(concat!(
        links!(),
        " SELECT ticket_id, event_id, ticket_seq, kind FROM links WHERE kind IS NOT NULL \
          ORDER BY ticket_id NULLS FIRST, ticket_seq NULLS FIRST LIMIT $2"
    ))
    .bind(ticket_id)
    .bind(limit)
    .fetch_all(db)
    .await
}
