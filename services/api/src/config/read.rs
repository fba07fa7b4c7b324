//! Reading each part of the configuration.

use dispatch_domain::alert::{
    AlertCode, DEFAULT_STUCK_MINUTES, DEFAULT_WINDOW_S, Hysteresis, Rule, STUCK_MINUTES_VARIABLE,
    WINDOW_VARIABLE,
};

use super::parse::Reader;
use super::{
    AlertConfig, AuthConfig, DEFAULT_DATABASE_URL, DatabaseConfig, EvidenceConfig, HttpConfig, IntakeConfig,
    JwksSource, ListenConfig, ObjectStoreConfig, OpsConfig, SinkConfig, TracingConfig,
};

/// Smallest room for a request's head that the HTTP library accepts.
const LEAST_HEAD_BYTES: u64 = 8192;

pub(super) fn listen(reader: &mut Reader<'_>) -> ListenConfig {
    ListenConfig {
        host: reader.text("DISPATCH_API_HOST").unwrap_or_else(|| "127.0.0.1".to_owned()),
        port: reader.required_number("DISPATCH_API_PORT", 8080),
    }
}

pub(super) fn ops(reader: &mut Reader<'_>) -> OpsConfig {
    let host = reader.text("DISPATCH_OPS_HOST");
    let listen = reader.text("DISPATCH_OPS_PORT").map(|_| ListenConfig {
        host: host.clone().unwrap_or_else(|| "127.0.0.1".to_owned()),
        port: reader.required_number("DISPATCH_OPS_PORT", 0),
    });
    if host.is_some() && listen.is_none() {
        reader.problem("DISPATCH_OPS_HOST is set, so DISPATCH_OPS_PORT is needed");
    }
    OpsConfig { listen, token: reader.secret("DISPATCH_OPS_TOKEN", "DISPATCH_OPS_TOKEN_FILE") }
}

pub(super) fn database(reader: &mut Reader<'_>) -> DatabaseConfig {
    let pool_max = reader.required_number("DISPATCH_DB_POOL_MAX", 10_u32);
    if pool_max == 0 {
        reader.problem("DISPATCH_DB_POOL_MAX has to be at least 1");
    }
    let url = reader
        .secret_text("DISPATCH_DATABASE_URL", "DISPATCH_DATABASE_URL_FILE")
        .unwrap_or_else(|| DEFAULT_DATABASE_URL.to_owned());
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        // The value is not shown: it may hold a password.
        reader.problem("DISPATCH_DATABASE_URL has to start with postgres:// or postgresql://");
    }
    DatabaseConfig {
        url,
        pool_max,
        statement_timeout_ms: reader.at_least("DISPATCH_DB_STATEMENT_TIMEOUT_MS", 15_000, 1),
        lock_timeout_ms: reader.at_least("DISPATCH_DB_LOCK_TIMEOUT_MS", 5_000, 1),
        acquire_timeout_ms: reader.at_least("DISPATCH_DB_ACQUIRE_TIMEOUT_MS", 5_000, 1),
    }
}

pub(super) fn http(reader: &mut Reader<'_>) -> HttpConfig {
    let rate_per_minute = reader.count("DISPATCH_RATE_LIMIT_PER_MINUTE", 0);
    HttpConfig {
        strict_methods: reader.boolean_a("DISPATCH_HTTP_405", false),
        body_timeout_s: reader.positive("DISPATCH_BODY_TIMEOUT_SECONDS", 30),
        body_limit: reader.at_least("DISPATCH_BODY_LIMIT_BYTES", 1024 * 1024, 1),
        max_headers: reader.at_least("DISPATCH_HTTP_MAX_HEADERS", 100, 1),
        max_head_bytes: reader.at_least("DISPATCH_HTTP_MAX_HEAD_BYTES", 65_536, LEAST_HEAD_BYTES),
        header_timeout_s: reader.positive("DISPATCH_HEADER_TIMEOUT_SECONDS", 30),
        request_timeout_s: reader.positive("DISPATCH_REQUEST_TIMEOUT_SECONDS", 60),
        drain_grace_ms: reader.at_most("DISPATCH_DRAIN_GRACE_MS", 0, 2_000),
        rate_per_minute,
        rate_burst: reader.count("DISPATCH_RATE_LIMIT_BURST", rate_per_minute).max(1),
    }
}

