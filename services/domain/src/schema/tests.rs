use super::*;
use serde_json::json;

const ID: &str = "00000000-0000-0000-0000-0000000000a1";

fn messages(name: ToolName, payload: Value) -> Vec<(String, String)> {
    validate(name, &payload).into_iter().map(|error| (error.path, error.message)).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(path, message)| ((*path).to_owned(), (*message).to_owned())).collect()
}

#[test]
fn every_mutating_tool_and_no_read_has_a_schema() {
    for tool in tool::all() {
        assert_eq!(payload_schema(tool.name).is_some(), tool.is_mutating(), "{}", tool.name);
    }
}

#[test]
fn missing_members_come_first_and_again_with_their_type() {
    assert_eq!(
        messages(ToolName::TicketCreate, json!({ "summary": 7 })),
        pairs(&[
            ("/account_id", "Expected required property"),
            ("/site_id", "Expected required property"),
            ("/account_id", "Expected string"),
            ("/site_id", "Expected string"),
            ("/summary", "Expected string"),
        ])
    );
}

#[test]
fn no_body_counts_as_an_empty_object() {
    assert_eq!(messages(ToolName::TicketCancel, Value::Null).len(), 2);
    assert!(validate(ToolName::BillingGenerateInvoice, &Value::Null).is_empty());
    assert_eq!(messages(ToolName::TicketCancel, json!([])), pairs(&[("", "Expected object")]));
}

#[test]
fn null_for_an_optional_member_counts_as_absent_and_for_a_required_one_does_not() {
    let evidence = json!({ "kind": "PHOTO", "uri": "s3://b/k", "checksum": null, "metadata": { "x": null } });
    assert!(validate(ToolName::CloseoutAddEvidence, &evidence).is_empty());
    let normal = normalise(ToolName::CloseoutAddEvidence, &evidence);
    assert_eq!(normal, json!({ "kind": "PHOTO", "uri": "s3://b/k", "metadata": { "x": null } }));
    assert_eq!(
        messages(ToolName::CloseoutAddEvidence, json!({ "kind": null, "uri": "x" })),
        pairs(&[("/kind", "Expected string")])
    );
}

#[test]
fn formats_lengths_and_ranges_are_checked() {
    let intake = json!({
        "account_id": ID, "site_id": "x", "summary": "", "incident_type": "X", "customer_name": "B",
        "contact_phone": "123", "contact_email": "a@b", "priority": "urgent", "identity_confidence": 101,
        "classification_confidence": -1,
    });
    let found = messages(ToolName::TicketBlindIntake, intake);
    for expected in pairs(&[
        ("/site_id", "Expected string to match 'uuid' format"),
        ("/summary", "Expected string length greater or equal to 1"),
        ("/contact_phone", "Expected string length greater or equal to 7"),
        ("/contact_email", "Expected string to match 'email' format"),
        ("/priority", "Expected union value"),
        ("/identity_confidence", "Expected number to be less or equal to 100"),
        ("/classification_confidence", "Expected number to be greater or equal to 0"),
    ]) {
        assert!(found.contains(&expected), "{expected:?} in {found:?}");
    }
}

#[test]
fn amounts_are_whole_and_exactly_representable() {
    let amount = |value: Value| {
        let payload = json!({ "account_id": ID, "site_id": ID, "summary": "x", "nte_cents": value });
        validate(ToolName::TicketCreate, &payload).is_empty()
    };
    assert!(amount(json!(0)) && amount(json!(MAX_AMOUNT)) && amount(json!(5.0)));
    assert!(
        !amount(json!(0.5)) && !amount(json!(-1)) && !amount(json!(MAX_AMOUNT + 1)) && !amount(json!("1"))
    );
    assert!(!amount(json!(1e300)));
}

#[test]
fn triage_takes_true_or_false_on_the_handoff() {
    let triage = json!({ "priority": "URGENT", "incident_type": "X", "sop_handoff_acknowledged": "yes" });
    assert_eq!(
        messages(ToolName::TicketTriage, triage),
        pairs(&[("/sop_handoff_acknowledged", "Expected boolean")])
    );
}

#[test]
fn whole_numbers_are_read_in_either_notation() {
    assert_eq!(whole_number(&json!(5)), Some(5));
    assert_eq!(whole_number(&json!(5.0)), Some(5));
    assert_eq!(whole_number(&json!(MAX_AMOUNT)), Some(MAX_AMOUNT as i64));
    for value in [json!(5.5), json!(1e300), json!("5"), Value::Null] {
        assert_eq!(whole_number(&value), None, "{value}");
    }
}

#[test]
fn windows_are_checked_inside_arrays() {
    let options =
        json!({ "options": [{ "start": "2026-12-05T10:00:00Z" }, { "start": 1, "end": "tomorrow" }] });
    let found = messages(ToolName::SchedulePropose, options);
    assert_eq!(found[0], ("/options/0/end".to_owned(), "Expected required property".to_owned()));
    assert!(found.contains(&("/options/1/start".to_owned(), "Expected string".to_owned())));
    assert_eq!(
        messages(ToolName::SchedulePropose, json!({ "options": [] })),
        pairs(&[("/options", "Expected array length to be greater or equal to 1")])
    );
}

#[test]
fn autonomy_scopes_are_closed_shapes() {
    let ok = |payload| validate(ToolName::OpsAutonomyPause, &payload).is_empty();
    assert!(
        ok(json!({}))
            && ok(json!({ "reason": "storm" }))
            && ok(json!({ "scope_type": "GLOBAL", "ticket_id": null }))
    );
    assert!(ok(json!({ "scope_type": "INCIDENT", "incident_type": "X" })));
    assert!(ok(json!({ "scope_type": "TICKET", "ticket_id": ID })));
    for bad in [
        json!({ "scope_type": "TICKET" }),
        json!({ "extra": 1 }),
        json!({ "scope_type": "GLOBAL", "ticket_id": ID }),
        json!([]),
    ] {
        assert_eq!(messages(ToolName::OpsAutonomyPause, bad), pairs(&[("", "Expected union value")]));
    }
}

#[test]
fn schema_paths_point_into_the_schema() {
    for error in validate(ToolName::AssignmentDispatch, &json!({ "tech_id": 1, "dispatch_mode": "x" })) {
        let schema = payload_schema(ToolName::AssignmentDispatch).unwrap();
        assert!(schema.pointer(&error.schema_path).is_some(), "{}", error.schema_path);
    }
}
