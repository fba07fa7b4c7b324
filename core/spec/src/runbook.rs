//! What a runbook's steps are, so that a drill can say which of them it covers.

use std::collections::BTreeMap;

use crate::code::Code;
use crate::diagnostic::{Diagnostic, suggest};
use crate::source::{Place, Source, Texts};

/// The headings of a runbook and how many numbered items each has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outline {
    headings: BTreeMap<String, usize>,
}

impl Outline {
    /// Reads Markdown headings of the second and third level and the numbered items under them.
    #[must_use]
    pub fn read(source: &Source) -> Self {
        let mut outline = Self::default();
        let mut current: Option<String> = None;
        let mut fenced = false;
        for line in source.text().lines() {
            if line.trim_start().starts_with("```") {
                fenced = !fenced;
            }
            if fenced {
                continue;
            }
            if let Some(heading) = line.strip_prefix("### ").or_else(|| line.strip_prefix("## ")) {
                let heading = heading.trim().to_owned();
                outline.headings.insert(heading.clone(), 0);
                current = Some(heading);
            } else if let Some(items) = current.as_ref().and_then(|heading| outline.headings.get_mut(heading))
            {
                let digits = line.bytes().take_while(u8::is_ascii_digit).count();
                if digits > 0 && line[digits..].starts_with(". ") {
                    *items += 1;
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
        assert!(outline.has("Remediation/2"));
        assert!(!outline.has("Remediation/3"));
        assert!(!outline.has("Exit"));
    }
}
