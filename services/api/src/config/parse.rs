//! Parsing single variables, collecting what is wrong with them.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::path::PathBuf;
use std::str::FromStr;

use super::{Environment, Secret};

/// Reads variables and remembers every problem and every fallback.
pub(super) struct Reader<'a> {
    environment: &'a Environment,
    /// Every name that was looked for; the reference page is compared with it.
    pub(super) asked: RefCell<BTreeSet<&'static str>>,
    /// Reasons to refuse.
    pub(super) problems: Vec<String>,
    /// Reasons to look at the configuration.
    pub(super) warnings: Vec<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(environment: &'a Environment) -> Self {
        Self { environment, asked: RefCell::default(), problems: Vec::new(), warnings: Vec::new() }
    }

    pub(super) fn problem(&mut self, text: &str) {
        self.problems.push(text.to_owned());
    }

    pub(super) fn warning(&mut self, text: &str) {
        self.warnings.push(text.to_owned());
    }

    pub(super) fn raw(&self, name: &'static str) -> Option<String> {
        self.asked.borrow_mut().insert(name);
        self.environment.raw(name).map(str::to_owned)
    }

    pub(super) fn text(&self, name: &'static str) -> Option<String> {
        self.asked.borrow_mut().insert(name);
        self.environment.text(name).map(str::to_owned)
    }

    /// `1 true yes on` or `0 false no off`, in any case.
    pub(super) fn boolean_a(&mut self, name: &'static str, default: bool) -> bool {
        self.boolean(name, default, &[])
    }

    /// As `boolean_a`, and `enabled` or `disabled`.
    pub(super) fn boolean_b(&mut self, name: &'static str, default: bool) -> bool {
        self.boolean(name, default, &[("enabled", true), ("disabled", false)])
    }

    fn boolean(&mut self, name: &'static str, default: bool, more: &[(&str, bool)]) -> bool {
        let Some(text) = self.text(name) else { return default };
        let word = text.to_lowercase();
        match word.as_str() {
            "1" | "true" | "yes" | "on" => true,
            "0" | "false" | "no" | "off" => false,
            other => more
                .iter()
                .find(|(name, _)| *name == other)
                .map_or_else(|| self.fallback(name, &text, default), |(_, value)| *value),
        }
    }

    /// The leading digits of the text; 0 is valid.
    pub(super) fn count(&mut self, name: &'static str, default: u32) -> u32 {
        let Some(text) = self.text(name) else { return default };
        let digits: String =
            text.strip_prefix('+').unwrap_or(&text).chars().take_while(char::is_ascii_digit).collect();
        digits.parse().unwrap_or_else(|_| self.fallback(name, &text, default))
    }

    /// As `count`, at most 100.
    pub(super) fn percent(&mut self, name: &'static str, default: u32) -> i32 {
        let value = self.count(name, default);
        let value = if value > 100 { self.fallback(name, &value.to_string(), default) } else { value };
        i32::try_from(value).unwrap_or(100)
    }

    /// A complete number that is an integer above 0, `1e3` included.
    pub(super) fn positive(&mut self, name: &'static str, default: u64) -> u64 {
        // Beyond this a double no longer holds every integer.
        const LARGEST: f64 = 9_007_199_254_740_991.0;
        let Some(text) = self.text(name) else { return default };
        match text.parse::<f64>() {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "checked by the guard"
            )]
            Ok(value) if value > 0.0 && value.fract() == 0.0 && value <= LARGEST => value as u64,
            _ => self.fallback(name, &text, default),
        }
    }

    /// A number without which the service cannot start as asked.
    pub(super) fn required_number<T: FromStr>(&mut self, name: &'static str, default: T) -> T {
        let Some(text) = self.text(name) else { return default };
        text.parse().unwrap_or_else(|_| {
            self.problems.push(format!("{name} is `{text}`, not a usable number"));
            default
        })
    }

    /// A whole number with a least value; anything else is a reason to refuse.
    pub(super) fn at_least<T>(&mut self, name: &'static str, default: T, least: u64) -> T
    where
        T: FromStr + Copy + TryInto<u64>,
    {
        let value = self.required_number(name, default);
        if value.try_into().is_ok_and(|value: u64| value < least) {
            self.problems.push(format!("{name} has to be at least {least}"));
        }
        value
    }

    /// A whole number with a largest value; anything else is a reason to refuse.
    pub(super) fn at_most(&mut self, name: &'static str, default: u32, most: u32) -> u32 {
        let value = self.required_number(name, default);
        if value > most {
            self.problems.push(format!("{name} has to be at most {most}"));
        }
        value
    }

    /// A comma list in lower case; empty entries are dropped.
    pub(super) fn list(&mut self, name: &'static str) -> Vec<String> {
        let text = self.text(name).unwrap_or_default();
        text.split(',').map(|entry| entry.trim().to_lowercase()).filter(|entry| !entry.is_empty()).collect()
    }

    /// A secret, or the file that holds it. Not trimmed: a secret is taken as it is.
    pub(super) fn secret(&mut self, name: &'static str, file: &'static str) -> Option<Secret> {
        let value = self.raw(name).filter(|secret| !secret.trim().is_empty());
        let Some(path) = self.path(file) else { return value.map(Secret::Value) };
        if value.is_some() {
            self.problems.push(format!("{name} and {file} are both set; use one"));
        }
        match std::fs::read_to_string(&path) {
            Ok(text) if text.lines().any(|line| !line.trim().is_empty()) => Some(Secret::File(path)),
            Ok(_) => {
                self.problems.push(format!("{file} is `{}`, which is empty", path.display()));
                None
            }
            Err(error) => {
                self.problems.push(format!("{file} is `{}`, which cannot be read: {error}", path.display()));
                None
            }
        }
    }

    /// A secret that is only needed at the start: its value, or the first line of its file.
    pub(super) fn secret_text(&mut self, name: &'static str, file: &'static str) -> Option<String> {
        match self.secret(name, file)? {
            Secret::Value(value) => Some(value.trim().to_owned()),
            Secret::File(path) => {
                let text = std::fs::read_to_string(path).unwrap_or_default();
                text.lines().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned)
            }
        }
    }

    /// An absolute path; blank is off.
    pub(super) fn path(&mut self, name: &'static str) -> Option<PathBuf> {
        let text = self.text(name)?;
        match std::path::absolute(&text) {
            Ok(path) => Some(path),
            Err(error) => {
                self.problems.push(format!("{name} is `{text}`, not a usable path: {error}"));
                None
            }
        }
    }

    fn fallback<T: Display + Copy>(&mut self, name: &str, text: &str, default: T) -> T {
        self.warnings.push(format!("{name} is `{text}`, which cannot be read; using {default}"));
        default
    }
}
