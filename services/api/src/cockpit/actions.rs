//! The actions of a queue row, rendered once per role and state: they differ only in the ticket id, and writing
//! them anew for every row would be most of the work of the whole answer.

use std::collections::HashMap;
use std::sync::LazyLock;

use dispatch_domain::action::{COCKPIT_ACTIONS, View};
use dispatch_domain::tool::TICKET_ID;
use dispatch_domain::{Role, TicketState, ToolName};

/// JSON text cut at the places where the ticket id goes.
type Pieces = Vec<String>;

static RENDERED: LazyLock<HashMap<(Role, TicketState), Pieces>> = LazyLock::new(|| {
    let roles = ToolName::DispatcherCockpit.tool().roles;
    let pairs = roles.iter().flat_map(|role| TicketState::ALL.iter().map(move |state| (*role, *state)));
    pairs.map(|(role, state)| ((role, state), render(role, state))).collect()
});

fn render(role: Role, state: TicketState) -> Pieces {
    let view = View { role, ticket_id: TICKET_ID, state };
    let text = serde_json::Value::Array(view.describe_all(COCKPIT_ACTIONS, |_| None)).to_string();
    text.split(TICKET_ID).map(str::to_owned).collect()
}

/// Appends the actions of a ticket to a document.
pub(super) fn write(out: &mut String, role: Role, state: TicketState, ticket_id: &str) {
    let pieces = RENDERED.get(&(role, state)).map(Vec::as_slice).unwrap_or_default();
    for (index, piece) in pieces.iter().enumerate() {
        if index > 0 {
            out.push_str(ticket_id);
        }
        out.push_str(piece);
    }
    if pieces.is_empty() {
        // A role that may not see the queue never gets here.
        out.push_str("[]");
    }
}

#[cfg(test)]
mod tests {
    use super::write;
    use dispatch_domain::{Role, TicketState};
    use serde_json::Value;

    #[test]
    fn sixteen_actions_point_at_the_ticket() {
        let mut text = String::new();
        write(&mut text, Role::Dispatcher, TicketState::InProgress, "abc");
        let actions: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(actions.as_array().unwrap().len(), 16);
        assert_eq!(actions[0]["policy_error"]["code"], "INVALID_STATE_TRANSITION");
        assert_eq!(actions[6]["endpoint"], "/tickets/abc/timeline");
        assert!(!text.contains("{ticketId}"));
    }
}
