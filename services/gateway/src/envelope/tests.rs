use super::*;
use dispatch_domain::ToolName;
use serde_json::json;

const ID: &str = "00000000-0000-0000-0000-0000000000a1";

fn read_with(name: ToolName, args: Value, around: &Surroundings) -> Result<Envelope, ToolError> {
    Envelope::read(name.tool(), &args, &Caller::Shared, false, around)
}

fn read(name: ToolName, args: Value) -> Result<Envelope, ToolError> {
    read_with(name, args, &Surroundings::default())
}

fn message(name: ToolName, args: Value) -> String {
    read(name, args).unwrap_err().message
}

fn cancel(extra: Value) -> Value {
    let mut args =
        json!({ "actor_id": "d1", "actor_role": "dispatcher", "ticket_id": ID, "reason": "storm" });
    args.as_object_mut().unwrap().extend(extra.as_object().cloned().unwrap());
    args
}

#[test]
fn mistakes_are_reported_in_order() {
    let name = ToolName::TicketCancel;
    let mut args = json!({ "actor_role": "boss", "actor_type": "x", "request_id": "x", "trace_parent": "x", "payload": [] });
    for (field, good, expected) in [
        ("actor_id", json!("d1"), "Field 'actor_id' is required"),
        ("actor_role", json!("dispatcher_admin"), "Field 'actor_role' 'boss' is not a known role"),
        ("actor_type", json!("human"), "Field 'actor_type' is invalid"),
        ("request_id", json!(ID), "Field 'request_id' must be a valid UUID"),
        ("trace_parent", Value::Null, "Field 'trace_parent' is not a valid traceparent"),
        ("ticket_id", json!(ID), "Field 'ticket_id' is required"),
        ("payload", json!({}), "Field 'payload' must be a JSON object"),
    ] {
        assert!(message(name, args.clone()).starts_with(expected), "{field}");
        args[field] = good;
    }
    assert_eq!(read(name, args).unwrap_err().details["validation_errors"][0]["path"], "/reason");
    assert_eq!(message(name, json!([])), "Tool arguments must be a JSON object");
}

#[test]
fn ticket_ids_are_uuids() {
    let error = read(ToolName::TicketGet, json!({ "actor_id": "d1", "ticket_id": "T-1" })).unwrap_err();
    assert_eq!((error.code.as_str(), error.status), ("INVALID_TICKET_ID", 400));
}

#[test]
fn a_role_is_needed_to_change_something_and_must_be_listed() {
    let args = json!({ "actor_id": "d1", "ticket_id": ID, "reason": "x" });
    assert_eq!(read(ToolName::TicketCancel, args.clone()).unwrap_err().code, "INVALID_AUTH_CLAIMS");
    let around = Surroundings::default();
    assert!(Envelope::read(ToolName::TicketCancel.tool(), &args, &Caller::Shared, true, &around).is_ok());
    assert!(read(ToolName::TicketGet, args).is_ok());
    let error = read(ToolName::TicketCancel, cancel(json!({ "actor_role": "qa" }))).unwrap_err();
    assert_eq!((error.code.as_str(), error.status), ("TOOL_ROLE_FORBIDDEN", 403));
    assert_eq!(error.details["allowed_roles"], json!(["dispatcher", "approver", "finance"]));
}

#[test]
fn payload_members_may_stand_beside_the_envelope() {
    let envelope = read(ToolName::TicketCancel, cancel(json!({}))).unwrap();
    assert_eq!(envelope.payload, Some(json!({ "reason": "storm" })));
    assert_eq!(envelope.endpoint, format!("/tickets/{ID}/cancel"));
    let nested = read(ToolName::TicketCancel, cancel(json!({ "payload": { "reason": "flood" } }))).unwrap();
    assert_eq!(nested.payload, Some(json!({ "reason": "flood" })));
    let pause =
        json!({ "actor_id": "d1", "actor_role": "dispatcher", "scope_type": "TICKET", "ticket_id": ID });
    let envelope = read(ToolName::OpsAutonomyPause, pause).unwrap();
    assert_eq!(envelope.payload, Some(json!({ "scope_type": "TICKET", "ticket_id": ID })));
}

#[test]
fn filters_become_a_query() {
    let args = json!({ "actor_id": "d1", "state": ["NEW", "TRIAGED"], "priority": "URGENT", "site_id": null, "x": 1 });
    let query = read(ToolName::DispatcherCockpit, args).unwrap().query;
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(query, [pair("state", "NEW"), pair("state", "TRIAGED"), pair("priority", "URGENT")]);
    assert!(read(ToolName::DispatcherCockpit, json!({ "actor_id": "d1", "state": 7 })).is_err());
    assert!(
        read(ToolName::TicketGet, json!({ "actor_id": "d1", "ticket_id": ID, "state": 7 }))
            .unwrap()
            .query
            .is_empty()
    );
}

#[test]
fn a_repeated_call_keeps_its_request_id() {
    let around = |key: &str, session: &str| Surroundings {
        idempotency_key: Some(key.to_owned()),
        session_key: Some(session.to_owned()),
        ..Surroundings::default()
    };
    let id = |key, session| {
        read_with(ToolName::TicketCancel, cancel(json!({})), &around(key, session)).unwrap().request_id
    };
    assert_eq!(id(ID, "main"), ID);
    assert_eq!(id("call_1", "main"), id("call_1", "main"));
    assert_ne!(id("call_1", "main"), id("call_2", "main"));
    assert_ne!(id("call_1", "main"), id("call_1", "other"));
    assert!(parse_uuid(&id("call_1", "main")).is_some());
    assert_eq!(read(ToolName::TicketCancel, cancel(json!({ "request_id": ID }))).unwrap().request_id, ID);
}

#[test]
fn a_trace_is_kept_or_started() {
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let around = Surroundings { trace_parent: Some(parent.to_owned()), ..Surroundings::default() };
    let trace = |args, around| read_with(ToolName::TicketCancel, cancel(args), around).unwrap().trace;
    assert!(matches!(trace(json!({}), &around), Trace::Context(kept, None) if kept.to_string() == parent));
    assert_eq!(trace(json!({ "trace_id": "old" }), &around), Trace::Legacy("old".to_owned()));
    assert!(matches!(trace(json!({}), &Surroundings::default()), Trace::Context(_, None)));
}

#[test]
fn header_bound_texts_must_be_printable() {
    assert!(
        message(ToolName::TicketCancel, cancel(json!({ "actor_id": "a\r\nx-evil: 1" })))
            .contains("printable")
    );
    assert!(message(ToolName::TicketCancel, cancel(json!({ "correlation_id": "é" }))).contains("printable"));
}
