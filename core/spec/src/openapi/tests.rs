use serde_json::{Value, json};

use super::Document;

fn document(version: &str) -> Document {
    let text = json!({
        "openapi": version,
        "servers": [{ "url": "http://localhost:8080/v1/" }],
        "paths": {
            "/things/{id}": {
                "get": {
                    "operationId": "thing_get",
                    "responses": {
                        "200": { "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Thing" } } } },
                        "404": { "$ref": "#/components/responses/Missing" },
                        "5XX": { "content": { "text/plain": {} } },
                    },
                },
                "delete": { "x-tool-name": "thing.remove", "responses": { "204": { "description": "gone" } } },
            },
            "/things/newest": { "get": { "responses": { "default": {} } } },
        },
        "components": {
            "responses": { "Missing": { "content": { "application/json": { "schema": { "type": "object", "required": ["error"] } } } } },
            "schemas": {
                "Thing": {
                    "type": "object", "required": ["id"], "additionalProperties": false,
                    "properties": { "id": { "type": "integer" }, "owner": { "type": "string", "nullable": true } },
                },
            },
        },
    });
    Document::parse("api/openapi.json", &text.to_string()).unwrap()
}

fn get(path: &str) -> Value {
    json!({ "method": "GET", "path": path })
}

fn answer(status: u16, body: &Value) -> Value {
    json!({ "status": status, "headers": { "content-type": "application/json; charset=utf-8" }, "body": body })
}

#[track_caller]
fn wrong(document: &Document, asked: &Value, answer: &Value, wanted: &[(&str, &str)]) {
    let found = document.compare(asked, answer);
    assert_eq!(found.len(), wanted.len(), "{found:?}");
    for (found, (path, expected)) in found.iter().zip(wanted) {
        assert_eq!(found.path, format!("openapi {path}"), "{found:?}");
        assert!(found.expected.contains(expected), "{found:?}");
    }
}

#[test]
fn an_answer_that_is_documented_is_no_mismatch() {
    let document = document("3.1.0");
    wrong(&document, &get("/v1/things/7?deep=true"), &answer(200, &json!({ "id": 7 })), &[]);
    wrong(&document, &get("/things/7"), &answer(404, &json!({ "error": 1 })), &[]);
    wrong(&document, &get("/v1/things/newest"), &answer(418, &Value::Null), &[]);
    let plain = json!({ "status": 503, "headers": { "content-type": "text/plain" }, "body": "later" });
    wrong(&document, &get("/v1/things/7"), &plain, &[]);
    let gone = json!({ "status": 204, "headers": {}, "body": null });
    wrong(&document, &json!({ "method": "DELETE", "path": "/v1/things/7" }), &gone, &[]);
    wrong(&document, &json!({ "method": "HEAD", "path": "/v1/things/7" }), &gone, &[]);
}

#[test]
fn paths_methods_statuses_types_and_bodies_that_are_not_documented_are_named_with_their_place() {
    let document = document("3.1.0");
    let thing = json!({ "id": 7 });
    wrong(
        &document,
        &get("/v1/nothing"),
        &answer(200, &thing),
        &[("path", "a documented path (api/openapi.json#/paths)")],
    );
    let post = json!({ "method": "POST", "path": "/v1/things/7" });
    wrong(&document, &post, &answer(200, &thing), &[("method", "#/paths/~1things~1{id}")]);
    wrong(
        &document,
        &get("/v1/things/7"),
        &answer(201, &thing),
        &[("status", "#/paths/~1things~1{id}/get/responses")],
    );
    let of_thing = "/get/responses/200/content/application~1json/schema";
    let extra = json!({ "id": "7", "more": 1 });
    let found = [("body.id", of_thing), ("body", of_thing)];
    let mut seen = document.compare(&get("/v1/things/7"), &answer(200, &extra));
    seen.sort_by(|a, b| b.path.cmp(&a.path));
    assert_eq!(
        seen.iter().map(|one| one.path.clone()).collect::<Vec<_>>(),
        found.map(|(path, _)| format!("openapi {path}"))
    );
    wrong(
        &document,
        &get("/v1/things/7"),
        &answer(404, &thing),
        &[("body", "#/components/responses/Missing")],
    );
    let text = json!({ "status": 200, "headers": { "content-type": "text/html" }, "body": "<p>" });
    wrong(&document, &get("/v1/things/7"), &text, &[("headers.content-type", "a documented content type")]);
    let nothing = json!({ "status": 200, "headers": {}, "body": null });
    wrong(&document, &get("/v1/things/7"), &nothing, &[("body", "a body")]);
    let delete = json!({ "method": "DELETE", "path": "/v1/things/7" });
    wrong(&document, &delete, &answer(204, &thing), &[("body", "no body")]);
}

#[test]
fn tools_are_found_by_name_and_what_the_gateway_says_itself_is_its_own() {
    let document = document("3.1.0");
    let said = |status: u16, body: Value| json!({ "status": status, "is_error": false, "body": body, "details": { "status": status } });
    wrong(&document, &json!({ "tool": "thing.get" }), &said(200, json!({ "id": 1 })), &[]);
    wrong(&document, &json!({ "tool": "thing_get" }), &said(200, json!({})), &[("body", "required")]);
    wrong(
        &document,
        &json!({ "tool": "thing.remove" }),
        &said(200, json!({})),
        &[("status", "a documented status")],
    );
    wrong(&document, &json!({ "tool": "unknown" }), &said(200, json!({})), &[]);
    wrong(&document, &json!({ "tool": "thing.remove" }), &json!({ "status": 401, "details": null }), &[]);
}

#[test]
fn what_is_switched_off_is_not_asked() {
    wrong(&document("3.1.0"), &json!({ "off": "the proxy answers" }), &answer(599, &json!({})), &[]);
}

#[test]
fn nullable_is_a_type_of_openapi_3_0_only() {
    let body = json!({ "id": 7, "owner": null });
    wrong(&document("3.0.3"), &get("/v1/things/7"), &answer(200, &body), &[]);
    wrong(&document("3.1.0"), &get("/v1/things/7"), &answer(200, &body), &[("body.owner", "null")]);
}

#[test]
fn a_text_that_is_no_document_says_why() {
    for (text, why) in [("{", "not JSON"), ("{}", "openapi"), (r#"{"openapi":"3.1.0","paths":{}}"#, "paths")]
    {
        assert!(Document::parse("x.json", text).unwrap_err().contains(why), "{text}");
    }
}
