//! The endpoints: one file each, and the one list that the router is built from.

pub mod accounts;
pub mod add_evidence;
pub mod alert_acknowledge;
pub mod alert_history;
pub mod alerts;
pub mod approval_decide;
pub mod approvals;
pub mod assignment_dispatch;
pub mod assignment_recommend;
pub mod audit_chain;
pub mod billing_generate_invoice;
pub mod closeout_candidate;
pub mod closeout_evidence_exception;
pub mod closeout_packet;
pub mod completions;
pub mod dispatch_force_hold;
pub mod dispatch_force_unassign;
pub mod dispatch_manual_bypass;
pub mod dispatch_resume;
pub mod dispatcher_cockpit;
pub mod events;
pub mod evidence_upload;
pub mod health;
pub mod invoices;
pub mod list_evidence;
pub mod livez;
pub mod metrics;
pub mod openapi;
pub mod ops_autonomy_pause;
pub mod ops_autonomy_replay;
pub mod ops_autonomy_rollback;
pub mod ops_autonomy_state;
pub mod outbox_replay;
pub mod qa_reject;
pub mod qa_verify;
pub mod readyz;
pub mod reopen_after_verification;
pub mod schedule_confirm;
pub mod schedule_hold;
pub mod schedule_propose;
pub mod schedule_release;
pub mod schedule_rollback;
pub mod sites;
pub mod stuck_tickets;
pub mod tech_check_in;
pub mod tech_complete;
pub mod tech_job_packet;
pub mod tech_request_change;
pub mod technicians;
pub mod ticket_blind_intake;
pub mod ticket_cancel;
pub mod ticket_close;
pub mod ticket_create;
pub mod ticket_force_close;
pub mod ticket_get;
pub mod ticket_list;
pub mod ticket_request_info;
pub mod ticket_timeline;
pub mod ticket_triage;
pub mod token_revoke;

use dispatch_domain::{Role, Tool, ToolName};
use futures::future::BoxFuture;

use crate::answer::Answer;
use crate::app::App;
use crate::command::{Command, Effect};
use crate::failure::Failure;
use crate::open::OpenCall;
use crate::operate::{Done, Operation};
use crate::read::ReadCall;

/// Every endpoint that is built. A tool that is not listed answers 404.
pub const ALL: &[Endpoint] = &[
    ticket_create::ENDPOINT,
    ticket_blind_intake::ENDPOINT,
    ticket_triage::ENDPOINT,
    schedule_propose::ENDPOINT,
    schedule_confirm::ENDPOINT,
    schedule_hold::ENDPOINT,
    schedule_release::ENDPOINT,
    schedule_rollback::ENDPOINT,
    assignment_dispatch::ENDPOINT,
    assignment_recommend::ENDPOINT,
    tech_check_in::ENDPOINT,
    tech_request_change::ENDPOINT,
    approval_decide::ENDPOINT,
    add_evidence::ENDPOINT,
    closeout_candidate::ENDPOINT,
    tech_complete::ENDPOINT,
    qa_verify::ENDPOINT,
    billing_generate_invoice::ENDPOINT,
    ticket_close::ENDPOINT,
    ticket_force_close::ENDPOINT,
    ticket_cancel::ENDPOINT,
    dispatch_force_hold::ENDPOINT,
    dispatch_force_unassign::ENDPOINT,
    dispatch_manual_bypass::ENDPOINT,
    reopen_after_verification::ENDPOINT,
    closeout_evidence_exception::ENDPOINT,
    ops_autonomy_pause::ENDPOINT,
    ops_autonomy_rollback::ENDPOINT,
    ops_autonomy_state::ENDPOINT,
    ops_autonomy_replay::ENDPOINT,
    outbox_replay::ENDPOINT,
    ticket_get::ENDPOINT,
    ticket_list::ENDPOINT,
    ticket_timeline::ENDPOINT,
    list_evidence::ENDPOINT,
    approvals::ENDPOINT,
    closeout_packet::ENDPOINT,
    dispatch_resume::ENDPOINT,
    ticket_request_info::ENDPOINT,
    qa_reject::ENDPOINT,
    invoices::ENDPOINT,
    completions::ENDPOINT,
    audit_chain::ENDPOINT,
    evidence_upload::ENDPOINT,
    events::ENDPOINT,
    accounts::LIST,
    accounts::CREATE,
    accounts::GET,
    accounts::UPDATE,
    sites::LIST,
    sites::CREATE,
    sites::GET,
    sites::UPDATE,
    technicians::LIST,
    technicians::CREATE,
    technicians::GET,
    technicians::UPDATE,
    token_revoke::ENDPOINT,
    dispatcher_cockpit::ENDPOINT,
    tech_job_packet::ENDPOINT,
    livez::ENDPOINT,
    readyz::ENDPOINT,
    health::ENDPOINT,
    metrics::ENDPOINT,
    alerts::ENDPOINT,
    alert_history::ENDPOINT,
    alert_acknowledge::ENDPOINT,
    stuck_tickets::ENDPOINT,
    openapi::ENDPOINT,
];

