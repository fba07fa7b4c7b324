//! Waivers, finished tickets, packets and links to objects.

use dispatch_testbed::ObjectServer;
use reqwest::Client;
use serde_json::json;

use crate::desk::{DOOR_KEYS, attach, completion, create, start_work};
use crate::raise;

#[tokio::test]
async fn an_exception_is_a_record_by_default_and_a_waiver_where_configured() {
    for (settings, relaxes) in [(&[][..], false), (&[("DISPATCH_EVIDENCE_WAIVER_HOURS", "8")][..], true)] {
        let api = raise(settings).await;
        let path = start_work(&api, "DOOR_WONT_LATCH").await;
        attach(&api, &path, &DOOR_KEYS[1..]).await;
        let exception =
            json!({ "exception_reason": "no light before the work", "evidence_refs": [DOOR_KEYS[0]] });
        let answer = api.post("qa", &format!("{path}/closeout/evidence-exception"), &exception).await;
        assert_eq!((answer.status, &answer.body["expires_at"]), (200, &json!(null)));
        let complete = format!("{path}/tech/complete");
        if !relaxes {
            api.refuses("technician", &complete, &completion(), "CLOSEOUT_REQUIREMENTS_INCOMPLETE").await;
            continue;
        }
        api.moves("technician", &complete, &completion(), "COMPLETED_PENDING_VERIFICATION").await;
        let events = api.get(&format!("{path}/timeline")).await.body["events"].clone();
        let last = events.as_array().unwrap().last().unwrap();
        assert_eq!(last["payload"]["waived"], json!([DOOR_KEYS[0]]));
        // Once it has run out the gate wants the evidence again.
        api.database.execute("UPDATE evidence_waivers SET expires_at = now() - interval '1 second'").await;
        let pass = json!({ "timestamp": "2026-12-05T13:00:00Z", "result": "PASS" });
        let verify = format!("{path}/qa/verify");
        api.refuses("qa", &verify, &pass, "CLOSEOUT_REQUIREMENTS_INCOMPLETE").await;
    }
}

#[tokio::test]
async fn a_waiver_lives_no_longer_than_allowed() {
    let api = raise(&[("DISPATCH_EVIDENCE_WAIVER_HOURS", "8")]).await;
    let path = start_work(&api, "DOOR_WONT_LATCH").await;
    let exception =
        json!({ "exception_reason": "x", "evidence_refs": ["k"], "expires_at": "2099-01-01T00:00:00Z" });
    let answer = api.post("qa", &format!("{path}/closeout/evidence-exception"), &exception).await;
    assert_eq!(answer.body["expires_at"], "2099-01-01T00:00:00.000Z");
    let short = "SELECT count(*) FROM evidence_waivers WHERE expires_at <= now() + interval '8 hours'";
    assert_eq!(api.count(short).await, 1);
}

#[tokio::test]
async fn a_finished_ticket_takes_evidence_unless_it_is_configured_not_to() {
    for (settings, status) in [(&[][..], 201), (&[("DISPATCH_EVIDENCE_OPEN_TICKETS_ONLY", "1")][..], 409)] {
        let api = raise(settings).await;
        let path = create(&api).await;
        attach(&api, &path, &["early"]).await;
        api.moves("dispatcher", &format!("{path}/cancel"), &json!({ "reason": "x" }), "CANCELLED").await;
        let item = json!({ "kind": "PHOTO", "uri": "s3://evidence/late" });
        let answer = api.post("technician", &format!("{path}/evidence"), &item).await;
        assert_eq!(answer.status, status, "{}", answer.text);
    }
}

#[tokio::test]
async fn packets_have_versions_that_stay() {
    let api = raise(&[]).await;
    let path = start_work(&api, "DOOR_WONT_LATCH").await;
    attach(&api, &path, &DOOR_KEYS).await;
    api.moves(
        "technician",
        &format!("{path}/tech/complete"),
        &completion(),
        "COMPLETED_PENDING_VERIFICATION",
    )
    .await;
    let pass = json!({ "timestamp": "2026-12-05T13:00:00Z", "result": "PASS" });
    api.moves("qa", &format!("{path}/qa/verify"), &pass, "VERIFIED").await;
    let read = format!("{path}/closeout-packet");
    api.moves("dispatcher", &format!("{path}/close"), &json!({ "reason": "first" }), "CLOSED").await;
    // Maintenance takes the ticket back; the second close leaves the first packet alone.
    api.database.execute("UPDATE tickets SET state = 'VERIFIED'").await;
    api.moves("dispatcher", &format!("{path}/close"), &json!({ "reason": "second" }), "CLOSED").await;
    let latest = api.get(&read).await.body;
    assert_eq!(
        (&latest["version"], &latest["versions"], &latest["payload"]["closure_reason"]),
        (&json!(2), &json!(2), &json!("second"))
    );
    let first = api.get(&format!("{read}?version=1")).await.body;
    assert_eq!(first["payload"]["closure_reason"], "first");
    api.get(&format!("{read}?version=3")).await.expect(404, "NOT_FOUND");
    api.get(&format!("{read}?version=x")).await.expect(400, "INVALID_QUERY");
}

