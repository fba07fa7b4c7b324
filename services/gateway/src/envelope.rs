//! The arguments of a tool call: who, which request, which ticket, what.

use crate::identity::Caller;
use crate::tool_error::ToolError;
use axum::http::HeaderMap;
use dispatch_domain::role::Role;
use dispatch_domain::trace::TraceParent;
use dispatch_domain::{ActorType, Tool, parse_uuid, schema};
use serde_json::{Map, Value};
use uuid::Uuid;

/// Argument names that belong to the envelope, never to a payload.
pub const ENVELOPE_FIELDS: &[&str] = &[
    "actor_id",
    "actor_role",
    "actor_type",
    "request_id",
    "correlation_id",
    "trace_parent",
    "trace_state",
    "trace_id",
    "payload",
];

/// What the invoke request says beside the arguments.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// `idempotencyKey` of the invoke body.
    pub idempotency_key: Option<String>,
    /// `sessionKey` of the invoke body.
    pub session_key: Option<String>,
    /// Header `x-correlation-id`, used when the arguments bring none.
    pub correlation_id: Option<String>,
    /// Header `traceparent`, used when the arguments bring no trace.
    pub trace_parent: Option<String>,
    /// Header `tracestate`, used with the former.
    pub trace_state: Option<String>,
}

impl Surroundings {
    /// What the HTTP headers of the request say.
    pub fn from_headers(headers: &HeaderMap) -> Self {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Self {
            correlation_id: header("x-correlation-id"),
            trace_parent: header("traceparent"),
            trace_state: header("tracestate"),
            ..Self::default()
        }
    }
}

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// Actor id.
    pub id: String,
    /// Role, if one was given.
    pub role: Option<Role>,
    /// Kind of actor.
    pub kind: ActorType,
}

/// Trace headers to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trace {
    /// A valid `traceparent`, with its `tracestate`.
    Context(TraceParent, Option<String>),
    /// The older `x-trace-id`.
    Legacy(String),
}

/// A well-formed tool call.
#[derive(Clone, Debug)]
pub struct Envelope {
    /// Who acts.
    pub actor: Actor,
    /// Idempotency key of a mutating call.
    pub request_id: String,
    /// Correlation id, always sent.
    pub correlation_id: String,
    /// Trace headers.
    pub trace: Trace,
    /// Path of the endpoint, ticket filled in.
    pub endpoint: String,
    /// Body of a mutating call, as given.
    pub payload: Option<Value>,
    /// Query of a read.
    pub query: Vec<(String, String)>,
}

impl Envelope {
    /// Reads arguments; the first mistake answers. Order: actor, role, actor type, request id, correlation id, trace,
    /// ticket, payload, then the payload's schema.
    ///
    /// # Errors
    /// [`ToolError`]; nothing has been sent anywhere.
    pub fn read(
        tool: &Tool,
        args: &Value,
        caller: &Caller,
        has_api_token: bool,
        around: &Surroundings,
    ) -> Result<Self, ToolError> {
        let empty = Map::new();
        let args = match args {
            Value::Object(members) => members,
            Value::Null => &empty,
            _ => return Err(ToolError::invalid_request("Tool arguments must be a JSON object")),
        };
        let actor = actor(tool, args, caller, has_api_token)?;
        let given_request_id = request_id(args)?;
        let correlation_id =
            match text(args, "correlation_id")?.or_else(|| sendable(around.correlation_id.as_deref())) {
                Some(id) => id,
                None => Uuid::new_v4().to_string(),
            };
        let trace = trace(args, around)?;
        let ticket_id = ticket_id(tool, args)?;
        let payload = if tool.is_mutating() { Some(payload(tool, args)?) } else { None };
        let query = if tool.is_mutating() { Vec::new() } else { query(tool, args)? };
        if let Some(payload) = &payload {
            let errors = schema::validate(tool.name, payload);
            if !errors.is_empty() {
                return Err(ToolError::schema(tool, &errors));
            }
        }
        let request_id = chosen_request_id(tool, ticket_id.as_deref(), around, given_request_id);
        let endpoint = ticket_id.map_or_else(|| tool.route.to_owned(), |id| tool.endpoint(&id));
        Ok(Self { actor, request_id, correlation_id, trace, endpoint, payload, query })
    }
}

