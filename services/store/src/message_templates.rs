//! Texts of messages, and what is filled into them.

use sqlx::{FromRow, PgConnection};
use time::OffsetDateTime;
use uuid::Uuid;

/// A text and what may be filled in; times are those of the site's clock.
#[derive(Debug, Clone, FromRow)]
pub struct TextRow {
    /// The text with its placeholders.
    pub body: String,
    /// Name of the site.
    pub site: String,
    /// Name of the account.
    pub account: String,
    /// Zone of the site's clock.
    pub timezone: String,
    /// Begin, `2026-12-05 10:00`.
    pub start: Option<String>,
    /// End, likewise.
    pub end: Option<String>,
    /// Name of the technician.
    pub technician: Option<String>,
}

/// What a message is about.
#[derive(Debug, Clone, Copy)]
pub struct Subject {
    /// The site, which decides on account, locale and time zone.
    pub site_id: Uuid,
    /// Begin of the window.
    pub start: Option<OffsetDateTime>,
    /// End of the window.
    pub end: Option<OffsetDateTime>,
    /// Who comes.
    pub tech_id: Option<Uuid>,
}

/// The text that fits best: the account's before everybody's, then the site's locale before any.
///
/// A zone that the database does not know counts as UTC.
///
/// # Errors
/// When the database does not answer.
pub async fn find(
    db: &mut PgConnection,
    event_type: &str,
    subject: Subject,
) -> Result<Option<TextRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT m.body, s.name AS site, a.name AS account, z.zone AS timezone, \
             to_char($3::timestamptz AT TIME ZONE z.zone, 'YYYY-MM-DD HH24:MI') AS start, \
             to_char($4::timestamptz AT TIME ZONE z.zone, 'YYYY-MM-DD HH24:MI') AS \"end\", \
             (SELECT t.name FROM technicians t WHERE t.id = $5::text) AS technician \
         FROM message_templates m JOIN sites s ON s.id = $2 JOIN accounts a ON a.id = s.account_id \
         CROSS JOIN LATERAL (SELECT known_zone(s.timezone) AS zone) z \
         WHERE m.event_type = $1 AND coalesce(m.account_id, s.account_id) = s.account_id \
           AND (m.locale IS NULL OR lower(m.locale) = lower(s.locale)) \
         ORDER BY m.account_id NULLS LAST, m.locale NULLS LAST LIMIT 1",
    )
    .bind(event_type)
    .bind(subject.site_id)
    .bind(subject.start)
    .bind(subject.end)
    .bind(subject.tech_id.map(|id| id.to_string()))
    .fetch_optional(db)
    .await
}
