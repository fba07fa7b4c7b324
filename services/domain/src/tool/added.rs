//! The rows of the tools added to the published contract, and the whole table.
//!
//! Chat sees what moves a ticket. Master data and tokens are kept by people at a desk.

use super::table::{PUBLIC, PUBLISHED_TABLE};
use super::{Method, Tool, ToolName};
use crate::role::Role::*;
use crate::state::TicketState::*;

/// What the rows of master data share.
const DESK: Tool = Tool { public: false, method: Method::Post, roles: &[Admin, Dispatcher], ..PUBLIC };

const ADDED: &[Tool] = &[
    Tool {
        name: ToolName::DispatchResume,
        chat_name: "dispatch_resume",
        method: Method::Post,
        route: "/tickets/{ticketId}/dispatch/resume",
        roles: &[Dispatcher],
        listed_states: Some(&[OnHold]),
        accepted_states: Some(&[OnHold]),
        result: Some(InProgress),
        description: "Take work off hold: back to where it was held, or with resume_to to IN_PROGRESS, DISPATCHED or READY_TO_SCHEDULE.",
        ..PUBLIC
    },
    Tool {
        name: ToolName::TicketRequestInfo,
        chat_name: "ticket_request_info",
        method: Method::Post,
        route: "/tickets/{ticketId}/request-info",
        roles: &[Dispatcher, Agent],
        listed_states: Some(&[New]),
        accepted_states: Some(&[New]),
        result: Some(NeedsInfo),
        description: "Say what is missing before a new ticket can be triaged; it waits in NEEDS_INFO.",
        ..PUBLIC
    },
    Tool {
        name: ToolName::QaReject,
        chat_name: "qa_reject",
        method: Method::Post,
        route: "/tickets/{ticketId}/qa/reject",
        roles: &[Qa, Dispatcher],
        listed_states: Some(&[CompletedPendingVerification]),
        accepted_states: Some(&[CompletedPendingVerification]),
        result: Some(InProgress),
        description: "Send completed work back to IN_PROGRESS, with the reason; the completion attempt is marked as rejected.",
        ..PUBLIC
    },
    Tool {
        name: ToolName::AccountCreate,
        chat_name: "account_create",
        route: "/accounts",
        roles: &[Admin],
        description: "Create an account.",
        ..DESK
    },
    Tool {
        name: ToolName::AccountUpdate,
        chat_name: "account_update",
        route: "/accounts/{accountId}",
        roles: &[Admin],
        description: "Change an account; members that are left out stay as they are.",
        ..DESK
    },
    Tool {
        name: ToolName::AccountGet,
        chat_name: "account_get",
        method: Method::Get,
        route: "/accounts/{accountId}",
        description: "Read an account.",
        ..DESK
    },
    Tool {
        name: ToolName::SiteCreate,
        chat_name: "site_create",
        route: "/sites",
        description: "Create a site of an account.",
        ..DESK
    },
    Tool {
        name: ToolName::SiteUpdate,
        chat_name: "site_update",
        route: "/sites/{siteId}",
        description: "Change a site; members that are left out stay as they are, an empty text empties those that may be empty.",
        ..DESK
    },
    Tool {
        name: ToolName::SiteGet,
        chat_name: "site_get",
        method: Method::Get,
        route: "/sites/{siteId}",
        description: "Read a site.",
        ..DESK
    },
    Tool {
        name: ToolName::TechnicianCreate,
        chat_name: "technician_create",
        route: "/technicians",
        description: "Create a technician with skills, regions and working hours.",
        ..DESK
    },
    Tool {
        name: ToolName::TechnicianUpdate,
        chat_name: "technician_update",
        route: "/technicians/{technicianId}",
        description: "Change a technician; lists that are given replace the stored ones.",
        ..DESK
    },
    Tool {
        name: ToolName::TechnicianGet,
        chat_name: "technician_get",
        method: Method::Get,
        route: "/technicians/{technicianId}",
        description: "Read a technician.",
        ..DESK
    },
    Tool {
        name: ToolName::TokenRevoke,
        chat_name: "token_revoke",
        route: "/ops/tokens/revoke",
        roles: &[Admin],
        description: "Put a token's jti on the deny list until it would have expired.",
        ..DESK
    },
];

const COUNT: usize = PUBLISHED_TABLE.len() + ADDED.len();

/// All tools; `TABLE[name as usize].name == name`.
pub(super) const TABLE: &[Tool; COUNT] = &{
    let mut all = [PUBLIC; COUNT];
    let mut index = 0;
    while index < COUNT {
        all[index] = if index < PUBLISHED_TABLE.len() {
            PUBLISHED_TABLE[index]
        } else {
            ADDED[index - PUBLISHED_TABLE.len()]
        };
        index += 1;
    }
    all
};
