//! Where in a YAML text a cursor stands, also while the text is half written: the keys above it, and what is being typed.

/// One step from the root of a text to a place in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Into the value of a key.
    Key(String),
    /// Into an element of a list.
    Item,
}

/// A place in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// From the root to the mapping or list the cursor is in; to the key's value when a value is being typed.
    pub path: Vec<Step>,
    /// Whether a value is being typed, and not a key.
    pub in_value: bool,
    /// First byte of the word at the cursor.
    pub start: usize,
    /// One past its last byte, which may lie behind the cursor.
    pub end: usize,
    /// First byte of an open `${` before the cursor.
    pub hole: Option<usize>,
}

/// The most lines that a mapping in braces goes back.
const LONGEST_FLOW: usize = 60;

/// A line cut into its list markers and its content.
struct Line<'t> {
    /// Columns of the `- ` at its beginning.
    markers: Vec<usize>,
    /// Column of what follows.
    column: usize,
    content: &'t str,
    /// First byte of the content.
    at: usize,
}

fn cut(line: &str, line_start: usize) -> Line<'_> {
    let mut column = line.len() - line.trim_start_matches(' ').len();
    let mut markers = Vec::new();
    while line[column..].starts_with("- ") || &line[column..] == "-" {
        markers.push(column);
        let rest = &line[column + 1..];
        column += 1 + (rest.len() - rest.trim_start_matches(' ').len());
    }
    Line { markers, column, content: &line[column..], at: line_start + column }
}

/// The key a line of block style begins with.
fn key_of(content: &str) -> Option<(&str, usize)> {
    let end = content.find(": ").or_else(|| content.ends_with(':').then(|| content.len() - 1))?;
    let key = content[..end].trim_matches(['"', '\'']);
    let plain = !key.is_empty() && !content.starts_with(['#', '{', '[']) && !key.contains(['{', '"']);
    plain.then_some((key, end))
}

/// The place at byte `offset` of `text`.
pub fn at(text: &str, offset: usize) -> Cursor {
    let starts: Vec<usize> =
        std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let number = starts.partition_point(|start| *start <= offset) - 1;
    let line_of = |number: usize| {
        let end = starts.get(number + 1).map_or(text.len(), |next| next - 1);
        text[starts[number]..end].trim_end_matches('\r')
    };
    let hole = hole(text, starts[number], offset);
    let flow = (number.saturating_sub(LONGEST_FLOW)..=number).find_map(|first| {
        let line = cut(line_of(first), starts[first]);
        let frames = frames(text, line.at, offset)?;
        let opened = frames.first()?.opened;
        (starts.partition_point(|start| *start <= opened) - 1 == first).then_some((first, frames))
    });
    let first = flow.as_ref().map_or(number, |(first, _)| *first);
    let line = cut(line_of(first), starts[first]);
    let typed_to = if first == number {
        offset.saturating_sub(line.at).min(line.content.len())
    } else {
        line.content.len()
    };
    let key = key_of(line.content).filter(|(_, end)| flow.is_some() || *end < typed_to);
    let mut path = above(&|number| line_of(number), first, &line);
    if let Some((key, _)) = key {
        path.push(Step::Key(key.to_owned()));
    }
    let mut in_value = key.is_some();
    for frame in flow.iter().flat_map(|(_, frames)| frames) {
        if frame.list {
            path.push(Step::Item);
            in_value = true;
        } else {
            path.extend(frame.key.clone().map(Step::Key));
            in_value = frame.key.is_some();
        }
    }
    let (start, end) = word(text, (starts[number], offset, line_of(number)), flow.is_some());
    Cursor { path, in_value, start, end, hole }
}

/// The keys and items above a line, outermost first.
fn above<'t>(line_of: &dyn Fn(usize) -> &'t str, number: usize, line: &Line<'_>) -> Vec<Step> {
    let mut path = Vec::new();
    let mut limit = line.column;
    let mut is_item = false;
    for marker in line.markers.iter().rev() {
        path.push(Step::Item);
        (limit, is_item) = (*marker, true);
    }
    for number in (0..number).rev() {
        let text = line_of(number);
        if text.trim().is_empty() || text.trim_start().starts_with('#') {
            continue;
        }
        let here = cut(text, 0);
        let same_mapping = here.column == limit && !is_item && !here.markers.is_empty();
        let parent = here.column < limit || (is_item && here.column == limit && here.markers.is_empty());
        if !same_mapping && !parent {
            continue;
        }
        if parent {
            let Some((key, _)) = key_of(here.content) else { continue };
            path.push(Step::Key(key.to_owned()));
            (limit, is_item) = (here.column, false);
        }
        for marker in here.markers.iter().rev() {
            path.push(Step::Item);
            (limit, is_item) = (*marker, true);
        }
        if limit == 0 && !is_item {
            break;
        }
    }
    path.reverse();
    path
}

/// An open `{` or `[`.
struct Frame {
    list: bool,
    /// The key whose value is being written.
    key: Option<String>,
    opened: usize,
}

