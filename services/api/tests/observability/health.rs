//! Health in both profiles on a database that was migrated.

use dispatch_testbed::{Api, token};
use serde_json::json;

use crate::desk::API;

#[tokio::test]
async fn a_migrated_database_is_healthy_in_production_and_in_development() {
    let production: &[(&str, &str)] =
        &[("DISPATCH_ENV", "production"), ("DISPATCH_AUTH_JWT_SECRET", token::SECRET)];
    let development: &[(&str, &str)] = &[("DISPATCH_ENV", "development")];
    for (settings, verdict, head, checksum) in
        [(production, "pass", "required", "required"), (development, "warn", "disabled", "optional")]
    {
        let api = Api::raise(API, settings).await;
        let answer = api.get_with("/health", &[]).await;
        assert_eq!((answer.status, &answer.body["status"]), (200, &json!("ok")), "{}", answer.text);
        assert_eq!(answer.body["failures"], json!([]));
        assert_eq!(answer.body["service"], "dispatch-api");
        assert_eq!(answer.body["runbook"], "dispatch/ops/runbooks/health_db_migration.md");
        let integrity = &answer.body["checks"]["artifact_integrity"];
        assert_eq!(integrity["evidence_head_verification_enabled"], verdict);
        assert_eq!(integrity["evidence_checksum_enforcement_enabled"], verdict);
        assert_eq!(integrity["evidence_head_verification_mode"], head);
        assert_eq!(integrity["evidence_checksum_enforcement_mode"], checksum);
        assert_eq!(integrity["artifact_history_required"], "pass");
        let database = &answer.body["checks"]["database"];
        assert_eq!(database, &json!({ "name": "database_connectivity", "status": "pass" }));
        assert_eq!(answer.body["checks"]["migration"]["NULL->NEW"], "pass");
    }
}

#[tokio::test]
async fn production_without_its_evidence_rules_is_not_healthy_and_that_is_no_error() {
    let settings = [
        ("DISPATCH_ENV", "production"),
        ("DISPATCH_AUTH_JWT_SECRET", token::SECRET),
        ("DISPATCH_EVIDENCE_REQUIRE_HEAD", "off"),
        ("REQUIRE_EVIDENCE_CHECKSUM", "disabled"),
    ];
    let api = Api::raise(API, &settings).await;
    let answer = api.get_with("/health", &[]).await;
    assert_eq!((answer.status, &answer.body["status"]), (503, &json!("unhealthy")));
    let names: Vec<&str> =
        answer.body["failures"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["evidence_head_verification_enabled", "evidence_checksum_enforcement_enabled"]);
    let line = crate::desk::request_lines(&api, 1).await.remove(0);
    assert_eq!((&line["level"], line.get("error_code")), (&json!("info"), None));
    let metrics = api.get_with("/metrics", &[]).await;
    assert_eq!(metrics.body["counters"]["errors_total"], json!([]));
}