/// A file wins over an address, so that a set can be pinned.
fn jwks(reader: &mut Reader<'_>, environment: &str) -> Option<JwksSource> {
    let url = reader.text("DISPATCH_AUTH_JWKS_URL");
    if let Some(path) = reader.path("DISPATCH_AUTH_JWKS_FILE") {
        return Some(JwksSource::File(path));
    }
    let url = url?;
    let secure = url.starts_with("https://");
    if !secure && (environment == "production" || !url.starts_with("http://")) {
        reader.problem(
            "DISPATCH_AUTH_JWKS_URL has to start with https:// (http:// will do outside production)",
        );
    }
    Some(JwksSource::Url(url))
}

pub(super) fn auth(reader: &mut Reader<'_>, environment: &str) -> AuthConfig {
    let by_default = matches!(environment, "development" | "local" | "test");
    AuthConfig {
        allow_dev_headers: reader.boolean_a("DISPATCH_AUTH_ALLOW_DEV_HEADERS", by_default),
        jwt_secret: reader.secret("DISPATCH_AUTH_JWT_SECRET", "DISPATCH_AUTH_JWT_SECRET_FILE"),
        jwt_issuer: reader.text("DISPATCH_AUTH_JWT_ISSUER"),
        jwt_audience: reader.text("DISPATCH_AUTH_JWT_AUDIENCE"),
        jwks: jwks(reader, environment),
        jwks_max_age_s: reader.at_least("DISPATCH_AUTH_JWKS_MAX_AGE_SECONDS", 600, 1),
        jwks_pause_s: reader.count("DISPATCH_AUTH_JWKS_PAUSE_SECONDS", 10),
        clock_leeway_s: reader.count("DISPATCH_AUTH_CLOCK_LEEWAY_SECONDS", 0),
        machine_role_aliases: reader
            .boolean_a("DISPATCH_AUTH_MACHINE_ROLE_ALIASES", environment != "production"),
        max_lifetime_s: reader.count("DISPATCH_AUTH_MAX_TOKEN_LIFETIME_SECONDS", 0),
    }
}

pub(super) fn evidence(reader: &mut Reader<'_>, production: bool) -> EvidenceConfig {
    let listed = reader.list("DISPATCH_OBJECT_STORE_SCHEMES");
    let (first, second) = ("REQUIRE_EVIDENCE_CHECKSUM", "DISPATCH_EVIDENCE_REQUIRE_CHECKSUM");
    let further = reader.boolean_b(second, production);
    let require_checksum =
        if reader.text(first).is_some() { reader.boolean_b(first, production) } else { further };
    EvidenceConfig {
        schemes: if listed.is_empty() { vec!["s3".to_owned(), "minio".to_owned()] } else { listed },
        require_head: reader.boolean_b("DISPATCH_EVIDENCE_REQUIRE_HEAD", production),
        require_checksum,
        head_timeout_ms: reader.positive("DISPATCH_EVIDENCE_HEAD_TIMEOUT_MS", 2500),
        allowed_hosts: reader.list("DISPATCH_OBJECT_STORE_ALLOWED_HOSTS"),
    }
}

pub(super) fn intake(reader: &mut Reader<'_>) -> IntakeConfig {
    IntakeConfig {
        identity_threshold: reader.percent("DISPATCH_INTAKE_IDENTITY_CONFIDENCE_THRESHOLD", 85),
        classification_threshold: reader.percent("DISPATCH_INTAKE_CLASSIFICATION_CONFIDENCE_THRESHOLD", 85),
        duplicate_window_minutes: reader.count("DISPATCH_INTAKE_DUPLICATE_WINDOW_MINUTES", 120),
    }
}

