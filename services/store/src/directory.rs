//! Keeping accounts, sites and technicians.

mod sites;
mod technicians;

use sqlx::{FromRow, PgConnection};
use time::OffsetDateTime;
use uuid::Uuid;

pub use sites::{SiteChange, SiteRecord, find_site, insert_site, list_sites, update_site};
pub use technicians::{
    TechnicianChange, TechnicianRecord, find_technician, insert_technician, list_technicians,
    update_technician,
};

use crate::page::Page;

/// An account as stored.
#[derive(Debug, Clone, FromRow)]
pub struct AccountRecord {
    /// Identity.
    pub id: Uuid,
    /// Name.
    pub name: String,
    /// When it was created.
    pub created_at: OffsetDateTime,
}

/// Accounts or sites that a caller may see; none is all.
pub type Visible = Option<Vec<Uuid>>;

/// Creates an account; `None` when the id is taken.
///
/// # Errors
/// When the database refuses the row.
pub async fn insert_account(
    db: &mut PgConnection,
    id: Uuid,
    name: &str,
) -> Result<Option<AccountRecord>, sqlx::Error> {
    sqlx::query_as(
        "INSERT INTO accounts (id, name) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING RETURNING id, name, created_at",
    )
    .bind(id)
    .bind(name)
    .fetch_optional(db)
    .await
}

/// Renames an account; `None` when there is no such one.
///
/// # Errors
/// When the database refuses the row.
pub async fn update_account(
    db: &mut PgConnection,
    id: Uuid,
    name: Option<&str>,
) -> Result<Option<AccountRecord>, sqlx::Error> {
    sqlx::query_as(
        "UPDATE accounts SET name = coalesce($2, name) WHERE id = $1 RETURNING id, name, created_at",
    )
    .bind(id)
    .bind(name)
    .fetch_optional(db)
    .await
}

/// Reads an account.
///
/// # Errors
/// When the database does not answer.
pub async fn find_account(db: &mut PgConnection, id: Uuid) -> Result<Option<AccountRecord>, sqlx::Error> {
    sqlx::query_as("SELECT id, name, created_at FROM accounts WHERE id = $1")
        .bind(id)
        .fetch_optional(db)
        .await
}

/// One page of accounts, oldest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list_accounts(
    db: &mut PgConnection,
    visible: &Visible,
    page: &Page,
) -> Result<Vec<AccountRecord>, sqlx::Error> {
    sqlx::query_as(
        "SELECT id, name, created_at FROM accounts WHERE ($1::uuid[] IS NULL OR id = ANY($1)) \
           AND ($2::timestamptz IS NULL OR (created_at, id) > ($2, $3)) ORDER BY created_at, id LIMIT $4",
    )
    .bind(visible)
    .bind(page.after.map(|place| place.at))
    .bind(page.after.map(|place| place.id))
    .bind(page.limit)
    .fetch_all(db)
    .await
}

/// Whether the database knows a time zone of this name.
///
/// # Errors
/// When the database does not answer.
pub async fn is_zone(db: &mut PgConnection, zone: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT known_zone($1) = $1").bind(zone).fetch_one(db).await
}
