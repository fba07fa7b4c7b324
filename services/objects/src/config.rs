//! The settings of the store, the only place that reads the environment.

use std::net::IpAddr;

/// Where the store listens and who may ask it.
#[derive(Clone, PartialEq, Eq)]
pub struct Config {
    /// `DISPATCH_OBJECTS_HOST`, an IP address.
    pub host: IpAddr,
    /// `DISPATCH_OBJECTS_PORT`; 0 takes a free port and the start line says which.
    pub port: u16,
    /// `MINIO_ROOT_USER`, the access key.
    pub access_key: String,
    /// `MINIO_ROOT_PASSWORD`, the secret key.
    pub secret_key: String,
    /// `DISPATCH_OBJECTS_BUCKETS`, made at the start.
    pub buckets: Vec<String>,
}

/// A setting that cannot be used. Never holds the value of a key.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// It is not set.
    #[error("{0} is not set; it has no default, because a known key is no key")]
    Missing(&'static str),
    /// Its value does not fit.
    #[error("{name}={value:?}: {expected}")]
    Wrong {
        /// The variable.
        name: &'static str,
        /// Its value.
        value: String,
        /// What it has to be.
        expected: &'static str,
    },
}

impl Config {
    /// Reads all settings.
    ///
    /// # Errors
    /// The first that is missing or wrong.
    pub fn from_environment() -> Result<Self, ConfigError> {
        #[expect(clippy::disallowed_methods, reason = "this file is where the environment is read")]
        let read = |name: &str| std::env::var(name).ok();
        Self::from_lookup(read)
    }

    fn from_lookup(read: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let set = |name: &str| read(name).filter(|value| !value.trim().is_empty());
        let key = |name| set(name).ok_or(ConfigError::Missing(name));
        let buckets = set("DISPATCH_OBJECTS_BUCKETS").unwrap_or_default();
        let buckets: Vec<String> =
            buckets.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect();
        if let Some(wrong) = buckets.iter().find(|name| !is_bucket_name(name)) {
            let (name, expected) =
                ("DISPATCH_OBJECTS_BUCKETS", "a bucket is 3 to 63 small letters, digits, `-` and `.`");
            return Err(ConfigError::Wrong { name, value: wrong.clone(), expected });
        }
        Ok(Self {
            host: parse(&set, "DISPATCH_OBJECTS_HOST", "0.0.0.0", "must be an IP address")?,
            port: parse(&set, "DISPATCH_OBJECTS_PORT", "9000", "must be a port, 0 to 65535")?,
            access_key: key("MINIO_ROOT_USER")?,
            secret_key: key("MINIO_ROOT_PASSWORD")?,
            buckets,
        })
    }
}

/// S3's rule for names, which also keeps them inside of the folder.
fn is_bucket_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    (3..=63).contains(&name.len())
        && name.starts_with(plain)
        && name.ends_with(plain)
        && !name.contains("..")
        && name.chars().all(|c| plain(c) || matches!(c, '-' | '.'))
}

fn parse<T: std::str::FromStr>(
    set: &impl Fn(&str) -> Option<String>,
    name: &'static str,
    default: &str,
    expected: &'static str,
) -> Result<T, ConfigError> {
    let value = set(name).unwrap_or_else(|| default.to_owned());
    value.trim().parse().map_err(|_| ConfigError::Wrong { name, value: value.clone(), expected })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(set: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::from_lookup(|name| {
            set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    const KEYS: [(&str, &str); 2] = [("MINIO_ROOT_USER", "key"), ("MINIO_ROOT_PASSWORD", "secret")];

    #[test]
    fn keys_have_no_default() {
        let error = config(&KEYS[..1]).err();
        assert_eq!(error, Some(ConfigError::Missing("MINIO_ROOT_PASSWORD")));
    }

    #[test]
    fn buckets_are_listed_and_a_name_that_leaves_the_folder_is_refused() {
        let with = |buckets: &'static str| {
            config(&[KEYS[0], KEYS[1], ("DISPATCH_OBJECTS_BUCKETS", buckets)]).map(|config| config.buckets)
        };
        assert_eq!(with("one, two-2 ,").unwrap(), ["one", "two-2"]);
        for wrong in ["../up", "ab", "Upper", "a..b"] {
            assert!(matches!(with(wrong), Err(ConfigError::Wrong { .. })), "{wrong}");
        }
    }
}
