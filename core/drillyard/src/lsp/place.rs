//! Places as editors count them: lines and UTF-16 units from 0.

use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use drillyard_spec::diagnostic::Diagnostic;
use drillyard_spec::source::{Source, Span};
use lsp_types::{Location, Position, Range, Uri};
use url::Url;

/// The file an address means.
pub fn path_of(uri: &Uri) -> Option<PathBuf> {
    Url::parse(uri.as_str()).ok()?.to_file_path().ok()
}

/// The address of a file.
pub fn uri_of(path: &Path) -> Option<Uri> {
    Uri::from_str(Url::from_file_path(path).ok()?.as_str()).ok()
}

/// The byte a position means; the end of the line where that is shorter.
pub fn offset(source: &Source, position: Position) -> usize {
    let number = position.line as usize + 1;
    let (start, line) = (source.line_start(number), source.line(number));
    let mut units = position.character as usize;
    for (at, c) in line.char_indices() {
        if units < c.len_utf16() {
            return start + at;
        }
        units -= c.len_utf16();
    }
    start + line.len()
}

/// The position of a byte.
pub fn position(source: &Source, offset: usize) -> Position {
    let place = source.place(Span { start: offset, end: offset });
    let start = source.line_start(place.line);
    let before = source.text().get(start..offset).unwrap_or_default();
    let units = before.encode_utf16().count();
    Position { line: count(place.line - 1), character: count(units) }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The range of a span.
pub fn range(source: &Source, span: Span) -> Range {
    Range { start: position(source, span.start), end: position(source, span.end.max(span.start)) }
}

/// Where a mistake is; the whole line where only that is known.
pub fn of(diagnostic: &Diagnostic, source: &Source) -> Range {
    let span = diagnostic.span;
    let exact = span.end > span.start && source.place(span) == diagnostic.place;
    range(source, if exact { span } else { source.line_span(diagnostic.place.line) })
}

/// A span of a text below `root`.
pub fn location(root: &Path, source: &Source, span: Span) -> Option<Location> {
    Some(Location { uri: uri_of(&root.join(source.path().as_ref()))?, range: range(source, span) })
}
