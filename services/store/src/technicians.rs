//! The technician directory and frozen rankings.

use serde_json::Value;
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

/// A technician with everything an assignment decision needs.
#[derive(Debug, Clone, FromRow)]
pub struct TechnicianRow {
    /// Identity; text in the database.
    pub id: String,
    /// Name.
    pub name: String,
    /// May be assigned.
    pub active: bool,
    /// Region the technician starts from.
    pub home_region: Option<String>,
    /// Skills as stored.
    pub skills: Vec<String>,
    /// Further regions as stored.
    pub regions: Vec<String>,
}

/// A technician that may be recommended, with the number of open tickets.
#[derive(Debug, Clone, FromRow)]
pub struct CandidateRow {
    /// Identity.
    pub id: Uuid,
    /// Name.
    pub name: String,
    /// Region the technician starts from.
    pub home_region: Option<String>,
    /// Further regions as stored.
    pub regions: Vec<String>,
    /// Tickets assigned to the technician that are not finished.
    pub active_load: i64,
}

/// Reads one technician.
///
/// # Errors
/// When the database does not answer.
pub async fn find(db: &mut PgConnection, id: Uuid) -> Result<Option<TechnicianRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT t.id, t.name, t.active, t.home_region, \
                ARRAY(SELECT skill FROM technician_skills WHERE technician_id = t.id ORDER BY skill) AS skills, \
                ARRAY(SELECT region FROM technician_regions WHERE technician_id = t.id ORDER BY region) AS regions \
         FROM technicians t WHERE t.id = $1",
    )
    .bind(id.to_string())
    .fetch_optional(db)
    .await
}

/// Active technicians with a skill for the service type who serve the region (any, when there is none).
///
/// Skills and regions are compared without case. Technicians whose id is not a UUID are left out:
/// a ticket could not refer to them.
///
/// # Errors
/// When the database does not answer.
pub async fn candidates(
    db: &mut PgConnection,
    service_type: &str,
    region: Option<&str>,
) -> Result<Vec<CandidateRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT t.id::uuid AS id, t.name, t.home_region, \
                ARRAY(SELECT r.region FROM technician_regions r WHERE r.technician_id = t.id ORDER BY r.region) \
                    AS regions, \
                (SELECT count(*) FROM tickets k WHERE k.assigned_tech_id = t.id::uuid AND k.state NOT IN \
                    ('COMPLETED_PENDING_VERIFICATION', 'CANCELLED', 'INVOICED', 'VERIFIED', 'CLOSED')) AS active_load \
         FROM (SELECT * FROM technicians WHERE active \
               AND id ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' OFFSET 0) t \
         WHERE EXISTS (SELECT FROM technician_skills s WHERE s.technician_id = t.id \
                 AND regexp_replace(upper(btrim(s.skill)), '_V[0-9]+$', '') IN ('DEFAULT', $1)) \
           AND ($2::text IS NULL OR upper(btrim(t.home_region)) = $2 \
                OR EXISTS (SELECT FROM technician_regions r WHERE r.technician_id = t.id \
                    AND upper(btrim(r.region)) = $2))",
    )
    .bind(service_type)
    .bind(region)
    .fetch_all(db)
    .await
}

/// A frozen ranking.
#[derive(Debug, Clone)]
pub struct SnapshotDraft<'a> {
    /// Public id.
    pub snapshot_id: Uuid,
    /// The ticket.
    pub ticket_id: Uuid,
    /// State of the ticket.
    pub ticket_state: &'a str,
    /// The actor.
    pub requested_by: &'a str,
    /// Idempotency key.
    pub request_id: Uuid,
    /// Correlation id.
    pub correlation_id: &'a str,
    /// Trace id.
    pub trace_id: Option<&'a str>,
    /// How many were asked for.
    pub limit: i32,
    /// Normalised.
    pub service_type: &'a str,
    /// Region of the site.
    pub site_region: Option<&'a str>,
    /// The list.
    pub candidates: &'a Value,
    /// The first of the list.
    pub recommended_tech_id: Uuid,
}

/// Stores a ranking.
///
/// # Errors
/// A unique violation when another actor used the same key on the ticket.
pub async fn insert_snapshot(db: &mut PgConnection, draft: &SnapshotDraft<'_>) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO assignment_recommendation_snapshots (recommendation_snapshot_id, ticket_id, ticket_state, \
             requested_by, request_id, correlation_id, trace_id, recommendation_limit, incident_type, site_region, \
             candidates, recommended_tech_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(draft.snapshot_id)
    .bind(draft.ticket_id)
    .bind(draft.ticket_state)
    .bind(draft.requested_by)
    .bind(draft.request_id)
    .bind(draft.correlation_id)
    .bind(draft.trace_id)
    .bind(draft.limit)
    .bind(draft.service_type)
    .bind(draft.site_region)
    .bind(draft.candidates)
    .bind(draft.recommended_tech_id)
    .execute(db)
    .await?;
    Ok(())
}

/// The technician that a ranking of the ticket put first; `None` when there is no such ranking.
///
/// # Errors
/// When the database does not answer.
pub async fn recommended_tech(
    db: &mut PgConnection,
    ticket_id: Uuid,
    snapshot_id: Uuid,
) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT recommended_tech_id FROM assignment_recommendation_snapshots \
         WHERE ticket_id = $1 AND recommendation_snapshot_id = $2 ORDER BY created_at DESC LIMIT 1",
    )
    .bind(ticket_id)
    .bind(snapshot_id)
    .fetch_optional(db)
    .await
}
