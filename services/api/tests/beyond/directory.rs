//! Accounts, sites, technicians, and tokens that are no longer believed.

use std::time::Duration;

use dispatch_testbed::{send, token};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::desk::{ACCOUNT, SITE, TECHNICIAN, post_as};
use crate::raise;

#[tokio::test]
async fn an_account_its_site_and_a_technician_are_created_changed_and_listed() {
    let api = raise(&[]).await;
    let account = api.post("admin", "/accounts", &json!({ "name": "North Dental" })).await;
    assert_eq!(account.status, 201, "{}", account.text);
    let account_id = account.body["id"].as_str().unwrap().to_owned();
    let renamed = api.post("admin", &format!("/accounts/{account_id}"), &json!({ "name": "North" })).await;
    assert_eq!((renamed.status, &renamed.body["name"]), (200, &json!("North")));
    let site = json!({
        "account_id": account_id, "name": "Clinic", "address1": "1 Main", "city": "Fresno", "region": "CA",
        "timezone": "America/Los_Angeles", "hours": { "mon": [{ "start": "08:00", "end": "17:00" }] },
    });
    let site = api.post("dispatcher", "/sites", &site).await;
    assert_eq!((site.status, &site.body["country"]), (201, &json!("US")), "{}", site.text);
    let site_path = format!("/sites/{}", site.body["id"].as_str().unwrap());
    let changed = api.post("dispatcher", &site_path, &json!({ "region": "", "city": "Clovis" })).await.body;
    assert_eq!(
        (&changed["region"], &changed["city"], &changed["name"]),
        (&json!(null), &json!("Clovis"), &json!("Clinic"))
    );
    assert_eq!(api.get(&site_path).await.body, changed);
    let technician = json!({
        "name": "Ada", "skills": ["door_wont_latch"], "regions": ["ca"], "rating": 4.5,
        "availability": [{ "weekday": 1.0, "start": "08:00", "end": "24:00" }],
    });
    let technician = api.post("admin", "/technicians", &technician).await;
    assert_eq!(technician.status, 201, "{}", technician.text);
    assert_eq!(technician.body["skills"], json!(["DOOR_WONT_LATCH"]));
    assert_eq!(technician.body["availability"], json!([{ "weekday": 1, "start": "08:00", "end": "24:00" }]));
    let path = format!("/technicians/{}", technician.body["id"].as_str().unwrap());
    let retired = api.post("admin", &path, &json!({ "active": false, "skills": [] })).await.body;
    assert_eq!(
        (&retired["active"], &retired["skills"], &retired["regions"]),
        (&json!(false), &json!([]), &json!(["CA"]))
    );
    let inactive = api.get("/technicians?active=false").await.body["technicians"].clone();
    assert_eq!(inactive.as_array().unwrap().len(), 1);
    assert_eq!(api.count("SELECT count(*) FROM audit_events WHERE ticket_id IS NULL").await, 6);
}

#[tokio::test]
async fn lists_come_in_pages() {
    let api = raise(&[]).await;
    for name in ["B", "C"] {
        api.post("admin", "/accounts", &json!({ "name": name })).await;
    }
    let first = api.get("/accounts?limit=2").await.body;
    assert_eq!(first["accounts"].as_array().unwrap().len(), 2);
    let next = first["next_cursor"].as_str().unwrap();
    let second = api.get(&format!("/accounts?limit=2&cursor={next}")).await.body;
    assert_eq!((&second["accounts"][0]["name"], &second["next_cursor"]), (&json!("C"), &Value::Null));
}

#[tokio::test]
async fn what_is_wrong_or_taken_or_out_of_reach_is_refused() {
    let api = raise(&[]).await;
    api.refuses("dispatcher", "/accounts", &json!({ "name": "x" }), "FORBIDDEN").await;
    api.refuses("customer", "/sites", &json!({}), "FORBIDDEN").await;
    let taken =
        api.refuses("admin", "/accounts", &json!({ "name": "x", "id": ACCOUNT }), "INVALID_REQUEST").await;
    assert_eq!(taken.body["error"]["fields"][0]["code"], "TAKEN");
    let site = |account: &str, zone: &str| json!({ "account_id": account, "name": "n", "address1": "a", "city": "c", "timezone": zone });
    let zone = api.refuses("admin", "/sites", &site(ACCOUNT, "Mars/Olympus"), "INVALID_REQUEST").await;
    assert_eq!(zone.body["error"]["fields"][0]["field"], "timezone");
    let nobody = Uuid::new_v4().to_string();
    let unknown = api.refuses("admin", "/sites", &site(&nobody, "UTC"), "INVALID_REQUEST").await;
    assert_eq!(unknown.body["error"]["fields"][0]["code"], "NOT_FOUND");
    for path in [format!("/accounts/{nobody}"), format!("/sites/{nobody}"), format!("/technicians/{nobody}")]
    {
        api.get(&path).await.expect(404, "RESOURCE_NOT_FOUND");
        api.post("admin", &path, &json!({})).await.expect(404, "RESOURCE_NOT_FOUND");
    }
    api.get("/sites/x").await.expect(404, "NOT_FOUND");
    let hours = json!({ "availability": [{ "weekday": 1, "start": "12:00", "end": "08:00" }] });
    let reversed =
        api.refuses("admin", &format!("/technicians/{TECHNICIAN}"), &hours, "INVALID_REQUEST").await;
    assert_eq!(reversed.body["error"]["fields"][0]["code"], "REVERSED");
    let narrow = [("x-actor-id", "d"), ("x-actor-role", "dispatcher"), ("x-account-scope", nobody.as_str())];
    assert_eq!(post_as(&api, &narrow, &format!("/sites/{SITE}"), &json!({})).await.code(), "FORBIDDEN_SCOPE");
    assert_eq!(api.get_with("/sites", &narrow).await.body["sites"], json!([]));
}

#[tokio::test]
async fn a_revoked_token_is_believed_no_longer_and_others_are() {
    let api = raise(&[("DISPATCH_AUTH_JWT_SECRET", token::SECRET)]).await;
    let claims = |jti: &str| {
        json!({ "sub": "d", "role": "dispatcher", "exp": token::now() + 3600, "jti": jti,
                "scope": { "account_ids": ["*"], "site_ids": ["*"] } })
    };
    let (stolen, kept) =
        (token::signed(&claims("stolen"), token::SECRET), token::signed(&claims("kept"), token::SECRET));
    let read = |token: String| {
        let request = api.request(Method::GET, "/tickets").bearer_auth(token);
        async move { send(request).await }
    };
    assert_eq!(read(stolen.clone()).await.status, 200);
    let revoke = json!({ "jti": "stolen", "expires_at": "2099-01-01T00:00:00Z", "reason": "laptop lost" });
    api.refuses("dispatcher", "/ops/tokens/revoke", &revoke, "FORBIDDEN").await;
    assert_eq!(api.post("admin", "/ops/tokens/revoke", &revoke).await.status, 200);
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    let mut pace = tokio::time::interval(Duration::from_millis(100));
    while read(stolen.clone()).await.status != 401 {
        pace.tick().await;
        assert!(tokio::time::Instant::now() < deadline, "the token is still believed");
    }
    assert_eq!(read(stolen).await.code(), "INVALID_AUTH_CLAIMS");
    assert_eq!(read(kept).await.status, 200);
}
