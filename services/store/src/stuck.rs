//! Tickets that rest in a state for too long.

use dispatch_domain::TicketState;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, Row};
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

/// When a resting ticket counts as stuck.
#[derive(Debug, Clone, Copy)]
pub struct StuckRule<'a> {
    /// States that count.
    pub states: &'a [TicketState],
    /// Age that counts.
    pub minutes: u32,
    /// Minutes before an appointment from which on a ticket without a technician counts. When set, appointments are
    /// respected: a scheduled ticket counts only then, and a held one once its confirmation window is over.
    pub lead_minutes: Option<u32>,
}

impl StuckRule<'_> {
    fn words(&self) -> Vec<&'static str> {
        self.states.iter().map(|state| state.as_str()).collect()
    }

    fn age_s(&self) -> f64 {
        f64::from(self.minutes) * 60.0
    }

    fn lead_s(&self) -> Option<f64> {
        self.lead_minutes.map(|minutes| f64::from(minutes) * 60.0)
    }
}

/// The rule as SQL over `tickets t` and `m.since`: $1 states, $2 age, $3 lead.
macro_rules! is_stuck {
    () => {
        "t.state = ANY($1::text[]::ticket_state[]) AND m.since <= now() - make_interval(secs => $2) \
         AND ($3::float8 IS NULL OR CASE t.state \
             WHEN 'SCHEDULED' THEN t.assigned_tech_id IS NULL \
                 AND t.scheduled_start <= now() + make_interval(secs => $3) \
             WHEN 'PENDING_CUSTOMER_CONFIRMATION' THEN coalesce((SELECT hold_confirmation_end(h.hold_reason_notes) \
                 FROM schedule_hold_snapshots h WHERE h.ticket_id = t.id \
                 ORDER BY h.created_at DESC LIMIT 1) <= now(), true) \
             ELSE true END)"
    };
}

/// When a ticket was last moved into its present state, as SQL; null without a history row into it.
macro_rules! resting_since {
    () => {
        "tickets t CROSS JOIN LATERAL (SELECT max(created_at) AS since FROM ticket_state_transitions \
         WHERE ticket_id = t.id AND to_state = t.state) m"
    };
}

/// Which resting tickets to list; `None` scopes mean "all".
#[derive(Debug, Clone)]
pub struct StuckFilter<'a> {
    /// When a ticket counts.
    pub rule: StuckRule<'a>,
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
    sqlx::query_as(concat!(
        "SELECT t.id, t.account_id, t.site_id, t.state::text AS state, t.assigned_tech_id, m.since FROM ",
        resting_since!(),
        " WHERE ",
        is_stuck!(),
        " AND ($4::uuid[] IS NULL OR t.account_id = ANY($4)) AND ($5::uuid[] IS NULL OR t.site_id = ANY($5)) \
          AND ($6::timestamptz IS NULL OR (m.since, t.id) > ($6, $7)) ORDER BY m.since, t.id LIMIT $8",
    ))
    .bind(filter.rule.words())
    .bind(filter.rule.age_s())
    .bind(filter.rule.lead_s())
    .bind(&filter.account_scope)
    .bind(&filter.site_scope)
    .bind(page.after.map(|place| place.at))
    .bind(page.after.map(|place| place.id))
    .bind(page.limit)
    .fetch_all(db)
    .await
}

/// How many tickets are stuck.
///
/// A ticket without a history row into its present state is not counted.
///
/// # Errors
/// When the database does not answer.
pub async fn count(db: &mut PgConnection, rule: &StuckRule<'_>) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(concat!("SELECT count(*) FROM ", resting_since!(), " WHERE ", is_stuck!()))
        .bind(rule.words())
        .bind(rule.age_s())
        .bind(rule.lead_s())
        .fetch_one(db)
        .await
}
