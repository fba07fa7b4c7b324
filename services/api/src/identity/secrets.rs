//! Shared secrets that may change while the service runs.
//!
//! A secret in a file is read again when the file changes. The file may hold several, one per line: while clients
//! move from one to the next, both are good.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::SystemTime;

use serde_json::json;
use sha2::{Digest, Sha256};

use crate::config::Secret;
use crate::request_log::life_cycle;

/// What tells one version of a file from another.
type Version = (Option<SystemTime>, u64);

/// The secrets of one purpose, shared by every request.
#[derive(Default)]
pub struct Secrets {
    source: Option<Secret>,
    current: RwLock<Arc<Vec<String>>>,
    seen: Mutex<Option<Version>>,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secrets").field("source", &self.source).finish_non_exhaustive()
    }
}

impl Secrets {
    /// The secrets of a source, read once; without a source there are none.
    pub fn new(source: Option<Secret>) -> Self {
        let secrets = Self { source, ..Self::default() };
        if let Some(Secret::Value(value)) = &secrets.source {
            secrets.replace(vec![value.clone()]);
        }
        secrets.refresh();
        secrets
    }

    /// Whether a source is configured.
    pub fn are_configured(&self) -> bool {
        self.source.is_some()
    }

    /// Every secret that is good now.
    pub fn current(&self) -> Arc<Vec<String>> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether `text` is one of them. Digests are compared, so that the time taken tells nothing.
    pub fn hold(&self, text: &str) -> bool {
        let digest = Sha256::digest(text.as_bytes());
        self.current()
            .iter()
            .fold(false, |found, secret| (Sha256::digest(secret.as_bytes()) == digest) | found)
    }

    /// Reads the file again if it has changed. What goes wrong is logged and the secrets in hand stay in use.
    pub fn refresh(&self) {
        let Some(Secret::File(path)) = &self.source else { return };
        let version = version(path);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen == Some(version) {
            return;
        }
        *seen = Some(version);
        match read(path) {
            Ok(secrets) => self.replace(secrets),
            Err(reason) => life_cycle(
                true,
                json!({ "message": "a secret could not be read", "path": path.display().to_string(), "error": reason }),
            ),
        }
    }

    fn replace(&self, secrets: Vec<String>) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(secrets);
    }
}

fn version(path: &Path) -> Version {
    std::fs::metadata(path).map_or((None, 0), |about| (about.modified().ok(), about.len()))
}

fn read(path: &Path) -> Result<Vec<String>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let secrets: Vec<String> =
        text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect();
    if secrets.is_empty() { Err("it is empty".to_owned()) } else { Ok(secrets) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_may_hold_several_and_a_change_is_seen_while_a_loss_is_not() {
        let path = std::env::temp_dir().join(format!("secret-{}", uuid::Uuid::new_v4()));
        std::fs::write(&path, "old\n").unwrap();
        let secrets = Secrets::new(Some(Secret::File(path.clone())));
        assert!(secrets.hold("old") && !secrets.hold("new"));
        std::fs::write(&path, "new one\n\nold\n").unwrap();
        secrets.refresh();
        assert!(secrets.hold("old") && secrets.hold("new one") && !secrets.hold(""));
        std::fs::remove_file(&path).unwrap();
        secrets.refresh();
        assert!(secrets.hold("new one"), "what was good stays good");
        assert!(!Secrets::new(None).are_configured());
    }
}
