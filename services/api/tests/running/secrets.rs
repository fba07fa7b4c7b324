//! Secrets in files, changed while the service runs.

use dispatch_testbed::{Api, eventually, token};
use serde_json::json;

use crate::limits::API;

fn signed(secret: &str) -> String {
    let scope = json!({ "account_ids": ["*"], "site_ids": ["*"] });
    let claims = json!({ "sub": "a", "role": "dispatcher", "exp": token::now() + 600, "scope": scope });
    format!("Bearer {}", token::signed(&claims, secret))
}

async fn status(api: &Api, secret: &str) -> u16 {
    api.get_with("/tickets", &[("authorization", &signed(secret))]).await.status
}

#[tokio::test]
async fn a_secret_is_rotated_by_its_file_and_both_are_good_while_both_are_there() {
    let path = std::env::temp_dir().join(format!("rotating-{}", uuid::Uuid::new_v4()));
    std::fs::write(&path, "old\n").unwrap();
    let api = Api::raise(API, &[("DISPATCH_AUTH_JWT_SECRET_FILE", path.to_str().unwrap())]).await;
    assert_eq!((status(&api, "old").await, status(&api, "new").await), (200, 401));
    std::fs::write(&path, "new\nold\n").unwrap();
    eventually(async || if status(&api, "new").await == 200 { Ok(()) } else { Err("not read".to_owned()) })
        .await;
    assert_eq!(status(&api, "old").await, 200);
    std::fs::write(&path, "new\n").unwrap();
    eventually(async || if status(&api, "old").await == 401 { Ok(()) } else { Err("not gone".to_owned()) })
        .await;
    std::fs::remove_file(&path).unwrap();
    eventually(async || {
        let complained = api.log().iter().any(|line| line["message"] == "a secret could not be read");
        if complained { Ok(()) } else { Err("nobody complained".to_owned()) }
    })
    .await;
    assert_eq!(status(&api, "new").await, 200, "what was good stays good");
}
