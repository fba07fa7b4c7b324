//! The ticket row: read, lock, insert, save.

use dispatch_domain::{Priority, TicketState};
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, Row};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::column::word;

/// A ticket as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketRow {
    /// Identity.
    pub id: Uuid,
    /// Customer organisation.
    pub account_id: Uuid,
    /// Service location.
    pub site_id: Uuid,
    /// Equipment, when known.
    pub asset_id: Option<Uuid>,
    /// Where the ticket is in its life.
    pub state: TicketState,
    /// How urgent it is.
    pub priority: Priority,
    /// Free text, trimmed; looked up in upper case.
    pub incident_type: Option<String>,
    /// One line, never blank.
    pub summary: String,
    /// Longer text.
    pub description: Option<String>,
    /// Set by intake only.
    pub customer_name: Option<String>,
    /// Digits only; set by intake only.
    pub customer_phone: Option<String>,
    /// Lower case; set by intake only.
    pub customer_email: Option<String>,
    /// Amount not to be exceeded, in cents.
    pub nte_cents: i64,
    /// Begin of the agreed window.
    pub scheduled_start: Option<OffsetDateTime>,
    /// End of the agreed window.
    pub scheduled_end: Option<OffsetDateTime>,
    /// Present on blind intake tickets only.
    pub identity_signature: Option<String>,
    /// 0 to 100.
    pub identity_confidence: Option<i32>,
    /// 0 to 100.
    pub classification_confidence: Option<i32>,
    /// A hand-off has to be acknowledged before scheduling.
    pub sop_handoff_required: bool,
    /// The hand-off was acknowledged.
    pub sop_handoff_acknowledged: bool,
    /// What the hand-off asks for.
    pub sop_handoff_prompt: Option<String>,
    /// Company that does the work.
    pub assigned_provider_id: Option<Uuid>,
    /// Person who does the work.
    pub assigned_tech_id: Option<Uuid>,
    /// Grows by one with every command that writes the row.
    pub version: i64,
    /// Start of the creating transaction.
    pub created_at: OffsetDateTime,
    /// Start of the last writing transaction; kept by a trigger.
    pub updated_at: OffsetDateTime,
}

impl FromRow<'_, PgRow> for TicketRow {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            account_id: row.try_get("account_id")?,
            site_id: row.try_get("site_id")?,
            asset_id: row.try_get("asset_id")?,
            state: word(row, "state")?,
            priority: word(row, "priority")?,
            incident_type: row.try_get("incident_type")?,
            summary: row.try_get("summary")?,
            description: row.try_get("description")?,
            customer_name: row.try_get("customer_name")?,
            customer_phone: row.try_get("customer_phone")?,
            customer_email: row.try_get("customer_email")?,
            nte_cents: row.try_get("nte_cents")?,
            scheduled_start: row.try_get("scheduled_start")?,
            scheduled_end: row.try_get("scheduled_end")?,
            identity_signature: row.try_get("identity_signature")?,
            identity_confidence: row.try_get("identity_confidence")?,
            classification_confidence: row.try_get("classification_confidence")?,
            sop_handoff_required: row.try_get("sop_handoff_required")?,
            sop_handoff_acknowledged: row.try_get("sop_handoff_acknowledged")?,
            sop_handoff_prompt: row.try_get("sop_handoff_prompt")?,
            assigned_provider_id: row.try_get("assigned_provider_id")?,
            assigned_tech_id: row.try_get("assigned_tech_id")?,
            version: row.try_get("version")?,
            created_at: row.try_get("created_at")?,
            updated_at: row.try_get("updated_at")?,
        })
    }
}

macro_rules! columns {
    () => {
        "id, account_id, site_id, asset_id, state::text AS state, priority::text AS priority, incident_type, \
         summary, description, customer_name, customer_phone, customer_email, nte_cents, scheduled_start, \
         scheduled_end, identity_signature, identity_confidence, classification_confidence, \
         sop_handoff_required, sop_handoff_acknowledged, sop_handoff_prompt, assigned_provider_id, \
         assigned_tech_id, version, created_at, updated_at"
    };
}

/// The columns of a [`TicketRow`].
pub(crate) const COLUMNS: &str = columns!();

/// What a new ticket starts with; everything else takes the table's defaults.
#[derive(Debug, Clone)]
pub struct NewTicket {
    /// Identity, chosen by the caller.
    pub id: Uuid,
    /// Customer organisation.
    pub account_id: Uuid,
    /// Service location; has to belong to the account.
    pub site_id: Uuid,
    /// Equipment.
    pub asset_id: Option<Uuid>,
    /// First state.
    pub state: TicketState,
    /// Trimmed, not blank.
    pub summary: String,
    /// Longer text.
    pub description: Option<String>,
    /// Amount not to be exceeded, in cents.
    pub nte_cents: i64,
}

