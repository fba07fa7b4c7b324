//! Asking the API whether it lives and whether it is ready.

use std::time::Duration;

use reqwest::Client;
use serde_json::Value;
use thiserror::Error;
use tokio::time::{MissedTickBehavior, interval};

use super::report::say;
use super::settings::Settings;

/// Limit of one probe.
const PROBE_TIMEOUT: Duration = Duration::from_secs(3);

/// Why the API does not count as ready.
#[derive(Debug, Error)]
pub enum NotReady {
    /// It was asked often enough.
    #[error("Dispatch API not ready at {url} after {attempts} attempts")]
    Exhausted {
        /// Where it should be.
        url: String,
        /// How often.
        attempts: u32,
    },
    /// It cannot even be asked.
    #[error("the HTTP client cannot be made: {0}")]
    Client(#[from] reqwest::Error),
}

/// One endpoint that answered as it should, or that was deliberately not asked.
#[derive(Debug, Clone)]
pub(super) struct Probed {
    pub(super) endpoint: String,
    /// 0 when the check was skipped.
    pub(super) attempts: u32,
    /// None when the check was skipped.
    pub(super) body: Option<Value>,
}

/// Asks one API.
pub(super) struct Readiness<'a> {
    settings: &'a Settings,
    client: Client,
}

impl<'a> Readiness<'a> {
    pub(super) fn new(settings: &'a Settings) -> Result<Self, NotReady> {
        let client = Client::builder().timeout(PROBE_TIMEOUT).build()?;
        Ok(Self { settings, client })
    }

    /// Asks until the answer is a success, as often and as slowly as the settings say.
    pub(super) async fn wait(&self, path: &str) -> Result<Probed, NotReady> {
        let url = format!("{}{path}", self.settings.api_url);
        if self.settings.skip_api_check {
            say("Skipping API readiness check.");
            return Ok(Probed { endpoint: url, attempts: 0, body: None });
        }
        say(&format!("Checking dispatch API at {url}"));
        let total = self.settings.attempts;
        let mut pace = interval(self.settings.delay);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for attempt in 1..=total {
            pace.tick().await;
            match self.ask(&url).await {
                Ok((status, body)) if status.is_success() && body.is_object() => {
                    say(&format!("Dispatch API ready on attempt {attempt}/{total}."));
                    return Ok(Probed { endpoint: url, attempts: attempt, body: Some(body) });
                }
                Ok((status, _)) => {
                    say(&format!("Readiness probe attempt {attempt}/{total} returned {}.", status.as_u16()));
                }
                Err(error) => say(&format!("Readiness probe attempt {attempt}/{total} failed with {error}")),
            }
        }
        Err(NotReady::Exhausted { url: self.settings.api_url.clone(), attempts: total })
    }

    /// One look without a judgement; nothing when the check is skipped or there is no answer.
    pub(super) async fn look(&self, path: &str) -> Option<Value> {
        if self.settings.skip_api_check {
            return None;
        }
        self.ask(&format!("{}{path}", self.settings.api_url)).await.ok().map(|(_, body)| body)
    }

    async fn ask(&self, url: &str) -> Result<(reqwest::StatusCode, Value), reqwest::Error> {
        let response = self.client.get(url).header("accept", "application/json").send().await?;
        let status = response.status();
        // A body that is no JSON is no answer of the dispatch API; null stands for it.
        Ok((status, response.json().await.unwrap_or(Value::Null)))
    }
}
