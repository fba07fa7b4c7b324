//! Which requests a document knows, and which bodies fit it.

use super::fit::misfits;
use super::*;
use crate::node;
use crate::source::Source;

const DOCUMENT: &str = r##"{
  "openapi": "3.1.0",
  "paths": {
    "/tickets": {
      "get": { "parameters": [{ "name": "state", "in": "query" }, { "name": "x-a", "in": "header" }] },
      "post": { "requestBody": { "required": true, "content": { "application/json": { "schema": { "$ref": "#/components/schemas/New" } } } } }
    },
    "/tickets/{id}": { "get": {} },
    "/tickets/{id}/close": { "post": {} }
  },
  "components": { "schemas": {
    "New": {
      "type": "object", "required": ["site", "summary"],
      "properties": {
        "site": { "type": "string", "format": "uuid" }, "summary": { "type": "string", "minLength": 1 },
        "cents": { "type": ["integer", "null"], "minimum": 0 }, "kind": { "enum": ["DOOR", "LOCK"] },
        "at": { "anyOf": [{ "type": "string", "format": "date-time" }, { "type": "null" }] },
        "parts": { "type": "array", "minItems": 1, "items": { "type": "object", "required": ["n"] } }
      }
    }
  } }
}"##;

fn contract() -> Contract {
    Contract::of(Arc::new(Document::parse("openapi.json", DOCUMENT).unwrap()))
}

#[test]
fn a_request_is_found_by_method_and_path_whatever_is_filled_in() {
    let contract = contract();
    let found = |method: &str, path: &str| contract.find(method, path).map(|found| found.path.as_str());
    assert_eq!(found("GET", "/tickets?state=NEW"), Ok("/tickets"));
    assert_eq!(found("GET", "/tickets/${ticket}"), Ok("/tickets/{id}"));
    assert_eq!(found("POST", "/tickets/${ticket}/close"), Ok("/tickets/{id}/close"));
    assert_eq!(contract.find("GET", "/tickets").unwrap().query, ["state"]);
    let unknown = found("POST", "/tickets/${ticket}/clsoe").unwrap_err();
    assert_eq!(unknown.help.as_deref(), Some("did you mean `/tickets/{id}/close`?"));
    let unknown = found("DELETE", "/tickets").unwrap_err();
    assert!(unknown.help.unwrap().contains("GET, POST"));
}

fn complaints(body: &str) -> Vec<String> {
    let contract = contract();
    let operation = contract.find("POST", "/tickets").unwrap();
    let node = node::parse(&Source::new("x", body), &mut Vec::new()).unwrap();
    let found = misfits(contract.document(), contract.body(operation).unwrap(), (&node, "body"));
    found
        .into_iter()
        .map(|one| format!("{}{}", one.message, one.help.map_or_else(String::new, |h| format!("; {h}"))))
        .collect()
}

#[test]
fn a_body_that_fits_or_whose_values_come_later_is_let_through() {
    let uuid = "00000000-0000-4000-8000-000000000000";
    for body in [
        format!("{{ site: {uuid}, summary: A door, cents: 5, kind: DOOR, at: null, parts: [{{ n: 1 }}] }}"),
        "{ site: \"${site}\", summary: \"a ${b}\", cents: \"${c}\", kind: \"${k}\", parts: \"${p}\" }"
            .to_owned(),
        "{ \"${name}\": 1 }".to_owned(),
        format!("{{ site: {uuid}, summary: A door, something_else: 1 }}"),
    ] {
        assert_eq!(complaints(&body), Vec::<String>::new(), "{body}");
    }
}

#[test]
fn what_does_not_fit_is_named_with_the_way_out() {
    let cases = [
        ("{ site: \"${s}\" }", "`body` lacks the member `summary`"),
        ("{ site: \"${s}\", sumary: A door }", "`body` has no member `sumary`; did you mean `summary`?"),
        (
            "{ site: \"${s}\", summary: 5 }",
            "`body.summary` is a number, and string is asked for; put it in quotes to send it as text",
        ),
        (
            "{ site: \"${s}\", summary: a, cents: \"5\" }",
            "`body.cents` is text, and integer or null is asked for; write 5 without quotes",
        ),
        ("{ site: \"${s}\", summary: a, cents: -1 }", "`body.cents` is at least 0"),
        ("{ site: \"${s}\", summary: a, kind: DOR }", "`body.kind` cannot be \"DOR\"; did you mean `DOOR`?"),
        ("{ site: s1, summary: a }", "`body.site` is a UUID, `s1` is none"),
        ("{ site: \"${s}\", summary: a, parts: [] }", "`body.parts` needs at least 1 elements"),
        ("{ site: \"${s}\", summary: a, parts: [{}] }", "`body.parts[0]` lacks the member `n`"),
        (
            "{ site: \"${s}\", summary: a, at: soon }",
            "`body.at` is a moment such as `2026-01-01T00:00:00Z`, `soon` is none",
        ),
    ];
    for (body, said) in cases {
        assert_eq!(complaints(body), [said], "{body}");
    }
}

#[test]
fn what_is_no_manifest_says_so() {
    assert!(Tools::read("x", "{\"tools\": [{}]}").is_err());
    let tools =
        Tools::read("x", r#"{"tools": [{"name": "a.b", "chat_name": "a_b", "inputSchema": {}}]}"#).unwrap();
    assert!(tools.find("a.b").is_some() && tools.find("a_b").is_some() && tools.find("a").is_none());
}

#[test]
fn tables_are_found_in_sql() {
    let sql = "CREATE TABLE a (x text);\n  create table if not exists public.\"b\" (y text);\n-- create view c\ncreate unlogged table d();";
    assert_eq!(tables(sql), ["a", "b", "d"]);
}
