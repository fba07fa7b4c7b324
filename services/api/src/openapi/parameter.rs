//! Parameters: in the path, in the query, in headers.

use dispatch_domain::sla::SlaStatus;
use dispatch_domain::{Priority, TicketState, Tool};
use serde_json::{Value, json};

use crate::endpoint::{Endpoint, ReadEndpoint};

/// Headers that any identified request may carry.
const IDENTIFIED: &[&str] = &["ActorType", "AccountScope", "SiteScope", "ToolName"];

/// Headers that any request may carry.
const TRACED: &[&str] = &["CorrelationId", "Traceparent"];

/// One id, or nothing: blank counts as absent.
const ONE_OR_BLANK: &str = "^ *$|^ *[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12} *$";

/// The parameters of an endpoint.
pub(super) fn of(endpoint: &Endpoint, tool: Option<&Tool>) -> Vec<Value> {
    let mut parameters: Vec<Value> = Vec::new();
    if endpoint.route().contains(dispatch_domain::tool::TICKET_ID) {
        parameters.push(reference("TicketId"));
    } else if let Some((_, rest)) = endpoint.route().split_once('{') {
        parameters.push(json!({
            "name": rest.trim_end_matches('}'), "in": "path", "required": true,
            "schema": { "type": "string", "format": "uuid" },
        }));
    }
    if endpoint.route() == "/events" {
        parameters.push(reference("LastEventId"));
    }
    if endpoint.route().contains("{code}") {
        parameters.push(json!({
            "name": "code", "in": "path", "required": true,
            "schema": { "type": "string", "enum": dispatch_domain::alert::AlertCode::ALL },
        }));
    }
    if let Endpoint::Command(_) | Endpoint::Operation(_) = endpoint {
        parameters.push(reference("IdempotencyKey"));
        if tool.is_some_and(Tool::is_ticket_scoped) {
            parameters.push(reference("IfMatch"));
        }
    }
    parameters.extend(query_names(endpoint, tool).iter().map(|name| query(name)));
    if tool.is_some() {
        parameters.extend(IDENTIFIED.iter().map(|name| reference(name)));
    }
    parameters.extend(TRACED.iter().map(|name| reference(name)));
    parameters
}

fn query_names(endpoint: &Endpoint, tool: Option<&Tool>) -> &'static [&'static str] {
    match endpoint {
        Endpoint::Read(ReadEndpoint { view: Some(view), .. }) => view.query,
        Endpoint::Open(open) if open.route == "/metrics" => &["format"],
        _ => tool.map_or(&[], |tool| tool.query),
    }
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/parameters/{name}") })
}

/// One query parameter. Lists may repeat or hold commas.
fn query(name: &str) -> Value {
    let uuid = json!({ "type": "string", "format": "uuid" });
    let list = |items: Value| json!({ "type": "array", "items": items });
    let (what, schema) = match name {
        "state" => ("States to show", list(json!({ "type": "string", "enum": TicketState::ALL }))),
        "priority" => ("Priorities to show", list(json!({ "type": "string", "enum": Priority::ALL }))),
        "sla_status" => {
            ("Classes of remaining time", list(json!({ "type": "string", "enum": SlaStatus::ALL })))
        }
        "incident_type" => ("Incident type, in any case", json!({ "type": "string" })),
        "account_id" | "site_id" | "assigned_tech_id" => ("Only rows that belong to it", list(uuid)),
        "code" => (
            "Steps of one alert",
            json!({ "type": "string", "enum": dispatch_domain::alert::AlertCode::ALL }),
        ),
        "ticket_id" => ("One ticket in detail", json!({ "type": "string", "pattern": ONE_OR_BLANK })),
        "text" => {
            ("Words that summary, description, customer or incident type hold", json!({ "type": "string" }))
        }
        "limit" => ("Most rows of the page", json!({ "type": "integer", "minimum": 1, "maximum": 200 })),
        "version" => ("An earlier version", json!({ "type": "integer", "minimum": 1, "maximum": i32::MAX })),
        "links" => ("Add a link to every object", json!({ "type": "boolean" })),
        "active" => ("Only those that may, or may not, be assigned", json!({ "type": "boolean" })),
        "file_name" => ("What the file is called", json!({ "type": "string" })),
        "content_type" => {
            ("Media type of the object", json!({ "type": "string", "pattern": "^[ -~]{1,99}/[ -~]{1,99}$" }))
        }
        "last_event_id" => ("As the header, for clients that cannot send it", place()),
        "cursor" => (
            "`next_cursor` of the page before, as it was given; anything else is INVALID_QUERY",
            json!({ "type": "string" }),
        ),
        _ => ("`prometheus` for the text face", json!({ "type": "string" })),
    };
    json!({ "name": name, "in": "query", "required": false, "description": what, "schema": schema })
}

/// A place in the stream of events.
fn place() -> Value {
    json!({ "type": "string", "pattern": "^[0-9]{1,18}-[0-9]{1,18}$" })
}

/// The parameters that operations refer to.
pub(super) fn components() -> Value {
    let header = |name: &str, required: bool, what: &str, schema: Value| json!({ "name": name, "in": "header", "required": required, "description": what, "schema": schema });
    let text = || json!({ "type": "string" });
    json!({
        "TicketId": {
            "name": "ticketId", "in": "path", "required": true,
            "schema": { "type": "string", "format": "uuid" },
        },
        "IdempotencyKey": header(
            "Idempotency-Key", true,
            "Sent again with the same body and path it replays the stored answer; with another it is refused.",
            json!({ "type": "string", "format": "uuid" })
        ),
        "IfMatch": header(
            "If-Match", false,
            "Version of the ticket that the command was decided on, for example \"3\", or * for any. \
             The body member expected_version says the same.",
            json!({ "type": "string", "pattern": "^(\\*|\"[0-9]{1,9}\")$", "examples": ["*"] })
        ),
        "ActorType": header(
            "X-Actor-Type", false, "HUMAN, AGENT, SERVICE or SYSTEM; not looked at beside a token.", text()
        ),
        "AccountScope": header(
            "X-Account-Scope", false, "Account ids or *, comma-separated; not looked at beside a token.", text()
        ),
        "SiteScope": header(
            "X-Site-Scope", false, "Site ids or *, comma-separated; not looked at beside a token.", text()
        ),
        "ToolName": header(
            "X-Tool-Name", false, "Has to be the tool of the operation (x-tool-name).", text()
        ),
        "LastEventId": header(
            "Last-Event-ID", false, "The last event that was seen; 0-0 starts over. Without it the stream begins now.",
            place()
        ),
        "CorrelationId": header("X-Correlation-Id", false, "Echoed; made when absent.", text()),
        "Traceparent": header("traceparent", false, "W3C trace context; a valid one is echoed.", text()),
    })
}
