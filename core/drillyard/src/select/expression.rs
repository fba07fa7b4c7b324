//! Tag expressions: `alert and not slow`, `(smoke or bootstrap) and not on-call`.

use std::collections::BTreeSet;

use drillyard_spec::diagnostic::suggest;

use super::SelectError;

/// An expression over tags.
#[derive(Debug, PartialEq, Eq)]
pub enum Expression {
    /// The unit has the tag.
    Tag(String),
    /// The expression does not hold.
    Not(Box<Self>),
    /// Both hold.
    And(Box<Self>, Box<Self>),
    /// At least one holds.
    Or(Box<Self>, Box<Self>),
}

impl Expression {
    /// Reads an expression whose tags are all among `known`. `not` binds closer than `and`, and that closer than `or`.
    pub fn parse(text: &str, known: &BTreeSet<&str>) -> Result<Self, SelectError> {
        let mut words = Words { words: split(text), at: 0, known };
        let wrong = |problem: Problem| match problem {
            Problem::Grammar(reason) => SelectError::Expression(text.to_owned(), reason),
            Problem::Tag(tag) => {
                let help =
                    suggest(&tag, known.iter().copied()).unwrap_or_else(|| "nothing here has one".to_owned());
                SelectError::UnknownTag(tag, help)
            }
        };
        let expression = words.or().map_err(wrong)?;
        match words.next() {
            None => Ok(expression),
            Some(word) => Err(wrong(Problem::Grammar(format!("`{word}` is not expected there")))),
        }
    }

    /// Whether it holds for a unit with these tags.
    pub fn holds(&self, tags: &BTreeSet<&str>) -> bool {
        match self {
            Self::Tag(tag) => tags.contains(tag.as_str()),
            Self::Not(inner) => !inner.holds(tags),
            Self::And(left, right) => left.holds(tags) && right.holds(tags),
            Self::Or(left, right) => left.holds(tags) || right.holds(tags),
        }
    }
}

enum Problem {
    Grammar(String),
    Tag(String),
}

fn split(text: &str) -> Vec<String> {
    let spaced = text.replace('(', " ( ").replace(')', " ) ").replace('!', " not ");
    spaced.split_whitespace().map(str::to_owned).collect()
}

struct Words<'a> {
    words: Vec<String>,
    at: usize,
    known: &'a BTreeSet<&'a str>,
}

impl Words<'_> {
    fn next(&mut self) -> Option<String> {
        let word = self.words.get(self.at).cloned();
        self.at += 1;
        word
    }

    fn accept(&mut self, wanted: &str) -> bool {
        let found = self.words.get(self.at).is_some_and(|word| word == wanted);
        self.at += usize::from(found);
        found
    }

    fn or(&mut self) -> Result<Expression, Problem> {
        let mut left = self.and()?;
        while self.accept("or") {
            left = Expression::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Expression, Problem> {
        let mut left = self.not()?;
        while self.accept("and") {
            left = Expression::And(Box::new(left), Box::new(self.not()?));
        }
        Ok(left)
    }

    fn not(&mut self) -> Result<Expression, Problem> {
        if self.accept("not") {
            return Ok(Expression::Not(Box::new(self.not()?)));
        }
        match self.next().as_deref() {
            Some("(") => {
                let inner = self.or()?;
                if self.accept(")") {
                    Ok(inner)
                } else {
                    Err(Problem::Grammar("a `(` is not closed".to_owned()))
                }
            }
            Some(word @ (")" | "and" | "or")) => {
                Err(Problem::Grammar(format!("a tag is expected instead of `{word}`")))
            }
            Some(word) => {
                let tag = word.trim_start_matches('@').to_owned();
                if self.known.contains(tag.as_str()) {
                    Ok(Expression::Tag(tag))
                } else {
                    Err(Problem::Tag(tag))
                }
            }
            None => Err(Problem::Grammar("a tag is expected at the end".to_owned())),
        }
    }
}