/// A header value that can be passed on; anything else counts as absent.
fn sendable(value: Option<&str>) -> Option<String> {
    value.map(str::trim).filter(|text| !text.is_empty() && is_printable(text)).map(str::to_owned)
}

fn is_printable(text: &str) -> bool {
    text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

/// An optional text argument, trimmed; it becomes a header, so it must be printable ASCII.
fn text(args: &Map<String, Value>, name: &str) -> Result<Option<String>, ToolError> {
    match args.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(value)) if value.trim().is_empty() => Err(ToolError::invalid_request(format!(
            "Field '{name}' must be a non-empty string when provided"
        ))),
        Some(Value::String(value)) if is_printable(value.trim()) => Ok(Some(value.trim().to_owned())),
        Some(Value::String(_)) => Err(ToolError::invalid_request(format!(
            "Field '{name}' must consist of printable ASCII characters"
        ))),
        Some(_) => Err(ToolError::invalid_request(format!("Field '{name}' must be a string"))),
    }
}

fn actor(
    tool: &Tool,
    args: &Map<String, Value>,
    caller: &Caller,
    has_api_token: bool,
) -> Result<Actor, ToolError> {
    let actor = match caller {
        // The token decides; whatever the arguments say about the actor cannot widen it.
        Caller::Own(identity) => {
            Actor { id: identity.actor_id.clone(), role: Some(identity.role), kind: identity.actor_type }
        }
        Caller::Shared => stated_actor(args)?,
    };
    match actor.role {
        Some(role) if !tool.allows(role) => Err(ToolError::role_forbidden(tool, role)),
        None if tool.is_mutating() && !has_api_token => Err(ToolError::missing_role()),
        _ => Ok(actor),
    }
}

fn stated_actor(args: &Map<String, Value>) -> Result<Actor, ToolError> {
    let id = match args.get("actor_id") {
        Some(Value::String(id)) if id.trim().is_empty() => None,
        _ => text(args, "actor_id")?,
    };
    let id = id.ok_or_else(|| ToolError::invalid_request("Field 'actor_id' is required"))?;
    let role = match text(args, "actor_role")? {
        None => None,
        Some(role) => {
            Some(Role::parse("Field 'actor_role'", &role).map_err(|error| ToolError::unknown_role(&error))?)
        }
    };
    let kind = match text(args, "actor_type")? {
        None => ActorType::Agent,
        Some(kind) => ActorType::parse(&kind)
            .map_err(|_| ToolError::invalid_request("Field 'actor_type' is invalid"))?,
    };
    Ok(Actor { id, role, kind })
}

fn request_id(args: &Map<String, Value>) -> Result<Option<String>, ToolError> {
    match text(args, "request_id")? {
        Some(id) if parse_uuid(&id).is_none() => {
            Err(ToolError::invalid_request("Field 'request_id' must be a valid UUID"))
        }
        id => Ok(id),
    }
}

/// The idempotency key: the invoke body's own if it is a UUID; else a UUID derived from it, the same for every repeat
/// of the call; else the argument; else a fresh one.
fn chosen_request_id(
    tool: &Tool,
    ticket_id: Option<&str>,
    around: &Surroundings,
    given: Option<String>,
) -> String {
    let key = around.idempotency_key.as_deref().map(str::trim).filter(|key| !key.is_empty());
    match (key, given) {
        (Some(key), _) if parse_uuid(key).is_some() => key.to_owned(),
        (Some(key), _) => {
            let session = around.session_key.as_deref().unwrap_or("main");
            let call = [session, tool.name.as_str(), ticket_id.unwrap_or_default(), key].join("\n");
            Uuid::new_v5(&Uuid::NAMESPACE_OID, call.as_bytes()).to_string()
        }
        (None, Some(given)) => given,
        (None, None) => Uuid::new_v4().to_string(),
    }
}

