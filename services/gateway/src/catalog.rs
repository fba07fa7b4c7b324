//! What `GET /tools` lists: every tool with the arguments a caller may send.

use dispatch_domain::{ActorType, Tool, role, schema, tool};
use serde_json::{Map, Value, json};

/// Name of the local status tool; it calls no endpoint.
pub const STATUS_TOOL: &str = "dispatch_contract_status";

/// The document of `GET /tools`; without an API only the status tool exists.
pub fn document(configured: bool) -> Value {
    let bridged = if configured { tool::public() } else { Vec::new() };
    let tools: Vec<Value> = std::iter::once(status_entry()).chain(bridged.into_iter().map(entry)).collect();
    json!({ "contract_hash": tool::surface_hash(), "tools": tools })
}

fn status_entry() -> Value {
    json!({
        "name": STATUS_TOOL,
        "chat_name": STATUS_TOOL,
        "description": "Read which tools are registered and whether the dispatch API answers.",
        "method": null,
        "endpoint": null,
        "roles": [],
        "mutating": false,
        "input_schema": { "type": "object", "properties": {} },
    })
}

fn entry(tool: &Tool) -> Value {
    json!({
        "name": tool.name,
        "chat_name": tool.chat_name,
        "description": tool.description,
        "method": tool.method,
        "endpoint": tool.route,
        "roles": tool.roles,
        "mutating": tool.is_mutating(),
        "from_states": tool.accepted_states,
        "to_state": tool.result,
        "input_schema": input_schema(tool),
    })
}

/// The envelope with the payload's schema, or the filters of a read. Payload members are also accepted beside the
/// envelope when `payload` is absent, so further members are not refused.
fn input_schema(tool: &Tool) -> Value {
    let text = |what: &str| json!({ "type": "string", "minLength": 1, "description": what });
    let mut properties = Map::new();
    let mut add = |name: &str, schema: Value| properties.insert(name.to_owned(), schema);
    add("actor_id", text("Who acts. Needed with the shared token; a signed token decides by itself."));
    add(
        "actor_role",
        json!({ "type": "string", "enum": role_names(), "description": "Canonical role or alias." }),
    );
    add("actor_type", json!({ "type": "string", "enum": ActorType::ALL, "default": "AGENT" }));
    add(
        "request_id",
        json!({ "type": "string", "format": "uuid", "description": "Same id: same call, repeated." }),
    );
    add("correlation_id", text("Ties calls of one conversation together."));
    add("trace_parent", text("W3C traceparent."));
    add("trace_state", text("W3C tracestate, with trace_parent."));
    add("trace_id", text("Older trace id, used without trace_parent."));
    let mut required = Vec::new();
    if tool.is_ticket_scoped() {
        add("ticket_id", json!({ "type": "string", "format": "uuid" }));
        required.push("ticket_id");
    }
    for name in tool.query {
        let one = json!({ "type": "string" });
        add(name, json!({ "anyOf": [one, { "type": "array", "items": one }] }));
    }
    if let Some(payload) = schema::payload_schema(tool.name) {
        add("payload", payload.clone());
    }
    json!({ "type": "object", "properties": properties, "required": required })
}

fn role_names() -> Vec<&'static str> {
    let canonical = role::ALPHABETICAL.iter().map(|role| role.as_str());
    canonical.chain(role::ALIASES.iter().map(|(alias, _)| *alias)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_tools_and_the_status_tool_are_listed() {
        let document = document(true);
        let tools = document["tools"].as_array().unwrap();
        assert_eq!(tools.len(), 36);
        assert!(tools.iter().all(|tool| tool["name"] != "assignment.recommend"));
        assert_eq!(super::document(false)["tools"].as_array().map(Vec::len), Some(1));
    }

    #[test]
    fn every_input_schema_compiles() {
        for tool in document(true)["tools"].as_array().unwrap() {
            assert_eq!(tool["input_schema"]["type"], "object", "{}", tool["name"]);
            let payload = tool["input_schema"]["properties"].get("payload").is_some();
            assert_eq!(payload, tool["mutating"] == true, "{}", tool["name"]);
        }
    }
}
