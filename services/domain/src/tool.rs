//! The closed tool surface: the 36 tools of the published contract and the ones added since, each one endpoint, one
//! list of roles, one list of states.
//!
//! This table is the only source: the API's router, the checks, the gateway's tool list, the screens' actions and the
//! fingerprint all read it.

mod added;
mod table;

use crate::role::Role;
use crate::state::TicketState;
use std::fmt::Write;

wire_enum! {
    /// A tool's dotted name: those of the published contract in its order, then the ones added since.
    enum ToolName as "tool" {
        TicketCreate = "ticket.create",
        TicketBlindIntake = "ticket.blind_intake",
        TicketTriage = "ticket.triage",
        SchedulePropose = "schedule.propose",
        ScheduleConfirm = "schedule.confirm",
        AssignmentDispatch = "assignment.dispatch",
        AssignmentRecommend = "assignment.recommend",
        ScheduleHold = "schedule.hold",
        ScheduleRelease = "schedule.release",
        ScheduleRollback = "schedule.rollback",
        TechCheckIn = "tech.check_in",
        TechRequestChange = "tech.request_change",
        ApprovalDecide = "approval.decide",
        CloseoutAddEvidence = "closeout.add_evidence",
        CloseoutCandidate = "closeout.candidate",
        TechComplete = "tech.complete",
        QaVerify = "qa.verify",
        BillingGenerateInvoice = "billing.generate_invoice",
        TicketClose = "ticket.close",
        TicketForceClose = "ticket.force_close",
        TicketCancel = "ticket.cancel",
        DispatchForceHold = "dispatch.force_hold",
        DispatchForceUnassign = "dispatch.force_unassign",
        ReopenAfterVerification = "reopen_after_verification",
        CloseoutEvidenceException = "closeout.evidence_exception",
        DispatchManualBypass = "dispatch.manual_bypass",
        TicketGet = "ticket.get",
        CloseoutListEvidence = "closeout.list_evidence",
        TicketTimeline = "ticket.timeline",
        DispatcherCockpit = "dispatcher.cockpit",
        TechJobPacket = "tech.job_packet",
        OpsAutonomyPause = "ops.autonomy.pause",
        OpsAutonomyRollback = "ops.autonomy.rollback",
        OpsAutonomyState = "ops.autonomy.state",
        OutboxReplay = "outbox.replay",
        OpsAutonomyReplay = "ops.autonomy.replay",
        DispatchResume = "dispatch.resume",
        TicketRequestInfo = "ticket.request_info",
        QaReject = "qa.reject",
        AccountCreate = "account.create",
        AccountUpdate = "account.update",
        AccountGet = "account.get",
        SiteCreate = "site.create",
        SiteUpdate = "site.update",
        SiteGet = "site.get",
        TechnicianCreate = "technician.create",
        TechnicianUpdate = "technician.update",
        TechnicianGet = "technician.get",
        TokenRevoke = "token.revoke",
    }
}

wire_enum! {
    /// HTTP method of a tool's endpoint.
    enum Method as "method" {
        Get = "GET",
        Post = "POST",
    }
}

/// One row of the tool table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tool {
    /// Dotted name, as in API documents, headers and the audit trail.
    pub name: ToolName,
    /// Underscore name, as chat models and chat users see it.
    pub chat_name: &'static str,
    /// Method of the endpoint; POST means the tool changes something.
    pub method: Method,
    /// Route template; `{ticketId}` stands for the ticket.
    pub route: &'static str,
    /// Roles that may call the tool.
    pub roles: &'static [Role],
    /// States the published contract lists, in contract order; `None` is any state, or no ticket at all.
    pub listed_states: Option<&'static [TicketState]>,
    /// States that are accepted. The same list except for `dispatch.force_unassign`, see there.
    pub accepted_states: Option<&'static [TicketState]>,
    /// State the tool declares as its result, reported as `to_state` by state refusals.
    pub result: Option<TicketState>,
    /// Whether chat may see the tool. `assignment.recommend` is for the worker only.
    pub public: bool,
    /// Query parameters a read accepts.
    pub query: &'static [&'static str],
    /// What the tool does, for a model or a person.
    pub description: &'static str,
}

impl ToolName {
    /// The tool's row.
    pub fn tool(self) -> &'static Tool {
        &added::TABLE[self as usize]
    }
}

impl Tool {
    /// Whether the tool changes something.
    pub const fn is_mutating(&self) -> bool {
        matches!(self.method, Method::Post)
    }

    /// Whether a call needs an idempotency key: exactly the mutating tools.
    pub const fn needs_idempotency_key(&self) -> bool {
        self.is_mutating()
    }

    /// Whether the route names a ticket.
    pub fn is_ticket_scoped(&self) -> bool {
        self.route.contains(TICKET_ID)
    }

    /// Whether `role` may call the tool.
    pub fn allows(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// Whether a ticket in `state` is accepted.
    pub fn accepts(&self, state: TicketState) -> bool {
        self.accepted_states.is_none_or(|states| states.contains(&state))
    }

    /// The path with the id of the ticket, account, site or technician filled in.
    pub fn endpoint(&self, id: &str) -> String {
        match (self.route.split_once('{'), self.route.rsplit_once('}')) {
            (Some((before, _)), Some((_, after))) => format!("{before}{id}{after}"),
            _ => self.route.to_owned(),
        }
    }
}

/// The placeholder of a ticket in route templates.
pub const TICKET_ID: &str = "{ticketId}";

/// How many tools the published contract has.
pub const PUBLISHED: usize = table::PUBLISHED_TABLE.len();

/// All tools in contract order.
pub fn all() -> &'static [Tool] {
    added::TABLE
}

