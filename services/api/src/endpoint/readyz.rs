//! `GET /readyz`: requests can be served now, because the database answers and has every migration.

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
    let pending = tokio::time::timeout(PATIENCE, dispatch_store::pending_migrations(&app.pool)).await;
    let (failing, reason) = match pending {
        Ok(Ok(pending)) if pending.is_empty() => {
            return Answer::json(
                200,
                &json!({ "ready": true, "failing": [], "contract_hash": surface_hash() }),
            );
        }
        Ok(Ok(pending)) => ("migrations", format!("not applied: {pending:?}")),
        Ok(Err(error)) => ("database", error.to_string()),
        Err(_) => ("database", format!("no answer within {} s", PATIENCE.as_secs())),
    };
    let body = json!({
        "ready": false,
        "failing": [failing],
        "contract_hash": surface_hash(),
        "reason": reason,
    });
    Answer::json(503, &body)
}
