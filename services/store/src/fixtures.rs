//! The demo fixtures: one account with a site, its contacts and two technicians.
//!
//! A demo, a drill's template database and a new installation without a directory of its own start with these. Seeding
//! twice leaves the same rows.

use dispatch_domain::template::TEMPLATES;
use sqlx::{FromRow, PgConnection};
use time::OffsetDateTime;
use uuid::Uuid;

/// Email by which the front desk contact is recognised.
pub const FRONT_DESK_EMAIL: &str = "dispatcher-demo@example.com";

/// Email by which the approver contact is recognised.
pub const APPROVER_EMAIL: &str = "approver-demo@example.com";

/// Region of the site and of both technicians.
const REGION: &str = "CA";

/// The skill that fits every incident.
const GENERAL_SKILL: &str = "DEFAULT";

/// Any number that nothing else in this database locks: two seedings must not both find a contact missing.
const SEED_LOCK: i64 = 0x5EED_D15B;

/// The ids of the fixtures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FixtureIds {
    /// Account.
    pub account: Uuid,
    /// Site of the account.
    pub site: Uuid,
    /// Technician that drills dispatch.
    pub technician: Uuid,
    /// Technician for a reassignment.
    pub second_technician: Uuid,
}

impl Default for FixtureIds {
    /// The published ids of the demo.
    fn default() -> Self {
        Self {
            account: Uuid::from_u128(0xd3f7_7db0_5d1a_4f9c_b0ea_1111_1111_1111),
            site: Uuid::from_u128(0x7f6a_2b2c_8f1e_4f2b_b3a1_2222_2222_2222),
            technician: Uuid::from_u128(0x83),
            second_technician: Uuid::from_u128(0x84),
        }
    }
}

/// Writes the fixtures; the caller's transaction makes it all or nothing.
///
/// Names and addresses are refreshed; a contact is only added when the site has none with its email.
///
/// # Errors
/// When the database does not answer or refuses a row.
pub async fn seed(db: &mut PgConnection, ids: &FixtureIds) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(SEED_LOCK).execute(&mut *db).await?;
    seed_place(db, ids).await?;
    let front_desk = ("Dispatcher Front Desk", "+1-555-0100", FRONT_DESK_EMAIL, "customer", true);
    let approver = ("Demo Approver", "+1-555-0101", APPROVER_EMAIL, "approver", false);
    for (name, phone, email, role, may_request) in [front_desk, approver] {
        sqlx::query(
            "INSERT INTO contacts (site_id, account_id, name, phone, email, role, is_authorized_requester, \
                 is_authorized_approver) \
             SELECT $1, $2, $3, $4, $5, $6, $7, true \
             WHERE NOT EXISTS (SELECT FROM contacts WHERE site_id = $1 AND email = $5)",
        )
        .bind(ids.site)
        .bind(ids.account)
        .bind(name)
        .bind(phone)
        .bind(email)
        .bind(role)
        .bind(may_request)
        .execute(&mut *db)
        .await?;
    }
    seed_technician(db, ids.technician, "Demo Technician").await?;
    seed_technician(db, ids.second_technician, "Demo Technician Two").await
}

async fn seed_place(db: &mut PgConnection, ids: &FixtureIds) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO accounts (id, name) VALUES ($1, 'Demo Home Services') \
         ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name",
    )
    .bind(ids.account)
    .execute(&mut *db)
    .await?;
    sqlx::query(
        "INSERT INTO sites (id, account_id, name, address1, city, region, postal_code, access_instructions) \
         VALUES ($1, $2, 'Demo Site North', '100 Demo Drive', 'Oakland', $3, '94607', \
             'Service entrance has a code lock; ask the front desk for the code.') \
         ON CONFLICT (id) DO UPDATE SET account_id = EXCLUDED.account_id, name = EXCLUDED.name, \
             address1 = EXCLUDED.address1, city = EXCLUDED.city, region = EXCLUDED.region, \
             postal_code = EXCLUDED.postal_code, access_instructions = EXCLUDED.access_instructions",
    )
    .bind(ids.site)
    .bind(ids.account)
    .bind(REGION)
    .execute(&mut *db)
    .await?;
    Ok(())
}

