//! What a runbook's steps are, so that a drill can say which of them it covers.

use std::collections::BTreeMap;

use crate::code::Code;
use crate::diagnostic::{Diagnostic, suggest};
use crate::source::{Place, Source, Texts};

/// The headings of a runbook and how many numbered items each has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outline {
    headings: BTreeMap<String, usize>,
    /// Headings with the texts of their numbered items, as written.
    order: Vec<(String, Vec<String>)>,
    /// Where each step begins.
    lines: BTreeMap<String, usize>,
}

impl Outline {
    /// Reads Markdown headings of the second and third level and the numbered items under them.
    #[must_use]
    pub fn read(source: &Source) -> Self {
        let mut outline = Self::default();
        let mut current: Option<String> = None;
        let mut fenced = false;
        for (number, line) in source.text().lines().enumerate() {
            if line.trim_start().starts_with("```") {
                fenced = !fenced;
            }
            if fenced {
                continue;
            }
            if let Some(heading) = line.strip_prefix("### ").or_else(|| line.strip_prefix("## ")) {
                let heading = heading.trim().to_owned();
                outline.headings.insert(heading.clone(), 0);
                outline.lines.entry(heading.clone()).or_insert(number + 1);
                outline.order.push((heading.clone(), Vec::new()));
                current = Some(heading);
            } else if let Some(items) = current.as_ref().and_then(|heading| outline.headings.get_mut(heading))
            {
                let digits = line.bytes().take_while(u8::is_ascii_digit).count();
                if digits > 0 && line[digits..].starts_with(". ") {
                    *items += 1;
                    let text = line[digits + 2..].trim().to_owned();
                    if let Some((heading, texts)) = outline.order.last_mut() {
                        texts.push(text);
                        outline.lines.entry(format!("{heading}/{}", texts.len())).or_insert(number + 1);
                    }
                }
            }
        }
        outline
    }

    /// Whether `covers` names a heading, or a heading and one of its items: `Remediation/1`.
    #[must_use]
    pub fn has(&self, covers: &str) -> bool {
        if self.headings.contains_key(covers) {
            return true;
        }
        let Some((heading, item)) = covers.rsplit_once('/') else { return false };
        let item: usize = item.parse().unwrap_or(0);
        self.headings.get(heading).is_some_and(|items| (1..=*items).contains(&item))
    }

    /// Its steps in the order written, each with the text under it: the numbered items, or the heading where it has none.
    #[must_use]
    pub fn steps(&self) -> Vec<(String, String)> {
        self.order
            .iter()
            .flat_map(|(heading, items)| match items.as_slice() {
                [] => vec![(heading.clone(), heading.clone())],
                items => {
                    let item = |(at, text): (usize, &String)| (format!("{heading}/{}", at + 1), text.clone());
                    items.iter().enumerate().map(item).collect()
                }
            })
            .collect()
    }

    /// Every name `covers` may have, in the order written.
    #[must_use]
    pub fn all(&self) -> Vec<String> {
        let with_items = |(heading, items): &(String, Vec<String>)| {
            let own = (1..=items.len()).map(|at| format!("{heading}/{at}")).collect::<Vec<_>>();
            std::iter::once(heading.clone()).chain(own).collect::<Vec<_>>()
        };
        self.order.iter().flat_map(with_items).collect()
    }

    /// The line (from 1) of a heading, or of the item that is meant.
    #[must_use]
    pub fn line(&self, covers: &str) -> Option<usize> {
        self.lines.get(covers).copied()
    }

    fn names(&self) -> Vec<String> {
        self.headings
            .iter()
            .flat_map(|(heading, items)| {
                std::iter::once(heading.clone())
                    .chain((1..=*items).map(move |item| format!("{heading}/{item}")))
            })
            .collect()
    }
}

/// Reports a `covers` that the runbook does not have.
pub fn check_covers(
    texts: &Texts,
    runbook: Option<&str>,
    covers: &str,
    place: &Place,
    out: &mut Vec<Diagnostic>,
) {
    let (Some(source), Some(runbook)) = (texts.get(&place.file), runbook) else { return };
    let Some(outline) = texts.get(runbook).map(Outline::read) else { return };
    if outline.has(covers) {
        return;
    }
    let names = outline.names();
    let span = source.line_span(place.line);
    out.push(
        Diagnostic::new(Code::UnknownHeading, source, span, format!("`{runbook}` has no step `{covers}`"))
            .maybe_help(suggest(covers, names.iter().map(String::as_str))),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_and_numbered_items_are_steps_and_fenced_text_is_not() {
        let text = "# Title\n\n## Signal\n\ntext\n\n## Remediation\n\n1. first\n2. second\n\n```sh\n1. not this\n```\n";
        let outline = Outline::read(&Source::new("r.md", text));
        assert!(outline.has("Signal"));
        let steps = outline.steps();
        assert_eq!(
            steps.iter().map(|(step, _)| step.as_str()).collect::<Vec<_>>(),
            ["Signal", "Remediation/1", "Remediation/2"]
        );
        assert_eq!((outline.line("Signal"), outline.line("Remediation/2")), (Some(3), Some(10)));
        assert!(outline.has("Remediation/2"));
        assert!(!outline.has("Remediation/3"));
        assert!(!outline.has("Exit"));
    }
}