fn trace(args: &Map<String, Value>, around: &Surroundings) -> Result<Trace, ToolError> {
    let (parent, state, legacy) =
        (text(args, "trace_parent")?, text(args, "trace_state")?, text(args, "trace_id")?);
    if let Some(parent) = parent {
        let parent = parent
            .parse()
            .map_err(|_| ToolError::invalid_request("Field 'trace_parent' is not a valid traceparent"))?;
        return Ok(Trace::Context(parent, state));
    }
    if let Some(legacy) = legacy {
        return Ok(Trace::Legacy(legacy));
    }
    let inherited = around.trace_parent.as_deref().and_then(|text| text.parse().ok());
    Ok(match inherited {
        Some(parent) => Trace::Context(parent, sendable(around.trace_state.as_deref())),
        None => Trace::Context(fresh_trace(), None),
    })
}

/// A new trace; random UUIDs have their version bits set, so neither id can be zero.
fn fresh_trace() -> TraceParent {
    let (trace_id, parent_id) = (Uuid::new_v4().as_u128(), Uuid::new_v4().as_u64_pair().1);
    TraceParent::from_ids(trace_id, parent_id).expect("version and variant bits keep both ids above zero")
}

fn ticket_id(tool: &Tool, args: &Map<String, Value>) -> Result<Option<String>, ToolError> {
    if !tool.is_ticket_scoped() {
        return Ok(None);
    }
    match args.get("ticket_id") {
        Some(Value::String(id)) if !id.trim().is_empty() => parse_uuid(id.trim())
            .map(|id| Some(id.to_string()))
            .ok_or_else(|| ToolError::invalid_ticket_id(tool)),
        None | Some(Value::Null | Value::String(_)) => {
            Err(ToolError::invalid_request("Field 'ticket_id' is required")
                .with("tool_name", tool.name.as_str()))
        }
        Some(_) => Err(ToolError::invalid_ticket_id(tool)),
    }
}

/// The payload: the argument of that name, or else the arguments that are not part of the envelope.
fn payload(tool: &Tool, args: &Map<String, Value>) -> Result<Value, ToolError> {
    match args.get("payload") {
        Some(payload @ Value::Object(_)) => Ok(payload.clone()),
        None | Some(Value::Null) => Ok(Value::Object(loose(tool, args))),
        Some(_) => Err(ToolError::invalid_request("Field 'payload' must be a JSON object")),
    }
}

fn loose(tool: &Tool, args: &Map<String, Value>) -> Map<String, Value> {
    args.iter()
        .filter(|(name, _)| !ENVELOPE_FIELDS.contains(&name.as_str()))
        .filter(|(name, _)| *name != "ticket_id" || !tool.is_ticket_scoped())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// The query of a read: the parameters the tool knows, from the payload or the arguments, lists repeated.
fn query(tool: &Tool, args: &Map<String, Value>) -> Result<Vec<(String, String)>, ToolError> {
    let members = match args.get("payload") {
        Some(Value::Object(members)) => members,
        _ => args,
    };
    let mut query = Vec::new();
    for name in tool.query {
        let wrong =
            || ToolError::invalid_request(format!("Field '{name}' must be a string or an array of strings"));
        match members.get(*name) {
            None | Some(Value::Null) => {}
            Some(Value::String(value)) => query.push(((*name).to_owned(), value.clone())),
            Some(Value::Array(values)) => {
                for value in values {
                    query.push(((*name).to_owned(), value.as_str().ok_or_else(wrong)?.to_owned()));
                }
            }
            Some(_) => return Err(wrong()),
        }
    }
    Ok(query)
}

#[cfg(test)]
mod tests;
