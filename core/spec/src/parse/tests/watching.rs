//! Actions that watch, and expectations that look into documents.

use super::*;
use crate::drill::{Action, Check, DoubleOperation};

fn one(step: &str) -> (Step, Vec<Diagnostic>) {
    let blocks = [
        ("drills/schemas/t.json", r#"{ "type": "object" }"#),
        ("drills/schemas/bad.json", r#"{ "type": "objekt" }"#),
    ];
    let (read, out) = read_with(&blocks, &format!("{HEAD}steps:\n- {step}\n"));
    (read.and_then(|drill| drill.steps.into_iter().next_back()).unwrap_or_else(|| panic!("{out:?}")), out)
}

fn codes(step: &str) -> Vec<Code> {
    with_steps(&format!("- sql: {{ query: select 1 }}\n  expect: {{ row_count: 1 }}\n- {step}\n"))
        .into_iter()
        .map(|(code, _)| code)
        .collect()
}

#[test]
fn what_goes_without_saying_is_expected() {
    let (step, out) = one("drained: true");
    assert_eq!(out, []);
    assert_eq!((step.expect[0].field.as_str(), step.checked), ("left", true));
    assert_eq!(step.within, Some(Duration::from_secs(10)));
    let (step, out) = one("human: { owner: on-call, ask: Look, deadline: 2m }");
    assert_eq!(out, []);
    assert!(step.checked && step.timeout > Duration::from_secs(120));
    let (step, _) = one("exec: { run: [git, --version] }\n  expect: { stdout: \"#contains git\" }");
    assert_eq!(step.expect[0].field, "exit");
}

#[test]
fn mistakes_of_watching_actions_are_found() {
    for (step, code) in [
        ("logs: { of: dispatch-app, match: x }", Code::UnknownService),
        ("logs: { of: sms, match: \"(\" }", Code::BadMarker),
        ("logs: { of: sms, mtach: x }", Code::UnknownKey),
        ("logs: { of: sms, fields: { level: \"#uid\" } }", Code::BadMarker),
        ("metrics: { of: sms, name: a }", Code::BadAction),
        ("metrics: { of: sms/metrics, name: \"a{b}\" }", Code::BadAction),
        ("metrics: { of: sms/metrics }", Code::MissingKey),
        ("double: { calls: smss }", Code::UnknownService),
        ("double: { script: sms }", Code::BadAction),
        ("double: { calls: sms, answers: [] }", Code::BadAction),
        ("double: { calls: sms, reset: sms }", Code::BadAction),
        ("double: {}", Code::BadAction),
        ("drained: false", Code::WrongType),
        ("drained: { query: select 1, on: gone }", Code::UnknownService),
        ("exec: { run: [rm, -rf, /] }", Code::NotGranted),
        ("exec: { run: git status }", Code::WrongType),
        ("exec: { run: [] }", Code::BadAction),
        ("human: { owner: a, ask: b }", Code::MissingKey),
        ("human: { owner: a, ask: b, deadline: 0s }", Code::BadDuration),
        ("load: { request: { get: sms/x }, rate: 0, duration: 1s }", Code::BadAction),
        ("load: { request: { get: sms/x }, rate: 5000, duration: 1s }", Code::BadAction),
        ("load: { request: { get: sms/x }, rate: 1, duration: 10ms }", Code::BadAction),
        ("load: { request: { get: sms/x }, rate: 1, duration: 11m }", Code::BadAction),
    ] {
        assert_eq!(codes(step), [code], "{step}");
    }
}

#[test]
fn doubles_are_scripted_and_read() {
    let (step, out) =
        one("double: { script: sms, answers: [{ status: 502, times: 2 }] }\n  expect: { status: 200 }");
    assert_eq!(out, []);
    let Action::Double(double) = step.action else { panic!() };
    assert!(matches!(double.operation, DoubleOperation::Script(answers) if answers[0]["status"] == 502));
}

#[test]
fn documents_are_looked_into_by_path_and_schema() {
    let (step, out) = one(
        "http: { get: dispatch-api/x }\n  expect: { jsonpath: { \"$.items[*].id\": [\"#uuid\"] }, schema: drills/schemas/t.json }",
    );
    assert_eq!(out, []);
    let checks: Vec<&Check> = step.expect.iter().map(|e| &e.check).collect();
    assert!(
        matches!(
            checks[..],
            [Check::Fits, Check::Selected { of: "body" }, Check::Conforms { of: "body", .. }]
        ),
        "{checks:?}"
    );
    for (expect, code) in [
        ("{ jsonpath: { \"$.items[\": 1 } }", Code::BadPath),
        ("{ jsonpath: {} }", Code::EmptyExpect),
        ("{ jsonpath: $.a }", Code::WrongType),
        ("{ schema: drills/schemas/gone.json }", Code::BadSchema),
        ("{ schema: ../gone.json }", Code::OutsideProject),
        ("{ body: { \"#oneof\": [] } }", Code::BadMarker),
        ("{ body: { \"#set\": 3 } }", Code::WrongType),
        ("{ body: { \"#sett\": [3] } }", Code::BadMarker),
        ("{ jsonpaht: {} }", Code::UnknownField),
    ] {
        let found = codes(&format!("http: {{ get: dispatch-api/x }}\n  expect: {expect}"));
        assert_eq!(found, [code], "{expect}");
    }
    let (_, out) =
        one("http: { get: dispatch-api/x }\n  expect: { schema: drills/schemas/bad.json, status: 200 }");
    assert_eq!(out[0].code, Code::BadSchema);
}

#[test]
fn a_value_can_be_saved_as_a_secret() {
    let (step, out) = one(
        "http: { post: dispatch-api/x }\n  expect: { status: 201 }\n  save: { token: { secret: body.token }, id: body.id }",
    );
    assert_eq!(out, []);
    assert_eq!(
        step.save.iter().map(|s| (s.name.as_str(), s.secret)).collect::<Vec<_>>(),
        [("token", true), ("id", false)]
    );
    let found = codes("http: { post: dispatch-api/x }\n  save: { token: { secrte: body.token } }");
    assert_eq!(found, [Code::MissingKey, Code::UnknownKey]);
}
