//! The rows of the published contract's tools, in its order.

use super::{Method, Tool, ToolName};
use crate::role::Role::*;
use crate::state::TicketState::{self, *};

/// Every state a ticket can still be cancelled from.
const CANCELLABLE: &[TicketState] = &[
    New,
    NeedsInfo,
    Triaged,
    ApprovalRequired,
    ReadyToSchedule,
    ScheduleProposed,
    Scheduled,
    PendingCustomerConfirmation,
    Dispatched,
    OnSite,
    InProgress,
    OnHold,
    CompletedPendingVerification,
    Verified,
    Invoiced,
];

/// The states the published contract lists for `dispatch.force_unassign`; the surface hash covers them.
const UNASSIGN_LISTED: &[TicketState] = &[
    ReadyToSchedule,
    ScheduleProposed,
    Scheduled,
    PendingCustomerConfirmation,
    Dispatched,
    OnSite,
    InProgress,
    OnHold,
    CompletedPendingVerification,
    Verified,
    Invoiced,
];

/// The states `dispatch.force_unassign` really accepts: from the other four listed ones a return to SCHEDULED is no
/// legal move, so the answer there is INVALID_STATE_TRANSITION.
const UNASSIGN_ACCEPTED: &[TicketState] =
    &[ScheduleProposed, Scheduled, PendingCustomerConfirmation, Dispatched, OnSite, InProgress, OnHold];

/// What most rows share: visible in chat, no state rule, no declared result, no query.
pub(super) const PUBLIC: Tool = Tool {
    name: ToolName::TicketCreate,
    chat_name: "",
    method: Method::Get,
    route: "",
    roles: &[],
    listed_states: None,
    accepted_states: None,
    result: None,
    public: true,
    query: &[],
    description: "",
};

