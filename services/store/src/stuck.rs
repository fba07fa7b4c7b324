//! Tickets that rest in a state for too long.

use dispatch_domain::TicketState;
use sqlx::PgPool;

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