pub(super) fn alerts(reader: &mut Reader<'_>) -> AlertConfig {
    let mut threshold = |code| {
        let rule = Rule::of(code);
        reader.count(rule.threshold_variable, rule.default_threshold)
    };
    let stuck_scheduling_count = threshold(AlertCode::StuckScheduling);
    let completion_rejection = threshold(AlertCode::CompletionRejectionSpike);
    let idempotency_conflict = threshold(AlertCode::IdempotencyConflictSpike);
    let auth_policy_rejection = threshold(AlertCode::AuthPolicyFailureSpike);
    let lead = reader.count("DISPATCH_ALERT_STUCK_LEAD_MINUTES", 120);
    let by_appointment = match reader.text("DISPATCH_ALERT_STUCK_RULE").as_deref() {
        None | Some("age") => false,
        Some("appointment") => true,
        Some(other) => {
            reader.problem(&format!("DISPATCH_ALERT_STUCK_RULE is `{other}`; use age or appointment"));
            false
        }
    };
    AlertConfig {
        stuck_scheduling_count,
        stuck_scheduling_minutes: reader.count(STUCK_MINUTES_VARIABLE, DEFAULT_STUCK_MINUTES),
        completion_rejection,
        idempotency_conflict,
        auth_policy_rejection,
        window_seconds: reader.count(WINDOW_VARIABLE, DEFAULT_WINDOW_S),
        evaluate_seconds: reader.at_least("DISPATCH_ALERT_EVALUATE_SECONDS", 15, 1),
        hysteresis: Hysteresis {
            pending_s: reader.count("DISPATCH_ALERT_PENDING_SECONDS", 0),
            clear_s: reader.count("DISPATCH_ALERT_CLEAR_SECONDS", 0),
            clear_percent: reader.at_most("DISPATCH_ALERT_CLEAR_PERCENT", 100, 100),
        },
        stuck_lead_minutes: by_appointment.then_some(lead),
    }
}

pub(super) fn sinks(reader: &mut Reader<'_>) -> SinkConfig {
    SinkConfig {
        log: reader.path("DISPATCH_LOG_SINK_PATH"),
        metrics: reader.path("DISPATCH_METRICS_SINK_PATH"),
        alerts: reader.path("DISPATCH_ALERTS_SINK_PATH"),
        failures_to_stderr: match reader.text("DISPATCH_LOG_FAILURES").as_deref() {
            None | Some("stdout") => false,
            Some("stderr") => true,
            Some(other) => {
                reader.problem(&format!("DISPATCH_LOG_FAILURES is `{other}`; use stdout or stderr"));
                false
            }
        },
    }
}

pub(super) fn object_store(reader: &mut Reader<'_>) -> Option<ObjectStoreConfig> {
    let endpoint = reader.text("DISPATCH_OBJECT_STORE_ENDPOINT");
    let key = reader.secret_text("DISPATCH_OBJECT_STORE_KEY", "DISPATCH_OBJECT_STORE_KEY_FILE");
    let secret = reader.secret_text("DISPATCH_OBJECT_STORE_SECRET", "DISPATCH_OBJECT_STORE_SECRET_FILE");
    let bucket =
        reader.text("DISPATCH_OBJECT_STORE_BUCKET").unwrap_or_else(|| "dispatch-artifacts".to_owned());
    let public_endpoint = reader.text("DISPATCH_OBJECT_STORE_PUBLIC_ENDPOINT");
    let endpoint = endpoint?;
    let (Some(key), Some(secret)) = (key, secret) else {
        reader.problem(
            "DISPATCH_OBJECT_STORE_ENDPOINT is set, so DISPATCH_OBJECT_STORE_KEY and \
             DISPATCH_OBJECT_STORE_SECRET are needed",
        );
        return None;
    };
    Some(ObjectStoreConfig { endpoint, bucket, key, secret, public_endpoint })
}

pub(super) fn tracing(reader: &mut Reader<'_>) -> Option<TracingConfig> {
    let service_name = reader.text("OTEL_SERVICE_NAME").unwrap_or_else(|| crate::metrics::SERVICE.to_owned());
    let listed = reader.raw("OTEL_EXPORTER_OTLP_HEADERS").unwrap_or_default();
    let endpoint = reader.text("OTEL_EXPORTER_OTLP_ENDPOINT")?;
    if !endpoint.starts_with("http://") && !endpoint.starts_with("https://") {
        reader.problem("OTEL_EXPORTER_OTLP_ENDPOINT has to start with http:// or https://");
    }
    let mut headers = Vec::new();
    for pair in listed.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some((name, value)) => headers.push((name.trim().to_owned(), value.trim().to_owned())),
            None => reader.problem("OTEL_EXPORTER_OTLP_HEADERS has to be a list of name=value"),
        }
    }
    Some(TracingConfig { endpoint: endpoint.trim_end_matches('/').to_owned(), headers, service_name })
}
