//! Service locations and whom to ask for there.

use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

/// A site as the technician sees it.
#[derive(Debug, Clone, FromRow)]
pub struct SiteRow {
    /// Identity.
    pub id: Uuid,
    /// Name.
    pub name: String,
    /// First address line.
    pub address1: String,
    /// Second address line.
    pub address2: Option<String>,
    /// City.
    pub city: String,
    /// Region code.
    pub region: Option<String>,
    /// Postal code.
    pub postal_code: Option<String>,
    /// Country code.
    pub country: String,
    /// IANA time zone name.
    pub timezone: String,
    /// How to get in.
    pub access_instructions: Option<String>,
}

/// The person to ask for.
#[derive(Debug, Clone, FromRow)]
pub struct ContactRow {
    /// Name.
    pub name: String,
    /// Phone as stored.
    pub phone: Option<String>,
    /// Role as stored.
    pub role: Option<String>,
}

/// Reads one site.
///
/// # Errors
/// When the database does not answer.
pub async fn find(db: &mut PgConnection, id: Uuid) -> Result<Option<SiteRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT id, name, address1, address2, city, region, postal_code, country, timezone, access_instructions \
         FROM sites WHERE id = $1",
    )
    .bind(id)
    .fetch_optional(db)
    .await
}

/// The region code of a site, trimmed and in upper case; `None` when it has none.
///
/// # Errors
/// When the database does not answer.
pub async fn region(db: &mut PgConnection, id: Uuid) -> Result<Option<String>, sqlx::Error> {
    let region: Option<Option<String>> =
        sqlx::query_scalar("SELECT nullif(upper(btrim(region)), '') FROM sites WHERE id = $1")
            .bind(id)
            .fetch_optional(db)
            .await?;
    Ok(region.flatten())
}

/// The contact of a site to ask for: authorised requesters first, then by escalation level, then the oldest.
///
/// # Errors
/// When the database does not answer.
pub async fn onsite_contact(db: &mut PgConnection, site_id: Uuid) -> Result<Option<ContactRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT name, phone, role FROM contacts WHERE site_id = $1 \
         ORDER BY is_authorized_requester DESC, escalation_level ASC NULLS LAST, created_at, id LIMIT 1",
    )
    .bind(site_id)
    .fetch_optional(db)
    .await
}
