//! The dispatcher's queue: the most pressing tickets that match, at most 200.

use dispatch_domain::{Priority, TicketState};
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder, Row};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::column::word;
use crate::page::Page;

/// Most rows of one queue page.
pub const QUEUE_CAP: i64 = 200;

/// Which tickets to show. Empty lists do not restrict; `None` scopes mean "all".
#[derive(Debug, Clone, Default)]
pub struct QueueFilter {
    /// States; empty means everything that is not finished.
    pub states: Vec<TicketState>,
    /// Priorities; the queue takes them from its bands.
    pub priorities: Vec<Priority>,
    /// Accounts.
    pub account_ids: Vec<Uuid>,
    /// Sites.
    pub site_ids: Vec<Uuid>,
    /// Technicians.
    pub tech_ids: Vec<Uuid>,
    /// Incident types in upper case.
    pub incident_types: Vec<String>,
    /// Accounts the actor may see.
    pub account_scope: Option<Vec<Uuid>>,
    /// Sites the actor may see.
    pub site_scope: Option<Vec<Uuid>>,
}

/// One line of the queue.
#[derive(Debug, Clone)]
pub struct QueueRow {
    /// The ticket.
    pub ticket_id: Uuid,
    /// Its state.
    pub state: TicketState,
    /// Its priority.
    pub priority: Priority,
    /// Its incident type.
    pub incident_type: Option<String>,
    /// Who is assigned.
    pub assigned_tech_id: Option<Uuid>,
    /// Begin of the agreed window.
    pub scheduled_start: Option<OffsetDateTime>,
    /// When the ticket was created.
    pub created_at: OffsetDateTime,
    /// Its site.
    pub site_id: Uuid,
    /// Name of the site.
    pub site_name: String,
    /// City of the site.
    pub site_city: String,
    /// Region code of the site.
    pub site_region: Option<String>,
    /// Newest audit event, else last change of the row.
    pub last_update_at: OffsetDateTime,
    /// Newest change of state, else last change of the row.
    pub last_transition_at: OffsetDateTime,
}

impl FromRow<'_, PgRow> for QueueRow {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            ticket_id: row.try_get("id")?,
            state: word(row, "state")?,
            priority: word(row, "priority")?,
            incident_type: row.try_get("incident_type")?,
            assigned_tech_id: row.try_get("assigned_tech_id")?,
            scheduled_start: row.try_get("scheduled_start")?,
            created_at: row.try_get("created_at")?,
            site_id: row.try_get("site_id")?,
            site_name: row.try_get("site_name")?,
            site_city: row.try_get("site_city")?,
            site_region: row.try_get("site_region")?,
            last_update_at: row.try_get("last_update_at")?,
            last_transition_at: row.try_get("last_transition_at")?,
        })
    }
}

/// Tickets of one priority whose clock started within a time: how a class of remaining time looks to the database.
#[derive(Debug, Clone, Copy)]
pub struct Band {
    /// The priority.
    pub priority: Priority,
    /// Minutes that tickets of this priority may take.
    pub target_minutes: i64,
    /// Not before.
    pub from: Option<OffsetDateTime>,
    /// Before.
    pub to: Option<OffsetDateTime>,
}

