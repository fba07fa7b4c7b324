//! Where references with `http` may point to.

use axum::Router;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use dispatch_testbed::{Answer, Api, ObjectServer};
use serde_json::json;

use crate::limits::{API, ticket};

const STRICT: [(&str, &str); 3] = [
    ("DISPATCH_OBJECT_STORE_SCHEMES", "s3,http"),
    ("DISPATCH_EVIDENCE_REQUIRE_HEAD", "true"),
    ("DISPATCH_EVIDENCE_REQUIRE_CHECKSUM", "true"),
];

async fn attach(api: &Api, uri: &str, checksum: &str) -> Answer {
    let created = api.moves("dispatcher", "/tickets", &ticket(), "NEW").await;
    let path = format!("/tickets/{}/evidence", created.body["id"].as_str().unwrap());
    api.post("dispatcher", &path, &json!({ "kind": "PHOTO", "uri": uri, "checksum": checksum })).await
}

#[tokio::test]
async fn any_host_is_asked_unless_hosts_are_listed() {
    let store = ObjectServer::start().await;
    let (uri, etag) = store.put("/bucket/a.jpg", b"picture");
    let api = Api::raise(API, &STRICT).await;
    assert_eq!(attach(&api, &uri, &etag).await.status, 201, "a real HEAD");
    let wrong = attach(&api, &uri, "0").await;
    wrong.expect(409, "CLOSEOUT_REQUIREMENTS_INCOMPLETE");
    assert_eq!(wrong.body["error"]["head_check_failure"], "CHECKSUM_MISMATCH");

    let mut listed = STRICT.to_vec();
    listed.push(("DISPATCH_OBJECT_STORE_ALLOWED_HOSTS", "files.example"));
    let api = Api::raise(API, &listed).await;
    let asked = store.heads().len();
    let refused = attach(&api, &uri, &etag).await;
    refused.expect(409, "CLOSEOUT_REQUIREMENTS_INCOMPLETE");
    assert_eq!(refused.body["error"]["head_check_failure"], "HOST_NOT_ALLOWED");
    assert_eq!(store.heads().len(), asked, "nobody was asked");

    listed.pop();
    let host = store.url.trim_start_matches("http://").to_owned();
    listed.push(("DISPATCH_OBJECT_STORE_ALLOWED_HOSTS", &host));
    let api = Api::raise(API, &listed).await;
    assert_eq!(attach(&api, &uri, &etag).await.status, 201);
    let text = api.get_with("/metrics?format=prometheus", &[]).await.text;
    assert!(text.contains("dispatch_api_evidence_probes_total{result=\"found\"} 1"), "{text}");
}

#[tokio::test]
async fn a_redirect_to_another_host_is_not_followed_unless_it_is_listed() {
    let store = ObjectServer::start().await;
    let (target, etag) = store.put("/bucket/a.jpg", b"picture");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let front = listener.local_addr().unwrap().to_string();
    let location = HeaderValue::from_str(&target).unwrap();
    let redirect = move || async move {
        let mut answer: Response = StatusCode::FOUND.into_response();
        answer.headers_mut().insert(header::LOCATION, location);
        answer
    };
    let router = Router::new().fallback(redirect);
    tokio::spawn(async move { axum::serve(listener, router).await });
    let uri = format!("http://{front}/a.jpg");

    let api = Api::raise(API, &STRICT).await;
    let refused = attach(&api, &uri, &etag).await;
    assert_eq!(refused.body["error"]["head_check_failure"], "UNREACHABLE_URI");
    assert!(store.heads().is_empty(), "the other host was never asked");

    let both = format!("{front},{}", store.url.trim_start_matches("http://"));
    let mut listed = STRICT.to_vec();
    listed.push(("DISPATCH_OBJECT_STORE_ALLOWED_HOSTS", &both));
    let api = Api::raise(API, &listed).await;
    assert_eq!(attach(&api, &uri, &etag).await.status, 201);
    assert_eq!(store.heads().len(), 1);
}
