//! Technicians with their skills, regions and working hours.

use serde_json::Value;
use sqlx::{FromRow, PgConnection};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::page::Page;

/// A technician as stored.
#[derive(Debug, Clone, FromRow)]
pub struct TechnicianRecord {
    /// Identity.
    pub id: Uuid,
    /// Name.
    pub name: String,
    /// May be assigned.
    pub active: bool,
    /// Region the technician starts from.
    pub home_region: Option<String>,
    /// Skills.
    pub skills: Vec<String>,
    /// Further regions.
    pub regions: Vec<String>,
    /// `[{"weekday": 1, "start": "08:00", "end": "17:00"}]`; 0 is Sunday.
    pub availability: Value,
    /// IANA time zone name of the working hours.
    pub timezone: Option<String>,
    /// From 0 to 5.
    pub rating: Option<f64>,
    /// Degrees north.
    pub latitude: Option<f64>,
    /// Degrees east.
    pub longitude: Option<f64>,
    /// When the technician was entered.
    pub created_at: OffsetDateTime,
}

/// What is set; what is absent stays, lists that are given replace the stored ones.
#[derive(Debug, Clone, Default)]
pub struct TechnicianChange<'a> {
    /// Name.
    pub name: Option<&'a str>,
    /// May be assigned.
    pub active: Option<bool>,
    /// Region the technician starts from; empty for none.
    pub home_region: Option<&'a str>,
    /// Skills.
    pub skills: Option<Vec<String>>,
    /// Further regions.
    pub regions: Option<Vec<String>>,
    /// Working hours.
    pub availability: Option<&'a Value>,
    /// IANA time zone name of the working hours.
    pub timezone: Option<&'a str>,
    /// From 0 to 5.
    pub rating: Option<f64>,
    /// Degrees north.
    pub latitude: Option<f64>,
    /// Degrees east.
    pub longitude: Option<f64>,
}

macro_rules! select {
    () => {
        "SELECT t.id::uuid AS id, t.name, t.active, t.home_region, \
             ARRAY(SELECT skill FROM technician_skills WHERE technician_id = t.id ORDER BY skill) AS skills, \
             ARRAY(SELECT region FROM technician_regions WHERE technician_id = t.id ORDER BY region) AS regions, \
             coalesce((SELECT jsonb_agg(jsonb_build_object('weekday', v.weekday, 'start', left(v.start_time::text, 5), \
                 'end', left(v.end_time::text, 5)) ORDER BY v.weekday, v.start_time) \
                 FROM technician_availability v WHERE v.technician_id = t.id), '[]') AS availability, \
             t.timezone, t.rating, t.latitude, t.longitude, t.created_at \
         FROM (SELECT * FROM technicians WHERE id ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' OFFSET 0) t "
    };
}

/// Creates a technician; `None` when the id is taken.
///
/// # Errors
/// When the database refuses a row.
pub async fn insert_technician(
    db: &mut PgConnection,
    id: Uuid,
    change: &TechnicianChange<'_>,
) -> Result<Option<TechnicianRecord>, sqlx::Error> {
    let inserted =
        sqlx::query("INSERT INTO technicians (id, name) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING")
            .bind(id.to_string())
            .bind(change.name)
            .execute(&mut *db)
            .await?;
    if inserted.rows_affected() == 0 { Ok(None) } else { update_technician(db, id, change).await }
}

/// Changes a technician; `None` when there is no such one.
///
/// # Errors
/// When the database refuses a row.
pub async fn update_technician(
    db: &mut PgConnection,
    id: Uuid,
    change: &TechnicianChange<'_>,
) -> Result<Option<TechnicianRecord>, sqlx::Error> {
    sqlx::query(
        "UPDATE technicians SET name = coalesce($2, name), active = coalesce($3, active), \
             home_region = nullif(coalesce($4, home_region), ''), timezone = coalesce($5, timezone), \
             rating = coalesce($6, rating), latitude = coalesce($7, latitude), longitude = coalesce($8, longitude) \
         WHERE id = $1",
    )
    .bind(id.to_string())
    .bind(change.name)
    .bind(change.active)
    .bind(change.home_region)
    .bind(change.timezone)
    .bind(change.rating)
    .bind(change.latitude)
    .bind(change.longitude)
    .execute(&mut *db)
    .await?;
    let lists = [
        (
            &change.skills,
            "DELETE FROM technician_skills WHERE technician_id = $1",
            "INSERT INTO technician_skills SELECT DISTINCT $1, unnest($2::text[]) FROM technicians WHERE id = $1",
        ),
        (
            &change.regions,
            "DELETE FROM technician_regions WHERE technician_id = $1",
            "INSERT INTO technician_regions SELECT DISTINCT $1, unnest($2::text[]) FROM technicians WHERE id = $1",
        ),
    ];
    for (list, empty, fill) in lists {
        if let Some(list) = list {
            sqlx::query(empty).bind(id.to_string()).execute(&mut *db).await?;
            sqlx::query(fill).bind(id.to_string()).bind(list).execute(&mut *db).await?;
        }
    }
    if let Some(availability) = change.availability {
        replace_hours(db, id, availability).await?;
    }
    find_technician(db, id).await
}

async fn replace_hours(db: &mut PgConnection, id: Uuid, availability: &Value) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM technician_availability WHERE technician_id = $1")
        .bind(id.to_string())
        .execute(&mut *db)
        .await?;
    sqlx::query(
        "INSERT INTO technician_availability (technician_id, weekday, start_time, end_time) \
         SELECT $1, v.weekday, v.start, v.\"end\" \
         FROM jsonb_to_recordset($2) AS v (weekday int, start time, \"end\" time) \
         WHERE EXISTS (SELECT FROM technicians WHERE id = $1) ON CONFLICT DO NOTHING",
    )
    .bind(id.to_string())
    .bind(availability)
    .execute(db)
    .await
    .map(drop)
}

/// Reads a technician.
///
/// # Errors
/// When the database does not answer.
pub async fn find_technician(
    db: &mut PgConnection,
    id: Uuid,
) -> Result<Option<TechnicianRecord>, sqlx::Error> {
    sqlx::query_as(concat!(select!(), "WHERE t.id = $1")).bind(id.to_string()).fetch_optional(db).await
}

/// One page of technicians, oldest first; `active` shows only those that may, or may not, be assigned.
///
/// # Errors
/// When the database does not answer.
pub async fn list_technicians(
    db: &mut PgConnection,
    active: Option<bool>,
    page: &Page,
) -> Result<Vec<TechnicianRecord>, sqlx::Error> {
    sqlx::query_as(concat!(
        select!(),
        "WHERE ($1::boolean IS NULL OR t.active = $1) \
           AND ($2::timestamptz IS NULL OR (t.created_at, t.id::uuid) > ($2, $3)) \
         ORDER BY t.created_at, t.id::uuid LIMIT $4"
    ))
    .bind(active)
    .bind(page.after.map(|place| place.at))
    .bind(page.after.map(|place| place.id))
    .bind(page.limit)
    .fetch_all(db)
    .await
}