/// The tools of the published contract.
pub(super) const PUBLISHED_TABLE: &[Tool] = &[
    Tool {
        name: ToolName::TicketCreate,
        chat_name: "ticket_create",
        method: Method::Post,
        route: "/tickets",
        roles: &[Dispatcher, Agent],
        result: Some(New),
        description: "Create a ticket in state NEW for an account's site.",
        ..PUBLIC
    },
    Tool {
        name: ToolName::TicketBlindIntake,
        chat_name: "ticket_blind_intake",
        method: Method::Post,
        route: "/tickets/intake",
        roles: &[Dispatcher, Agent],
        description: "Take in an inbound customer request. Ready when identity and classification confidence reach the thresholds and the SOP handoff is acknowledged, else TRIAGED. A repeat within the duplicate window is refused with DUPLICATE_INTAKE.",
        ..PUBLIC
    },
    Tool {
        name: ToolName::TicketTriage,
        chat_name: "ticket_triage",
        method: Method::Post,
        route: "/tickets/{ticketId}/triage",
        roles: &[Dispatcher, Agent],
        listed_states: Some(&[New, NeedsInfo, Triaged]),
        accepted_states: Some(&[New, NeedsInfo, Triaged]),
        result: Some(Triaged),
        description: "Classify a ticket: priority, incident type and where it goes next (TRIAGED, READY_TO_SCHEDULE or APPROVAL_REQUIRED).",
        ..PUBLIC
    },
    Tool {
        name: ToolName::SchedulePropose,
        chat_name: "schedule_propose",
        method: Method::Post,
        route: "/tickets/{ticketId}/schedule/propose",
        roles: &[Dispatcher, Agent],
        listed_states: Some(&[ReadyToSchedule]),
        accepted_states: Some(&[ReadyToSchedule]),
        result: Some(ScheduleProposed),
        description: "Propose one or more service windows; the first one becomes the ticket's schedule.",
        ..PUBLIC
    },
    Tool {
        name: ToolName::ScheduleConfirm,
        chat_name: "schedule_confirm",
        method: Method::Post,
        route: "/tickets/{ticketId}/schedule/confirm",
        roles: &[Dispatcher],
        listed_states: Some(&[ScheduleProposed]),
        accepted_states: Some(&[ScheduleProposed]),
        result: Some(Scheduled),
        description: "Confirm the service window; the customer is sent a message.",
        ..PUBLIC
    },
    Tool {
        name: ToolName::AssignmentDispatch,
        chat_name: "assignment_dispatch",
        method: Method::Post,
        route: "/tickets/{ticketId}/assignment/dispatch",
        roles: &[Dispatcher],
        listed_states: Some(&[Triaged, Scheduled]),
        accepted_states: Some(&[Triaged, Scheduled]),
        result: Some(Dispatched),
        description: "Dispatch a technician. From SCHEDULED in any mode; from TRIAGED a dispatch_mode is required. EMERGENCY_BYPASS needs a rationale, dispatch_confirmation true and an EMERGENCY ticket without open approvals.",
        ..PUBLIC
    },
    Tool {
        name: ToolName::AssignmentRecommend,
        chat_name: "assignment_recommend",
        method: Method::Post,
        route: "/tickets/{ticketId}/assignment/recommend",
        roles: &[Dispatcher, Agent],
        listed_states: Some(&[Scheduled, ReadyToSchedule, ScheduleProposed]),
        accepted_states: Some(&[Scheduled, ReadyToSchedule, ScheduleProposed]),
        public: false,
        description: "Rank technicians for a scheduled ticket and keep the ranking as a snapshot.",
        ..PUBLIC
    },
    Tool {
        name: ToolName::ScheduleHold,
        chat_name: "schedule_hold",
        method: Method::Post,
        route: "/tickets/{ticketId}/schedule/hold",
        roles: &[Dispatcher],
        listed_states: Some(&[ScheduleProposed, Scheduled]),
        accepted_states: Some(&[ScheduleProposed, Scheduled]),
        description: "Hold the schedule while the customer confirms; the present schedule is frozen until release or rollback.",
        ..PUBLIC
    },
    Tool {
        name: ToolName::ScheduleRelease,
        chat_name: "schedule_release",
        method: Method::Post,
        route: "/tickets/{ticketId}/schedule/release",
        roles: &[Dispatcher],
        listed_states: Some(&[PendingCustomerConfirmation]),
        accepted_states: Some(&[PendingCustomerConfirmation]),
        description: "Release a hold the customer has confirmed; the frozen state and window are restored.",
        ..PUBLIC
    },
    Tool {
        name: ToolName::ScheduleRollback,
        chat_name: "schedule_rollback",
        method: Method::Post,
        route: "/tickets/{ticketId}/schedule/rollback",
        roles: &[Dispatcher],
        listed_states: Some(&[PendingCustomerConfirmation]),
        accepted_states: Some(&[PendingCustomerConfirmation]),
        description: "Roll a hold back without confirmation; the frozen state and window are restored.",
        ..PUBLIC
    },
    Tool {
        name: ToolName::TechCheckIn,
        chat_name: "tech_check_in",
        method: Method::Post,
        route: "/tickets/{ticketId}/tech/check-in",
        roles: &[Technician, Dispatcher],
        listed_states: Some(&[Dispatched]),
        accepted_states: Some(&[Dispatched]),
        result: Some(InProgress),
        description: "Record the technician's arrival; the ticket moves through ON_SITE to IN_PROGRESS.",
        ..PUBLIC
    },
    Tool {
        name: ToolName::TechRequestChange,
        chat_name: "tech_request_change",
        method: Method::Post,
        route: "/tickets/{ticketId}/tech/request-change",
        roles: &[Technician],
        listed_states: Some(&[InProgress]),
        accepted_states: Some(&[InProgress]),
        result: Some(ApprovalRequired),
        description: "Ask for approval of more money or of a proposal while on site.",
        ..PUBLIC
    },
    Tool {
        name: ToolName::ApprovalDecide,
        chat_name: "approval_decide",
        method: Method::Post,
        route: "/tickets/{ticketId}/approval/decide",
        roles: &[Approver, Dispatcher],
        listed_states: Some(&[ApprovalRequired]),
        accepted_states: Some(&[ApprovalRequired]),
        description: "Approve or deny a pending approval; approved work returns to where it came from, denied work to TRIAGED.",
        ..PUBLIC
    },
    Tool {
        name: ToolName::CloseoutAddEvidence,
        chat_name: "closeout_add_evidence",
        method: Method::Post,
        route: "/tickets/{ticketId}/evidence",
        roles: &[Dispatcher, Agent, Technician],
        description: "Attach evidence by reference: an object-store URI, its kind, and the evidence key it satisfies. Accepted in every state, unless finished tickets are configured to refuse it.",
        ..PUBLIC
    },
    Tool {
        name: ToolName::CloseoutCandidate,
        chat_name: "closeout_candidate",
        method: Method::Post,
        route: "/tickets/{ticketId}/closeout/candidate",
        roles: &[Dispatcher, Agent, Technician],
        listed_states: Some(&[InProgress]),
        accepted_states: Some(&[InProgress]),
        result: Some(CompletedPendingVerification),
        description: "Complete the work as an automation candidate: the closeout gate must pass and high-risk work is refused with MANUAL_REVIEW_REQUIRED.",
        ..PUBLIC
    },
    Tool {
        name: ToolName::TechComplete,
        chat_name: "tech_complete",
        method: Method::Post,
        route: "/tickets/{ticketId}/tech/complete",
        roles: &[Dispatcher, Technician],
        listed_states: Some(&[InProgress]),
        accepted_states: Some(&[InProgress]),
        result: Some(CompletedPendingVerification),
        description: "Complete the work: all evidence keys and checklist items of the incident's template and a signature or a reason for none.",
        ..PUBLIC
    },
    Tool {
        name: ToolName::QaVerify,
        chat_name: "qa_verify",
        method: Method::Post,
        route: "/tickets/{ticketId}/qa/verify",
        roles: &[Qa, Dispatcher],
        listed_states: Some(&[CompletedPendingVerification]),
        accepted_states: Some(&[CompletedPendingVerification]),
        result: Some(Verified),
        description: "Verify completed work against the closeout gate; PASS moves it to VERIFIED and freezes the evidence.",
        ..PUBLIC
    },
    Tool {
        name: ToolName::BillingGenerateInvoice,
        chat_name: "billing_generate_invoice",
        method: Method::Post,
        route: "/tickets/{ticketId}/billing/generate-invoice",
        roles: &[Finance],
        listed_states: Some(&[Verified]),
        accepted_states: Some(&[Verified]),
        result: Some(Invoiced),
        description: "Move verified work to INVOICED and write its invoice; lines and currency may be given.",
        ..PUBLIC
    },
    Tool {
        name: ToolName::TicketClose,
        chat_name: "ticket_close",
        method: Method::Post,
        route: "/tickets/{ticketId}/close",
        roles: &[Dispatcher, Finance, Approver],
        listed_states: Some(&[Verified, Invoiced]),
        accepted_states: Some(&[Verified, Invoiced]),
        result: Some(Closed),
        description: "Close verified or invoiced work; the closeout packet is written.",
        ..PUBLIC
    },
    Tool {
        name: ToolName::TicketForceClose,
        chat_name: "ticket_force_close",
        method: Method::Post,
        route: "/tickets/{ticketId}/force-close",
        roles: &[Dispatcher, Approver],
        listed_states: Some(&[CompletedPendingVerification]),
        accepted_states: Some(&[CompletedPendingVerification]),
        result: Some(Closed),
        description: "Close completed work without verification, with an override code and reason. Evidence is still required.",
        ..PUBLIC
    },
    Tool {
        name: ToolName::TicketCancel,
        chat_name: "ticket_cancel",
        method: Method::Post,
        route: "/tickets/{ticketId}/cancel",
        roles: &[Dispatcher, Approver, Finance],
        listed_states: Some(CANCELLABLE),
        accepted_states: Some(CANCELLABLE),
        result: Some(Cancelled),
        description: "Cancel a ticket that is not closed; its assignment is cleared.",
        ..PUBLIC
    },
    Tool {
        name: ToolName::DispatchForceHold,
        chat_name: "dispatch_force_hold",
        method: Method::Post,
        route: "/tickets/{ticketId}/dispatch/force-hold",
        roles: &[Dispatcher],
        listed_states: Some(&[Dispatched, OnSite, InProgress]),
        accepted_states: Some(&[Dispatched, OnSite, InProgress]),
        result: Some(OnHold),
        description: "Put dispatched or running work on hold.",
        ..PUBLIC
    },
    Tool {
        name: ToolName::DispatchForceUnassign,
        chat_name: "dispatch_force_unassign",
        method: Method::Post,
        route: "/tickets/{ticketId}/dispatch/force-unassign",
        roles: &[Dispatcher],
        listed_states: Some(UNASSIGN_LISTED),
        accepted_states: Some(UNASSIGN_ACCEPTED),
        result: Some(Scheduled),
        description: "Take the technician off a ticket and return it to SCHEDULED.",
        ..PUBLIC
    },
    Tool {
        name: ToolName::ReopenAfterVerification,
        chat_name: "reopen_after_verification",
        method: Method::Post,
        route: "/tickets/{ticketId}/closeout/reopen-after-verification",
        roles: &[Dispatcher, Qa],
        listed_states: Some(&[Verified, Invoiced]),
        accepted_states: Some(&[Verified, Invoiced]),
        result: Some(InProgress),
        description: "Reopen verified or invoiced work; it returns to IN_PROGRESS.",
        ..PUBLIC
    },
    Tool {
        name: ToolName::CloseoutEvidenceException,
        chat_name: "closeout_evidence_exception",
        method: Method::Post,
        route: "/tickets/{ticketId}/closeout/evidence-exception",
        roles: &[Dispatcher, Qa, Approver],
        listed_states: Some(&[InProgress, CompletedPendingVerification, Verified, Invoiced]),
        accepted_states: Some(&[InProgress, CompletedPendingVerification, Verified, Invoiced]),
        description: "Record an evidence exception. It is audited; where waivers are configured it relaxes the closeout gate until it expires.",
        ..PUBLIC
    },
    Tool {
        name: ToolName::DispatchManualBypass,
        chat_name: "dispatch_manual_bypass",
        method: Method::Post,
        route: "/tickets/{ticketId}/dispatch/manual-bypass",
        roles: &[Dispatcher],
        listed_states: Some(&[InProgress, CompletedPendingVerification]),
        accepted_states: Some(&[InProgress, CompletedPendingVerification]),
        result: Some(CompletedPendingVerification),
        description: "Move running work to COMPLETED_PENDING_VERIFICATION by hand, without the closeout gate.",
        ..PUBLIC
    },
    Tool {
        name: ToolName::TicketGet,
        chat_name: "ticket_get",
        method: Method::Get,
        route: "/tickets/{ticketId}",
        roles: &[Dispatcher, Agent, Customer, Technician, Qa, Approver, Finance],
        description: "Read a ticket.",
        ..PUBLIC
    },
    Tool {
        name: ToolName::CloseoutListEvidence,
        chat_name: "closeout_list_evidence",
        method: Method::Get,
        route: "/tickets/{ticketId}/evidence",
        roles: &[Dispatcher, Agent, Technician, Qa, Approver, Finance],
        query: &["limit", "cursor", "links"],
        description: "Read the evidence attached to a ticket; links=true adds links to the objects.",
        ..PUBLIC
    },
    Tool {
        name: ToolName::TicketTimeline,
        chat_name: "ticket_timeline",
        method: Method::Get,
        route: "/tickets/{ticketId}/timeline",
        roles: &[Dispatcher, Agent, Customer, Technician, Qa, Approver, Finance],
        query: &["limit", "cursor"],
        description: "Read a ticket's audit trail, oldest event first.",
        ..PUBLIC
    },
    Tool {
        name: ToolName::DispatcherCockpit,
        chat_name: "dispatcher_cockpit",
        method: Method::Get,
        route: "/ux/dispatcher/cockpit",
        roles: &[Dispatcher],
        query: &[
            "state",
            "priority",
            "sla_status",
            "account_id",
            "site_id",
            "assigned_tech_id",
            "incident_type",
            "ticket_id",
            "limit",
            "cursor",
        ],
        description: "Read the dispatcher's queue with the actions each ticket allows. Filters: state, priority, sla_status, account_id, site_id, assigned_tech_id, incident_type; ticket_id selects one for detail.",
        ..PUBLIC
    },
    Tool {
        name: ToolName::TechJobPacket,
        chat_name: "tech_job_packet",
        method: Method::Get,
        route: "/ux/technician/job-packet/{ticketId}",
        roles: &[Technician, Dispatcher],
        description: "Read a technician's job packet: access, scope, evidence still missing, checklist, closeout gate, timeline and actions.",
        ..PUBLIC
    },
    Tool {
        name: ToolName::OpsAutonomyPause,
        chat_name: "ops_autonomy_pause",
        method: Method::Post,
        route: "/ops/autonomy/pause",
        roles: &[Dispatcher],
        description: "Pause automated dispatch and completion globally, for an incident type or for one ticket.",
        ..PUBLIC
    },
    Tool {
        name: ToolName::OpsAutonomyRollback,
        chat_name: "ops_autonomy_rollback",
        method: Method::Post,
        route: "/ops/autonomy/rollback",
        roles: &[Dispatcher],
        description: "Lift an autonomy pause for the same scope.",
        ..PUBLIC
    },
    Tool {
        name: ToolName::OpsAutonomyState,
        chat_name: "ops_autonomy_state",
        method: Method::Get,
        route: "/ops/autonomy/state",
        roles: &[Dispatcher],
        query: &["ticket_id", "incident_type"],
        description: "Read the autonomy controls and, with ticket_id, the decision for one ticket.",
        ..PUBLIC
    },
    Tool {
        name: ToolName::OutboxReplay,
        chat_name: "outbox_replay",
        method: Method::Post,
        route: "/outbox/replay",
        roles: &[Finance, Admin],
        description: "Send a dead-lettered message again.",
        ..PUBLIC
    },
    Tool {
        name: ToolName::OpsAutonomyReplay,
        chat_name: "ops_autonomy_replay",
        method: Method::Get,
        route: "/ops/autonomy/replay/{ticketId}",
        roles: &[Dispatcher],
        description: "Read the autonomy decision and its history for one ticket.",
        ..PUBLIC
    },
];
