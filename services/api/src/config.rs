//! Everything the process is told from outside, read once at start.
//!
//! Unreadable numbers and booleans fall back to their defaults and are reported as warnings; what would make
//! the service unsafe or unable to start is a problem, and all problems are reported together.

mod environment;
mod parse;

use std::path::PathBuf;

use thiserror::Error;

pub use environment::Environment;
use parse::Reader;

const DEFAULT_DATABASE_URL: &str = "postgres://dispatch:dispatch@postgres:5432/dispatch";

/// The configuration cannot be used; every reason is listed.
#[derive(Debug, Error)]
#[error("configuration refused: {}", problems.join("; "))]
pub struct ConfigError {
    /// One sentence per problem.
    pub problems: Vec<String>,
}

/// The whole configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// Lower case: `production`, `development`, `local`, `test`, anything else, or empty.
    pub environment: String,
    /// Where to listen.
    pub listen: ListenConfig,
    /// Where the data is.
    pub database: DatabaseConfig,
    /// Who is believed.
    pub auth: AuthConfig,
    /// What callers are held to.
    pub http: HttpConfig,
    /// Days after which stored answers are forgotten in the background; 0 keeps them.
    pub idempotency_ttl_days: u32,
    /// How evidence references are checked.
    pub evidence: EvidenceConfig,
    /// Intake thresholds.
    pub intake: IntakeConfig,
    /// When an alert fires.
    pub alerts: AlertConfig,
    /// Optional files.
    pub sinks: SinkConfig,
    /// The object store, when one is configured.
    pub object_store: Option<ObjectStoreConfig>,
    /// What was corrected or should be looked at; to be logged at start.
    pub warnings: Vec<String>,
}

/// Where to listen.
#[derive(Debug, Clone)]
pub struct ListenConfig {
    /// Address or name.
    pub host: String,
    /// Port; 0 takes a free one.
    pub port: u16,
}

/// Where the data is.
#[derive(Debug, Clone)]
pub struct DatabaseConfig {
    /// PostgreSQL address.
    pub url: String,
    /// Most connections held at once.
    pub pool_max: u32,
}

/// Who is believed.
#[derive(Debug, Clone)]
pub struct AuthConfig {
    /// Accept identity from plain headers when no token is sent.
    pub allow_dev_headers: bool,
    /// Shared HS256 secret.
    pub jwt_secret: Option<String>,
    /// Required `iss`.
    pub jwt_issuer: Option<String>,
    /// Required `aud`.
    pub jwt_audience: Option<String>,
    /// Where published keys come from.
    pub jwks: Option<JwksSource>,
    /// Seconds by which clocks may differ.
    pub clock_leeway_s: u32,
    /// Roles `assistant` and `bot` count as dispatcher.
    pub machine_role_aliases: bool,
}

/// Where a key set is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JwksSource {
    /// `http://` or `https://`.
    Url(String),
    /// A file, read again as the set behind an address is.
    File(PathBuf),
}

/// What callers are held to.
#[derive(Debug, Clone, Copy)]
pub struct HttpConfig {
    /// A known path with another method answers 405 and `Allow` instead of 404.
    pub strict_methods: bool,
    /// How long a caller may take to send a body.
    pub body_timeout_s: u64,
    /// Requests per actor and minute; 0 is no limit.
    pub rate_per_minute: u32,
    /// Requests an actor may send at once after a rest.
    pub rate_burst: u32,
}

/// How evidence references are checked.
#[derive(Debug, Clone)]
pub struct EvidenceConfig {
    /// URI schemes that count as object-store references, lower case.
    pub schemes: Vec<String>,
    /// Probe objects with HEAD.
    pub require_head: bool,
    /// Compare checksums with what the probe says.
    pub require_checksum: bool,
    /// Limit of one probe.
    pub head_timeout_ms: u64,
}

/// Thresholds of blind intake, in percent, and the duplicate window.
#[derive(Debug, Clone, Copy)]
pub struct IntakeConfig {
    /// Lowest identity confidence that passes.
    pub identity_threshold: i32,
    /// Lowest classification confidence that passes.
    pub classification_threshold: i32,
    /// Minutes in which equal content is a duplicate.
    pub duplicate_window_minutes: u32,
}

/// When an alert fires.
#[derive(Debug, Clone, Copy)]
pub struct AlertConfig {
    /// Tickets stuck in scheduling.
    pub stuck_scheduling_count: u32,
    /// Age that counts as stuck.
    pub stuck_scheduling_minutes: u32,
    /// Refused completions.
    pub completion_rejection: u32,
    /// Reused keys with other content.
    pub idempotency_conflict: u32,
    /// Refused identities, roles and scopes.
    pub auth_policy_rejection: u32,
    /// How far back the three counted signals look.
    pub window_seconds: u32,
}

/// Optional files; relative paths are taken from the working directory.
#[derive(Debug, Clone, Default)]
pub struct SinkConfig {
    /// Request records, appended.
    pub log: Option<PathBuf>,
    /// Latest metrics snapshot.
    pub metrics: Option<PathBuf>,
    /// Alert snapshots, appended.
    pub alerts: Option<PathBuf>,
}

