//! What the database really looks like, for comparison with what the code expects.

use std::collections::BTreeSet;

use dispatch_domain::transition::CONSTRAINT_NAME;
use sqlx::{AssertSqlSafe, PgPool, Row};

/// Facts that the health check judges.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SchemaFacts {
    /// Column `tickets.id` exists.
    pub tickets_table: bool,
    /// Column `evidence_items.is_immutable` exists.
    pub immutable_column: bool,
    /// Column `closeout_artifacts.artifact_type` exists.
    pub artifacts_table: bool,
    /// Labels of the enum type `ticket_state`; none when the type does not exist.
    pub state_labels: Option<Vec<String>>,
    /// The check constraint on the history table exists.
    pub transition_constraint: bool,
    /// Every pair that the constraint lets through, as (from, to); no from is creation. None when the
    /// constraint is missing or cannot be evaluated.
    pub allowed_moves: Option<BTreeSet<(Option<String>, String)>>,
}

/// Looks at the schema of the connection's search path.
///
/// The history rule is not read but tried: PostgreSQL evaluates the stored expression for every pair of its own
/// enum's labels, and creation, so that the way in which it prints the rule does not matter. The expression
/// comes from the catalog, where only the schema's owner can put one, and runs in a read-only transaction.
///
/// # Errors
/// When the database does not answer. A rule that cannot be evaluated is a fact, not an error.
pub async fn inspect(pool: &PgPool) -> Result<SchemaFacts, sqlx::Error> {
    let row = sqlx::query(
        "WITH present AS ( \
             SELECT c.table_name || '.' || c.column_name AS name FROM information_schema.columns c \
             WHERE c.table_schema = ANY(current_schemas(false)) \
         ) \
         SELECT 'tickets.id' IN (SELECT name FROM present) AS tickets_table, \
             'evidence_items.is_immutable' IN (SELECT name FROM present) AS immutable_column, \
             'closeout_artifacts.artifact_type' IN (SELECT name FROM present) AS artifacts_table, \
             (SELECT array_agg(e.enumlabel::text ORDER BY e.enumsortorder) FROM pg_enum e \
                 WHERE e.enumtypid = to_regtype('ticket_state')) AS state_labels, \
             (SELECT pg_get_expr(c.conbin, c.conrelid) FROM pg_constraint c \
                 WHERE c.conname = $1 AND c.conrelid = to_regclass('ticket_state_transitions')) AS rule",
    )
    .bind(CONSTRAINT_NAME)
    .fetch_one(pool)
    .await?;
    let rule: Option<String> = row.try_get("rule")?;
    let allowed_moves = match &rule {
        Some(rule) => match evaluate(pool, rule).await {
            Ok(moves) => Some(moves),
            Err(error) if error.as_database_error().is_none() || crate::is_unavailable(&error) => {
                return Err(error);
            }
            Err(_) => None,
        },
        None => None,
    };
    Ok(SchemaFacts {
        tickets_table: row.try_get("tickets_table")?,
        immutable_column: row.try_get("immutable_column")?,
        artifacts_table: row.try_get("artifacts_table")?,
        state_labels: row.try_get("state_labels")?,
        transition_constraint: rule.is_some(),
        allowed_moves,
    })
}

/// A check lets a row through unless it is false, so an unknown result counts as allowed.
async fn evaluate(pool: &PgPool, rule: &str) -> Result<BTreeSet<(Option<String>, String)>, sqlx::Error> {
    let statement = format!(
        "SELECT from_state::text, to_state::text FROM ( \
             SELECT f.state AS from_state, t.state AS to_state \
             FROM (SELECT NULL::ticket_state AS state UNION ALL SELECT unnest(enum_range(NULL::ticket_state))) f, \
                  (SELECT unnest(enum_range(NULL::ticket_state)) AS state) t \
         ) pairs WHERE ({rule}) IS NOT FALSE"
    );
    let mut transaction = crate::begin(pool).await?;
    sqlx::query("SET TRANSACTION READ ONLY").execute(&mut *transaction).await?;
    let pairs: Vec<(Option<String>, String)> =
        sqlx::query_as(AssertSqlSafe(statement)).fetch_all(&mut *transaction).await?;
    transaction.rollback().await?;
    Ok(pairs.into_iter().collect())
}
