//! The declared rules.

use regex::Regex;
use serde::Deserialize;

use super::Kind;

/// Why the declared rules cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RedactionsError {
    /// The text is not a list of rules; the source says where.
    #[error("the redactions cannot be read")]
    Yaml(#[source] serde_yaml::Error),
    /// A rule fits nothing or everything.
    #[error("rule {number} of the redactions needs a `field` or a `path`")]
    Empty {
        /// Position of the rule, from 1.
        number: usize,
    },
    /// A rule's pattern is too long.
    #[error("rule {number} of the redactions cannot be read")]
    Pattern {
        /// Position of the rule, from 1.
        number: usize,
        /// What is wrong.
        #[source]
        source: regex::Error,
    },
}

/// The declared rules, in order.
#[derive(Debug, Default)]
pub struct Redactions {
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    field: Option<Regex>,
    path: Option<Regex>,
    kind: Kind,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    rules: Vec<Written>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    field: Option<String>,
    path: Option<String>,
    kind: Kind,
}

impl Redactions {
    /// Reads rules from the text of `redactions.yaml`.
    ///
    /// # Errors
    ///
    /// The text is not a list of rules, or a rule says neither field nor path.
    pub fn parse(text: &str) -> Result<Self, RedactionsError> {
        let document: Document = serde_yaml::from_str(text).map_err(RedactionsError::Yaml)?;
        let rules = document.rules.into_iter().enumerate().map(|(index, written)| rule(index + 1, written));
        Ok(Self { rules: rules.collect::<Result<_, _>>()? })
    }

    /// The kind of the first rule that fits; an item of a list has a path and no name.
    pub(super) fn kind_of(&self, name: Option<&str>, path: &str) -> Option<Kind> {
        let fits = |rule: &&Rule| {
            let field = match (&rule.field, name) {
                (Some(field), Some(name)) => field.is_match(name),
                (Some(_), None) => false,
                (None, _) => true,
            };
            field && rule.path.as_ref().is_none_or(|pattern| pattern.is_match(path))
        };
        self.rules.iter().find(fits).map(|rule| rule.kind)
    }
}

fn rule(number: usize, written: Written) -> Result<Rule, RedactionsError> {
    if written.field.is_none() && written.path.is_none() {
        return Err(RedactionsError::Empty { number });
    }
    let compile = |pattern: Option<String>| {
        pattern.map(|p| glob(&p)).transpose().map_err(|source| RedactionsError::Pattern { number, source })
    };
    Ok(Rule { field: compile(written.field)?, path: compile(written.path)?, kind: written.kind })
}

/// `*` stands for anything but a dot, `**` for anything.
fn glob(pattern: &str) -> Result<Regex, regex::Error> {
    let parts: Vec<String> = pattern
        .split("**")
        .map(|part| part.split('*').map(regex::escape).collect::<Vec<_>>().join("[^.]*"))
        .collect();
    Regex::new(&format!("^{}$", parts.join(".*")))
}
