//! `GET /ops/alerts/STUCK_SCHEDULING/items`: the tickets behind the alert, longest waiting first.

use dispatch_domain::alert::{AlertCode, RULES, Signal};
use dispatch_domain::{Role, TicketState, ToolName};
use dispatch_store::page::Place;
use dispatch_store::stuck::{self, StuckFilter, StuckRow};
use serde_json::{Value, json};

use super::{Endpoint, View};
use crate::alerting::stuck_rule;
use crate::answer::Answer;
use crate::clock;
use crate::cockpit::listed;
use crate::failure::Failure;
use crate::page;
use crate::read::ReadCall;

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint::view(
    ToolName::DispatcherCockpit,
    View {
        route: "/ops/alerts/STUCK_SCHEDULING/items",
        roles: &[Role::Dispatcher],
        query: &["limit", "cursor"],
    },
    |call| Box::pin(run(call)),
);

async fn run(call: &ReadCall) -> Result<Answer, Failure> {
    call.actor.scope.check_not_empty()?;
    let page = page::asked_or_first(&call.query)?;
    let minutes = call.app.config.alerts.stuck_scheduling_minutes;
    let filter = StuckFilter {
        rule: stuck_rule(&call.app.config.alerts, states()),
        account_scope: listed(&call.actor.scope.accounts),
        site_scope: listed(&call.actor.scope.sites),
    };
    let mut connection = call.connection().await?;
    let mut rows = stuck::list(&mut connection, &filter, &page::and_one(&page)).await?;
    let next = page::cut(&mut rows, &page, |row| Place { at: row.since, id: row.ticket_id });
    let items: Vec<Value> = rows.iter().map(|row| document(call, row)).collect();
    let body = json!({
        "code": AlertCode::StuckScheduling,
        "generated_at": clock::text(call.now),
        "stale_minutes": minutes,
        "items": items,
        "next_cursor": next,
    });
    Ok(Answer::json(200, &body))
}

/// The states that the alert counts.
fn states() -> &'static [TicketState] {
    let rule = RULES.iter().find(|rule| rule.code == AlertCode::StuckScheduling);
    match rule.map(|rule| rule.signal) {
        Some(Signal::TicketsResting(states)) => states,
        _ => &[],
    }
}

fn document(call: &ReadCall, row: &StuckRow) -> Value {
    json!({
        "ticket_id": row.ticket_id,
        "account_id": row.account_id,
        "site_id": row.site_id,
        "state": row.state,
        "assigned_tech_id": row.assigned_tech_id,
        "since": clock::text(row.since),
        "waiting_minutes": (call.now - row.since).whole_minutes(),
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_states_are_those_of_the_rule() {
        assert_eq!(super::states().len(), 4);
    }
}
