//! What a Gherkin parser swallows: misspelt keywords that become description text, ragged tables, equal names.

use std::collections::BTreeMap;

use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::source::Source;

const BLOCKS: &[&str] = &[
    "Feature:",
    "Background:",
    "Scenario:",
    "Scenario Outline:",
    "Scenario Template:",
    "Example:",
    "Examples:",
    "Scenarios:",
    "Rule:",
];
const STEPS: &[&str] = &["Given", "When", "Then", "And", "But", "*"];

/// Reports every line that is neither a keyword line nor a description directly below `Feature:`.
pub fn lines(source: &Source, out: &mut Vec<Diagnostic>) {
    let mut state = State { fence: None, in_feature_description: false, any: false };
    for (index, line) in source.text().lines().enumerate() {
        state.line(source, index + 1, line, out);
    }
    if !state.any {
        out.push(
            Diagnostic::new(Code::EmptyFile, source, crate::source::Span::default(), "the file says nothing")
                .help("a feature begins with `Feature:`"),
        );
    }
}

struct State {
    fence: Option<&'static str>,
    in_feature_description: bool,
    any: bool,
}

impl State {
    fn line(&mut self, source: &Source, number: usize, line: &str, out: &mut Vec<Diagnostic>) {
        let text = line.trim();
        if let Some(fence) = self.fence {
            if text.starts_with(fence) {
                self.fence = None;
            }
            return;
        }
        if text.is_empty() || text.starts_with('#') {
            return;
        }
        self.any = true;
        if let Some(fence) = ["\"\"\"", "```"].into_iter().find(|fence| text.starts_with(fence)) {
            self.fence = Some(fence);
            return;
        }
        if text.starts_with('@') || text.starts_with('|') {
            self.in_feature_description = false;
            return;
        }
        if BLOCKS.iter().any(|keyword| text.starts_with(keyword)) {
            self.in_feature_description = text.starts_with("Feature:");
            return;
        }
        let is_step = STEPS.iter().any(|k| text.strip_prefix(k).is_some_and(|rest| rest.starts_with(' ')));
        if is_step && !self.in_feature_description {
            return;
        }
        self.stray(source, number, text, out);
    }

    fn stray(&self, source: &Source, number: usize, text: &str, out: &mut Vec<Diagnostic>) {
        let near = nearest_keyword(text);
        if self.in_feature_description && near.is_none() {
            return;
        }
        let message = match near {
            Some(_) => {
                format!("`{}` is not a keyword, so the line would be taken for description", head(text))
            }
            None => "this line is no step; description is allowed only directly below `Feature:`".to_owned(),
        };
        let help = near.map(|keyword| format!("did you mean `{keyword}`?"));
        out.push(
            Diagnostic::new(Code::SwallowedLine, source, source.line_span(number), message).maybe_help(help),
        );
    }
}

/// The part of a line where its keyword would be.
fn head(text: &str) -> &str {
    match text.split_once(':') {
        Some((before, _)) if before.split_whitespace().count() <= 2 => &text[..=before.len()],
        _ => text.split_whitespace().next().unwrap_or(text),
    }
}

fn nearest_keyword(text: &str) -> Option<&'static str> {
    let head = head(text);
    let block = head.ends_with(':');
    let candidates = if block { BLOCKS } else { STEPS };
    candidates
        .iter()
        .filter(|keyword| keyword.len() > 1)
        .map(|keyword| (strsim::damerau_levenshtein(&head.to_lowercase(), &keyword.to_lowercase()), *keyword))
        .min()
        // Short step keywords differ from common English words by two letters already.
        .filter(|(distance, keyword)| *distance <= if block { 1 + keyword.len() / 4 } else { 1 })
        .map(|(_, keyword)| keyword)
}

/// Reports rows of tables that have more or fewer cells than the first one. The parser gives up at such a table, so the
/// text itself is looked at.
pub fn rows(source: &Source, out: &mut Vec<Diagnostic>) {
    let mut first: Option<(usize, usize)> = None;
    let mut fence: Option<&str> = None;
    for (index, line) in source.text().lines().enumerate() {
        let (number, text) = (index + 1, line.trim());
        if let Some(mark) = ["\"\"\"", "```"].into_iter().find(|mark| text.starts_with(mark)) {
            fence = if fence == Some(mark) { None } else { fence.or(Some(mark)) };
        }
        if fence.is_some() || !text.starts_with('|') {
            // Comments and blank lines may stand between rows.
            first = first.filter(|_| text.is_empty() || text.starts_with('#'));
            continue;
        }
        let cells = text.replace("\\\\", "").replace("\\|", "").matches('|').count().saturating_sub(1);
        match first {
            None => first = Some((number, cells)),
            Some((at, width)) if width != cells => {
                let message = format!("this row has {cells} cells, the first has {width}");
                out.push(
                    Diagnostic::new(Code::RaggedTable, source, source.line_span(number), message).related(
                        source,
                        source.line_span(at),
                        "the first row",
                    ),
                );
            }
            Some(_) => {}
        }
    }
}

/// Reports examples without a row.
pub fn tables(source: &Source, feature: &gherkin::Feature, out: &mut Vec<Diagnostic>) {
    let scenarios = feature.scenarios.iter().chain(feature.rules.iter().flat_map(|rule| &rule.scenarios));
    for scenario in scenarios {
        for examples in &scenario.examples {
            let rows = examples.table.as_ref().map_or(0, |table| table.rows.len());
            if rows < 2 {
                let span = source.line_span(examples.position.line);
                out.push(Diagnostic::new(
                    Code::EmptyScenario,
                    source,
                    span,
                    "the examples have no row, so nothing would run",
                ));
            }
        }
    }
}

/// Reports scenarios of one feature that share a name.
pub fn names(source: &Source, scenarios: &[gherkin::Feature], out: &mut Vec<Diagnostic>) {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for scenario in scenarios.iter().flat_map(|feature| &feature.scenarios) {
        let line = scenario.position.line;
        if let Some(first) = seen.insert(&scenario.name, line) {
            let message = format!("two scenarios are named `{}`", scenario.name);
            out.push(Diagnostic::new(Code::RepeatedName, source, source.line_span(line), message).related(
                source,
                source.line_span(first),
                "the first is here",
            ));
        }
    }
}
