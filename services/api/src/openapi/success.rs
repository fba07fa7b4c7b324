//! What an endpoint answers when it succeeds.

use dispatch_domain::ToolName;
use serde_json::{Value, json};

use crate::endpoint::{Endpoint, ReadEndpoint};

/// The answer of an endpoint.
pub(super) struct Success {
    /// HTTP status.
    pub(super) status: u16,
    /// Component schema of the body.
    pub(super) schema: &'static str,
    /// What the endpoint is for.
    pub(super) summary: &'static str,
    /// Other statuses whose body is no error.
    pub(super) further: &'static [(u16, &'static str)],
}

const fn answers(status: u16, schema: &'static str, summary: &'static str) -> Success {
    Success { status, schema, summary, further: &[] }
}

/// The answer of an endpoint.
pub(super) fn of(endpoint: &Endpoint) -> Success {
    match endpoint {
        Endpoint::Open(open) => at_route(open.route),
        Endpoint::Operation(doing) => at_route(doing.route),
        Endpoint::Read(ReadEndpoint { view: Some(view), .. }) => at_route(view.route),
        Endpoint::Read(ReadEndpoint { tool, .. }) => by_tool(*tool),
        Endpoint::Command(command) => by_tool(command.tool),
    }
}

fn by_tool(name: ToolName) -> Success {
    use ToolName as T;
    let (status, schema) = match name {
        T::TicketCreate | T::TicketBlindIntake => (201, "Ticket"),
        T::ScheduleHold => (201, "ScheduleHold"),
        T::ScheduleRelease => (200, "ScheduleRelease"),
        T::ScheduleRollback => (200, "ScheduleRollback"),
        T::AssignmentRecommend => (201, "Recommendation"),
        T::TechRequestChange => (200, "ChangeRequest"),
        T::CloseoutAddEvidence => (201, "EvidenceItem"),
        T::TicketClose | T::TicketForceClose => (200, "Closing"),
        T::CloseoutEvidenceException => (200, "EvidenceException"),
        T::CloseoutListEvidence => (200, "EvidenceList"),
        T::TicketTimeline => (200, "Timeline"),
        T::DispatcherCockpit => (200, "Cockpit"),
        T::TechJobPacket => (200, "JobPacket"),
        T::OpsAutonomyPause | T::OpsAutonomyRollback => (200, "AutonomySwitch"),
        T::OpsAutonomyState => (200, "AutonomyState"),
        T::OpsAutonomyReplay => (200, "AutonomyReplay"),
        T::OutboxReplay => (200, "OutboxReplay"),
        T::AccountCreate => (201, "Account"),
        T::AccountUpdate | T::AccountGet => (200, "Account"),
        T::SiteCreate => (201, "Site"),
        T::SiteUpdate | T::SiteGet => (200, "Site"),
        T::TechnicianCreate => (201, "Technician"),
        T::TechnicianUpdate | T::TechnicianGet => (200, "Technician"),
        T::TokenRevoke => (200, "RevokedToken"),
        T::TicketTriage
        | T::SchedulePropose
        | T::ScheduleConfirm
        | T::AssignmentDispatch
        | T::TechCheckIn
        | T::ApprovalDecide
        | T::CloseoutCandidate
        | T::TechComplete
        | T::QaVerify
        | T::BillingGenerateInvoice
        | T::TicketCancel
        | T::DispatchForceHold
        | T::DispatchForceUnassign
        | T::ReopenAfterVerification
        | T::DispatchManualBypass
        | T::DispatchResume
        | T::TicketRequestInfo
        | T::QaReject
        | T::TicketGet => (200, "Ticket"),
    };
    answers(status, schema, name.tool().description)
}

/// Endpoints beyond the tool table. A test asks for every one of them.
fn at_route(route: &str) -> Success {
    match route {
        "/tickets" => answers(200, "TicketPage", "List and search tickets, newest first."),
        "/tickets/{ticketId}/approvals" => {
            answers(200, "ApprovalList", "Read a ticket's approvals, oldest first.")
        }
        "/tickets/{ticketId}/closeout-packet" => {
            answers(200, "CloseoutPacket", "Read the document that was stored when the ticket was closed.")
        }
        "/tickets/{ticketId}/invoices" => {
            answers(200, "InvoiceList", "Read a ticket's invoices, oldest first.")
        }
        "/tickets/{ticketId}/completions" => {
            answers(200, "CompletionList", "Read every attempt to complete a ticket, refused ones included.")
        }
        "/tickets/{ticketId}/audit-chain" => {
            answers(200, "AuditChain", "Recompute the links of a ticket's audit trail.")
        }
        "/tickets/{ticketId}/evidence/upload-url" => {
            answers(200, "UploadLink", "A link to put one object, and the reference to submit afterwards.")
        }
        "/events" => answers(200, "TicketEvent", "State changes of tickets as server-sent events."),
        "/accounts" => answers(200, "AccountPage", "List accounts, oldest first."),
        "/sites" => answers(200, "SitePage", "List sites, oldest first."),
        "/technicians" => answers(200, "TechnicianPage", "List technicians, oldest first."),
        "/ops/alerts/STUCK_SCHEDULING/items" => answers(
            200,
            "StuckTickets",
            "The tickets that rest in a scheduling state for too long, oldest first.",
        ),
        "/livez" => answers(200, "Liveness", "The process answers."),
        "/readyz" => Success {
            further: &[(503, "Readiness")],
            ..answers(200, "Readiness", "The database answers and has every migration.")
        },
        "/health" => Success {
            further: &[(503, "Health")],
            ..answers(200, "Health", "The database is the one that this code was written for.")
        },
        "/metrics" => answers(200, "Metrics", "Counters of this process, as JSON or Prometheus text."),
        "/ops/alerts" => answers(200, "Alerts", "The alert rules, judged now."),
        "/ops/alerts/{code}/acknowledge" => answers(
            200,
            "AlertAcknowledgement",
            "Take an alert that fires on; it stays shown until it resolves.",
        ),
        "/ops/alerts/history" => {
            answers(200, "AlertHistory", "Where every alert stands, and the steps it took, newest first.")
        }
        "/openapi.json" => answers(200, "OpenApi", "This document."),
        _ => answers(200, "", ""),
    }
}

/// The response object of the answer.
pub(super) fn response(endpoint: &Endpoint, success: &Success) -> Value {
    let mut response = plain(success.schema);
    if let Endpoint::Command(_) | Endpoint::Operation(_) = endpoint {
        response["headers"]["Idempotency-Replayed"] =
            json!({ "$ref": "#/components/headers/IdempotencyReplayed" });
    }
    if endpoint.tool().is_some_and(|tool| tool.name == ToolName::TicketGet) && success.schema == "Ticket" {
        response["headers"]["ETag"] = json!({ "$ref": "#/components/headers/ETag" });
    }
    if endpoint.route() == "/events" {
        let event = json!({ "$ref": "#/components/schemas/TicketEvent" });
        response["content"] =
            json!({ "text/event-stream": { "schema": { "type": "string" }, "x-data": event } });
    }
    if endpoint.route() == "/metrics" {
        response["content"]["text/plain"] = json!({ "schema": { "type": "string" } });
    }
    response
}

/// A response with a body of a component schema.
pub(super) fn plain(schema: &str) -> Value {
    json!({
        "description": schema,
        "headers": {
            "X-Correlation-Id": { "$ref": "#/components/headers/CorrelationId" },
            "traceparent": { "$ref": "#/components/headers/Traceparent" },
        },
        "content": { "application/json": { "schema": { "$ref": format!("#/components/schemas/{schema}") } } },
    })
}