/// The brackets that are open at `to`; nothing when none is.
fn frames(text: &str, from: usize, to: usize) -> Option<Vec<Frame>> {
    let mut frames: Vec<Frame> = Vec::new();
    let mut quote: Option<char> = None;
    let mut word = from;
    for (at, c) in text.get(from..to)?.char_indices().map(|(at, c)| (at + from, c)) {
        if let Some(open) = quote {
            quote = quote.filter(|_| c != open);
            continue;
        }
        let begins = text[word..at].trim().is_empty();
        match c {
            '"' | '\'' if begins => quote = Some(c),
            '#' if text[..at].ends_with(' ') && frames.is_empty() => return None,
            '{' | '[' if begins || !frames.is_empty() || text[..at].ends_with(' ') => {
                frames.push(Frame { list: c == '[', key: None, opened: at });
                word = at + 1;
            }
            '}' | ']' => {
                frames.pop();
                word = at + 1;
            }
            ',' if !frames.is_empty() => {
                if let Some(frame) = frames.last_mut() {
                    frame.key = None;
                }
                word = at + 1;
            }
            ':' if text[at + 1..].starts_with([' ', '\n']) || at + 1 == to => {
                if let Some(frame) = frames.last_mut().filter(|frame| !frame.list && frame.key.is_none()) {
                    frame.key = Some(text[word..at].trim().trim_matches(['"', '\'']).to_owned());
                }
                word = at + 1;
            }
            _ => {}
        }
    }
    (!frames.is_empty()).then_some(frames)
}

/// An open `${` on the line before the cursor.
fn hole(text: &str, line_start: usize, offset: usize) -> Option<usize> {
    let before = text.get(line_start..offset)?;
    let open = before.rfind("${")?;
    (!before[open..].contains('}') && !before[..open].ends_with('$')).then_some(line_start + open)
}

/// The word around the cursor: up to what separates words here.
fn word(text: &str, (line_start, offset, line): (usize, usize, &str), flow: bool) -> (usize, usize) {
    let stops = |c: char| c == '"' || c == '\'' || (flow && matches!(c, ',' | '{' | '}' | '[' | ']'));
    let before = &text[line_start..offset];
    let mut start = before.rfind(stops).map_or(0, |at| at + 1);
    if let Some(colon) = before[start..].rfind(": ") {
        start += colon + 2;
    }
    start += before[start..].len() - before[start..].trim_start_matches([' ', '-']).len();
    let after = &line[offset - line_start..];
    let len = after.find(|c: char| stops(c) || c == ':').unwrap_or(after.len());
    let len = after[..len].trim_end().len();
    (line_start + start, offset + len)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The path at `|` in words, with `=` when a value is typed, and the word there.
    fn path(text: &str) -> String {
        let offset = text.find('|').expect("the text has a cursor");
        let text = text.replacen('|', "", 1);
        let cursor = at(&text, offset);
        let steps: Vec<String> = cursor
            .path
            .iter()
            .map(|step| match step {
                Step::Key(key) => key.clone(),
                Step::Item => "-".to_owned(),
            })
            .collect();
        let mark = if cursor.in_value { " =" } else { "" };
        format!("{}{mark} [{}]", steps.join(" "), &text[cursor.start..cursor.end])
    }

    #[test]
    fn the_keys_above_a_cursor_are_found_in_block_and_in_flow_style() {
        let cases = [
            ("dri|", " [dri]"),
            ("drill: x\nti|", " [ti]"),
            ("drill: |", "drill = []"),
            ("drill: x|y", "drill = [xy]"),
            ("steps:\n  - as: dis|", "steps - as = [dis]"),
            ("steps:\n- as: a\n  ht|", "steps - [ht]"),
            ("steps:\n  - as: a\n    http:\n      po|", "steps - http [po]"),
            ("steps:\n  - as: a\n    http: { po|", "steps - http [po]"),
            ("steps:\n  - http: { post: a/b, body: { x: 1, y|", "steps - http body [y]"),
            ("steps:\n  - http: { post: dis|patch-api/x }", "steps - http post = [dispatch-api/x]"),
            ("steps:\n  - http:\n      post: a\n    expect: { status: 200, bo|", "steps - expect [bo]"),
            ("tags: [a, b|", "tags - = [b]"),
            ("steps:\n  - each:\n      of: [1]\n      steps:\n        - no|", "steps - each steps - [no]"),
            ("use: fix|\nsteps: []", "use = [fix]"),
            ("steps:\n  - sql: {\n      query: select 1,\n      on: po|\n    }", "steps - sql on = [po]"),
            ("x: 1\nsteps:\n  - |", "steps - []"),
        ];
        for (text, wanted) in cases {
            assert_eq!(path(text), wanted, "{text}");
        }
    }

    #[test]
    fn an_open_template_is_seen() {
        assert_eq!(at("a: \"x${ti", 9).hole, Some(5));
        assert_eq!(at("a: \"x${ti}", 10).hole, None);
        assert_eq!(at("a: \"x$${ti", 10).hole, None);
    }
}
