//! What is wrong with a text, where, and the way out.

use serde::Serialize;

use crate::code::Code;
use crate::source::{Place, Source, Span};

/// A second place that explains the first, such as where a name was defined before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Label {
    /// Where.
    pub place: Place,
    /// Byte range in that file.
    #[serde(skip)]
    pub span: Span,
    /// What is there.
    pub text: String,
}

/// One mistake: a code, a place, a sentence and the way out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// What kind of mistake; `drillyard explain CODE` tells more.
    pub code: Code,
    /// A sentence without a full stop.
    pub message: String,
    /// Where the mistake begins.
    pub place: Place,
    /// Byte range of the mistake.
    #[serde(skip)]
    pub span: Span,
    /// What to write instead, or how to find out.
    pub help: Option<String>,
    /// Related places.
    pub related: Vec<Label>,
}

impl Diagnostic {
    /// A diagnostic at `span` of `source`.
    #[must_use]
    pub fn new(code: Code, source: &Source, span: Span, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            place: source.place(span),
            span,
            help: None,
            related: Vec::new(),
        }
    }

    /// Adds the way out.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds the way out where there is one.
    #[must_use]
    pub fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = help.or(self.help);
        self
    }

    /// Adds a related place.
    #[must_use]
    pub fn related(mut self, source: &Source, span: Span, text: impl Into<String>) -> Self {
        self.related.push(Label { place: source.place(span), span, text: text.into() });
        self
    }
}

/// The one of `known` that `written` was probably meant to be.
#[must_use]
pub fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let distance = |name: &str| strsim::damerau_levenshtein(&written.to_lowercase(), &name.to_lowercase());
    let (distance, name) = known.into_iter().map(|name| (distance(name), name)).min()?;
    (distance <= (name.len() / 3).max(2) && distance < name.len()).then_some(name)
}

/// The nearest of `known` to `written`, as a "did you mean" sentence, or the list of what is known.
#[must_use]
pub fn suggest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let known: Vec<&str> = known.into_iter().collect();
    if known.is_empty() {
        return None;
    }
    Some(match nearest(written, known.iter().copied()) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("known here: {}", list(&known)),
    })
}

fn list(names: &[&str]) -> String {
    let shown: Vec<String> = names.iter().take(24).map(|n| format!("`{n}`")).collect();
    let rest = names.len().saturating_sub(shown.len());
    if rest == 0 { shown.join(", ") } else { format!("{} and {rest} more", shown.join(", ")) }
}
