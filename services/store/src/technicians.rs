//! The technician directory and frozen rankings.

use dispatch_domain::schedule::Window;
use serde_json::Value;
use sqlx::{FromRow, PgConnection};
use time::OffsetDateTime;
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
    /// Those of them whose window overlaps the one that is asked about.
    pub overlapping: i64,
    /// Whether the window lies within the technician's working hours; none when no hours are known.
    pub within_hours: Option<bool>,
    /// From 0 to 5.
    pub rating: Option<f64>,
    /// Straight line to the site, in kilometres; none when either place is unknown.
    pub distance_km: Option<f64>,
}

/// What candidates are looked for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The ticket, which does not count as load.
    pub ticket_id: Uuid,
    /// Its site.
    pub site_id: Uuid,
    /// Normalised.
    pub service_type: &'a str,
    /// Region of the site; none is served by everyone.
    pub region: Option<&'a str>,
    /// The window of the work.
    pub window: Window,
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
/// a ticket could not refer to them. Working hours are read on the technician's clock, else on the site's.
///
/// # Errors
/// When the database does not answer.
pub async fn candidates(
    db: &mut PgConnection,
    wanted: &Wanted<'_>,
) -> Result<Vec<CandidateRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT t.id::uuid AS id, t.name, t.home_region, t.rating, \
                ARRAY(SELECT r.region FROM technician_regions r WHERE r.technician_id = t.id ORDER BY r.region) \
                    AS regions, load.active_load, load.overlapping, hours.within_hours, \
                12742 * asin(sqrt(least(1, power(sin(radians(s.latitude - t.latitude) / 2), 2) + \
                    cos(radians(s.latitude)) * cos(radians(t.latitude)) * \
                    power(sin(radians(s.longitude - t.longitude) / 2), 2)))) AS distance_km \
         FROM (SELECT * FROM technicians WHERE active \
               AND id ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' OFFSET 0) t \
         JOIN sites s ON s.id = $3 \
         CROSS JOIN LATERAL (SELECT count(*) AS active_load, count(*) FILTER (WHERE k.id <> $4 \
                 AND k.scheduled_start < $6 AND k.scheduled_end > $5) AS overlapping \
             FROM tickets k WHERE k.assigned_tech_id = t.id::uuid AND k.state NOT IN \
                 ('COMPLETED_PENDING_VERIFICATION', 'CANCELLED', 'INVOICED', 'VERIFIED', 'CLOSED')) load \
         CROSS JOIN LATERAL (SELECT $5::timestamptz AT TIME ZONE z AS ls, $6::timestamptz AT TIME ZONE z AS le \
             FROM (SELECT known_zone(coalesce(t.timezone, s.timezone)) AS z) zone) clock \
         CROSS JOIN LATERAL (SELECT bool_or(v.weekday = extract(dow FROM clock.ls) \
                 AND clock.le::date = clock.ls::date AND v.start_time <= clock.ls::time \
                 AND v.end_time >= clock.le::time) AS within_hours \
             FROM technician_availability v WHERE v.technician_id = t.id) hours \
         WHERE EXISTS (SELECT FROM technician_skills k WHERE k.technician_id = t.id \
                 AND regexp_replace(upper(btrim(k.skill)), '_V[0-9]+$', '') IN ('DEFAULT', $1)) \
           AND ($2::text IS NULL OR upper(btrim(t.home_region)) = $2 \
                OR EXISTS (SELECT FROM technician_regions r WHERE r.technician_id = t.id \
                    AND upper(btrim(r.region)) = $2))",
    )
    .bind(wanted.service_type)
    .bind(wanted.region)
    .bind(wanted.site_id)
    .bind(wanted.ticket_id)
    .bind(wanted.window.start)
    .bind(wanted.window.end)
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
    /// When it stops being good for a dispatch; never, when absent.
    pub expires_at: Option<OffsetDateTime>,
}

/// Stores a ranking.
///
/// # Errors
/// A unique violation when another actor used the same key on the ticket.
pub async fn insert_snapshot(db: &mut PgConnection, draft: &SnapshotDraft<'_>) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO assignment_recommendation_snapshots (recommendation_snapshot_id, ticket_id, ticket_state, \
             requested_by, request_id, correlation_id, trace_id, recommendation_limit, incident_type, site_region, \
             candidates, recommended_tech_id, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
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
    .bind(draft.expires_at)
    .execute(db)
    .await?;
    Ok(())
}

/// A ranking as a dispatch looks at it.
#[derive(Debug, Clone, FromRow)]
pub struct SnapshotRow {
    /// The first of the list.
    pub recommended_tech_id: Uuid,
    /// The list.
    pub candidates: Value,
    /// When it stops being good; never, when absent.
    pub expires_at: Option<OffsetDateTime>,
}

impl SnapshotRow {
    /// Whether the list names the technician.
    pub fn names(&self, tech_id: Uuid) -> bool {
        let wanted = tech_id.to_string();
        self.candidates.as_array().into_iter().flatten().any(|entry| entry["tech_id"] == wanted.as_str())
    }
}

/// A ranking of the ticket; `None` when there is no such one.
///
/// # Errors
/// When the database does not answer.
pub async fn snapshot(
    db: &mut PgConnection,
    ticket_id: Uuid,
    snapshot_id: Uuid,
) -> Result<Option<SnapshotRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT recommended_tech_id, candidates, expires_at FROM assignment_recommendation_snapshots \
         WHERE ticket_id = $1 AND recommendation_snapshot_id = $2 ORDER BY created_at DESC LIMIT 1",
    )
    .bind(ticket_id)
    .bind(snapshot_id)
    .fetch_optional(db)
    .await
}
