//! `GET /readyz`: requests can be served now.
//!
//! The database answers and has every migration, the object store answers where evidence is probed, and nobody has told
//! the service to stop.

use std::sync::atomic::Ordering;
use std::time::Duration;

use dispatch_domain::tool::surface_hash;
use futures::FutureExt;
use serde_json::json;

use super::Endpoint;
use crate::answer::Answer;
use crate::app::App;

/// How long the database may take; a probe that waits longer is of no use to whoever routes requests.
const PATIENCE: Duration = Duration::from_secs(2);

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint::open("/readyz", |app, _| async { Ok(answer(app).await) }.boxed());

async fn answer(app: &App) -> Answer {
    let (database, objects) = tokio::join!(database(app), objects(app));
    let draining = app.draining.load(Ordering::Relaxed);
    let stopping = draining.then(|| ("draining", "the service was told to stop".to_owned()));
    let failing: Vec<(&str, String)> = [stopping, database, objects].into_iter().flatten().collect();
    if failing.is_empty() {
        return Answer::json(200, &json!({ "ready": true, "failing": [], "contract_hash": surface_hash() }));
    }
    let reasons: Vec<&str> = failing.iter().map(|(_, reason)| reason.as_str()).collect();
    let body = json!({
        "ready": false,
        "failing": failing.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
        "contract_hash": surface_hash(),
        "reason": reasons.join("; "),
    });
    Answer::json(503, &body)
}

/// What is wrong with the database. A schema that is newer than this binary is not: it was made to be compatible.
async fn database(app: &App) -> Option<(&'static str, String)> {
    match tokio::time::timeout(PATIENCE, dispatch_store::pending_migrations(&app.pool)).await {
        Ok(Ok(pending)) if pending.is_empty() => None,
        Ok(Ok(pending)) => Some(("migrations", format!("not applied: {pending:?}"))),
        Ok(Err(error)) => Some(("database", error.to_string())),
        Err(_) => Some(("database", late())),
    }
}

/// What is wrong with the object store, where evidence is probed and one is configured.
async fn objects(app: &App) -> Option<(&'static str, String)> {
    if !app.config.evidence.require_head || app.config.object_store.is_none() {
        return None;
    }
    match tokio::time::timeout(PATIENCE, app.objects.answers()).await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(("object_store", error.to_string())),
        Err(_) => Some(("object_store", late())),
    }
}

fn late() -> String {
    format!("no answer within {} s", PATIENCE.as_secs())
}