/// Which reference of a new ticket does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MissingReference {
    /// `account_id`, `site_id` or `asset_id`.
    pub field: &'static str,
    /// The site exists, but under another account.
    pub foreign_site: bool,
}

/// Reads one ticket.
///
/// # Errors
/// When the database does not answer.
pub async fn find(db: &mut PgConnection, id: Uuid) -> Result<Option<TicketRow>, sqlx::Error> {
    sqlx::query_as(concat!("SELECT ", columns!(), " FROM tickets WHERE id = $1"))
        .bind(id)
        .fetch_optional(db)
        .await
}

/// Reads several tickets; those that do not exist are left out.
///
/// # Errors
/// When the database does not answer.
pub async fn find_all(db: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<TicketRow>, sqlx::Error> {
    sqlx::query_as(concat!("SELECT ", columns!(), " FROM tickets WHERE id = ANY($1)"))
        .bind(ids)
        .fetch_all(db)
        .await
}

/// Reads one ticket and holds its row until the transaction ends.
///
/// # Errors
/// When the database does not answer or another command holds the row for too long.
pub async fn lock(db: &mut PgConnection, id: Uuid) -> Result<Option<TicketRow>, sqlx::Error> {
    sqlx::query_as(concat!("SELECT ", columns!(), " FROM tickets WHERE id = $1 FOR UPDATE"))
        .bind(id)
        .fetch_optional(db)
        .await
}

/// Inserts a ticket whose site belongs to its account; `None` when a reference does not exist.
///
/// # Errors
/// When the database refuses the row.
pub async fn insert(db: &mut PgConnection, new: &NewTicket) -> Result<Option<TicketRow>, sqlx::Error> {
    sqlx::query_as(concat!(
        "INSERT INTO tickets (id, account_id, site_id, asset_id, state, summary, description, nte_cents) ",
        "SELECT $1, s.account_id, s.id, $4, $5::ticket_state, $6, $7, $8 FROM sites s ",
        "WHERE s.id = $3 AND s.account_id = $2 ",
        "AND ($4::uuid IS NULL OR EXISTS (SELECT FROM assets a WHERE a.id = $4)) ",
        "RETURNING ",
        columns!()
    ))
    .bind(new.id)
    .bind(new.account_id)
    .bind(new.site_id)
    .bind(new.asset_id)
    .bind(new.state.as_str())
    .bind(&new.summary)
    .bind(&new.description)
    .bind(new.nte_cents)
    .fetch_optional(db)
    .await
}

/// Tells which reference made [`insert`] find nothing.
///
/// # Errors
/// When the database does not answer.
pub async fn missing_reference(
    db: &mut PgConnection,
    new: &NewTicket,
) -> Result<MissingReference, sqlx::Error> {
    let row = sqlx::query(
        "SELECT EXISTS (SELECT FROM accounts WHERE id = $1) AS account, \
                EXISTS (SELECT FROM sites WHERE id = $2) AS site, \
                EXISTS (SELECT FROM sites WHERE id = $2 AND account_id = $1) AS own_site",
    )
    .bind(new.account_id)
    .bind(new.site_id)
    .fetch_one(db)
    .await?;
    let (account, site, own_site): (bool, bool, bool) =
        (row.try_get("account")?, row.try_get("site")?, row.try_get("own_site")?);
    let field = match (account, own_site) {
        (false, _) => "account_id",
        (true, false) => "site_id",
        (true, true) => "asset_id",
    };
    Ok(MissingReference { field, foreign_site: site && !own_site })
}

/// Writes the mutable columns back, adds one to the version and returns the row as it now stands.
///
/// The caller holds the row's lock, so the version cannot have moved.
///
/// # Errors
/// `RowNotFound` when the row was not locked by the caller and has changed since it was read.
pub async fn save(db: &mut PgConnection, ticket: &TicketRow) -> Result<TicketRow, sqlx::Error> {
    sqlx::query_as(concat!(
        "UPDATE tickets SET state = $3::ticket_state, priority = $4::priority_level, incident_type = $5, ",
        "nte_cents = $6, scheduled_start = $7, scheduled_end = $8, sop_handoff_required = $9, ",
        "sop_handoff_acknowledged = $10, assigned_provider_id = $11, assigned_tech_id = $12, ",
        "version = version + 1 WHERE id = $1 AND version = $2 RETURNING ",
        columns!()
    ))
    .bind(ticket.id)
    .bind(ticket.version)
    .bind(ticket.state.as_str())
    .bind(ticket.priority.as_str())
    .bind(&ticket.incident_type)
    .bind(ticket.nte_cents)
    .bind(ticket.scheduled_start)
    .bind(ticket.scheduled_end)
    .bind(ticket.sop_handoff_required)
    .bind(ticket.sop_handoff_acknowledged)
    .bind(ticket.assigned_provider_id)
    .bind(ticket.assigned_tech_id)
    .fetch_one(db)
    .await
}
