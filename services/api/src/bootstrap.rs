//! Preparing a stack: schema, fixtures, bucket, and a document that proves it.
//!
//! `bootstrap` waits for the API to live, migrates, seeds, makes the bucket, waits until the API is ready and
//! writes the evidence. `seed` only migrates and seeds; it needs no API. Both may be run again at any time.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use dispatch_store::fixtures::{self, FixtureState};
use dispatch_store::{AppliedMigration, PgPool, PoolSettings};
use serde_json::Value;
use thiserror::Error;

use crate::config::Environment;
use crate::object_store::{ObjectStore, ObjectStoreError};

mod evidence;
mod readiness;
mod report;
mod settings;

use evidence::{Bucket, Findings};
use readiness::{NotReady, Readiness};
use report::say;
use settings::{InvalidSettings, Settings};

/// Limit of one request to the object store.
const OBJECT_STORE_TIMEOUT: Duration = Duration::from_secs(10);

/// Why a stack could not be prepared.
#[derive(Debug, Error)]
pub enum BootstrapError {
    /// The settings cannot be used.
    #[error(transparent)]
    Settings(#[from] InvalidSettings),
    /// The API did not answer as it should; before the migration, so that nothing was changed.
    #[error(transparent)]
    NotReady(#[from] NotReady),
    /// The database refused.
    #[error("the database cannot be prepared: {0}")]
    Database(#[from] dispatch_store::StoreError),
    /// A migration failed.
    #[error("the schema cannot be migrated: {0}")]
    Migration(#[from] dispatch_store::MigrateError),
    /// The bucket cannot be made.
    #[error(transparent)]
    ObjectStore(#[from] ObjectStoreError),
    /// The evidence cannot be written.
    #[error("the evidence cannot be written to {path}: {source}")]
    Evidence {
        /// Where it should have been.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
}

/// The verb `bootstrap`; `out` wins over `DISPATCH_BOOTSTRAP_EVIDENCE_PATH`.
pub async fn run(environment: &Environment, out: Option<PathBuf>) -> ExitCode {
    concluded(bootstrap(environment, out).await)
}

/// The verb `seed`.
pub async fn seed(environment: &Environment) -> ExitCode {
    concluded(seed_only(environment).await)
}

fn concluded(outcome: Result<(), BootstrapError>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report::failed(&error);
            ExitCode::FAILURE
        }
    }
}

async fn bootstrap(environment: &Environment, out: Option<PathBuf>) -> Result<(), BootstrapError> {
    let started = Instant::now();
    let settings = Settings::from_environment(environment, out)?;
    let readiness = Readiness::new(&settings)?;
    let alive = readiness.wait("/livez").await?;
    let (migrations, fixtures) = prepare_database(&settings).await?;
    let bucket = make_bucket(&settings).await?;
    let ready = readiness.wait("/readyz").await?;
    let health = readiness.look("/health").await;
    let findings = Findings { settings: &settings, migrations, fixtures, bucket, alive, ready, health };
    let document = evidence::document(&findings, started.elapsed());
    conclude(&settings, &document)
}

async fn seed_only(environment: &Environment) -> Result<(), BootstrapError> {
    let settings = Settings::from_environment(environment, None)?;
    prepare_database(&settings).await?;
    Ok(())
}

/// Migrates, then seeds in one transaction.
async fn prepare_database(
    settings: &Settings,
) -> Result<(Vec<AppliedMigration>, FixtureState), BootstrapError> {
    let pool =
        dispatch_store::connect(&PoolSettings::new(&settings.database_url, "dispatch-bootstrap")).await?;
    let prepared = migrate_and_seed(&pool, settings).await;
    pool.close().await;
    prepared
}

async fn migrate_and_seed(
    pool: &PgPool,
    settings: &Settings,
) -> Result<(Vec<AppliedMigration>, FixtureState), BootstrapError> {
    say(&format!("Applying migrations ({}).", evidence::MIGRATIONS));
    let migrations = dispatch_store::migrate(pool).await?;
    let fresh = migrations.iter().filter(|migration| !migration.already_applied).count();
    say(&format!("Migrations: {} known, {fresh} applied now.", migrations.len()));
    say("Seeding demo fixtures.");
    let mut transaction = dispatch_store::begin(pool).await?;
    fixtures::seed(&mut transaction, &settings.ids).await?;
    let state = fixtures::read(&mut transaction, &settings.ids).await?;
    transaction.commit().await?;
    report::seeded(settings, &state);
    Ok((migrations, state))
}

async fn make_bucket(settings: &Settings) -> Result<Option<Bucket>, BootstrapError> {
    let Some(config) = &settings.object_store else {
        say("No object store is configured; no bucket made.");
        return Ok(None);
    };
    let created = ObjectStore::new(Some(config), OBJECT_STORE_TIMEOUT, &[])?.ensure_bucket().await?;
    let bucket = Bucket { endpoint: config.endpoint.clone(), bucket: config.bucket.clone(), created };
    say(&format!(
        "Bucket {} at {}: {}.",
        bucket.bucket,
        bucket.endpoint,
        if created { "made" } else { "exists" }
    ));
    Ok(Some(bucket))
}

fn conclude(settings: &Settings, document: &Value) -> Result<(), BootstrapError> {
    if let Some(path) = &settings.evidence_path {
        write_whole(path, document)
            .map_err(|source| BootstrapError::Evidence { path: path.display().to_string(), source })?;
        say(&format!("Wrote bootstrap evidence to {}", path.display()));
    }
    report::payload(document);
    Ok(())
}

/// Pretty, with a final newline; a reader sees the whole document or none.
fn write_whole(path: &Path, document: &Value) -> std::io::Result<()> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".tmp");
    std::fs::write(&temporary, format!("{document:#}\n"))?;
    std::fs::rename(&temporary, path)
}
