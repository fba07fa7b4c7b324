//! What is wrong with a request, member by member.

use dispatch_testbed::send;
use reqwest::Method;
use serde_json::{Value, json};

use crate::desk::{ACCOUNT, SITE, create};
use crate::raise;

fn codes(body: &Value) -> Vec<(String, String)> {
    let fields = body["error"]["fields"].as_array().unwrap();
    fields
        .iter()
        .map(|entry| {
            (entry["field"].as_str().unwrap().to_owned(), entry["code"].as_str().unwrap().to_owned())
        })
        .collect()
}

#[tokio::test]
async fn every_refused_member_has_a_stable_code_beside_the_original_errors() {
    let api = raise(&[]).await;
    let body = json!({ "site_id": "x", "summary": "", "nte_cents": -1 });
    let refused = api.refuses("dispatcher", "/tickets", &body, "INVALID_REQUEST").await;
    assert_eq!(refused.body["error"]["message"], "Request payload violates dispatch contract");
    assert!(refused.body["error"]["validation_errors"].as_array().unwrap().len() >= 4);
    let codes = codes(&refused.body);
    for (field, code) in [
        ("account_id", "REQUIRED"),
        ("site_id", "TOO_SHORT"),
        ("site_id", "FORMAT"),
        ("summary", "TOO_SHORT"),
        ("nte_cents", "TOO_SMALL"),
    ] {
        assert!(codes.contains(&(field.to_owned(), code.to_owned())), "{field} {code}: {codes:?}");
    }
    assert_eq!(codes.iter().filter(|(field, _)| field == "account_id").count(), 1);
}

#[tokio::test]
async fn rules_beyond_the_schema_name_their_member_too() {
    let api = raise(&[]).await;
    let blank = json!({ "account_id": ACCOUNT, "site_id": SITE, "summary": "  " });
    let refused = api.refuses("dispatcher", "/tickets", &blank, "INVALID_REQUEST").await;
    assert_eq!(codes(&refused.body), [("summary".to_owned(), "BLANK".to_owned())]);
    let elsewhere = json!({ "account_id": ACCOUNT, "site_id": ACCOUNT, "summary": "x" });
    let refused = api.refuses("dispatcher", "/tickets", &elsewhere, "INVALID_REQUEST").await;
    assert_eq!(codes(&refused.body), [("site_id".to_owned(), "NOT_FOUND".to_owned())]);
    let path = create(&api).await;
    let triage = json!({ "priority": "URGENT", "incident_type": "X", "sop_handoff_acknowledged": "yes" });
    let refused = api.refuses("dispatcher", &format!("{path}/triage"), &triage, "INVALID_REQUEST").await;
    assert_eq!(codes(&refused.body), [("sop_handoff_acknowledged".to_owned(), "TYPE".to_owned())]);
}

#[tokio::test]
async fn a_body_that_is_too_large_has_a_code_of_its_own() {
    let api = raise(&[]).await;
    let body = format!("{{\"summary\": \"{}\"}}", "x".repeat(1024 * 1024));
    let answer = send(api.request(Method::POST, "/tickets").body(body)).await;
    answer.expect(413, "PAYLOAD_TOO_LARGE");
}

#[tokio::test]
async fn a_replayed_pause_of_a_ticket_is_for_those_who_may_see_the_ticket() {
    let api = raise(&[]).await;
    let path = create(&api).await;
    let pause = json!({ "scope_type": "TICKET", "ticket_id": crate::desk::id(&path) });
    let key = uuid::Uuid::new_v4();
    assert_eq!(api.post_with("dispatcher", "/ops/autonomy/pause", &pause, key).await.status, 200);
    let key = key.to_string();
    let narrow = [
        ("x-actor-id", "actor-1"),
        ("x-actor-role", "dispatcher"),
        ("x-site-scope", "00000000-0000-0000-0000-00000000000a"),
        ("idempotency-key", &key),
    ];
    api.post_headers("/ops/autonomy/pause", &pause, &narrow).await.expect(403, "FORBIDDEN_SCOPE");
    let again = api.post_with("dispatcher", "/ops/autonomy/pause", &pause, key.parse().unwrap()).await;
    assert!(again.is_replay() && again.status == 200);
}
