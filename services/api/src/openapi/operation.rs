//! One operation: who may call it, with what, and every answer it gives.

use std::collections::{BTreeMap, BTreeSet};

use dispatch_domain::tool::TICKET_ID;
use dispatch_domain::{ErrorCode, Tool};
use serde_json::{Map, Value, json};

use super::{parameter, request, success, tag};
use crate::endpoint::{Endpoint, ReadEndpoint};

/// Describes one endpoint.
pub(super) fn describe(endpoint: &Endpoint) -> Value {
    let success = success::of(endpoint);
    let tool = effective_tool(endpoint);
    let mut operation = Map::new();
    operation.insert("operationId".to_owned(), operation_id(endpoint).into());
    operation.insert("tags".to_owned(), json!([tag(endpoint)]));
    operation.insert("summary".to_owned(), success.summary.into());
    if let Some(tool) = &tool {
        operation.insert("x-tool-name".to_owned(), tool.name.as_str().into());
        operation.insert("x-roles".to_owned(), json!(tool.roles));
        if let Some(states) = tool.accepted_states {
            operation.insert("x-accepted-states".to_owned(), json!(states));
        }
        let headers = json!([{ "bearer": [] }, { "actorId": [], "actorRole": [] }]);
        operation.insert("security".to_owned(), headers);
    }
    if let Endpoint::Operation(doing) = endpoint {
        operation.insert("x-roles".to_owned(), json!(doing.roles));
        let headers = json!([{ "bearer": [] }, { "actorId": [], "actorRole": [] }]);
        operation.insert("security".to_owned(), headers);
        operation.insert("requestBody".to_owned(), request::note());
    }
    let parameters = parameter::of(endpoint, tool.as_ref());
    if !parameters.is_empty() {
        operation.insert("parameters".to_owned(), json!(parameters));
    }
    if let Endpoint::Command(command) = endpoint {
        operation.insert("requestBody".to_owned(), request::body(command.tool));
    }
    operation.insert("responses".to_owned(), responses(endpoint, &success));
    Value::Object(operation)
}

/// The tool with the route and roles of the endpoint; open endpoints have none.
pub(super) fn effective_tool(endpoint: &Endpoint) -> Option<Tool> {
    match endpoint {
        Endpoint::Read(read) => Some(read.effective_tool()),
        _ => endpoint.tool().copied(),
    }
}

/// The chat name of a tool's own endpoint; method and path of any other.
fn operation_id(endpoint: &Endpoint) -> String {
    match (endpoint, endpoint.tool()) {
        (Endpoint::Command(_) | Endpoint::Read(ReadEndpoint { view: None, .. }), Some(tool)) => {
            tool.chat_name.to_owned()
        }
        _ => {
            let words = endpoint.route().split(|letter: char| !letter.is_ascii_alphanumeric());
            words
                .filter(|word| !word.is_empty())
                .fold(endpoint.method().to_lowercase(), |id, word| format!("{id}_{}", word.to_lowercase()))
        }
    }
}

fn responses(endpoint: &Endpoint, success: &success::Success) -> Value {
    let mut responses = BTreeMap::new();
    responses.insert(success.status.to_string(), success::response(endpoint, success));
    for (status, schema) in success.further {
        responses.insert(status.to_string(), success::plain(schema));
    }
    for status in error_statuses(endpoint) {
        let error = || json!({ "$ref": format!("#/components/responses/Error{status}") });
        responses.entry(status.to_string()).or_insert_with(error);
    }
    json!(responses)
}

/// The statuses of the error answers an endpoint can give.
fn error_statuses(endpoint: &Endpoint) -> BTreeSet<u16> {
    // An accident can happen anywhere.
    let mut statuses = BTreeSet::from([500]);
    let ticket = endpoint.route().contains(TICKET_ID);
    match endpoint {
        Endpoint::Command(_) => statuses.extend([400, 401, 403, 404, 408, 409, 413, 429, 503]),
        Endpoint::Read(_) => {
            statuses.extend([400, 401, 403, 429, 503]);
            if ticket
                || endpoint.route().contains('{')
                || effective_tool(endpoint).is_some_and(|tool| tool.query.contains(&"ticket_id"))
            {
                statuses.insert(404);
            }
        }
        Endpoint::Operation(_) => statuses.extend([400, 401, 403, 404, 408, 409, 413, 429, 503]),
        Endpoint::Open(open) if open.restricted => statuses.extend([401, 403, 503]),
        Endpoint::Open(_) => {}
    }
    statuses
}

/// The codes that go with a status.
pub(super) fn codes(status: u16) -> Vec<&'static str> {
    let by_code = ErrorCode::ALL.iter().filter(|code| code.http_status() == status);
    by_code.map(|code| code.as_str()).collect()
}
