//! `POST /ops/alerts/{code}/acknowledge`: somebody has taken an alert on.

use dispatch_domain::alert::{AlertCode, AlertState};
use dispatch_domain::{ErrorCode, Refusal, Role};
use dispatch_store::alerts::{self, AlertRow, Step, StepBy};
use serde_json::{Map, Value, json};

use super::Endpoint;
use crate::alerting::step_record;
use crate::failure::Failure;
use crate::operate::{Done, Operation};

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint::operation(
    "ops.alerts.acknowledge",
    "/ops/alerts/{code}/acknowledge",
    &[Role::Dispatcher, Role::Admin, Role::System],
    |operation| Box::pin(run(operation)),
);

async fn run(operation: &mut Operation) -> Result<Done, Failure> {
    let code: AlertCode =
        operation.subject.parse().map_err(|_| Refusal::new(ErrorCode::NotFound, "There is no such alert"))?;
    let note = operation.fields().optional_text("note")?.map(str::to_owned);
    alerts::lock(operation.db()).await?;
    let standing = alerts::list(operation.db()).await?.into_iter().find(|row| row.code == code.as_str());
    let row = standing.filter(|row| row.state.is_shown()).ok_or_else(|| not_firing(code))?;
    let record = if row.state == AlertState::Firing {
        Some(take(operation, &row, note.as_deref()).await?)
    } else {
        // Taken on already: it stays with whoever was first.
        None
    };
    let body = json!({
        "code": code,
        "state": AlertState::Acknowledged,
        "episode": row.episode,
        "acknowledged_by": row.acknowledged_by.as_ref().unwrap_or(&operation.caller.id),
        "note": note,
    });
    let audit = Map::from_iter([
        ("scope".to_owned(), json!({ "alert_code": code, "episode": row.episode })),
        ("notes".to_owned(), json!(note)),
    ]);
    Ok(Done { body, audit, record })
}

async fn take(operation: &mut Operation, row: &AlertRow, note: Option<&str>) -> Result<Value, Failure> {
    let (caller, correlation) = (operation.caller.clone(), operation.correlation.id.clone());
    let step = Step {
        code: &row.code,
        episode: row.episode,
        from: Some(row.state),
        to: AlertState::Acknowledged,
        count: row.count,
        threshold: row.threshold,
        by: Some(StepBy {
            actor_type: caller.actor_type.as_str(),
            actor_id: &caller.id,
            actor_role: caller.role.as_str(),
            note,
            request_id: operation.request_id,
            correlation_id: &correlation,
        }),
    };
    alerts::take(operation.db(), &step).await?;
    Ok(step_record(&step))
}

fn not_firing(code: AlertCode) -> Refusal {
    Refusal::new(ErrorCode::InvalidStateTransition, format!("Alert {code} does not fire"))
        .with("to_state", AlertState::Acknowledged.as_str())
}
