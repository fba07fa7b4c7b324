use std::collections::BTreeSet;
use std::path::Path;

use super::parse::Reader;
use super::variable::{PREPARING, SERVING};
use super::{Config, Environment, Secret, page};

fn read(pairs: &[(&str, &str)]) -> Result<Config, super::ConfigError> {
    Config::from_environment(&Environment::from_pairs(pairs))
}

#[test]
fn an_empty_environment_gives_the_documented_defaults() {
    let config = read(&[]).unwrap();
    assert_eq!((config.listen.host.as_str(), config.listen.port), ("127.0.0.1", 8080));
    assert_eq!(config.database.pool_max, 10);
    assert!(
        !config.auth.allow_dev_headers && !config.evidence.require_head && !config.evidence.require_checksum
    );
    assert_eq!(config.evidence.schemes, ["s3", "minio"]);
    assert_eq!((config.intake.identity_threshold, config.intake.duplicate_window_minutes), (85, 120));
}

#[test]
fn local_profiles_accept_development_headers_and_an_explicit_setting_wins() {
    assert!(read(&[("NODE_ENV", "Development")]).unwrap().auth.allow_dev_headers);
    let off = [("NODE_ENV", "test"), ("DISPATCH_AUTH_ALLOW_DEV_HEADERS", " off ")];
    assert!(!read(&off).unwrap().auth.allow_dev_headers);
    assert!(!read(&[("NODE_ENV", "test"), ("DISPATCH_ENV", "staging")]).unwrap().auth.allow_dev_headers);
}

#[test]
fn production_is_strict_and_lists_every_problem_at_once() {
    let error = read(&[
        ("DISPATCH_ENV", "production"),
        ("DISPATCH_AUTH_ALLOW_DEV_HEADERS", "true"),
        ("DISPATCH_API_PORT", "http"),
        ("DISPATCH_DB_POOL_MAX", "0"),
    ])
    .unwrap_err();
    assert_eq!(error.problems.len(), 4, "{:?}", error.problems);
    let config = read(&[("DISPATCH_ENV", "production"), ("DISPATCH_AUTH_JWT_SECRET", "s")]).unwrap();
    assert!(
        config.evidence.require_head && config.evidence.require_checksum && !config.auth.allow_dev_headers
    );
}

#[test]
fn published_keys_do_instead_of_a_secret_and_come_over_a_safe_line_in_production() {
    let set = |url| [("DISPATCH_ENV", "production"), ("DISPATCH_AUTH_JWKS_URL", url)];
    let config = read(&set("https://keys.example/jwks.json")).unwrap();
    assert!(!config.auth.machine_role_aliases && config.auth.jwt_secret.is_none());
    assert_eq!(read(&set("http://keys.example/jwks.json")).unwrap_err().problems.len(), 1);
    assert!(read(&[]).unwrap().auth.machine_role_aliases);
}

#[test]
fn nobody_is_limited_unless_asked_and_a_burst_is_a_minutes_worth() {
    assert_eq!(read(&[]).unwrap().http.rate_per_minute, 0);
    let http = read(&[("DISPATCH_RATE_LIMIT_PER_MINUTE", "90")]).unwrap().http;
    assert_eq!((http.rate_burst, http.strict_methods, http.body_timeout_s), (90, false, 30));
}

#[test]
fn an_empty_checksum_setting_counts_as_unset() {
    let pairs = [("REQUIRE_EVIDENCE_CHECKSUM", " "), ("DISPATCH_EVIDENCE_REQUIRE_CHECKSUM", "enabled")];
    assert!(read(&pairs).unwrap().evidence.require_checksum);
    let pairs = [("REQUIRE_EVIDENCE_CHECKSUM", "0"), ("DISPATCH_EVIDENCE_REQUIRE_CHECKSUM", "1")];
    assert!(!read(&pairs).unwrap().evidence.require_checksum);
}

