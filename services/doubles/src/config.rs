//! The two settings of a double, the only place that reads the environment.

use std::net::IpAddr;

/// Where a double listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `DISPATCH_DOUBLE_HOST`, an IP address.
    pub host: IpAddr,
    /// `DISPATCH_DOUBLE_PORT`; 0 takes a free port and the start line says which.
    pub port: u16,
}

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{name}={value:?}: {expected}")]
pub struct ConfigError {
    name: &'static str,
    value: String,
    expected: &'static str,
}

impl Config {
    /// Reads both settings; the defaults are 127.0.0.1 and 8025.
    ///
    /// # Errors
    /// When a value is set and is no address or no port.
    pub fn from_environment() -> Result<Self, ConfigError> {
        #[expect(clippy::disallowed_methods, reason = "this file is where the environment is read")]
        let read = |name: &str| std::env::var(name).ok();
        Self::from_lookup(read)
    }

    fn from_lookup(read: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Ok(Self {
            host: parse(&read, "DISPATCH_DOUBLE_HOST", "127.0.0.1", "must be an IP address")?,
            port: parse(&read, "DISPATCH_DOUBLE_PORT", "8025", "must be a port, 0 to 65535")?,
        })
    }
}

fn parse<T: std::str::FromStr>(
    read: impl Fn(&str) -> Option<String>,
    name: &'static str,
    default: &str,
    expected: &'static str,
) -> Result<T, ConfigError> {
    let value = read(name).filter(|value| !value.trim().is_empty()).unwrap_or_else(|| default.to_owned());
    value.trim().parse().map_err(|_| ConfigError { name, value: value.clone(), expected })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unset_and_blank_settings_take_the_defaults() {
        let config = Config::from_lookup(|name| name.ends_with("PORT").then(|| " ".to_owned())).unwrap();
        assert_eq!(config, Config { host: "127.0.0.1".parse().unwrap(), port: 8025 });
    }

    #[test]
    fn a_wrong_port_names_the_variable_and_the_value() {
        let error =
            Config::from_lookup(|name| name.ends_with("PORT").then(|| "70000".to_owned())).unwrap_err();
        assert_eq!(error.to_string(), "DISPATCH_DOUBLE_PORT=\"70000\": must be a port, 0 to 65535");
    }
}
