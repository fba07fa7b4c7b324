//! `GET /tickets`: list and search, newest first, one page at a time. What is outside the caller's scope is left out.

use dispatch_domain::{ErrorCode, Refusal, Role, ToolName};
use dispatch_store::page::Place;
use dispatch_store::ticket_list;
use serde_json::json;

use super::{Endpoint, View};
use crate::answer::Answer;
use crate::cockpit::Filters;
use crate::failure::Failure;
use crate::page;
use crate::read::ReadCall;
use crate::wire::TicketDocument;

/// Everyone who may read a ticket.
pub(super) const READERS: &[Role] = &[
    Role::Dispatcher,
    Role::Agent,
    Role::Customer,
    Role::Technician,
    Role::Qa,
    Role::Approver,
    Role::Finance,
];

/// The endpoint.
pub const ENDPOINT: Endpoint = Endpoint::view(
    ToolName::TicketGet,
    View {
        route: "/tickets",
        roles: READERS,
        query: &[
            "state",
            "priority",
            "account_id",
            "site_id",
            "assigned_tech_id",
            "incident_type",
            "text",
            "limit",
            "cursor",
        ],
    },
    |call| Box::pin(run(call)),
);

async fn run(call: &ReadCall) -> Result<Answer, Failure> {
    call.actor.scope.check_not_empty()?;
    let filter = Filters::read(&call.query)?.within(&call.actor.scope);
    let page = page::asked_or_first(&call.query)?;
    let text = text(&call.query)?;
    let mut connection = call.connection().await?;
    let mut tickets = ticket_list::list(&mut connection, &filter, text, &page::and_one(&page)).await?;
    connection.give_back();
    let next = page::cut(&mut tickets, &page, |ticket| Place { at: ticket.created_at, id: ticket.id });
    let projected = call.projects();
    let documents: Vec<TicketDocument<'_>> =
        tickets.iter().map(|ticket| TicketDocument::shown(ticket, projected)).collect();
    Ok(Answer::json(200, &json!({ "tickets": documents, "next_cursor": next })))
}

/// The words to find; blank counts as absent.
fn text(query: &[(String, String)]) -> Result<Option<&str>, Refusal> {
    let text = query.iter().rev().find(|(name, _)| name == "text").map(|(_, text)| text.trim());
    match text.filter(|text| !text.is_empty()) {
        Some(text) if text.contains('\0') => {
            Err(Refusal::new(ErrorCode::InvalidQuery, "Query parameter 'text' holds a NUL character"))
        }
        text => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::READERS;
    use dispatch_domain::ToolName;

    #[test]
    fn whoever_may_read_a_ticket_may_list_them() {
        assert_eq!(READERS, ToolName::TicketGet.tool().roles);
    }
}
