//! Tickets that rest in a state for too long.

use dispatch_domain::TicketState;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, PgPool, Row};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::column::word;
use crate::page::Page;

/// A ticket that rests.
#[derive(Debug, Clone)]
pub struct StuckRow {
    /// The ticket.
    pub ticket_id: Uuid,
    /// Its account.
    pub account_id: Uuid,
    /// Its site.
    pub site_id: Uuid,
    /// The state it rests in.
    pub state: TicketState,
    /// Who is assigned.
    pub assigned_tech_id: Option<Uuid>,
    /// When it was last moved into that state.
    pub since: OffsetDateTime,
}

impl FromRow<'_, PgRow> for StuckRow {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            ticket_id: row.try_get("id")?,
            account_id: row.try_get("account_id")?,
            site_id: row.try_get("site_id")?,
            state: word(row, "state")?,
            assigned_tech_id: row.try_get("assigned_tech_id")?,
            since: row.try_get("since")?,
        })
    }
}

/// Which resting tickets to list; `None` scopes mean "all".
#[derive(Debug, Clone)]
pub struct StuckFilter<'a> {
    /// States that count.
    pub states: &'a [TicketState],
    /// Age that counts.
    pub minutes: u32,
    /// Accounts the actor may see.
    pub account_scope: Option<Vec<Uuid>>,
    /// Sites the actor may see.
    pub site_scope: Option<Vec<Uuid>>,
}

/// One page of the tickets that [`count`] counts, longest waiting first.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    db: &mut PgConnection,
    filter: &StuckFilter<'_>,
    page: &Page,
) -> Result<Vec<StuckRow>, sqlx::Error> {
    let states: Vec<&str> = filter.states.iter().map(|state| state.as_str()).collect();
    sqlx::query_as(
        "SELECT t.id, t.account_id, t.site_id, t.state::text AS state, t.assigned_tech_id, m.since \
         FROM tickets t CROSS JOIN LATERAL (SELECT max(created_at) AS since FROM ticket_state_transitions \
             WHERE ticket_id = t.id AND to_state = t.state) m \
         WHERE t.state = ANY($1::text[]::ticket_state[]) AND m.since <= now() - make_interval(secs => $2) \
           AND ($3::uuid[] IS NULL OR t.account_id = ANY($3)) AND ($4::uuid[] IS NULL OR t.site_id = ANY($4)) \
           AND ($5::timestamptz IS NULL OR (m.since, t.id) > ($5, $6)) \
         ORDER BY m.since, t.id LIMIT $7",
    )
    .bind(states)
    .bind(f64::from(filter.minutes) * 60.0)
    .bind(&filter.account_scope)
    .bind(&filter.site_scope)
    .bind(page.after.map(|place| place.at))
    .bind(page.after.map(|place| place.id))
    .bind(page.limit)
    .fetch_all(db)
    .await
}

/// How many tickets are in one of `states` and were last moved into that state at least `minutes` ago.
///
/// A ticket without a history row into its present state is not counted.
///
/// # Errors
/// When the database does not answer.
pub async fn count(pool: &PgPool, states: &[TicketState], minutes: u32) -> Result<i64, sqlx::Error> {
    let states: Vec<&str> = states.iter().map(|state| state.as_str()).collect();
    sqlx::query_scalar(
        "SELECT count(*) FROM tickets t \
         WHERE t.state = ANY($1::text[]::ticket_state[]) \
           AND (SELECT max(m.created_at) FROM ticket_state_transitions m \
                WHERE m.ticket_id = t.id AND m.to_state = t.state) <= now() - make_interval(secs => $2)",
    )
    .bind(states)
    .bind(f64::from(minutes) * 60.0)
    .fetch_one(pool)
    .await
}
