//! Every setting of the worker; the only place that reads the environment.
//!
//! Numbers and switches that cannot be read fall back to their defaults and are reported as warnings; what would
//! make the worker unsafe or unable to start is a problem, and all problems are reported together.

use std::net::IpAddr;
use std::time::Duration;

mod assignment;
mod read;

pub use assignment::AssignmentConfig;

use crate::quiet_hours::QuietHours;
use read::Reader;

const DEFAULT_DATABASE_URL: &str = "postgres://dispatch:dispatch@postgres:5432/dispatch";

/// The worker's settings.
#[derive(Debug, Clone)]
pub struct Config {
    /// PostgreSQL address.
    pub database_url: String,
    /// Appears in every log line, in leases and in audit rows.
    pub identity: String,
    /// Run for ever, or so many passes.
    pub mode: RunMode,
    /// Where the operational endpoints listen.
    pub host: IpAddr,
    /// Port; 0 takes a free one and the start line says which.
    pub port: u16,
    /// How often a heartbeat is logged.
    pub heartbeat: Duration,
    /// How long a drain may take.
    pub shutdown_timeout: Duration,
    /// How messages leave the house.
    pub sms: SmsConfig,
    /// How the outbox is worked off.
    pub outbox: OutboxConfig,
    /// How scheduled tickets get their technicians.
    pub assignment: AssignmentConfig,
    /// What was corrected; logged at start.
    pub warnings: Vec<String>,
}

/// When the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunMode {
    /// On a signal.
    Forever,
    /// After so many passes over the outbox, or after the first one that finds nothing.
    Passes(u32),
}

/// How messages leave the house.
#[derive(Debug, Clone)]
pub struct SmsConfig {
    /// Off: no row is touched.
    pub enabled: bool,
    /// Pretend to send; on unless switched off, so that a copied configuration cannot write to customers.
    pub dry_run: bool,
    /// Where messages are posted; none suppresses them.
    pub http_url: Option<String>,
    /// Limit of one request to the provider.
    pub request_timeout: Duration,
    /// Hours in which no customer is written to, at the ticket's site.
    pub quiet_hours: Option<QuietHours>,
}

/// How the outbox is worked off.
#[derive(Debug, Clone)]
pub struct OutboxConfig {
    /// A message is given up on when this many attempts have failed.
    pub max_attempts: u32,
    /// Most messages claimed at once.
    pub batch_limit: u32,
    /// Delay after the first failure; doubles with each further one.
    pub retry_base: Duration,
    /// Longest delay.
    pub retry_cap: Duration,
    /// Longest pause between two looks when nothing wakes the worker.
    pub poll: Duration,
    /// How long a claimed message is left to this worker.
    pub lease: Duration,
    /// Sent messages older than this are deleted.
    pub retention: Duration,
    /// Oldest unsent message that is still healthy.
    pub backlog_alert: Duration,
    /// Messages given up on that make the worker unhealthy.
    pub dead_letter_alert: u32,
}

/// The settings cannot be used; every reason is listed.
#[derive(Debug, thiserror::Error)]
#[error("configuration refused: {}", problems.join("; "))]
pub struct ConfigError {
    /// One sentence per problem.
    pub problems: Vec<String>,
}

impl Config {
    /// Reads all settings.
    ///
    /// # Errors
    /// Every problem at once: an address or port that is none, a provider address that is no URL, a lease that
    /// ends before a slow send could be recorded.
    pub fn from_environment() -> Result<Self, ConfigError> {
        #[expect(clippy::disallowed_methods, reason = "this file is where the environment is read")]
        let lookup = |name: &str| std::env::var(name).ok();
        Self::from_lookup(&lookup)
    }

