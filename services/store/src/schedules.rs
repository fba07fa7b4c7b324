//! What a window runs into: other work of a technician, and the hours of a site.

use dispatch_domain::schedule::Window;
use serde_json::Value;
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

/// Another ticket of the technician at the same time; the earliest.
///
/// # Errors
/// When the database does not answer.
pub async fn conflicting(
    db: &mut PgConnection,
    tech_id: Uuid,
    except: Uuid,
    window: Window,
) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT id FROM tickets WHERE assigned_tech_id = $1 AND id <> $2 \
           AND scheduled_start < $4 AND scheduled_end > $3 AND state NOT IN \
               ('COMPLETED_PENDING_VERIFICATION', 'CANCELLED', 'INVOICED', 'VERIFIED', 'CLOSED') \
         ORDER BY scheduled_start, id LIMIT 1",
    )
    .bind(tech_id)
    .bind(except)
    .bind(window.start)
    .bind(window.end)
    .fetch_optional(db)
    .await
}

/// A window on the clock of a site, and the site's hours.
#[derive(Debug, Clone, FromRow)]
pub struct SiteClock {
    /// Hours by day: `{"mon": [{"start": "08:00", "end": "17:00"}]}`; empty when not restricted.
    pub hours: Value,
    /// `mon` to `sun`, of the window's begin.
    pub day: String,
    /// Begin, `HH:MM:SS`.
    pub start: String,
    /// End, `HH:MM:SS`.
    pub end: String,
    /// Days from begin to end.
    pub days: i32,
}

/// Reads a window on the site's clock; `None` for an unknown site.
///
/// # Errors
/// When the database does not answer.
pub async fn site_clock(
    db: &mut PgConnection,
    site_id: Uuid,
    window: Window,
) -> Result<Option<SiteClock>, sqlx::Error> {
    sqlx::query_as(
        "SELECT s.hours_json AS hours, lower(to_char(c.ls, 'dy')) AS day, to_char(c.ls, 'HH24:MI:SS') AS start, \
             to_char(c.le, 'HH24:MI:SS') AS \"end\", c.le::date - c.ls::date AS days \
         FROM sites s CROSS JOIN LATERAL (SELECT $2::timestamptz AT TIME ZONE z AS ls, \
             $3::timestamptz AT TIME ZONE z AS le FROM (SELECT known_zone(s.timezone) AS z) zone) c WHERE s.id = $1",
    )
    .bind(site_id)
    .bind(window.start)
    .bind(window.end)
    .fetch_optional(db)
    .await
}
