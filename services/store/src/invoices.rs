//! Invoices: issued once per ticket, voided when the work is taken up again.

use serde_json::Value;
use sqlx::{FromRow, PgConnection};
use time::OffsetDateTime;
use uuid::Uuid;

/// What is charged.
#[derive(Debug, Clone)]
pub struct InvoiceDraft<'a> {
    /// The ticket.
    pub ticket_id: Uuid,
    /// Three upper-case letters; the ticket's currency when absent.
    pub currency: Option<&'a str>,
    /// Lines with `description`, `quantity`, `unit_price_cents` and `amount_cents`.
    pub lines: &'a Value,
    /// Sum of the lines.
    pub total_cents: i64,
    /// The actor.
    pub issued_by: &'a str,
    /// Idempotency key.
    pub request_id: Uuid,
}

/// An invoice as stored.
#[derive(Debug, Clone, FromRow)]
pub struct InvoiceRow {
    /// Identity.
    pub id: Uuid,
    /// `INV-<year>-<number>`.
    pub number: String,
    /// `ISSUED` or `VOID`.
    pub status: String,
    /// Three upper-case letters.
    pub currency: String,
    /// What is charged.
    pub lines: Value,
    /// Sum of the lines, in cents.
    pub total_cents: i64,
    /// Who issued it.
    pub issued_by: String,
    /// When.
    pub issued_at: OffsetDateTime,
    /// Who voided it.
    pub voided_by: Option<String>,
    /// When.
    pub voided_at: Option<OffsetDateTime>,
    /// Why.
    pub void_reason: Option<String>,
}

macro_rules! columns {
    () => {
        "id, number, status, currency, lines, total_cents, issued_by, issued_at, voided_by, voided_at, void_reason"
    };
}

/// Issues an invoice under the next number.
///
/// # Errors
/// When the database refuses the row, or the ticket has an invoice that is not void.
pub async fn insert(db: &mut PgConnection, draft: &InvoiceDraft<'_>) -> Result<InvoiceRow, sqlx::Error> {
    sqlx::query_as(concat!(
        "INSERT INTO invoices (ticket_id, currency, lines, total_cents, issued_by, request_id) ",
        "SELECT id, coalesce($2, upper(btrim(currency))), $3, $4, $5, $6 FROM tickets WHERE id = $1 RETURNING ",
        columns!()
    ))
    .bind(draft.ticket_id)
    .bind(draft.currency)
    .bind(draft.lines)
    .bind(draft.total_cents)
    .bind(draft.issued_by)
    .bind(draft.request_id)
    .fetch_one(db)
    .await
}

/// Voids the ticket's invoice; returns its number, if there was one.
///
/// # Errors
/// When the database does not answer.
pub async fn void(
    db: &mut PgConnection,
    ticket_id: Uuid,
    voided_by: &str,
    reason: &str,
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar(
        "UPDATE invoices SET status = 'VOID', voided_by = $2, voided_at = now(), void_reason = $3 \
         WHERE ticket_id = $1 AND status = 'ISSUED' RETURNING number",
    )
    .bind(ticket_id)
    .bind(voided_by)
    .bind(reason)
    .fetch_optional(db)
    .await
}

/// All invoices of a ticket, oldest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list(db: &mut PgConnection, ticket_id: Uuid) -> Result<Vec<InvoiceRow>, sqlx::Error> {
    sqlx::query_as(concat!(
        "SELECT ",
        columns!(),
        " FROM invoices WHERE ticket_id = $1 ORDER BY issued_at, number"
    ))
    .bind(ticket_id)
    .fetch_all(db)
    .await
}
