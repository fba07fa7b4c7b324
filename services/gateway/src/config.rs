//! The gateway's settings, the only place that reads the environment.

use reqwest::Url;
use std::fmt;
use std::time::Duration;

/// Shortest time-out of a call to the API.
pub const MIN_TIMEOUT_MS: u64 = 100;

/// Everything the gateway is told at start.
#[derive(Clone, Debug)]
pub struct Config {
    /// Address to listen on.
    pub host: String,
    /// Port to listen on; 0 takes a free one.
    pub port: u16,
    /// Base URL of the dispatch API without a trailing slash; none means no bridge tool is offered.
    pub api_url: Option<String>,
    /// Token that callers share.
    pub gateway_token: Option<Secret>,
    /// Token sent to the API for callers with the shared token.
    pub api_token: Option<Secret>,
    /// How callers' own tokens are checked; none refuses them.
    pub jwt: Option<JwtConfig>,
    /// Token of whoever an MCP client on our standard streams acts for.
    pub mcp_token: Option<Secret>,
    /// Time-out of one call to the API.
    pub timeout: Duration,
}

/// How callers' own HS256 tokens are checked.
#[derive(Clone, Debug)]
pub struct JwtConfig {
    /// Shared secret.
    pub secret: Secret,
    /// Required issuer.
    pub issuer: Option<String>,
    /// Required audience.
    pub audience: Option<String>,
}

/// A text that never shows in debug output.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// Every setting that is wrong, one sentence each.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("; "))]
pub struct ConfigProblems(pub Vec<String>);

impl Config {
    /// Reads the process environment.
    ///
    /// # Errors
    /// [`ConfigProblems`] lists every wrong setting.
    pub fn from_environment() -> Result<Self, ConfigProblems> {
        #[expect(clippy::disallowed_methods, reason = "this file is where the environment is read")]
        let read = |name: &str| std::env::var(name).ok();
        Self::from_lookup(read)
    }

    /// Reads settings through `read`; blank values count as unset.
    ///
    /// # Errors
    /// [`ConfigProblems`] lists every wrong setting.
    pub fn from_lookup(read: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigProblems> {
        let mut problems = Vec::new();
        let text =
            |name: &str| read(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let secret = |name: &str| text(name).map(Secret::new);
        let port = number(text, "DISPATCH_GATEWAY_PORT", 18789, 0..=65535, &mut problems);
        let timeout = number(
            text,
            "DISPATCH_GATEWAY_TIMEOUT_MS",
            10_000,
            MIN_TIMEOUT_MS..=u64::from(u32::MAX),
            &mut problems,
        );
        let api_url = text("DISPATCH_API_URL").and_then(|value| base_url(&value, &mut problems));
        let gateway_token = secret("OPENCLAW_GATEWAY_TOKEN");
        let api_token = secret("DISPATCH_GATEWAY_API_TOKEN");
        if api_token.as_ref().is_some_and(|token| !token.expose().bytes().all(|byte| byte.is_ascii_graphic()))
        {
            problems.push("DISPATCH_GATEWAY_API_TOKEN must consist of printable ASCII characters".to_owned());
        }
        let jwt = secret("DISPATCH_AUTH_JWT_SECRET").map(|secret| JwtConfig {
            secret,
            issuer: text("DISPATCH_AUTH_JWT_ISSUER"),
            audience: text("DISPATCH_AUTH_JWT_AUDIENCE"),
        });
        if gateway_token.is_none() && jwt.is_none() {
            let problem =
                "OPENCLAW_GATEWAY_TOKEN or DISPATCH_AUTH_JWT_SECRET must be set, else nobody may call";
            problems.push(problem.to_owned());
        }
        if !problems.is_empty() {
            return Err(ConfigProblems(problems));
        }
        Ok(Self {
            host: text("DISPATCH_GATEWAY_HOST").unwrap_or_else(|| "127.0.0.1".to_owned()),
            port: u16::try_from(port).expect("the range of the port ends at 65535"),
            api_url,
            gateway_token,
            api_token,
            jwt,
            mcp_token: secret("DISPATCH_MCP_TOKEN"),
            timeout: Duration::from_millis(timeout),
        })
    }
}

fn number(
    text: impl Fn(&str) -> Option<String>,
    name: &str,
    default: u64,
    range: std::ops::RangeInclusive<u64>,
    problems: &mut Vec<String>,
) -> u64 {
    let Some(value) = text(name) else { return default };
    match value.parse() {
        Ok(number) if range.contains(&number) => number,
        _ => {
            let (from, to) = (range.start(), range.end());
            problems.push(format!("{name}='{value}' must be a whole number from {from} to {to}"));
            default
        }
    }
}

fn base_url(value: &str, problems: &mut Vec<String>) -> Option<String> {
    match Url::parse(value) {
        Ok(url)
            if matches!(url.scheme(), "http" | "https")
                && url.query().is_none()
                && url.fragment().is_none() =>
        {
            Some(value.trim_end_matches('/').to_owned())
        }
        _ => {
            problems.push(format!("DISPATCH_API_URL='{value}' must be an http or https URL without a query"));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(settings: &[(&str, &str)]) -> Result<Config, ConfigProblems> {
        let find = |name: &str| settings.iter().find(|(known, _)| *known == name);
        Config::from_lookup(|name| find(name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn defaults_apply_and_trailing_slashes_go() {
        let config =
            config(&[("OPENCLAW_GATEWAY_TOKEN", " t "), ("DISPATCH_API_URL", "http://api:8080//")]).unwrap();
        assert_eq!(
            (config.host.as_str(), config.port, config.timeout.as_millis()),
            ("127.0.0.1", 18789, 10_000)
        );
        assert_eq!(config.api_url.as_deref(), Some("http://api:8080"));
        assert_eq!(config.gateway_token, Some(Secret::new("t")));
        assert!(!format!("{config:?}").contains("\"t\""), "secrets do not show");
    }

    #[test]
    fn every_problem_is_listed_at_once() {
        let wrong = [
            ("DISPATCH_GATEWAY_PORT", "70000"),
            ("DISPATCH_GATEWAY_TIMEOUT_MS", "99"),
            ("DISPATCH_API_URL", "ftp://x"),
            ("OPENCLAW_GATEWAY_TOKEN", "  "),
            ("DISPATCH_GATEWAY_API_TOKEN", "a b"),
        ];
        assert_eq!(config(&wrong).unwrap_err().0.len(), 5);
    }
}
