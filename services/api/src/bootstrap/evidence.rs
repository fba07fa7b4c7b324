//! The document that says what was prepared.

use std::time::Duration;

use dispatch_domain::{canonical, tool};
use dispatch_store::AppliedMigration;
use dispatch_store::fixtures::{ContactFixture, FixtureState};
use dispatch_store::technicians::TechnicianRow;
use serde_json::{Value, json};

use super::readiness::Probed;
use super::settings::Settings;
use crate::clock;

/// Version of the document's shape: 2 adds everything after `ready_check` to the original shape.
const SCHEMA_VERSION: u32 = 2;

/// Migrations are part of the binary, so there is no path on disk to name.
pub(super) const MIGRATIONS: &str = "embedded:dispatch-store/migrations";

/// The bucket as found or made.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    pub(super) endpoint: String,
    pub(super) bucket: String,
    pub(super) created: bool,
}

/// Everything that was seen on the way.
pub(super) struct Findings<'a> {
    pub(super) settings: &'a Settings,
    pub(super) migrations: Vec<AppliedMigration>,
    pub(super) fixtures: FixtureState,
    pub(super) bucket: Option<Bucket>,
    pub(super) alive: Probed,
    pub(super) ready: Probed,
    pub(super) health: Option<Value>,
}

/// The whole document. Its last member is the SHA-256 of the canonical JSON of all others.
pub(super) fn document(findings: &Findings<'_>, took: Duration) -> Value {
    let Findings { settings, fixtures, .. } = findings;
    let facts = &fixtures.facts;
    let mut document = json!({
        "timestamp": clock::now_text(),
        "migration": { "path": MIGRATIONS },
        "fixtures": fixture_rows(settings, fixtures),
        "counts": {
            "accounts": facts.accounts,
            "sites": facts.sites,
            "contacts": facts.contacts,
            "tickets": facts.tickets,
            "audit_events": facts.audit_events,
        },
        "ready_check": probe(&findings.ready),
        "liveness_check": probe(&findings.alive),
        "health": findings.health.as_ref().map(|health| {
            json!({ "status": health["status"], "failures": health["failures"] })
        }),
        "schema_version": SCHEMA_VERSION,
        "tool_version": env!("CARGO_PKG_VERSION"),
        "git_commit": settings.git_commit,
        "contract_hash": tool::surface_hash(),
        "migrations": findings.migrations.iter().map(migration).collect::<Vec<_>>(),
        "technicians": fixtures.technicians.iter().map(technician).collect::<Vec<_>>(),
        "duration_ms": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        "database": { "server_version": facts.server_version, "name": facts.database },
        "object_store": findings.bucket.as_ref().map(|bucket| {
            json!({ "endpoint": bucket.endpoint, "bucket": bucket.bucket, "created": bucket.created })
        }),
        "result": "ok",
    });
    document["sha256"] = json!(canonical::hash(&document));
    document
}

fn fixture_rows(settings: &Settings, fixtures: &FixtureState) -> Value {
    json!({
        "account_id": settings.ids.account,
        "site_id": settings.ids.site,
        "account": fixtures.account.as_ref().map(|account| {
            json!({ "id": account.id, "name": account.name, "created_at": clock::text(account.created_at) })
        }),
        "site": fixtures.site.as_ref().map(|site| {
            json!({
                "id": site.id,
                "account_id": site.account_id,
                "name": site.name,
                "city": site.city,
                "region": site.region,
            })
        }),
        "contact": fixtures.contact.as_ref().map(contact),
        "approver_contact": fixtures.approver.as_ref().map(contact),
    })
}

fn contact(contact: &ContactFixture) -> Value {
    json!({ "id": contact.id, "phone": contact.phone, "email": contact.email })
}

fn technician(row: &TechnicianRow) -> Value {
    json!({
        "id": row.id,
        "name": row.name,
        "active": row.active,
        "home_region": row.home_region,
        "skills": row.skills,
        "regions": row.regions,
    })
}

fn migration(migration: &AppliedMigration) -> Value {
    json!({
        "version": migration.version,
        "name": migration.name,
        "checksum": migration.checksum,
        "applied_at": clock::text(migration.applied_at),
        "already_applied": migration.already_applied,
    })
}

/// `body` only when the endpoint was asked.
fn probe(probed: &Probed) -> Value {
    let performed = probed.body.is_some();
    let mut check = json!({
        "endpoint": probed.endpoint,
        "performed": performed,
        "status": if performed { "ok" } else { "skipped" },
        "attempts": probed.attempts,
    });
    if let Some(body) = &probed.body {
        check["body"] = body.clone();
    }
    check
}
