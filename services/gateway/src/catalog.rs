//! What `GET /tools` lists: every tool with the arguments a caller may send.

use crate::identity::Caller;
use dispatch_domain::{ActorType, Tool, role, schema, tool};
use serde_json::{Map, Value, json};

/// Name of the local status tool; it calls no endpoint.
pub const STATUS_TOOL: &str = "dispatch_contract_status";

/// The document of `GET /tools` around `entries`.
pub fn document(entries: Vec<Value>) -> Value {
    json!({ "contract_hash": tool::surface_hash(), "tools": entries })
}

/// What a gateway with an API lists for the shared token: every tool that chat may see.
pub fn manifest() -> Value {
    document(entries(true, &Caller::Shared, false))
}

/// The entries `caller` may use; without an API only the status tool exists.
pub fn entries(configured: bool, caller: &Caller, has_api_token: bool) -> Vec<Value> {
    let bridged = if configured { tool::public() } else { Vec::new() };
    let visible = bridged.into_iter().filter(|tool| match caller {
        Caller::Own(identity) => tool.allows(identity.role),
        Caller::Shared => true,
    });
    let entry = |tool: &Tool| entry(tool, stated_actor(tool, caller, has_api_token));
    std::iter::once(status_entry()).chain(visible.map(entry)).collect()
}

/// Actor fields that this caller's arguments must bring.
fn stated_actor(tool: &Tool, caller: &Caller, has_api_token: bool) -> &'static [&'static str] {
    match caller {
        Caller::Own(_) => &[],
        Caller::Shared if tool.is_mutating() && !has_api_token => &["actor_id", "actor_role"],
        Caller::Shared => &["actor_id"],
    }
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

fn entry(tool: &Tool, stated: &[&str]) -> Value {
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
        "input_schema": input_schema(tool, stated),
    })
}

/// The envelope with the payload's schema, or the filters of a read. Payload members are also accepted beside the
/// envelope when `payload` is absent, so further members are not refused.
fn input_schema(tool: &Tool, stated: &[&str]) -> Value {
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
    let mut required = stated.to_vec();
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
    use std::path::Path;

    use super::*;

    /// Set to `1`, the test below writes `tools.json` instead of comparing it.
    const REWRITE: &str = "DISPATCH_REWRITE_TOOLS";

    /// The manifest for readers of the repository: all tools, for a caller whose token says who it is.
    #[test]
    fn the_committed_manifest_is_what_the_gateway_lists() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tools.json");
        let tools = tool::public();
        let listed = std::iter::once(status_entry()).chain(tools.iter().map(|tool| entry(tool, &[])));
        let text = format!("{:#}\n", document(listed.collect()));
        #[expect(clippy::disallowed_methods, reason = "a switch for whoever runs the test")]
        if std::env::var(REWRITE).is_ok_and(|value| value == "1") {
            std::fs::write(&path, &text).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == text,
            "services/gateway/tools.json is out of date; run this test with {REWRITE}=1"
        );
    }

    #[test]
    fn the_public_tools_and_the_status_tool_are_listed() {
        let tools = entries(true, &Caller::Shared, false);
        assert_eq!(tools.len(), 39);
        assert!(tools.iter().all(|tool| tool["name"] != "assignment.recommend"));
        assert_eq!(entries(false, &Caller::Shared, false).len(), 1);
    }

    #[test]
    fn what_must_be_stated_about_the_actor_depends_on_the_tool_and_the_token() {
        let required = |name: &str, has_api_token| {
            let tools = entries(true, &Caller::Shared, has_api_token);
            tools.iter().find(|tool| tool["name"] == name).unwrap()["input_schema"]["required"].clone()
        };
        assert_eq!(required("ticket.cancel", false), json!(["actor_id", "actor_role", "ticket_id"]));
        assert_eq!(required("ticket.cancel", true), json!(["actor_id", "ticket_id"]));
        assert_eq!(required("dispatcher.cockpit", false), json!(["actor_id"]));
    }

    #[test]
    fn every_mutating_tool_and_no_other_takes_a_payload() {
        for tool in entries(true, &Caller::Shared, false) {
            assert_eq!(tool["input_schema"]["type"], "object", "{}", tool["name"]);
            let payload = tool["input_schema"]["properties"].get("payload").is_some();
            assert_eq!(payload, tool["mutating"] == true, "{}", tool["name"]);
        }
    }
}