/// The tools chat may see, sorted by chat name.
pub fn public() -> Vec<&'static Tool> {
    let mut tools: Vec<_> = all().iter().filter(|tool| tool.public).collect();
    tools.sort_by_key(|tool| tool.chat_name);
    tools
}

/// Finds a tool by its dotted or chat name.
pub fn by_name(name: &str) -> Option<&'static Tool> {
    all().iter().find(|tool| tool.name.as_str() == name || tool.chat_name == name)
}

/// Finds the tool of an endpoint by method and route template.
pub fn by_route(method: Method, route: &str) -> Option<&'static Tool> {
    all().iter().find(|tool| tool.method == method && tool.route == route)
}

/// Fingerprint of the surface, as `0x` and eight hex digits; two builds with the same value offer the same tools.
///
/// One line per tool sorted by name, fields joined by `::` (name, method, route, idempotent or not, roles sorted,
/// listed states sorted or `null`, result), lines joined by a newline, FNV-1a of 32 bit over UTF-16 units.
pub fn surface_hash() -> String {
    hash_of(all())
}

/// The fingerprint of the published contract's own tools, which older clients compare with.
pub fn published_hash() -> String {
    hash_of(&all()[..PUBLISHED])
}

fn hash_of(tools: &[Tool]) -> String {
    let mut lines: Vec<String> = tools.iter().map(surface_line).collect();
    lines.sort();
    let hash = lines
        .join("\n")
        .encode_utf16()
        .fold(0x811c_9dc5_u32, |hash, unit| (hash ^ u32::from(unit)).wrapping_mul(0x0100_0193));
    format!("{hash:#010x}")
}

fn surface_line(tool: &Tool) -> String {
    let mut roles: Vec<_> = tool.roles.iter().map(|role| role.as_str()).collect();
    roles.sort_unstable();
    let states = tool.listed_states.map_or_else(
        || "null".to_owned(),
        |states| {
            let mut names: Vec<_> = states.iter().map(|state| state.as_str()).collect();
            names.sort_unstable();
            names.join("|")
        },
    );
    let idempotent = if tool.needs_idempotency_key() { "idempotent" } else { "non_idempotent" };
    let mut line = String::new();
    // Writing to a String cannot fail.
    let _ = write!(
        line,
        "{}::{}::{}::{idempotent}::{}::{states}::{}",
        tool.name,
        tool.method,
        tool.route,
        roles.join("|"),
        tool.result.map_or("", TicketState::as_str)
    );
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transition;

    #[test]
    fn every_tool_is_at_its_own_place() {
        assert_eq!((all().len(), PUBLISHED), (49, 36));
        for (index, tool) in all().iter().enumerate() {
            assert_eq!(tool.name as usize, index, "{}", tool.name);
            assert_eq!(tool.chat_name, tool.name.as_str().replace('.', "_"));
        }
        let published = &all()[..PUBLISHED];
        assert_eq!(published.iter().filter(|tool| tool.is_mutating()).count(), 29);
        assert_eq!(public().len(), 38);
        assert!(!public().iter().any(|tool| tool.name == ToolName::AssignmentRecommend));
    }

    #[test]
    fn tools_are_found_by_either_name_and_by_route() {
        for tool in all() {
            assert_eq!(by_name(tool.name.as_str()), Some(tool));
            assert_eq!(by_name(tool.chat_name), Some(tool));
            assert_eq!(by_route(tool.method, tool.route), Some(tool), "one tool per endpoint");
        }
        assert_eq!(by_name("tech.check.in"), None);
    }

    #[test]
    fn the_published_surface_is_part_of_ours_unchanged() {
        assert_eq!(published_hash(), "0xeca03c10");
        assert_ne!(surface_hash(), published_hash());
    }

    #[test]
    fn forced_unassignment_accepts_only_states_that_can_return_to_scheduled() {
        let tool = ToolName::DispatchForceUnassign.tool();
        assert_eq!(tool.listed_states.map(<[_]>::len), Some(11));
        for state in TicketState::ALL.iter().copied() {
            let returns =
                state == TicketState::Scheduled || transition::is_legal(Some(state), TicketState::Scheduled);
            assert_eq!(tool.accepts(state), returns, "{state}");
        }
    }

    #[test]
    fn every_other_tool_accepts_what_the_contract_lists() {
        for tool in all().iter().filter(|tool| tool.name != ToolName::DispatchForceUnassign) {
            assert_eq!(tool.listed_states, tool.accepted_states, "{}", tool.name);
        }
    }

    #[test]
    fn endpoints_carry_the_ticket() {
        assert_eq!(ToolName::TechCheckIn.tool().endpoint("t"), "/tickets/t/tech/check-in");
        assert_eq!(ToolName::SiteUpdate.tool().endpoint("s"), "/sites/s");
        assert!(!ToolName::TicketBlindIntake.tool().is_ticket_scoped());
    }
}