#[test]
fn unreadable_numbers_fall_back_and_say_so() {
    let config = read(&[
        ("DISPATCH_ALERT_STUCK_SCHEDULING_COUNT_THRESHOLD", "12abc"),
        ("DISPATCH_INTAKE_IDENTITY_CONFIDENCE_THRESHOLD", "101"),
        ("DISPATCH_EVIDENCE_HEAD_TIMEOUT_MS", "1e3"),
        ("DISPATCH_ALERT_COMPLETION_REJECTION_THRESHOLD", "-1"),
    ])
    .unwrap();
    assert_eq!(config.alerts.stuck_scheduling_count, 12);
    assert_eq!(config.intake.identity_threshold, 85);
    assert_eq!(config.evidence.head_timeout_ms, 1000);
    assert_eq!(config.alerts.completion_rejection, 3);
    assert_eq!(config.warnings.iter().filter(|warning| warning.contains("using")).count(), 3);
}

/// Set to 1, the test writes the committed page instead of comparing with it.
const REWRITE: &str = "DISPATCH_REWRITE_CONFIG";

#[test]
fn the_committed_page_is_the_generated_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("CONFIG.md");
    #[expect(clippy::disallowed_methods, reason = "a test has no config.rs")]
    if std::env::var(REWRITE).is_ok_and(|value| value == "1") {
        std::fs::write(&path, page()).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == page(), "services/api/CONFIG.md is out of date; run this test with {REWRITE}=1");
}

#[test]
fn the_table_lists_exactly_what_is_read() {
    // With everything set, so that no part is left out early.
    let environment = Environment::from_pairs(&[
        ("DISPATCH_OBJECT_STORE_ENDPOINT", "http://store"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://traces"),
        ("REQUIRE_EVIDENCE_CHECKSUM", "1"),
    ]);
    let reader = Reader::new(&environment);
    let asked: BTreeSet<&str> = Config::read(reader).1.asked.into_inner();
    let listed: Vec<&str> =
        SERVING.iter().flat_map(|group| group.variables).map(|variable| variable.name).collect();
    let unique: BTreeSet<&str> = listed.iter().copied().collect();
    assert_eq!(listed.len(), unique.len(), "a variable is listed twice");
    assert_eq!(asked, unique);
    let source = include_str!("../bootstrap/settings.rs");
    for variable in PREPARING.variables {
        assert!(source.contains(variable.name), "{} is not read", variable.name);
    }
}

#[test]
fn a_secret_may_be_in_a_file_but_not_in_both_places() {
    let folder = tempfile();
    let path = folder.join("secret");
    std::fs::write(&path, "first\nsecond\n").unwrap();
    let file = path.to_str().unwrap();
    let config = read(&[("DISPATCH_AUTH_JWT_SECRET_FILE", file)]).unwrap();
    assert_eq!(config.auth.jwt_secret, Some(Secret::File(path.clone())));
    let both = [("DISPATCH_AUTH_JWT_SECRET_FILE", file), ("DISPATCH_AUTH_JWT_SECRET", "x")];
    assert_eq!(read(&both).unwrap_err().problems.len(), 1);
    let url = folder.join("url");
    std::fs::write(&url, "postgres://u:p@h/d\n").unwrap();
    let config = read(&[("DISPATCH_DATABASE_URL_FILE", url.to_str().unwrap())]).unwrap();
    assert_eq!(config.database.url, "postgres://u:p@h/d");
    assert!(!format!("{:?}", Secret::Value("hidden".to_owned())).contains("hidden"));
    std::fs::remove_dir_all(folder).unwrap();
    assert_eq!(read(&[("DISPATCH_AUTH_JWT_SECRET_FILE", file)]).unwrap_err().problems.len(), 1);
}

fn tempfile() -> std::path::PathBuf {
    let folder = std::env::temp_dir().join(format!("dispatch-config-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn new_limits_are_strict_and_every_wrong_one_is_named() {
    let problems = read(&[
        ("DISPATCH_HTTP_MAX_HEADERS", "0"),
        ("DISPATCH_HTTP_MAX_HEAD_BYTES", "100"),
        ("DISPATCH_DRAIN_GRACE_MS", "5000"),
        ("DISPATCH_ALERT_STUCK_RULE", "weather"),
        ("DISPATCH_OPS_HOST", "127.0.0.1"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
        ("DISPATCH_DB_LOCK_TIMEOUT_MS", "soon"),
    ])
    .unwrap_err()
    .problems;
    assert_eq!(problems.len(), 7, "{problems:?}");
}