/// The object store that evidence references point to.
#[derive(Debug, Clone)]
pub struct ObjectStoreConfig {
    /// `http://host:port`.
    pub endpoint: String,
    /// Bucket of this installation.
    pub bucket: String,
    /// Access key.
    pub key: String,
    /// Secret key.
    pub secret: String,
}

impl Config {
    /// Whether the strict profile is on.
    #[must_use]
    pub fn is_production(&self) -> bool {
        self.environment == "production"
    }

    /// Reads the configuration.
    ///
    /// # Errors
    /// Every problem at once: an unusable port, an unusable number of connections, development headers or a
    /// missing token secret in production, an incomplete object store.
    pub fn from_environment(environment: &Environment) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(environment);
        let name = reader
            .text("DISPATCH_ENV")
            .or_else(|| reader.text("NODE_ENV"))
            .unwrap_or_default()
            .to_lowercase();
        let production = name == "production";
        let config = Self {
            listen: ListenConfig {
                host: reader.text("DISPATCH_API_HOST").unwrap_or_else(|| "127.0.0.1".to_owned()),
                port: reader.required_number("DISPATCH_API_PORT", 8080),
            },
            database: read_database(&mut reader),
            auth: read_auth(&mut reader, &name),
            http: read_http(&mut reader),
            idempotency_ttl_days: reader.count("DISPATCH_IDEMPOTENCY_TTL_DAYS", 0),
            evidence: read_evidence(&mut reader, production),
            intake: IntakeConfig {
                identity_threshold: reader.percent("DISPATCH_INTAKE_IDENTITY_CONFIDENCE_THRESHOLD", 85),
                classification_threshold: reader
                    .percent("DISPATCH_INTAKE_CLASSIFICATION_CONFIDENCE_THRESHOLD", 85),
                duplicate_window_minutes: reader.count("DISPATCH_INTAKE_DUPLICATE_WINDOW_MINUTES", 120),
            },
            alerts: read_alerts(&mut reader),
            sinks: SinkConfig {
                log: reader.path("DISPATCH_LOG_SINK_PATH"),
                metrics: reader.path("DISPATCH_METRICS_SINK_PATH"),
                alerts: reader.path("DISPATCH_ALERTS_SINK_PATH"),
            },
            object_store: read_object_store(&mut reader),
            environment: name,
            warnings: Vec::new(),
        };
        config.judged(reader)
    }

    /// Adds what only the whole can show, and refuses or returns.
    fn judged(mut self, mut reader: Reader<'_>) -> Result<Self, ConfigError> {
        let (dev_headers, secret) =
            (self.auth.allow_dev_headers, self.auth.jwt_secret.is_some() || self.auth.jwks.is_some());
        if self.is_production() && dev_headers {
            reader.problem(
                "DISPATCH_AUTH_ALLOW_DEV_HEADERS is on in production; identity has to come from tokens",
            );
        }
        if self.is_production() && !secret {
            reader.problem("DISPATCH_AUTH_JWT_SECRET is not set in production; no token could be verified");
        }
        if !self.is_production() && !secret {
            reader.warning(
                "DISPATCH_AUTH_JWT_SECRET is not set; requests with a token will answer AUTH_CONFIG_ERROR",
            );
        }
        if self.evidence.require_head && self.object_store.is_none() {
            reader.warning(
                "evidence probes are on but no object store is configured; s3 and minio references will fail",
            );
        }
        if self.database.url == DEFAULT_DATABASE_URL {
            reader.warning(
                "DISPATCH_DATABASE_URL is not set; using the default address with its well-known password",
            );
        }
        if !reader.problems.is_empty() {
            return Err(ConfigError { problems: reader.problems });
        }
        self.warnings = reader.warnings;
        Ok(self)
    }
}

fn read_database(reader: &mut Reader<'_>) -> DatabaseConfig {
    let pool_max = reader.required_number("DISPATCH_DB_POOL_MAX", 10_u32);
    if pool_max == 0 {
        reader.problem("DISPATCH_DB_POOL_MAX has to be at least 1");
    }
    DatabaseConfig {
        url: reader.text("DISPATCH_DATABASE_URL").unwrap_or_else(|| DEFAULT_DATABASE_URL.to_owned()),
        pool_max,
    }
}

fn read_http(reader: &mut Reader<'_>) -> HttpConfig {
    let rate_per_minute = reader.count("DISPATCH_RATE_LIMIT_PER_MINUTE", 0);
    HttpConfig {
        strict_methods: reader.boolean_a("DISPATCH_HTTP_405", false),
        body_timeout_s: reader.positive("DISPATCH_BODY_TIMEOUT_SECONDS", 30),
        rate_per_minute,
        rate_burst: reader.count("DISPATCH_RATE_LIMIT_BURST", rate_per_minute).max(1),
    }
}