/// One method on one route.
#[derive(Debug, Clone, Copy)]
pub enum Endpoint {
    /// Changes something: needs an idempotency key, runs in one transaction, leaves an audit event.
    Command(CommandEndpoint),
    /// Reads for an identified caller.
    Read(ReadEndpoint),
    /// Changes something about the service itself; no tool of the surface stands for it.
    Operation(OperationEndpoint),
    /// Operational, for anyone.
    Open(OpenEndpoint),
}

/// What a command does once key, schema, ticket, scope and state are checked.
pub type RunCommand = for<'a> fn(&'a mut Command) -> BoxFuture<'a, Result<Effect, Failure>>;

/// What a read answers for an identified caller.
pub type RunRead = for<'a> fn(&'a ReadCall) -> BoxFuture<'a, Result<Answer, Failure>>;

/// What an operation does once caller and key are checked.
pub type RunOperation = for<'a> fn(&'a mut Operation) -> BoxFuture<'a, Result<Done, Failure>>;

/// What an operational endpoint answers.
pub type RunOpen = for<'a> fn(&'a App, &'a OpenCall) -> BoxFuture<'a, Result<Answer, Failure>>;

/// Which evidence objects a command needs to know about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probing {
    /// None.
    Never,
    /// The one that the request submits.
    Submitted,
    /// All that the ticket has.
    Stored,
}

/// A command and its tool.
#[derive(Debug, Clone, Copy)]
pub struct CommandEndpoint {
    /// Name in the tool table.
    pub tool: ToolName,
    /// Which evidence objects are asked for before the transaction begins.
    pub probing: Probing,
    /// The body of the command.
    pub run: RunCommand,
}

/// A further way to look at what a tool reads. The tool surface is closed, so it has no tool of its own.
#[derive(Debug, Clone, Copy)]
pub struct View {
    /// Route template.
    pub route: &'static str,
    /// Roles that may look.
    pub roles: &'static [Role],
    /// Query parameters it understands.
    pub query: &'static [&'static str],
}

/// A read and its tool.
#[derive(Debug, Clone, Copy)]
pub struct ReadEndpoint {
    /// Name in the tool table.
    pub tool: ToolName,
    /// Route and roles, where they are not the tool's own.
    pub view: Option<View>,
    /// A path whose ticket id is not a UUID is an unknown route, not a bad id.
    pub uuid_route: bool,
    /// The body of the read.
    pub run: RunRead,
}

/// What an operator may do to the service.
#[derive(Debug, Clone, Copy)]
pub struct OperationEndpoint {
    /// Dotted name, as in the audit trail.
    pub name: &'static str,
    /// Route template.
    pub route: &'static str,
    /// Roles that may do it.
    pub roles: &'static [Role],
    /// The body of the operation.
    pub run: RunOperation,
}

