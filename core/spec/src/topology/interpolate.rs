//! Compose interpolation: `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME:?message}`, `${NAME:+other}` and `$$`.

use std::fmt;

/// A value of the Compose file with variables in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interpolated {
    raw: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Variable { name: String, rule: Rule },
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Rule {
    /// Empty when unset.
    Plain,
    /// `-` and `:-`.
    Default { text: Interpolated, empty_too: bool },
    /// `?` and `:?`.
    Required { message: Interpolated, empty_too: bool },
    /// `+` and `:+`.
    Other { text: Interpolated, empty_too: bool },
}

/// A required variable that has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the variable {name} has no value: {message}")]
pub struct Unset {
    /// Its name.
    pub name: String,
    /// What the file says about it.
    pub message: String,
}

impl Interpolated {
    /// Reads a value.
    ///
    /// # Errors
    /// A sentence on what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            literal.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix('$') {
                literal.push('$');
                rest = after;
                continue;
            }
            if !literal.is_empty() {
                parts.push(Part::Literal(std::mem::take(&mut literal)));
            }
            let (part, after) = variable(rest).map_err(|why| format!("{why} in `{text}`"))?;
            parts.push(part);
            rest = after;
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(Self { raw: text.to_owned(), parts })
    }

    /// The value with every variable looked up.
    ///
    /// # Errors
    /// A variable that is required and has no value.
    pub fn resolve(&self, variables: &dyn Fn(&str) -> Option<String>) -> Result<String, Unset> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Variable { name, rule } => text.push_str(&rule.apply(name, variables)?),
            }
        }
        Ok(text)
    }

    /// The value as it is when no variable is set; required ones are left out.
    #[must_use]
    pub fn with_defaults(&self) -> String {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Variable { rule: Rule::Default { text: default, .. }, .. } => {
                    text.push_str(&default.with_defaults());
                }
                Part::Variable { .. } => {}
            }
        }
        text
    }

    /// Every variable it mentions, defaults included.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for part in &self.parts {
            if let Part::Variable { name, rule } = part {
                names.push(name.as_str());
                match rule {
                    Rule::Plain => {}
                    Rule::Default { text, .. } | Rule::Other { text, .. } => names.extend(text.names()),
                    Rule::Required { message, .. } => names.extend(message.names()),
                }
            }
        }
        names
    }
}

impl fmt::Display for Interpolated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.raw)
    }
}

impl Rule {
    fn apply(&self, name: &str, variables: &dyn Fn(&str) -> Option<String>) -> Result<String, Unset> {
        let value = variables(name);
        let given = |empty_too: bool| value.clone().filter(|text| !(empty_too && text.is_empty()));
        match self {
            Self::Plain => Ok(value.unwrap_or_default()),
            Self::Default { text, empty_too } => {
                given(*empty_too).map_or_else(|| text.resolve(variables), Ok)
            }
            Self::Required { message, empty_too } => match given(*empty_too) {
                Some(value) => Ok(value),
                None => Err(Unset { name: name.to_owned(), message: message.resolve(variables)? }),
            },
            Self::Other { text, empty_too } => match given(*empty_too) {
                Some(_) => text.resolve(variables),
                None => Ok(String::new()),
            },
        }
    }
}

fn variable(rest: &str) -> Result<(Part, &str), String> {
    let Some(inside) = rest.strip_prefix('{') else {
        let (name, after) = split_name(rest);
        if name.is_empty() {
            return Err("a `$` without a name (write `$$` for a dollar sign)".to_owned());
        }
        return Ok((Part::Variable { name: name.to_owned(), rule: Rule::Plain }, after));
    };
    let close = closing(inside).ok_or("a `${` that is not closed")?;
    let (name, operation) = split_name(&inside[..close]);
    if name.is_empty() {
        return Err(format!("`${{{}}}`, which names no variable", &inside[..close]));
    }
    let (empty_too, operation) = operation.strip_prefix(':').map_or((false, operation), |rest| (true, rest));
    let text = |from: &str| Interpolated::parse(from);
    let rule = match operation.chars().next() {
        None if !empty_too => Rule::Plain,
        Some('-') => Rule::Default { text: text(&operation[1..])?, empty_too },
        Some('?') => Rule::Required { message: text(&operation[1..])?, empty_too },
        Some('+') => Rule::Other { text: text(&operation[1..])?, empty_too },
        _ => return Err(format!("`${{{}}}`, which is not `${{NAME:-default}}`", &inside[..close])),
    };
    Ok((Part::Variable { name: name.to_owned(), rule }, &inside[close + 1..]))
}

fn split_name(text: &str) -> (&str, &str) {
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let end = if starts {
        text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len())
    } else {
        0
    };
    text.split_at(end)
}

/// Where the brace that was opened before `text` closes; defaults may hold variables of their own.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        match c {
            '{' if before == '$' => depth += 1,
            '}' if depth == 0 => return Some(at),
            '}' => depth -= 1,
            _ => {}
        }
        before = c;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(text: &str) -> Result<String, String> {
        let known = |name: &str| match name {
            "A" => Some("a".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        Interpolated::parse(text)?.resolve(&known).map_err(|unset| unset.to_string())
    }

    #[test]
    fn every_form_of_compose_is_understood() {
        let cases = [
            ("plain", "plain"),
            ("$A-$NONE.", "a-."),
            ("${A}b", "ab"),
            ("${NONE:-x}${EMPTY:-y}${EMPTY-z}", "xy"),
            ("${NONE:-${A}/${ALSO_NONE:-d}}!", "a/d!"),
            ("${A:+set}${EMPTY:+set}${EMPTY+there}", "setthere"),
            ("$${A} costs $$5", "${A} costs $5"),
            ("${A:?needed}", "a"),
        ];
        for (text, wanted) in cases {
            assert_eq!(resolve(text).as_deref(), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn a_required_variable_says_what_the_file_says() {
        assert_eq!(
            resolve("${EMPTY:?give a key}"),
            Err("the variable EMPTY has no value: give a key".to_owned())
        );
        assert_eq!(resolve("${EMPTY?x}").as_deref(), Ok(""));
    }

    #[test]
    fn malformed_variables_are_refused() {
        for text in ["${A", "${}", "$ 5", "${a.b}", "${A:}", "${A*2}", "a$"] {
            assert!(Interpolated::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn names_and_defaults_are_known_without_values() {
        let value = Interpolated::parse("http://${HOST:-${FALLBACK:-api}}:${PORT:-8080}${X:?m}").unwrap();
        assert_eq!(value.names(), ["HOST", "FALLBACK", "PORT", "X"]);
        assert_eq!(value.with_defaults(), "http://api:8080");
    }
}