/// A file wins over an address, so that a set can be pinned.
fn read_jwks(reader: &mut Reader<'_>, environment: &str) -> Option<JwksSource> {
    if let Some(path) = reader.path("DISPATCH_AUTH_JWKS_FILE") {
        return Some(JwksSource::File(path));
    }
    let url = reader.text("DISPATCH_AUTH_JWKS_URL")?;
    let secure = url.starts_with("https://");
    if !secure && (environment == "production" || !url.starts_with("http://")) {
        reader
            .problem("DISPATCH_AUTH_JWKS_URL has to start with https://; http:// will do outside production");
    }
    Some(JwksSource::Url(url))
}

fn read_auth(reader: &mut Reader<'_>, environment: &str) -> AuthConfig {
    let by_default = matches!(environment, "development" | "local" | "test");
    AuthConfig {
        allow_dev_headers: reader.boolean_a("DISPATCH_AUTH_ALLOW_DEV_HEADERS", by_default),
        // Not trimmed: a secret is taken as it is.
        jwt_secret: reader.raw("DISPATCH_AUTH_JWT_SECRET").filter(|secret| !secret.trim().is_empty()),
        jwt_issuer: reader.text("DISPATCH_AUTH_JWT_ISSUER"),
        jwt_audience: reader.text("DISPATCH_AUTH_JWT_AUDIENCE"),
        jwks: read_jwks(reader, environment),
        clock_leeway_s: reader.count("DISPATCH_AUTH_CLOCK_LEEWAY_SECONDS", 0),
        machine_role_aliases: reader
            .boolean_a("DISPATCH_AUTH_MACHINE_ROLE_ALIASES", environment != "production"),
    }
}

fn read_evidence(reader: &mut Reader<'_>, production: bool) -> EvidenceConfig {
    let listed: Vec<String> = reader
        .text("DISPATCH_OBJECT_STORE_SCHEMES")
        .map(|list| list.split(',').map(|scheme| scheme.trim().to_lowercase()).collect())
        .unwrap_or_default();
    let listed: Vec<String> = listed.into_iter().filter(|scheme| !scheme.is_empty()).collect();
    let checksum = if reader.text("REQUIRE_EVIDENCE_CHECKSUM").is_some() {
        "REQUIRE_EVIDENCE_CHECKSUM"
    } else {
        "DISPATCH_EVIDENCE_REQUIRE_CHECKSUM"
    };
    EvidenceConfig {
        schemes: if listed.is_empty() { vec!["s3".to_owned(), "minio".to_owned()] } else { listed },
        require_head: reader.boolean_b("DISPATCH_EVIDENCE_REQUIRE_HEAD", production),
        require_checksum: reader.boolean_b(checksum, production),
        head_timeout_ms: reader.positive("DISPATCH_EVIDENCE_HEAD_TIMEOUT_MS", 2500),
    }
}

fn read_alerts(reader: &mut Reader<'_>) -> AlertConfig {
    AlertConfig {
        stuck_scheduling_count: reader.count("DISPATCH_ALERT_STUCK_SCHEDULING_COUNT_THRESHOLD", 5),
        stuck_scheduling_minutes: reader.count("DISPATCH_ALERT_STUCK_SCHEDULING_MINUTES", 60),
        completion_rejection: reader.count("DISPATCH_ALERT_COMPLETION_REJECTION_THRESHOLD", 3),
        idempotency_conflict: reader.count("DISPATCH_ALERT_IDEMPOTENCY_CONFLICT_THRESHOLD", 2),
        auth_policy_rejection: reader.count("DISPATCH_ALERT_AUTH_POLICY_REJECTION_THRESHOLD", 5),
        window_seconds: reader.count("DISPATCH_ALERT_WINDOW_SECONDS", 900),
    }
}

fn read_object_store(reader: &mut Reader<'_>) -> Option<ObjectStoreConfig> {
    let endpoint = reader.text("DISPATCH_OBJECT_STORE_ENDPOINT")?;
    let key = reader.text("DISPATCH_OBJECT_STORE_KEY");
    let secret = reader.text("DISPATCH_OBJECT_STORE_SECRET");
    let (Some(key), Some(secret)) = (key, secret) else {
        reader.problem(
            "DISPATCH_OBJECT_STORE_ENDPOINT is set, so DISPATCH_OBJECT_STORE_KEY and \
             DISPATCH_OBJECT_STORE_SECRET are needed",
        );
        return None;
    };
    let bucket =
        reader.text("DISPATCH_OBJECT_STORE_BUCKET").unwrap_or_else(|| "dispatch-artifacts".to_owned());
    Some(ObjectStoreConfig { endpoint, bucket, key, secret })
}

#[cfg(test)]
mod tests {
    use super::{Config, Environment};

    fn read(pairs: &[(&str, &str)]) -> Result<Config, super::ConfigError> {
        Config::from_environment(&Environment::from_pairs(pairs))
    }

    #[test]
    fn an_empty_environment_gives_the_documented_defaults() {
        let config = read(&[]).unwrap();
        assert_eq!((config.listen.host.as_str(), config.listen.port), ("127.0.0.1", 8080));
        assert_eq!(config.database.pool_max, 10);
        assert!(
            !config.auth.allow_dev_headers
                && !config.evidence.require_head
                && !config.evidence.require_checksum
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
            config.evidence.require_head
                && config.evidence.require_checksum
                && !config.auth.allow_dev_headers
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
}
