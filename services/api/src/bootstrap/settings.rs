//! What the preparation is told.

use std::path::PathBuf;
use std::time::Duration;

use dispatch_domain::parse_uuid;
use dispatch_store::fixtures::FixtureIds;
use thiserror::Error;
use uuid::Uuid;

use crate::config::{Environment, ObjectStoreConfig};

const DEFAULT_DATABASE_URL: &str = "postgres://dispatch:dispatch@postgres:5432/dispatch";
const DEFAULT_API_URL: &str = "http://127.0.0.1:8080";
const DEFAULT_BUCKET: &str = "dispatch-artifacts";

/// Settings that cannot be used; every reason is listed.
#[derive(Debug, Error)]
#[error("settings refused: {}", problems.join("; "))]
pub struct InvalidSettings {
    problems: Vec<String>,
}

/// The settings of one preparation.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) database_url: String,
    /// Without trailing slashes.
    pub(super) api_url: String,
    pub(super) ids: FixtureIds,
    pub(super) attempts: u32,
    pub(super) delay: Duration,
    pub(super) skip_api_check: bool,
    /// Absolute.
    pub(super) evidence_path: Option<PathBuf>,
    pub(super) object_store: Option<ObjectStoreConfig>,
    pub(super) git_commit: Option<String>,
}

impl Settings {
    /// Reads the environment; `out` wins over the evidence path there.
    pub(super) fn from_environment(
        environment: &Environment,
        out: Option<PathBuf>,
    ) -> Result<Self, InvalidSettings> {
        let mut problems = Vec::new();
        let text = |name: &str| environment.text(name).map(str::to_owned);
        let standard = FixtureIds::default();
        let ids = FixtureIds {
            account: id(environment, &mut problems, "DISPATCH_DEMO_ACCOUNT_ID", standard.account),
            site: id(environment, &mut problems, "DISPATCH_DEMO_SITE_ID", standard.site),
            technician: id(environment, &mut problems, "DISPATCH_DEMO_TECH_ID", standard.technician),
            ..standard
        };
        if ids.technician == ids.second_technician {
            problems.push(format!("DISPATCH_DEMO_TECH_ID is {}, the second technician's id", ids.technician));
        }
        let path = out.or_else(|| text("DISPATCH_BOOTSTRAP_EVIDENCE_PATH").map(PathBuf::from));
        let evidence_path = path.and_then(|path| match std::path::absolute(&path) {
            Ok(path) => Some(path),
            Err(error) => {
                problems.push(format!("{} is no usable path: {error}", path.display()));
                None
            }
        });
        let api_url = text("DISPATCH_API_URL").unwrap_or_else(|| DEFAULT_API_URL.to_owned());
        let settings = Self {
            database_url: text("DISPATCH_DATABASE_URL").unwrap_or_else(|| DEFAULT_DATABASE_URL.to_owned()),
            api_url: api_url.trim_end_matches('/').to_owned(),
            ids,
            attempts: number(environment, "DISPATCH_BOOTSTRAP_API_HEALTH_RETRIES", 20),
            delay: Duration::from_millis(
                number(environment, "DISPATCH_BOOTSTRAP_API_HEALTH_DELAY_MS", 500).into(),
            ),
            // Only the exact word: a check is not skipped by a value that was meant otherwise.
            skip_api_check: environment.raw("DISPATCH_BOOTSTRAP_SKIP_API_READY_CHECK") == Some("true"),
            evidence_path,
            object_store: object_store(environment, &mut problems),
            git_commit: text("DISPATCH_GIT_COMMIT"),
        };
        if problems.is_empty() { Ok(settings) } else { Err(InvalidSettings { problems }) }
    }
}

fn id(environment: &Environment, problems: &mut Vec<String>, name: &str, default: Uuid) -> Uuid {
    let Some(text) = environment.text(name) else { return default };
    parse_uuid(text).unwrap_or_else(|| {
        problems.push(format!("{name} is `{text}`, not a UUID"));
        default
    })
}

/// A whole number of at least 1; anything else means the default.
fn number(environment: &Environment, name: &str, default: u32) -> u32 {
    environment.text(name).and_then(|text| text.parse().ok()).filter(|number| *number > 0).unwrap_or(default)
}

fn object_store(environment: &Environment, problems: &mut Vec<String>) -> Option<ObjectStoreConfig> {
    let endpoint = environment.text("DISPATCH_OBJECT_STORE_ENDPOINT")?.to_owned();
    let key = environment.text("DISPATCH_OBJECT_STORE_KEY");
    let secret = environment.text("DISPATCH_OBJECT_STORE_SECRET");
    let (Some(key), Some(secret)) = (key, secret) else {
        problems.push(
            "DISPATCH_OBJECT_STORE_ENDPOINT is set, so DISPATCH_OBJECT_STORE_KEY and \
             DISPATCH_OBJECT_STORE_SECRET are needed"
                .to_owned(),
        );
        return None;
    };
    let bucket = environment.text("DISPATCH_OBJECT_STORE_BUCKET").unwrap_or(DEFAULT_BUCKET).to_owned();
    Some(ObjectStoreConfig {
        endpoint,
        bucket,
        key: key.to_owned(),
        secret: secret.to_owned(),
        public_endpoint: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Settings, InvalidSettings> {
        Settings::from_environment(&Environment::from_pairs(pairs), None)
    }

    #[test]
    fn an_empty_environment_gives_the_published_ids_and_defaults() {
        let settings = read(&[]).unwrap();
        assert_eq!(settings.ids.account.to_string(), "d3f77db0-5d1a-4f9c-b0ea-111111111111");
        assert_eq!(settings.ids.site.to_string(), "7f6a2b2c-8f1e-4f2b-b3a1-222222222222");
        assert_eq!(settings.ids.technician.to_string(), "00000000-0000-0000-0000-000000000083");
        assert_eq!((settings.api_url.as_str(), settings.attempts), ("http://127.0.0.1:8080", 20));
        assert_eq!(settings.delay, Duration::from_millis(500));
        assert!(settings.evidence_path.is_none() && settings.object_store.is_none());
    }

    #[test]
    fn trailing_slashes_are_cut_and_only_the_exact_word_skips_the_check() {
        let settings = read(&[("DISPATCH_API_URL", " http://api:8080// ")]).unwrap();
        assert_eq!(settings.api_url, "http://api:8080");
        for (word, skips) in [("true", true), ("TRUE", false), ("1", false), (" true", false)] {
            let settings = read(&[("DISPATCH_BOOTSTRAP_SKIP_API_READY_CHECK", word)]).unwrap();
            assert_eq!(settings.skip_api_check, skips, "{word}");
        }
    }

    #[test]
    fn every_problem_is_listed_at_once() {
        let error = read(&[
            ("DISPATCH_DEMO_ACCOUNT_ID", "demo"),
            ("DISPATCH_DEMO_TECH_ID", "00000000-0000-0000-0000-000000000084"),
            ("DISPATCH_OBJECT_STORE_ENDPOINT", "http://objects:9000"),
        ])
        .unwrap_err();
        assert_eq!(error.problems.len(), 3, "{error}");
    }

    #[test]
    fn the_command_line_wins_over_the_environment_and_paths_become_absolute() {
        let environment = Environment::from_pairs(&[("DISPATCH_BOOTSTRAP_EVIDENCE_PATH", "a.json")]);
        let settings = Settings::from_environment(&environment, Some(PathBuf::from("b.json"))).unwrap();
        let path = settings.evidence_path.unwrap();
        assert!(path.is_absolute() && path.ends_with("b.json"));
    }
}