#[tokio::test]
async fn an_object_is_put_and_got_by_links() {
    let store = ObjectServer::start().await;
    let api = raise(&[
        ("DISPATCH_OBJECT_STORE_ENDPOINT", &store.url),
        ("DISPATCH_OBJECT_STORE_BUCKET", "evidence"),
        ("DISPATCH_OBJECT_STORE_KEY", "key"),
        ("DISPATCH_OBJECT_STORE_SECRET", "secret"),
        ("DISPATCH_EVIDENCE_REQUIRE_HEAD", "1"),
        ("DISPATCH_EVIDENCE_LINK_SECONDS", "60"),
    ])
    .await;
    let path = create(&api).await;
    let asked = api
        .get_as(
            "technician",
            &format!("{path}/evidence/upload-url?file_name=door%201.jpg&content_type=image/jpeg"),
        )
        .await;
    assert_eq!(asked.status, 200, "{}", asked.text);
    let (url, uri) = (asked.body["upload_url"].as_str().unwrap(), asked.body["uri"].as_str().unwrap());
    assert!(uri.starts_with("s3://evidence/tickets/") && uri.ends_with("/door_1.jpg"), "{uri}");
    assert!(url.contains("X-Amz-Signature=") && url.contains("X-Amz-Expires=60"), "{url}");
    let item = json!({ "kind": "PHOTO", "uri": uri });
    let early = api.post("technician", &format!("{path}/evidence"), &item).await;
    assert_eq!(early.code(), "CLOSEOUT_REQUIREMENTS_INCOMPLETE", "nothing is there yet");
    let mut put = Client::new().put(url).body("jpeg");
    for (name, value) in asked.body["headers"].as_object().unwrap() {
        put = put.header(name, value.as_str().unwrap());
    }
    assert!(put.send().await.unwrap().status().is_success());
    assert_eq!(api.post("technician", &format!("{path}/evidence"), &item).await.status, 201);
    let plain = api.get(&format!("{path}/evidence")).await.body;
    assert!(plain["evidence"][0].get("download_url").is_none());
    let listed = api.get(&format!("{path}/evidence?links=true")).await.body;
    let link = listed["evidence"][0]["download_url"].as_str().unwrap();
    assert_eq!(Client::new().get(link).send().await.unwrap().text().await.unwrap(), "jpeg");
    assert_eq!(api.get_as("customer", &format!("{path}/evidence/upload-url")).await.status, 403);
    api.get(&format!("{path}/evidence?links=maybe")).await.expect(400, "INVALID_QUERY");
}

#[tokio::test]
async fn without_an_object_store_there_are_no_links_and_the_answer_says_so() {
    let api = raise(&[]).await;
    let path = create(&api).await;
    attach(&api, &path, &["a"]).await;
    api.get(&format!("{path}/evidence/upload-url")).await.expect(404, "RESOURCE_NOT_FOUND");
    let listed = api.get(&format!("{path}/evidence?links=true")).await.body;
    assert_eq!(listed["evidence"][0]["download_url"], json!(null));
}

#[tokio::test]
async fn the_job_packet_names_everything_that_is_still_missing_at_once() {
    let api = raise(&[]).await;
    let path = start_work(&api, "DOOR_WONT_LATCH").await;
    let packet = format!("/ux/technician/job-packet/{}", crate::desk::id(&path));
    let first = api.get_as("technician", &packet).await;
    let readiness = &first.body["packet"]["readiness"];
    let kinds: Vec<&str> = readiness["blocking"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["kind"].as_str().unwrap())
        .collect();
    let expected = [&["EVIDENCE"; 3][..], &["SIGNATURE"], &["CHECKLIST"; 5]].concat();
    assert_eq!((kinds, &readiness["evidence_ready"]), (expected, &json!(false)));
    assert_eq!(first.body["packet"]["sla"]["target_minutes"], 60);
    attach(&api, &path, &DOOR_KEYS).await;
    let bad = json!({ "kind": "NOTE", "uri": "nowhere" });
    api.post("technician", &format!("{path}/evidence"), &bad).await;
    let readiness = api.get_as("technician", &packet).await.body["packet"]["readiness"].clone();
    assert_eq!(
        (&readiness["evidence_ready"], &readiness["blocking"][0]["key"]),
        (&json!(false), &json!("nowhere"))
    );
    let path = start_work(&api, "DOOR_WONT_LATCH").await;
    attach(&api, &path, &DOOR_KEYS).await;
    let packet = format!("/ux/technician/job-packet/{}", crate::desk::id(&path));
    let ready = api.get_as("technician", &packet).await;
    assert_eq!(ready.body["packet"]["readiness"]["evidence_ready"], true);
    assert!(ready.headers.contains_key("etag"));
}
