//! Texts, byte spans and the places they stand for.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::diagnostic::Diagnostic;
use crate::node::Node;

/// A half-open range of byte offsets into one source text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// A span of `len` bytes that begins at `start`.
    #[must_use]
    pub const fn new(start: usize, len: usize) -> Self {
        Self { start, end: start + len }
    }
}

/// A line and column in a file of the project, both counted from 1, columns in characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// Path relative to the project's root, with forward slashes.
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
}

impl Serialize for Place {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut place = serializer.serialize_struct("Place", 3)?;
        place.serialize_field("file", self.file.as_ref())?;
        place.serialize_field("line", &self.line)?;
        place.serialize_field("column", &self.column)?;
        place.end()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// One text of the project with its path; cheap to clone.
#[derive(Debug, Clone)]
pub struct Source {
    path: Arc<str>,
    text: Arc<str>,
    line_starts: Arc<[usize]>,
    /// What the text says as YAML, once somebody has read it so; clones share it.
    yaml: Arc<OnceLock<Reading>>,
}

/// A text read as YAML: the tree, where there is one, and what was wrong.
pub(crate) type Reading = (Option<Arc<Node>>, Vec<Diagnostic>);

impl Source {
    /// Wraps `text`, which was read from `path` (relative to the project's root).
    #[must_use]
    pub fn new(path: &str, text: &str) -> Self {
        let mut line_starts = vec![0];
        line_starts.extend(text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i + 1));
        Self { path: path.into(), text: text.into(), line_starts: line_starts.into(), yaml: Arc::default() }
    }

    /// Path relative to the project's root.
    #[must_use]
    pub fn path(&self) -> &Arc<str> {
        &self.path
    }

    /// What the text says as YAML, read by `read` the first time.
    pub(crate) fn yaml(&self, read: impl FnOnce() -> Reading) -> &Reading {
        self.yaml.get_or_init(read)
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// The place where `span` begins.
    #[must_use]
    pub fn place(&self, span: Span) -> Place {
        let offset = span.start.min(self.text.len());
        let line = self.line_starts.partition_point(|start| *start <= offset);
        let line_start = self.line_starts[line - 1];
        let column = self.text.get(line_start..offset).map_or(1, |s| s.chars().count() + 1);
        Place { file: self.path.clone(), line, column }
    }

    /// The text of a line (from 1) without its line ending; empty when there is no such line.
    #[must_use]
    pub fn line(&self, line: usize) -> &str {
        let Some(start) = line.checked_sub(1).and_then(|i| self.line_starts.get(i)) else { return "" };
        let end = self.line_starts.get(line).copied().unwrap_or(self.text.len());
        self.text[*start..end].trim_end_matches(['\n', '\r'])
    }

    /// Offset of the first byte of a line (from 1).
    #[must_use]
    pub fn line_start(&self, line: usize) -> usize {
        line.checked_sub(1).and_then(|i| self.line_starts.get(i)).copied().unwrap_or(0)
    }

    /// The span of a line (from 1), without leading white space.
    #[must_use]
    pub fn line_span(&self, line: usize) -> Span {
        let text = self.line(line);
        let indent = text.len() - text.trim_start().len();
        let start = self.line_start(line);
        Span { start: start + indent, end: start + text.len() }
    }
}

/// Every text a check or run may look at, by path; the crate reads nothing else.
#[derive(Debug, Clone, Default)]
pub struct Texts {
    by_path: BTreeMap<String, Source>,
}

impl Texts {
    /// Adds a text, replacing one of the same path.
    pub fn insert(&mut self, path: &str, text: &str) {
        self.by_path.insert(path.to_owned(), Source::new(path, text));
    }

    /// The text at `path`, if it was given.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Source> {
        self.by_path.get(path)
    }

    /// All texts in path order.
    pub fn iter(&self) -> impl Iterator<Item = &Source> {
        self.by_path.values()
    }
}
