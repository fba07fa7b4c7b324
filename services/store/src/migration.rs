//! Versioned migrations, embedded in the binary.

use std::collections::HashMap;

use sqlx::migrate::{Migrate, MigrateError, Migrator};
use sqlx::{PgPool, Row};
use time::OffsetDateTime;

/// Every migration in order.
static MIGRATOR: Migrator = sqlx::migrate!("./migrations");

/// One migration as it stands on a database.
#[derive(Debug, Clone)]
pub struct AppliedMigration {
    /// Number in front of the file name.
    pub version: i64,
    /// The rest of the file name.
    pub name: String,
    /// SHA-384 of the file, lower-case hex.
    pub checksum: String,
    /// When it was applied to this database.
    pub applied_at: OffsetDateTime,
    /// It was there before this run.
    pub already_applied: bool,
}

/// Brings the schema up to date; running it again changes nothing.
///
/// Migrations hold an advisory lock, so that several processes may start this at once.
///
/// # Errors
/// When a migration fails or an applied one differs from the embedded text.
pub async fn migrate(pool: &PgPool) -> Result<Vec<AppliedMigration>, MigrateError> {
    let before: Vec<i64> =
        applied_migrations(pool).await?.iter().map(|migration| migration.version).collect();
    let mut connection = pool.acquire().await?;
    // A migration of a large table may take longer than any request would be allowed to.
    sqlx::raw_sql("SET statement_timeout = 0; SET lock_timeout = 0").execute(&mut *connection).await?;
    let outcome = MIGRATOR.run(&mut *connection).await;
    // Not given back: its limits differ from those of the pool.
    connection.close_on_drop();
    drop(connection);
    outcome?;
    let rows = sqlx::query("SELECT version, installed_on FROM _sqlx_migrations").fetch_all(pool).await?;
    let mut installed = HashMap::new();
    for row in rows {
        installed
            .insert(row.try_get::<i64, _>("version")?, row.try_get::<OffsetDateTime, _>("installed_on")?);
    }
    Ok(MIGRATOR
        .iter()
        .filter_map(|migration| {
            Some(AppliedMigration {
                version: migration.version,
                name: migration.description.to_string(),
                checksum: hex(&migration.checksum),
                applied_at: *installed.get(&migration.version)?,
                already_applied: before.contains(&migration.version),
            })
        })
        .collect())
}

/// How the schema of a database differs from the one that this binary was built with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SchemaDrift {
    /// Versions that this binary knows and the database has not applied: the schema is older.
    pub pending: Vec<i64>,
    /// Versions that the database has applied and this binary does not know: the schema is newer.
    pub unknown: Vec<i64>,
    /// Versions that were applied with another text.
    pub changed: Vec<i64>,
}

/// Compares the migrations of a database with those of this binary.
///
/// # Errors
/// When the database does not answer.
pub async fn schema_drift(pool: &PgPool) -> Result<SchemaDrift, MigrateError> {
    let applied = applied_migrations(pool).await?;
    let known: HashMap<i64, &[u8]> =
        MIGRATOR.iter().map(|migration| (migration.version, migration.checksum.as_ref())).collect();
    let is_applied = |version: i64| applied.iter().any(|migration| migration.version == version);
    let pending =
        MIGRATOR.iter().map(|migration| migration.version).filter(|version| !is_applied(*version)).collect();
    let mut drift = SchemaDrift { pending, ..SchemaDrift::default() };
    for migration in &applied {
        match known.get(&migration.version) {
            None => drift.unknown.push(migration.version),
            Some(checksum) if *checksum != migration.checksum.as_ref() => {
                drift.changed.push(migration.version)
            }
            Some(_) => {}
        }
    }
    Ok(drift)
}

/// Versions that this binary knows and the database has not applied, in order.
///
/// # Errors
/// When the database does not answer.
pub async fn pending_migrations(pool: &PgPool) -> Result<Vec<i64>, MigrateError> {
    Ok(schema_drift(pool).await?.pending)
}

async fn applied_migrations(pool: &PgPool) -> Result<Vec<sqlx::migrate::AppliedMigration>, MigrateError> {
    // Asked first, because reading the list from a database that was never migrated is an error.
    let known: bool =
        sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL").fetch_one(pool).await?;
    if !known {
        return Ok(Vec::new());
    }
    let mut connection = pool.acquire().await?;
    connection.list_applied_migrations("_sqlx_migrations").await
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
