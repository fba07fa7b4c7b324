//! What a start says, and what it refuses.

use dispatch_testbed::{Api, Database};
use serde_json::{Value, json};

use crate::limits::API;

fn lines(output: &[u8]) -> Vec<Value> {
    String::from_utf8_lossy(output).lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

#[tokio::test]
async fn a_start_with_six_wrong_variables_lists_all_six() {
    let mut api = Api::on(API, Database::empty().await);
    for (name, value) in [
        ("DISPATCH_API_PORT", "65536"),
        ("DISPATCH_DB_POOL_MAX", "0"),
        ("DISPATCH_DATABASE_URL", "mysql://h/d"),
        ("DISPATCH_AUTH_JWKS_URL", "ftp://keys"),
        ("DISPATCH_AUTH_JWT_SECRET_FILE", "/nowhere/secret"),
        ("DISPATCH_OBJECT_STORE_ENDPOINT", "http://store:9000"),
    ] {
        api.set(name, value);
    }
    let output = api.run(&[]);
    assert_eq!(output.status.code(), Some(1));
    let line = lines(&output.stderr).pop().unwrap();
    assert_eq!(line["message"], "dispatch-api failed to start");
    let error = line["error"].as_str().unwrap();
    for name in [
        "DISPATCH_API_PORT",
        "DISPATCH_DB_POOL_MAX",
        "DISPATCH_DATABASE_URL",
        "DISPATCH_AUTH_JWKS_URL",
        "DISPATCH_AUTH_JWT_SECRET_FILE",
        "DISPATCH_OBJECT_STORE_ENDPOINT",
    ] {
        assert!(error.contains(name), "{name} is not in {error}");
    }
    assert_eq!(error.split("; ").count(), 6, "{error}");
}

#[tokio::test]
async fn production_refuses_development_headers_and_a_missing_secret() {
    let mut api = Api::on(API, Database::empty().await);
    api.set("DISPATCH_ENV", "");
    api.set("NODE_ENV", "Production");
    api.set("DISPATCH_AUTH_ALLOW_DEV_HEADERS", "true");
    let output = api.run(&["serve"]);
    let error = lines(&output.stderr).pop().unwrap()["error"].to_string();
    assert_eq!(output.status.code(), Some(1));
    assert!(error.contains("ALLOW_DEV_HEADERS") && error.contains("JWT_SECRET"), "{error}");
}

#[tokio::test]
async fn development_headers_are_for_three_environments_and_not_for_an_unset_one() {
    for (environment, status) in
        [("development", 200), ("LOCAL", 200), ("test", 200), ("", 401), ("staging", 401)]
    {
        let mut api = Api::on(API, Database::migrated().await);
        api.set("DISPATCH_ENV", "");
        api.set("NODE_ENV", environment);
        api.start().await;
        assert_eq!(api.get("/tickets").await.status, status, "{environment}");
    }
}

#[tokio::test]
async fn without_an_argument_it_serves_and_touches_no_schema_but_says_how_old_it_is() {
    let database = Database::empty().await;
    let wrapper = std::env::temp_dir().join(format!("no-argument-{}.sh", uuid::Uuid::new_v4()));
    std::fs::write(&wrapper, format!("#!/bin/sh\nexec {API}\n")).unwrap();
    let mode = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o755);
    std::fs::set_permissions(&wrapper, mode).unwrap();
    let mut api = Api::on(wrapper.to_str().unwrap(), database);
    api.start().await;
    std::fs::remove_file(wrapper).unwrap();
    let warning = api.log().into_iter().find(|line| line["message"] == "schema warning").unwrap();
    assert!(warning["warning"].as_str().unwrap().contains("older"), "{warning}");
    assert_eq!(api.get_with("/readyz", &[]).await.body["failing"], json!(["migrations"]));
    assert_eq!(api.get_with("/ops/alerts", &[]).await.code(), "ALERT_BACKEND_UNAVAILABLE");
    let tables = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'";
    assert_eq!(api.count(tables).await, 0);
}

#[tokio::test]
async fn a_schema_that_is_newer_or_was_changed_is_told_and_served() {
    let mut api = Api::on(API, Database::migrated().await);
    api.database
        .execute(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
             VALUES (9000, 'from later', true, 'x', 0)",
        )
        .await;
    api.database.execute("UPDATE _sqlx_migrations SET checksum = 'other' WHERE version = 1").await;
    api.start().await;
    let warnings: Vec<Value> =
        api.log().into_iter().filter(|line| line["message"] == "schema warning").collect();
    assert_eq!(warnings.len(), 2, "{warnings:#?}");
    assert_eq!((&warnings[0]["migrations"], &warnings[1]["migrations"]), (&json!([9000]), &json!([1])));
    assert_eq!(api.get_with("/readyz", &[]).await.status, 200);
}

#[tokio::test]
async fn readiness_asks_the_object_store_where_evidence_is_probed() {
    let store = dispatch_testbed::ObjectServer::start().await;
    for (endpoint, status) in [(store.url.as_str(), 200), ("http://127.0.0.1:9", 503)] {
        let settings = [
            ("DISPATCH_OBJECT_STORE_ENDPOINT", endpoint),
            ("DISPATCH_OBJECT_STORE_KEY", "k"),
            ("DISPATCH_OBJECT_STORE_SECRET", "s"),
            ("DISPATCH_EVIDENCE_REQUIRE_HEAD", "true"),
        ];
        let api = Api::raise(API, &settings).await;
        let answer = api.get_with("/readyz", &[]).await;
        assert_eq!(answer.status, status, "{}", answer.text);
        if status == 503 {
            assert_eq!(answer.body["failing"], json!(["object_store"]));
        }
    }
}

#[tokio::test]
async fn the_verbs_print_the_variables_and_the_alert_rules() {
    let api = Api::on(API, Database::empty().await);
    let page = String::from_utf8(api.run(&["config"]).stdout).unwrap();
    assert!(page.contains("| `DISPATCH_ALERT_WINDOW_SECONDS` | count | `900` |"), "{page}");
    let rules: Value = serde_json::from_slice(&api.run(&["alert-rules"]).stdout).unwrap();
    assert_eq!(rules.as_array().unwrap().len(), 4);
    assert!(rules[3]["signal_text"].as_str().unwrap().contains("`AUTH_CONFIG_ERROR`"));
}