/// Reads one page of the queue, earliest deadline first. The place of a row is its deadline and id.
///
/// Every band, and with a list of states every state in it, gives its own most pressing rows from an index, and the
/// most pressing of those are kept: the cost does not depend on how many tickets there are.
///
/// # Errors
/// When the database does not answer.
pub async fn queue(
    db: &mut PgConnection,
    filter: &QueueFilter,
    bands: &[Band],
    page: &Page,
) -> Result<Vec<QueueRow>, sqlx::Error> {
    let mut sql = QueryBuilder::<Postgres>::new(
        "SELECT t.id, t.state::text AS state, t.priority::text AS priority, t.incident_type, t.assigned_tech_id, \
                t.scheduled_start, t.created_at, s.id AS site_id, s.name AS site_name, s.city AS site_city, \
                s.region AS site_region, coalesce(a.created_at, t.updated_at) AS last_update_at, \
                coalesce(m.created_at, t.updated_at) AS last_transition_at FROM (SELECT pressing.* FROM unnest(",
    );
    push_bands(&mut sql, bands, page);
    if !filter.states.is_empty() {
        let states: Vec<&'static str> = filter.states.iter().map(|state| state.as_str()).collect();
        sql.push(" CROSS JOIN unnest(").push_bind(states).push("::text[]) AS states (word)");
    }
    sql.push(
        " CROSS JOIN LATERAL (SELECT id, site_id, state, priority, incident_type, assigned_tech_id, \
              scheduled_start, created_at, updated_at, \
              coalesce(scheduled_start, created_at) + make_interval(mins => band.target) AS deadline \
          FROM tickets WHERE priority = band.word::priority_level",
    );
    push_ranges(&mut sql, bands);
    sql.push(if filter.states.is_empty() {
        " AND state NOT IN ('CLOSED', 'CANCELLED')"
    } else {
        " AND state = states.word::ticket_state"
    });
    if let Some(after) = page.after {
        sql.push(" AND (coalesce(scheduled_start, created_at), id) > (band.after_at, ");
        sql.push_bind(after.id).push(")");
    }
    push_conditions(&mut sql, filter);
    sql.push(" ORDER BY coalesce(scheduled_start, created_at), id LIMIT ").push_bind(page.limit);
    sql.push(") pressing ORDER BY deadline, id LIMIT ").push_bind(page.limit);
    sql.push(
        ") t JOIN sites s ON s.id = t.site_id \
         LEFT JOIN LATERAL (SELECT created_at FROM audit_events WHERE ticket_id = t.id \
             ORDER BY created_at DESC LIMIT 1) a ON true \
         LEFT JOIN LATERAL (SELECT created_at FROM ticket_state_transitions WHERE ticket_id = t.id \
             ORDER BY created_at DESC LIMIT 1) m ON true ORDER BY t.deadline, t.id",
    );
    sql.build_query_as().fetch_all(db).await
}

/// The bands as rows, with the place of the page before seen from each priority.
fn push_bands(sql: &mut QueryBuilder<Postgres>, bands: &[Band], page: &Page) {
    let target = |band: &Band| Duration::minutes(band.target_minutes);
    let words: Vec<&'static str> = bands.iter().map(|band| band.priority.as_str()).collect();
    let targets: Vec<i32> =
        bands.iter().map(|band| i32::try_from(band.target_minutes).unwrap_or(i32::MAX)).collect();
    let from: Vec<Option<OffsetDateTime>> = bands.iter().map(|band| band.from).collect();
    let to: Vec<Option<OffsetDateTime>> = bands.iter().map(|band| band.to).collect();
    let after: Vec<Option<OffsetDateTime>> =
        bands.iter().map(|band| Some(page.after?.at.saturating_sub(target(band)))).collect();
    sql.push_bind(words).push("::text[], ").push_bind(targets).push("::int[], ");
    sql.push_bind(from).push("::timestamptz[], ").push_bind(to).push("::timestamptz[], ");
    sql.push_bind(after).push("::timestamptz[]) AS band (word, target, from_at, to_at, after_at)");
}

/// The limits of bands, where any band has one. The planner takes two plain limits for a narrow range and would rather
/// sort than read in the order of the index, which costs by the size of the table; so limits that nobody asked for are
/// left out, and the upper one is a comparison of rows. No ticket has the nil id that stands in it.
fn push_ranges(sql: &mut QueryBuilder<Postgres>, bands: &[Band]) {
    if bands.iter().any(|band| band.from.is_some()) {
        sql.push(" AND coalesce(scheduled_start, created_at) >= coalesce(band.from_at, '-infinity')");
    }
    if bands.iter().any(|band| band.to.is_some()) {
        sql.push(" AND (coalesce(scheduled_start, created_at), id) < (coalesce(band.to_at, 'infinity'), ");
        sql.push_bind(Uuid::nil()).push(")");
    }
}

/// Everything but state and priority.
pub(crate) fn push_conditions(sql: &mut QueryBuilder<Postgres>, filter: &QueueFilter) {
    if !filter.incident_types.is_empty() {
        sql.push(" AND upper(incident_type) = ANY(").push_bind(filter.incident_types.clone()).push(")");
    }
    let lists = [
        (" AND account_id = ANY(", (!filter.account_ids.is_empty()).then(|| filter.account_ids.clone())),
        (" AND site_id = ANY(", (!filter.site_ids.is_empty()).then(|| filter.site_ids.clone())),
        (" AND assigned_tech_id = ANY(", (!filter.tech_ids.is_empty()).then(|| filter.tech_ids.clone())),
        (" AND account_id = ANY(", filter.account_scope.clone()),
        (" AND site_id = ANY(", filter.site_scope.clone()),
    ];
    for (condition, ids) in lists {
        if let Some(ids) = ids {
            sql.push(condition).push_bind(ids).push(")");
        }
    }
}