    /// Reads all settings from `lookup` instead of the environment.
    ///
    /// # Errors
    /// As [`Config::from_environment`].
    pub fn from_lookup(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(lookup);
        let sms = read_sms(&mut reader);
        let outbox = read_outbox(&mut reader, sms.request_timeout);
        let mode = match reader.optional_number("DISPATCH_OUTBOX_ITERATIONS") {
            Some(passes) => RunMode::Passes(passes),
            None => RunMode::Forever,
        };
        let identity =
            reader.text("DISPATCH_WORKER_IDENTITY").unwrap_or_else(|| "dispatch-worker".to_owned());
        let assignment = assignment::read(&mut reader, &identity, sms.request_timeout);
        let config = Self {
            database_url: reader.text("DISPATCH_DATABASE_URL").unwrap_or_else(|| {
                reader.warning(
                    "DISPATCH_DATABASE_URL is not set; using the default with its well-known password",
                );
                DEFAULT_DATABASE_URL.to_owned()
            }),
            identity,
            assignment,
            mode,
            host: reader.required("DISPATCH_WORKER_HOST", "127.0.0.1", "must be an IP address"),
            port: reader.required("DISPATCH_WORKER_PORT", "8081", "must be a port, 0 to 65535"),
            heartbeat: reader.milliseconds("DISPATCH_WORKER_HEARTBEAT_MS", 20_000),
            shutdown_timeout: reader.milliseconds("DISPATCH_WORKER_SHUTDOWN_TIMEOUT_MS", 15_000),
            sms,
            outbox,
            warnings: Vec::new(),
        };
        let (problems, warnings) = reader.finish();
        if problems.is_empty() { Ok(Self { warnings, ..config }) } else { Err(ConfigError { problems }) }
    }
}

fn read_sms(reader: &mut Reader<'_>) -> SmsConfig {
    let http_url = reader.text("DISPATCH_SMS_HTTP_URL");
    if let Some(url) = &http_url
        && !reqwest::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
    {
        reader.problem("DISPATCH_SMS_HTTP_URL must be an http or https URL");
    }
    if reader.text("DISPATCH_SMS_ADAPTER").is_some() {
        reader.warning(
            "DISPATCH_SMS_ADAPTER names a module, which this worker cannot load; set DISPATCH_SMS_HTTP_URL",
        );
    }
    let quiet_hours = reader.text("DISPATCH_SMS_QUIET_HOURS").and_then(|text| {
        let hours = QuietHours::parse(&text);
        if hours.is_none() {
            reader.problem("DISPATCH_SMS_QUIET_HOURS must be two different times of day such as 21:00-08:00");
        }
        hours
    });
    SmsConfig {
        quiet_hours,
        enabled: reader.switch("DISPATCH_SMS_ENABLED", false),
        dry_run: reader.switch("DISPATCH_SMS_DRY_RUN", true),
        http_url,
        request_timeout: reader.milliseconds("DISPATCH_WORKER_REQUEST_TIMEOUT_MS", 5_000),
    }
}

fn read_outbox(reader: &mut Reader<'_>, request_timeout: Duration) -> OutboxConfig {
    let lease = reader.milliseconds("DISPATCH_OUTBOX_LEASE_MS", 30_000);
    if lease <= request_timeout {
        reader.problem(
            "DISPATCH_OUTBOX_LEASE_MS must be longer than DISPATCH_WORKER_REQUEST_TIMEOUT_MS, \
             else a slow send is repeated while it is still under way",
        );
    }
    let retry_base = reader.milliseconds("DISPATCH_OUTBOX_RETRY_BASE_MS", 5_000);
    let days = reader.number("DISPATCH_OUTBOX_RETENTION_DAYS", 30);
    OutboxConfig {
        max_attempts: reader.number("DISPATCH_OUTBOX_MAX_ATTEMPTS", 6),
        batch_limit: reader.number("DISPATCH_OUTBOX_BATCH_LIMIT", 20),
        retry_base,
        retry_cap: reader.milliseconds("DISPATCH_OUTBOX_RETRY_MAX_MS", 300_000),
        poll: reader.milliseconds("DISPATCH_OUTBOX_POLL_MS", 2_000),
        lease,
        retention: Duration::from_secs(u64::from(days) * 24 * 60 * 60),
        backlog_alert: Duration::from_secs(
            reader.number("DISPATCH_ALERT_OUTBOX_BACKLOG_SECONDS", 300).into(),
        ),
        dead_letter_alert: reader.number("DISPATCH_ALERT_OUTBOX_DEAD_LETTER_COUNT", 1),
    }
}

#[cfg(test)]
mod tests;
