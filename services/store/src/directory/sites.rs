//! Sites of accounts.

use serde_json::Value;
use sqlx::{FromRow, PgConnection};
use time::OffsetDateTime;
use uuid::Uuid;

use super::Visible;
use crate::page::Page;

/// A site as stored.
#[derive(Debug, Clone, FromRow)]
pub struct SiteRecord {
    /// Identity.
    pub id: Uuid,
    /// Its account.
    pub account_id: Uuid,
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
    /// Language of messages.
    pub locale: Option<String>,
    /// How to get in.
    pub access_instructions: Option<String>,
    /// Hours by day.
    pub hours: Value,
    /// Degrees north.
    pub latitude: Option<f64>,
    /// Degrees east.
    pub longitude: Option<f64>,
    /// When it was created.
    pub created_at: OffsetDateTime,
}

/// What is set; what is absent stays, an empty text empties a column that may be empty.
#[derive(Debug, Clone, Default)]
pub struct SiteChange<'a> {
    /// Name.
    pub name: Option<&'a str>,
    /// First address line.
    pub address1: Option<&'a str>,
    /// Second address line.
    pub address2: Option<&'a str>,
    /// City.
    pub city: Option<&'a str>,
    /// Region code.
    pub region: Option<&'a str>,
    /// Postal code.
    pub postal_code: Option<&'a str>,
    /// Country code.
    pub country: Option<&'a str>,
    /// IANA time zone name.
    pub timezone: Option<&'a str>,
    /// Language of messages.
    pub locale: Option<&'a str>,
    /// How to get in.
    pub access_instructions: Option<&'a str>,
    /// Hours by day.
    pub hours: Option<&'a Value>,
    /// Degrees north.
    pub latitude: Option<f64>,
    /// Degrees east.
    pub longitude: Option<f64>,
}

macro_rules! columns {
    () => {
        "id, account_id, name, address1, address2, city, region, postal_code, country, timezone, locale, \
         access_instructions, hours_json AS hours, latitude, longitude, created_at"
    };
}

/// Creates a site with its name, address and city; `None` when the id is taken.
///
/// # Errors
/// When the database refuses the row.
pub async fn insert_site(
    db: &mut PgConnection,
    id: Uuid,
    account_id: Uuid,
    change: &SiteChange<'_>,
) -> Result<Option<SiteRecord>, sqlx::Error> {
    let inserted = sqlx::query(
        "INSERT INTO sites (id, account_id, name, address1, city) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (id) DO NOTHING",
    )
    .bind(id)
    .bind(account_id)
    .bind(change.name)
    .bind(change.address1)
    .bind(change.city)
    .execute(&mut *db)
    .await?;
    if inserted.rows_affected() == 0 { Ok(None) } else { update_site(db, id, change).await }
}

/// Changes a site; `None` when there is no such one.
///
/// # Errors
/// When the database refuses the row.
pub async fn update_site(
    db: &mut PgConnection,
    id: Uuid,
    change: &SiteChange<'_>,
) -> Result<Option<SiteRecord>, sqlx::Error> {
    sqlx::query_as(concat!(
        "UPDATE sites SET name = coalesce($2, name), address1 = coalesce($3, address1), \
             address2 = nullif(coalesce($4, address2), ''), city = coalesce($5, city), \
             region = nullif(coalesce($6, region), ''), postal_code = nullif(coalesce($7, postal_code), ''), \
             country = coalesce($8, country), timezone = coalesce($9, timezone), \
             locale = nullif(coalesce($10, locale), ''), \
             access_instructions = nullif(coalesce($11, access_instructions), ''), \
             hours_json = coalesce($12, hours_json), latitude = coalesce($13, latitude), \
             longitude = coalesce($14, longitude) WHERE id = $1 RETURNING ",
        columns!()
    ))
    .bind(id)
    .bind(change.name)
    .bind(change.address1)
    .bind(change.address2)
    .bind(change.city)
    .bind(change.region)
    .bind(change.postal_code)
    .bind(change.country)
    .bind(change.timezone)
    .bind(change.locale)
    .bind(change.access_instructions)
    .bind(change.hours)
    .bind(change.latitude)
    .bind(change.longitude)
    .fetch_optional(db)
    .await
}

/// Reads a site.
///
/// # Errors
/// When the database does not answer.
pub async fn find_site(db: &mut PgConnection, id: Uuid) -> Result<Option<SiteRecord>, sqlx::Error> {
    sqlx::query_as(concat!("SELECT ", columns!(), " FROM sites WHERE id = $1"))
        .bind(id)
        .fetch_optional(db)
        .await
}

/// One page of sites, of one account or of all, oldest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list_sites(
    db: &mut PgConnection,
    account_id: Option<Uuid>,
    accounts: &Visible,
    sites: &Visible,
    page: &Page,
) -> Result<Vec<SiteRecord>, sqlx::Error> {
    sqlx::query_as(concat!(
        "SELECT ",
        columns!(),
        " FROM sites WHERE ($1::uuid IS NULL OR account_id = $1) AND ($2::uuid[] IS NULL OR account_id = ANY($2)) \
           AND ($3::uuid[] IS NULL OR id = ANY($3)) AND ($4::timestamptz IS NULL OR (created_at, id) > ($4, $5)) \
           ORDER BY created_at, id LIMIT $6"
    ))
    .bind(account_id)
    .bind(accounts)
    .bind(sites)
    .bind(page.after.map(|place| place.at))
    .bind(page.after.map(|place| place.id))
    .bind(page.limit)
    .fetch_all(db)
    .await
}