/// Active, fit for every incident type, in the site's region, on working days from eight to five.
async fn seed_technician(db: &mut PgConnection, id: Uuid, name: &str) -> Result<(), sqlx::Error> {
    let id = id.to_string();
    let skills: Vec<&str> = std::iter::once(GENERAL_SKILL)
        .chain(TEMPLATES.iter().map(|template| template.incident_type))
        .collect();
    sqlx::query(
        "INSERT INTO technicians (id, name, active, home_region) VALUES ($1, $2, true, $3) \
         ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name, active = true, home_region = EXCLUDED.home_region",
    )
    .bind(&id)
    .bind(name)
    .bind(REGION)
    .execute(&mut *db)
    .await?;
    sqlx::query(
        "INSERT INTO technician_skills (technician_id, skill) SELECT $1, unnest($2::text[]) ON CONFLICT DO NOTHING",
    )
    .bind(&id)
    .bind(skills)
    .execute(&mut *db)
    .await?;
    sqlx::query(
        "INSERT INTO technician_regions (technician_id, region) VALUES ($1, $2) ON CONFLICT DO NOTHING",
    )
    .bind(&id)
    .bind(REGION)
    .execute(&mut *db)
    .await?;
    sqlx::query(
        "INSERT INTO technician_availability (technician_id, weekday, start_time, end_time) \
         SELECT $1, day, '08:00', '17:00' FROM generate_series(1, 5) AS day ON CONFLICT DO NOTHING",
    )
    .bind(&id)
    .execute(&mut *db)
    .await?;
    Ok(())
}

/// The account as stored.
#[derive(Debug, Clone, FromRow)]
pub struct AccountFixture {
    /// Id.
    pub id: Uuid,
    /// Name.
    pub name: String,
    /// When it was first seeded.
    pub created_at: OffsetDateTime,
}

/// The site as stored.
#[derive(Debug, Clone, FromRow)]
pub struct SiteFixture {
    /// Id.
    pub id: Uuid,
    /// Its account.
    pub account_id: Uuid,
    /// Name.
    pub name: String,
    /// City.
    pub city: String,
    /// Region.
    pub region: Option<String>,
}

/// A contact as stored.
#[derive(Debug, Clone, FromRow)]
pub struct ContactFixture {
    /// Id, chosen by the database.
    pub id: Uuid,
    /// Phone.
    pub phone: Option<String>,
    /// Email.
    pub email: Option<String>,
}

/// Rows in whole tables, and which database they are in.
#[derive(Debug, Clone, FromRow)]
pub struct DatabaseFacts {
    /// Accounts.
    pub accounts: i64,
    /// Sites.
    pub sites: i64,
    /// Contacts.
    pub contacts: i64,
    /// Tickets.
    pub tickets: i64,
    /// Audit events.
    pub audit_events: i64,
    /// Version of the server.
    pub server_version: String,
    /// Name of the database.
    pub database: String,
}

/// What is stored after a seeding.
#[derive(Debug, Clone)]
pub struct FixtureState {
    /// The account.
    pub account: Option<AccountFixture>,
    /// The site.
    pub site: Option<SiteFixture>,
    /// The front desk.
    pub contact: Option<ContactFixture>,
    /// The approver.
    pub approver: Option<ContactFixture>,
    /// Both technicians, in the order of the ids.
    pub technicians: Vec<crate::technicians::TechnicianRow>,
    /// Counts.
    pub facts: DatabaseFacts,
}

/// Reads the fixtures back.
///
/// # Errors
/// When the database does not answer.
pub async fn read(db: &mut PgConnection, ids: &FixtureIds) -> Result<FixtureState, sqlx::Error> {
    let account = sqlx::query_as("SELECT id, name, created_at FROM accounts WHERE id = $1")
        .bind(ids.account)
        .fetch_optional(&mut *db)
        .await?;
    let site = sqlx::query_as("SELECT id, account_id, name, city, region FROM sites WHERE id = $1")
        .bind(ids.site)
        .fetch_optional(&mut *db)
        .await?;
    let contact = contact(db, ids.site, FRONT_DESK_EMAIL).await?;
    let approver = self::contact(db, ids.site, APPROVER_EMAIL).await?;
    let mut technicians = Vec::new();
    for id in [ids.technician, ids.second_technician] {
        technicians.extend(crate::technicians::find(db, id).await?);
    }
    let facts = sqlx::query_as(
        "SELECT (SELECT count(*) FROM accounts) AS accounts, (SELECT count(*) FROM sites) AS sites, \
             (SELECT count(*) FROM contacts) AS contacts, (SELECT count(*) FROM tickets) AS tickets, \
             (SELECT count(*) FROM audit_events) AS audit_events, \
             current_setting('server_version') AS server_version, current_database()::text AS database",
    )
    .fetch_one(&mut *db)
    .await?;
    Ok(FixtureState { account, site, contact, approver, technicians, facts })
}

async fn contact(
    db: &mut PgConnection,
    site: Uuid,
    email: &str,
) -> Result<Option<ContactFixture>, sqlx::Error> {
    sqlx::query_as(
        "SELECT id, phone, email FROM contacts WHERE site_id = $1 AND email = $2 ORDER BY created_at, id LIMIT 1",
    )
    .bind(site)
    .bind(email)
    .fetch_optional(db)
    .await
}
