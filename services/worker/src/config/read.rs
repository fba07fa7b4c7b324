//! Reading single settings, collecting what is wrong with them.

use std::str::FromStr;
use std::time::Duration;

/// A look-up that remembers problems and warnings.
pub(super) struct Reader<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    problems: Vec<String>,
    warnings: Vec<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { lookup, problems: Vec::new(), warnings: Vec::new() }
    }

    /// The problems and the warnings.
    pub(super) fn finish(self) -> (Vec<String>, Vec<String>) {
        (self.problems, self.warnings)
    }

    pub(super) fn problem(&mut self, text: &str) {
        self.problems.push(text.to_owned());
    }

    pub(super) fn warning(&mut self, text: &str) {
        self.warnings.push(text.to_owned());
    }

    /// Trimmed; blank counts as unset.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        (self.lookup)(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    /// A value without which the worker cannot start.
    pub(super) fn required<T: FromStr>(&mut self, name: &str, default: &'static str, expected: &str) -> T
    where
        T::Err: std::fmt::Debug,
    {
        let text = self.text(name).unwrap_or_else(|| default.to_owned());
        text.parse().unwrap_or_else(|_| {
            self.problem(&format!("{name}={text:?} {expected}"));
            default.parse().expect("the default is a value of its type")
        })
    }

    /// `1 true yes on enabled` or `0 false no off disabled` in any case.
    pub(super) fn switch(&mut self, name: &str, default: bool) -> bool {
        let Some(text) = self.text(name) else { return default };
        match text.to_lowercase().as_str() {
            "1" | "true" | "yes" | "on" | "enabled" => true,
            "0" | "false" | "no" | "off" | "disabled" => false,
            _ => {
                self.warning(&format!("{name}={text:?} is neither on nor off; using {default}"));
                default
            }
        }
    }

    /// A whole number above zero.
    pub(super) fn number(&mut self, name: &str, default: u32) -> u32 {
        self.optional_number(name).unwrap_or(default)
    }

    /// A whole number above zero, or nothing when unset or unreadable.
    pub(super) fn optional_number(&mut self, name: &str) -> Option<u32> {
        let text = self.text(name)?;
        let number = text.parse().ok().filter(|number| *number > 0);
        if number.is_none() {
            self.warning(&format!("{name}={text:?} is no whole number above zero; using the default"));
        }
        number
    }

    /// A whole number of milliseconds above zero.
    pub(super) fn milliseconds(&mut self, name: &str, default: u32) -> Duration {
        Duration::from_millis(self.number(name, default).into())
    }
}
