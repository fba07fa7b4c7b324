//! Durations, colours and long texts, as people read them.

use crate::record::Outcome;

/// The most that is shown of a document in one line, in characters; the journal has the whole.
const LONGEST_LINE: usize = 2_000;

/// `412 ms`, `1.20 s`, `2 min 05 s`.
pub(super) fn took(micros: u64) -> String {
    match micros {
        0..1_000_000 => format!("{} ms", micros / 1_000),
        1_000_000..60_000_000 => format!("{}.{:02} s", micros / 1_000_000, micros / 10_000 % 100),
        _ => format!("{} min {:02} s", micros / 60_000_000, micros / 1_000_000 % 60),
    }
}

/// One line of at most [`LONGEST_LINE`] characters.
pub(super) fn one_line(text: &str) -> String {
    let all = text.chars().count();
    let shown = plain(&text.chars().take(LONGEST_LINE).collect::<String>());
    if all > LONGEST_LINE { format!("{shown} … ({all} characters)") } else { shown }
}

/// The text without control characters: what a service answers or logs must not move a reader's cursor.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Colours, only when they were asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paint {
    pub(super) color: bool,
}

impl Paint {
    pub(super) fn bold(self, text: &str) -> String {
        self.wrap("1", text)
    }

    pub(super) fn dim(self, text: &str) -> String {
        self.wrap("2", text)
    }

    /// A text in the colour of an outcome; no two outcomes share one.
    pub(super) fn outcome(self, outcome: Outcome, text: &str) -> String {
        let code = match outcome {
            Outcome::Passed => "32",
            Outcome::Snapshot => "36",
            Outcome::Inconclusive => "33",
            Outcome::Aborted => "35",
            Outcome::Failed => "1;31",
        };
        self.wrap(code, text)
    }

    /// A line of a unified diff.
    pub(super) fn diff_line(self, line: &str) -> String {
        match line.as_bytes().first() {
            Some(b'-') => self.wrap("31", line),
            Some(b'+') => self.wrap("32", line),
            Some(b'@') => self.dim(line),
            _ => line.to_owned(),
        }
    }

    fn wrap(self, code: &str, text: &str) -> String {
        if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}
