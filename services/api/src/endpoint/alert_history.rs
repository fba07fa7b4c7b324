//! `GET /ops/alerts/history`: where every alert stands and the steps it took, newest first.

use dispatch_domain::alert::{AlertCode, Rule};
use dispatch_domain::{ErrorCode, Refusal, Role, ToolName};
use dispatch_store::alerts::{self, AlertRow, HistoryRow};
use dispatch_store::page::Place;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{Endpoint, View};
use crate::answer::Answer;
use crate::clock;
use crate::failure::Failure;
use crate::page;
use crate::read::ReadCall;

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint::view(
    ToolName::DispatcherCockpit,
    View {
        route: "/ops/alerts/history",
        roles: &[Role::Dispatcher, Role::Admin, Role::Audit, Role::System],
        query: &["code", "limit", "cursor"],
    },
    |call| Box::pin(run(call)),
);

async fn run(call: &ReadCall) -> Result<Answer, Failure> {
    let code = code(call)?;
    let page = page::asked_or_first(&call.query)?;
    let mut connection = call.connection().await?;
    let standing = alerts::list(&mut connection).await?;
    let code_text = code.map(AlertCode::as_str);
    let mut rows = alerts::history(&mut connection, code_text, &page::and_one(&page)).await?;
    let next = page::cut(&mut rows, &page, |row| Place { at: row.at, id: row.id });
    let standing = standing.iter().filter(|row| code_text.is_none_or(|code| row.code == code));
    let body = json!({
        "generated_at": clock::text(call.now),
        "alerts": standing.map(alert).collect::<Vec<_>>(),
        "steps": rows.iter().map(step).collect::<Vec<_>>(),
        "next_cursor": next,
    });
    Ok(Answer::json(200, &body))
}

/// The last `code` of the query.
fn code(call: &ReadCall) -> Result<Option<AlertCode>, Refusal> {
    let Some((_, text)) = call.query.iter().rev().find(|(name, _)| name == "code") else { return Ok(None) };
    text.parse().map(Some).map_err(|_| {
        let codes: Vec<&str> = AlertCode::ALL.iter().map(|code| code.as_str()).collect();
        let message = format!("Query parameter 'code' must be one of {}", codes.join(", "));
        Refusal::new(ErrorCode::InvalidQuery, message)
    })
}

fn alert(row: &AlertRow) -> Value {
    let text = |at: Option<OffsetDateTime>| at.map(clock::text);
    json!({
        "code": row.code,
        "state": row.state,
        "episode": row.episode,
        "count": row.count,
        "threshold": row.threshold,
        "since": clock::text(row.since),
        "first_seen_at": clock::text(row.first_seen_at),
        "fired_at": text(row.fired_at),
        "acknowledged_at": text(row.acknowledged_at),
        "acknowledged_by": row.acknowledged_by,
        "resolved_at": text(row.resolved_at),
        "runbook": row.code.parse::<AlertCode>().map_or("", |code| Rule::of(code).runbook),
    })
}

fn step(row: &HistoryRow) -> Value {
    json!({
        "code": row.code,
        "episode": row.episode,
        "from_state": row.from,
        "to_state": row.to,
        "count": row.count,
        "threshold": row.threshold,
        "actor_type": row.actor_type,
        "actor_id": row.actor_id,
        "actor_role": row.actor_role,
        "note": row.note,
        "created_at": clock::text(row.at),
    })
}