/// An operational endpoint.
#[derive(Debug, Clone, Copy)]
pub struct OpenEndpoint {
    /// Path; there are no parameters.
    pub route: &'static str,
    /// Shows operational data: asks for the operations token, and is only at the operational listener, where these
    /// are configured.
    pub restricted: bool,
    /// The body of the endpoint.
    pub run: RunOpen,
}

impl ReadEndpoint {
    /// The tool's row, with route and roles of the view.
    pub fn effective_tool(&self) -> Tool {
        let tool = *self.tool.tool();
        self.view.map_or(tool, |view| Tool {
            route: view.route,
            roles: view.roles,
            query: view.query,
            ..tool
        })
    }
}

impl Endpoint {
    /// A command without evidence probes.
    pub const fn command(tool: ToolName, run: RunCommand) -> Self {
        Self::Command(CommandEndpoint { tool, probing: Probing::Never, run })
    }

    /// A command that judges evidence.
    pub const fn judging(tool: ToolName, probing: Probing, run: RunCommand) -> Self {
        Self::Command(CommandEndpoint { tool, probing, run })
    }

    /// A read; a ticket id that is no UUID is a bad id.
    pub const fn read(tool: ToolName, run: RunRead) -> Self {
        Self::Read(ReadEndpoint { tool, view: None, uuid_route: false, run })
    }

    /// A further view of a tool; a ticket id that is no UUID is a bad id.
    pub const fn view(tool: ToolName, view: View, run: RunRead) -> Self {
        Self::Read(ReadEndpoint { tool, view: Some(view), uuid_route: false, run })
    }

    /// An operation, POST only.
    pub const fn operation(
        name: &'static str,
        route: &'static str,
        roles: &'static [Role],
        run: RunOperation,
    ) -> Self {
        Self::Operation(OperationEndpoint { name, route, roles, run })
    }

    /// An operational endpoint, GET only.
    pub const fn open(route: &'static str, run: RunOpen) -> Self {
        Self::Open(OpenEndpoint { route, restricted: false, run })
    }

    /// The same with operational data, which can be restricted by configuration.
    pub const fn operational(route: &'static str, run: RunOpen) -> Self {
        Self::Open(OpenEndpoint { route, restricted: true, run })
    }

    /// The row of the tool table, unless the endpoint is open.
    pub fn tool(&self) -> Option<&'static Tool> {
        match self {
            Self::Command(endpoint) => Some(endpoint.tool.tool()),
            Self::Read(endpoint) => Some(endpoint.tool.tool()),
            Self::Operation(_) | Self::Open(_) => None,
        }
    }

    /// Route template.
    pub fn route(&self) -> &'static str {
        match self {
            Self::Open(endpoint) => endpoint.route,
            Self::Operation(endpoint) => endpoint.route,
            Self::Read(ReadEndpoint { view: Some(view), .. }) => view.route,
            _ => self.tool().map_or("", |tool| tool.route),
        }
    }

    /// HTTP method.
    pub fn method(&self) -> &'static str {
        match self {
            // A view only looks, whatever its tool does.
            Self::Read(_) | Self::Open(_) => "GET",
            Self::Operation(_) => "POST",
            Self::Command(endpoint) => endpoint.tool.tool().method.as_str(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ALL, Endpoint};

    #[test]
    fn no_endpoint_is_listed_twice_and_methods_agree_with_the_kind() {
        let mut seen = std::collections::BTreeSet::new();
        for endpoint in ALL {
            assert!(seen.insert((endpoint.method(), endpoint.route())), "{}", endpoint.route());
            let changes = matches!(endpoint, Endpoint::Command(_) | Endpoint::Operation(_));
            assert_eq!(changes, endpoint.method() == "POST", "{}", endpoint.route());
        }
    }
}
