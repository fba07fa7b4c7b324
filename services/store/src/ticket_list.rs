//! Listing and searching tickets, newest first, one page at a time.

use sqlx::{PgConnection, Postgres, QueryBuilder};

use crate::cockpit::{QueueFilter, push_conditions};
use crate::page::Page;
use crate::tickets::{self, TicketRow};

/// What is indexed for search; the same expression as the index's.
const WORDS: &str = "to_tsvector('simple'::regconfig, summary || ' ' || coalesce(description, '') || ' ' || \
                     coalesce(customer_name, '') || ' ' || coalesce(incident_type, ''))";

/// Reads one page of the tickets that match; empty lists of the filter do not restrict, states included.
///
/// `text` finds tickets that hold every one of its words. Order: creation, newest first, then id.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    db: &mut PgConnection,
    filter: &QueueFilter,
    text: Option<&str>,
    page: &Page,
) -> Result<Vec<TicketRow>, sqlx::Error> {
    let mut sql = QueryBuilder::<Postgres>::new("SELECT ");
    sql.push(tickets::COLUMNS).push(" FROM tickets WHERE true");
    if !filter.states.is_empty() {
        let states: Vec<&'static str> = filter.states.iter().map(|state| state.as_str()).collect();
        sql.push(" AND state = ANY(").push_bind(states).push("::text[]::ticket_state[])");
    }
    if !filter.priorities.is_empty() {
        let priorities: Vec<&'static str> =
            filter.priorities.iter().map(|priority| priority.as_str()).collect();
        sql.push(" AND priority = ANY(").push_bind(priorities).push("::text[]::priority_level[])");
    }
    push_conditions(&mut sql, filter);
    if let Some(text) = text {
        sql.push(" AND ").push(WORDS).push(" @@ plainto_tsquery('simple'::regconfig, ");
        sql.push_bind(text.to_owned()).push(")");
    }
    if let Some(after) = page.after {
        sql.push(" AND (created_at, id) < (").push_bind(after.at).push(", ").push_bind(after.id).push(")");
    }
    sql.push(" ORDER BY created_at DESC, id DESC LIMIT ").push_bind(page.limit);
    sql.build_query_as().fetch_all(db).await
}
