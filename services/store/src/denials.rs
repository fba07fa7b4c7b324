//! What an identified actor was refused.

use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

/// One refusal.
#[derive(Debug, Clone)]
pub struct Denial<'a> {
    /// Error code of the answer.
    pub code: &'a str,
    /// `role`, `tool`, `scope`, `state`, `policy` …
    pub dimension: &'a str,
    /// Kind of actor.
    pub actor_type: &'a str,
    /// Actor as authenticated.
    pub actor_id: &'a str,
    /// Canonical role.
    pub actor_role: &'a str,
    /// Tool of the endpoint.
    pub tool_name: &'a str,
    /// Route template.
    pub endpoint: &'a str,
    /// Path as called.
    pub resource_path: &'a str,
    /// The ticket, when the path names one.
    pub ticket_id: Option<Uuid>,
    /// Idempotency key, once accepted.
    pub request_id: Option<Uuid>,
    /// Correlation id.
    pub correlation_id: &'a str,
    /// Trace id.
    pub trace_id: Option<&'a str>,
    /// The error's members.
    pub details: &'a Value,
}

/// Records a refusal in a transaction of its own.
///
/// # Errors
/// When the database does not answer.
pub async fn record(pool: &PgPool, denial: &Denial<'_>) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO ops_denials (code, dimension, actor_type, actor_id, actor_role, tool_name, endpoint, \
             resource_path, ticket_id, request_id, correlation_id, trace_id, details) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
    )
    .bind(denial.code)
    .bind(denial.dimension)
    .bind(denial.actor_type)
    .bind(denial.actor_id)
    .bind(denial.actor_role)
    .bind(denial.tool_name)
    .bind(denial.endpoint)
    .bind(denial.resource_path)
    .bind(denial.ticket_id)
    .bind(denial.request_id)
    .bind(denial.correlation_id)
    .bind(denial.trace_id)
    .bind(denial.details)
    .execute(pool)
    .await?;
    Ok(())
}
