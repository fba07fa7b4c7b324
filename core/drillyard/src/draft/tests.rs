//! What becomes of commands and recordings.

use drillyard_spec::source::Source;
use drillyard_spec::topology::{self, Topology};
use serde_json::{Value, json};

use super::request::Wanted;
use super::{curl, har};

const COMPOSE: &str = r#"
services:
  shop:
    image: shop:1
    environment: { PORT: "8080" }
    x-drillyard: { process: { program: shop }, ready: { http: /up }, port_env: PORT }
  other:
    image: other:1
    environment: { KEY: "${KEY:-k}" }
x-drillyard:
  secrets: [KEY]
  identities:
    clerk: { secret: KEY, claims: { role: clerk } }
    boss: { secret: KEY, claims: { role: boss } }
"#;

fn topology() -> Topology {
    let mut out = Vec::new();
    let topology = topology::parse(&Source::new("ops/compose.yaml", COMPOSE), &mut out);
    topology.unwrap_or_else(|| panic!("{out:?}"))
}

fn of_curl(command: &str) -> Result<Value, String> {
    let topology = topology();
    let wanted = Wanted { topology: &topology, service: None, identity: None };
    let draft = curl::draft("x", command, wanted).map_err(|error| error.to_string())?;
    let step = &draft.steps[0];
    Ok(json!({ "as": step.identity, "http": step.action.1, "vars": draft.vars }))
}

#[test]
fn a_command_becomes_a_request_to_the_service_with_the_identity_of_its_token() {
    // The token claims {"role":"boss"}.
    let command = r#"curl -sS -X POST 'http://localhost:8080/orders?page=2&api_key=k1' \
      -H 'Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoiYm9zcyJ9.c2ln' -H 'X-Trace: on' \
      -H 'Content-Type: application/json' --data '{"item": "a door", "password": "p4ss"}' --compressed"#;
    let wanted = json!({
        "as": "boss",
        "http": {
            "post": "shop/orders",
            "query": { "page": "2", "api_key": "${api_key}" },
            "headers": { "x-trace": "on" },
            "body": { "item": "a door", "password": "${password}" },
        },
        "vars": { "api_key": "CHANGE-ME", "password": "CHANGE-ME" },
    });
    assert_eq!(of_curl(command).unwrap(), wanted);
}

#[test]
fn forms_heads_queries_and_short_forms_are_understood() {
    let http = |command: &str| of_curl(command).unwrap()["http"].clone();
    assert_eq!(http("curl shop:8080/up"), json!({ "get": "shop/up" }));
    assert_eq!(http("curl -I http://shop:8080/up"), json!({ "head": "shop/up" }));
    assert_eq!(http("curl -G -d a=1 http://shop/find"), json!({ "get": "shop/find", "query": { "a": "1" } }));
    assert_eq!(http("curl -XDELETE http://shop/a/b"), json!({ "delete": "shop/a/b" }));
    let form = json!({ "post": "shop/a", "headers": { "content-type": "application/x-www-form-urlencoded" }, "text": "x=1&y=2" });
    assert_eq!(http("curl http://shop/a -d x=1 -d y=2"), form);
    assert_eq!(
        http("curl --json '{\"a\": \"${b}\"}' http://shop/a"),
        json!({ "post": "shop/a", "body": { "a": "$${b}" } })
    );
}

#[test]
fn what_a_drill_cannot_send_is_refused_with_the_reason() {
    let wrong = |command: &str| of_curl(command).unwrap_err();
    assert!(wrong("wget http://shop/").contains("begins with `curl`"));
    assert!(wrong("curl -F file=@x http://shop/").contains("sends files"));
    assert!(wrong("curl -d @body.json http://shop/").contains("sends a file"));
    assert!(wrong("curl -X BREW http://shop/").contains("BREW"));
    assert!(wrong("curl 'http://shop/").contains("quote"));
    let unknown = wrong("curl https://shop.example.com/");
    assert!(unknown.contains("--service") && unknown.contains("shop (8080)"), "{unknown}");
}

const ID: &str = "7d9f3a60-11c2-4f5e-9a54-0d6b0a3c9b11";

fn recording() -> String {
    let entry = |method: &str, url: &str, body: Option<Value>, status: u16, answer: Value| {
        json!({
            "request": {
                "method": method, "url": url,
                "headers": [{ "name": "Authorization", "value": "Bearer s3cret-value" }, { "name": "Cookie", "value": "sid=s3cret-value" }],
                "postData": body.map(|body| json!({ "mimeType": "application/json", "text": body.to_string() })),
            },
            "response": { "status": status, "content": { "mimeType": "application/json", "text": answer.to_string() } },
        })
    };
    let page = json!({
        "request": { "method": "GET", "url": "http://localhost:8080/index.html", "headers": [] },
        "response": { "status": 200, "content": { "mimeType": "text/html", "text": "<p>" } },
    });
    let order = json!({ "id": ID, "state": "NEW", "at": "2026-01-01T00:00:00Z", "token": "s3cret-value", "lines": [1, 2] });
    json!({ "log": { "entries": [
        page,
        entry("POST", "http://localhost:8080/orders", Some(json!({ "item": "#1 door", "secret": "s3cret-value" })), 201, order),
        entry("GET", "https://tracker.example.com/pixel", None, 204, json!({})),
        entry("GET", &format!("http://localhost:8080/orders/{ID}"), None, 200, json!({ "id": ID, "state": "NEW" })),
        entry("POST", "http://localhost:8080/links", Some(json!({ "order": ID })), 409, json!({ "error": { "code": "TAKEN" } })),
    ] } })
    .to_string()
}

#[test]
fn a_recording_becomes_steps_that_expect_what_was_answered_and_use_what_was_given() {
    let topology = topology();
    let wanted = Wanted { topology: &topology, service: None, identity: Some("clerk") };
    let draft = har::draft("tour", &recording(), wanted).unwrap();
    let text = draft.drill();
    assert!(!text.contains("s3cret-value"), "a secret got through:\n{text}");
    assert!(!text.contains(ID), "an id of the recording is expected again:\n{text}");
    let read: Value = serde_yaml::from_str(&text).unwrap();
    let steps = read["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 3);
    assert_eq!(steps[0]["http"]["body"], json!({ "item": "#1 door", "secret": "${secret}" }));
    assert_eq!(steps[0]["save"], json!({ "order": "body.id" }));
    assert_eq!(
        steps[0]["expect"]["body"],
        json!({ "id": "#uuid", "state": "NEW", "at": "#time", "token": "#any", "lines": [1, 2], "...": "any" })
    );
    assert_eq!(steps[1]["http"]["get"], "shop/orders/${order}");
    assert_eq!(steps[1]["expect"]["body"]["id"], "${order}");
    assert_eq!((&steps[2]["expect"]["status"], &steps[2]["as"]), (&json!(409), &json!("clerk")));
    assert!(
        draft.remarks.iter().any(|remark| remark.contains("1 to tracker.example.com")),
        "{:?}",
        draft.remarks
    );
}

#[test]
fn a_recording_of_nothing_is_refused() {
    let topology = topology();
    let read = |text: &str| {
        let wanted = Wanted { topology: &topology, service: None, identity: None };
        har::draft("x", text, wanted).unwrap_err().to_string()
    };
    assert!(read("[").contains("HTTP Archive"));
    assert!(read("{\"log\": {\"entries\": []}}").contains("nothing to write"));
}
