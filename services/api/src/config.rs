//! Everything the process is told from outside, read once at start.
//!
//! Unreadable numbers and booleans fall back to their defaults and are reported as warnings; what would make
//! the service unsafe or unable to start is a problem, and all problems are reported together.

mod environment;
mod parse;
mod policy;
mod read;
mod reference;
mod variable;

use std::path::PathBuf;

use dispatch_domain::alert::Hysteresis;
use thiserror::Error;

pub use environment::Environment;
use parse::Reader;
pub use policy::PolicyConfig;
pub use reference::page;

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
    /// Where operators and probes ask, when that is another place.
    pub ops: OpsConfig,
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
    /// What is demanded beyond the original contract.
    pub policy: PolicyConfig,
    /// When an alert fires.
    pub alerts: AlertConfig,
    /// Optional files.
    pub sinks: SinkConfig,
    /// The object store, when one is configured.
    pub object_store: Option<ObjectStoreConfig>,
    /// Where traces are sent, when that is configured.
    pub tracing: Option<TracingConfig>,
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

/// Who may see operational data, and where.
#[derive(Debug, Clone)]
pub struct OpsConfig {
    /// A listener of its own for operational endpoints; the main one no longer has them.
    pub listen: Option<ListenConfig>,
    /// What a caller has to show for metrics, alerts and health.
    pub token: Option<Secret>,
}

/// A value that must not be shown.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    /// As given.
    Value(String),
    /// The lines of a file, read again when it changes; every line is good.
    File(PathBuf),
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Value(_) => f.write_str("Secret"),
            Self::File(path) => f.debug_tuple("Secret").field(path).finish(),
        }
    }
}

/// Where the data is.
#[derive(Debug, Clone)]
pub struct DatabaseConfig {
    /// PostgreSQL address.
    pub url: String,
    /// Most connections held at once.
    pub pool_max: u32,
    /// Longest statement, in milliseconds.
    pub statement_timeout_ms: u32,
    /// Longest wait for a lock, in milliseconds.
    pub lock_timeout_ms: u32,
    /// Longest wait for a connection, in milliseconds.
    pub acquire_timeout_ms: u32,
}

/// Who is believed.
#[derive(Debug, Clone)]
pub struct AuthConfig {
    /// Accept identity from plain headers when no token is sent.
    pub allow_dev_headers: bool,
    /// Shared HS256 secret.
    pub jwt_secret: Option<Secret>,
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
    /// Age in seconds at which published keys are read again.
    pub jwks_max_age_s: u32,
    /// Least seconds between two readings of published keys.
    pub jwks_pause_s: u32,
    /// Longest lifetime of a token in seconds, from now to its end; 0 is no limit.
    pub max_lifetime_s: u32,
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
    /// Largest body that is read, in bytes.
    pub body_limit: usize,
    /// Most headers of a request.
    pub max_headers: usize,
    /// Largest request line and headers together, in bytes.
    pub max_head_bytes: usize,
    /// How long a caller may take to send the headers, in seconds.
    pub header_timeout_s: u64,
    /// How long a request may be worked on, in seconds.
    pub request_timeout_s: u64,
    /// How long requests are still accepted after the order to stop, while readiness is red already.
    pub drain_grace_ms: u32,
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
    /// Hosts (`name` or `name:port`, lower case) that references with `http` or `https` may point to; empty is all.
    pub allowed_hosts: Vec<String>,
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
    /// From one judgement in the background to the next.
    pub evaluate_seconds: u32,
    /// How slowly alerts come and go.
    pub hysteresis: Hysteresis,
    /// Minutes before an appointment from which on it counts, when appointments are respected.
    pub stuck_lead_minutes: Option<u32>,
}

/// Where traces go.
#[derive(Debug, Clone)]
pub struct TracingConfig {
    /// Base address of an OTLP/HTTP receiver.
    pub endpoint: String,
    /// Headers of every export.
    pub headers: Vec<(String, String)>,
    /// Name under which traces are kept.
    pub service_name: String,
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
    /// Lines of failed requests go to standard error, as they once did.
    pub failures_to_stderr: bool,
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
    /// Where callers reach the store, when that is another address.
    pub public_endpoint: Option<String>,
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
        let (config, reader) = Self::read(Reader::new(environment));
        config.judged(reader)
    }

    /// Reads every part, and hands back what is to be said about them.
    fn read(mut reader: Reader<'_>) -> (Self, Reader<'_>) {
        let environment = reader.text("NODE_ENV");
        let name = reader.text("DISPATCH_ENV").or(environment).unwrap_or_default().to_lowercase();
        let production = name == "production";
        let config = Self {
            listen: read::listen(&mut reader),
            ops: read::ops(&mut reader),
            database: read::database(&mut reader),
            auth: read::auth(&mut reader, &name),
            http: read::http(&mut reader),
            idempotency_ttl_days: reader.count("DISPATCH_IDEMPOTENCY_TTL_DAYS", 0),
            evidence: read::evidence(&mut reader, production),
            intake: read::intake(&mut reader),
            policy: PolicyConfig::read(&mut reader),
            alerts: read::alerts(&mut reader),
            sinks: read::sinks(&mut reader),
            object_store: read::object_store(&mut reader),
            tracing: read::tracing(&mut reader),
            environment: name,
            warnings: Vec::new(),
        };
        (config, reader)
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

#[cfg(test)]
mod tests;
