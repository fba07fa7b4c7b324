//! Reading the state history of a ticket.

use dispatch_domain::TicketState;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, Row};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::column::{optional_word, word};

/// One change of state.
#[derive(Debug, Clone)]
pub struct TransitionRow {
    /// Absent on creation.
    pub from_state: Option<TicketState>,
    /// The new state.
    pub to_state: TicketState,
    /// Start of the command's transaction.
    pub created_at: OffsetDateTime,
}

impl FromRow<'_, PgRow> for TransitionRow {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            from_state: optional_word(row, "from_state")?,
            to_state: word(row, "to_state")?,
            created_at: row.try_get("created_at")?,
        })
    }
}

/// All changes of a ticket, oldest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list(db: &mut PgConnection, ticket_id: Uuid) -> Result<Vec<TransitionRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT from_state::text AS from_state, to_state::text AS to_state, created_at \
         FROM ticket_state_transitions WHERE ticket_id = $1 ORDER BY created_at, seq",
    )
    .bind(ticket_id)
    .fetch_all(db)
    .await
}
