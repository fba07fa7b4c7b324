//! Pause switches: which one decides for a ticket.

pub mod controls;

use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

/// The switch that decides.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct AutonomyDecision {
    /// `TICKET`, `INCIDENT` or `GLOBAL`.
    pub scope_type: String,
    /// Set for `INCIDENT`.
    pub incident_type: Option<String>,
    /// Set for `TICKET`.
    pub ticket_id: Option<Uuid>,
    /// Autonomous completion is off.
    pub is_paused: bool,
    /// Why.
    pub reason: Option<String>,
}

/// The most specific switch for a ticket, paused or not: ticket, then incident type, then global.
///
/// # Errors
/// When the database does not answer.
pub async fn decision(
    db: &mut PgConnection,
    ticket_id: Uuid,
    incident_type: Option<&str>,
) -> Result<Option<AutonomyDecision>, sqlx::Error> {
    sqlx::query_as(
        "SELECT scope_type, incident_type, ticket_id, is_paused, reason FROM autonomy_control_state \
         WHERE scope_type = 'GLOBAL' OR (scope_type = 'TICKET' AND ticket_id = $1) \
            OR (scope_type = 'INCIDENT' AND upper(incident_type) = upper(btrim($2))) \
         ORDER BY CASE scope_type WHEN 'TICKET' THEN 0 WHEN 'INCIDENT' THEN 1 ELSE 2 END LIMIT 1",
    )
    .bind(ticket_id)
    .bind(incident_type)
    .fetch_optional(db)
    .await
}
