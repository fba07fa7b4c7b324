//! The Gherkin door: features are linted, outlines expanded, and every sentence lowered to the steps YAML would give.

use std::collections::BTreeMap;

use gherkin::{Background, Examples, GherkinEnv};

use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::drill::{Drill, Step};
use crate::parse::matrix::Cell;
use crate::parse::{Context, DEFAULT_BUDGET, Reader, sha256_hex};
use crate::phrase::{Meaning, Vocabulary};
use crate::source::{Source, Span};

mod argument;
pub mod lint;

/// A scenario, lowered.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// The same as a drill; its steps are those of all sentences, in order.
    pub drill: Drill,
    /// The feature with this one scenario, outline rows filled in, for the runner.
    pub feature: gherkin::Feature,
    /// The sentences, background first.
    pub sentences: Vec<Sentence>,
}

/// A sentence and the steps it stands for.
#[derive(Debug, Clone)]
pub struct Sentence {
    /// Keyword and sentence as written.
    pub text: String,
    /// Line in the feature, from 1.
    pub line: usize,
    /// How many of the drill's steps belong to it.
    pub steps: usize,
}

/// Reads a feature and lowers its scenarios.
pub fn read(
    source: &Source,
    vocabulary: &Vocabulary,
    context: Context<'_>,
    out: &mut Vec<Diagnostic>,
) -> Vec<Scenario> {
    let before = out.len();
    lint::lines(source, out);
    lint::rows(source, out);
    let feature = match gherkin::Feature::parse(source.text().as_ref(), GherkinEnv::default()) {
        Ok(feature) => feature,
        Err(error) => {
            if out.len() == before {
                let (line, why) = place_of(&error.to_string());
                out.push(Diagnostic::new(Code::NotGherkin, source, source.line_span(line), why));
            }
            return Vec::new();
        }
    };
    lint::tables(source, &feature, out);
    let scenarios = expand(&feature);
    if scenarios.is_empty() && out.len() == before {
        let span = source.line_span(feature.position.line);
        out.push(Diagnostic::new(Code::EmptyFeature, source, span, "the feature has no scenario"));
    }
    lint::names(source, &scenarios, out);
    scenarios.into_iter().filter_map(|one| lower(source, one, (vocabulary, context), out)).collect()
}

/// `Error at 16:3: {"…"}` of the parser as a line and a reason.
fn place_of(text: &str) -> (usize, String) {
    let text = first_line(text);
    let placed = text.strip_prefix("Error at ").and_then(|rest| {
        let (place, why) = rest.split_once(": ")?;
        Some((place.split(':').next()?.parse().ok()?, format!("the parser expected {why}")))
    });
    placed.unwrap_or((1, text))
}

fn first_line(text: &str) -> String {
    text.lines().find(|line| !line.trim().is_empty()).unwrap_or("not Gherkin").trim().to_owned()
}

/// One feature for each scenario and each row of its examples.
fn expand(feature: &gherkin::Feature) -> Vec<gherkin::Feature> {
    let mut out = Vec::new();
    for scenario in &feature.scenarios {
        push_rows(feature, scenario, &[], &mut out);
    }
    for rule in &feature.rules {
        let background: Vec<gherkin::Step> =
            rule.background.iter().flat_map(|b: &Background| b.steps.clone()).collect();
        for scenario in &rule.scenarios {
            let mut scenario = scenario.clone();
            scenario.tags.extend(rule.tags.iter().cloned());
            push_rows(feature, &scenario, &background, &mut out);
        }
    }
    out
}

fn push_rows(
    feature: &gherkin::Feature,
    scenario: &gherkin::Scenario,
    background: &[gherkin::Step],
    out: &mut Vec<gherkin::Feature>,
) {
    let mut push = |scenario: gherkin::Scenario| {
        let mut single = feature.clone();
        let own: Vec<gherkin::Step> = single.background.take().map(|b| b.steps).unwrap_or_default();
        let mut scenario = scenario;
        // Background steps become steps of the scenario, so that the runner sees the very sentences lowered here.
        let steps =
            own.into_iter().chain(background.iter().cloned()).chain(std::mem::take(&mut scenario.steps));
        scenario.steps = steps.collect();
        scenario.examples = Vec::new();
        single.scenarios = vec![scenario];
        single.rules = Vec::new();
        out.push(single);
    };
    if scenario.examples.is_empty() {
        push(scenario.clone());
        return;
    }
    for examples in &scenario.examples {
        for (index, row) in rows(examples).into_iter().enumerate() {
            let mut filled = scenario.clone();
            filled.tags.extend(examples.tags.iter().cloned());
            filled.name = if scenario.name.contains('<') {
                substitute(&scenario.name, &row)
            } else {
                format!("{} ({})", scenario.name, index + 1)
            };
            for step in &mut filled.steps {
                step.value = substitute(&step.value, &row);
                step.docstring = step.docstring.as_ref().map(|text| substitute(text, &row));
                let cells = step.table.iter_mut().flat_map(|table| table.rows.iter_mut().flatten());
                cells.for_each(|cell| *cell = substitute(cell, &row));
            }
            push(filled);
        }
    }
}

fn rows(examples: &Examples) -> Vec<Vec<(String, String)>> {
    let Some(table) = &examples.table else { return Vec::new() };
    let Some((header, rows)) = table.rows.split_first() else { return Vec::new() };
    rows.iter().map(|row| header.iter().cloned().zip(row.iter().cloned()).collect()).collect()
}

fn substitute(text: &str, row: &[(String, String)]) -> String {
    row.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("<{name}>"), value))
}

fn lower(
    source: &Source,
    feature: gherkin::Feature,
    (vocabulary, context): (&Vocabulary, Context<'_>),
    out: &mut Vec<Diagnostic>,
) -> Option<Scenario> {
    let scenario = feature.scenarios.first()?;
    let head = source.line_span(scenario.position.line);
    if scenario.steps.is_empty() {
        out.push(Diagnostic::new(
            Code::EmptyScenario,
            source,
            head,
            format!("the scenario `{}` has no step", scenario.name),
        ));
        return None;
    }
    let mut lowering = Lowering { source, vocabulary, context, identity: None, env: BTreeMap::new() };
    let mut steps = Vec::new();
    let mut sentences = Vec::new();
    let before = out.len();
    for step in &scenario.steps {
        let lowered = lowering.sentence(step, out);
        sentences.push(Sentence {
            text: format!("{} {}", step.keyword.trim(), step.value),
            line: step.position.line,
            steps: lowered.len(),
        });
        steps.extend(lowered);
    }
    if out.len() == before && !steps.iter().any(|step| step.checked) {
        let message = format!("the scenario `{}` checks nothing", scenario.name);
        out.push(Diagnostic::new(Code::NothingChecked, source, head, message).help("add a `Then`"));
    }
    let stem = source.path().trim_end_matches(".feature");
    let tags = feature.tags.iter().chain(&scenario.tags).cloned().collect();
    let drill = Drill {
        id: format!("{stem}: {}", scenario.name),
        title: format!("{}: {}", feature.name, scenario.name),
        place: source.place(head),
        runbook: None,
        tags,
        budget: DEFAULT_BUDGET,
        needs: Vec::new(),
        exclusive: exclusive(&feature),
        cell: Vec::new(),
        env: lowering.env,
        steady: Vec::new(),
        steps,
        finally: Vec::new(),
        cut: None,
        text_sha256: sha256_hex(source.text()),
    };
    crate::parse::bindings::check(&drill, out);
    Some(Scenario { drill, sentences, feature })
}

/// `@exclusive:KEY` is a scenario's way to say `exclusive: [KEY]`.
fn exclusive(feature: &gherkin::Feature) -> Vec<String> {
    let tags = feature.tags.iter().chain(feature.scenarios.iter().flat_map(|scenario| &scenario.tags));
    tags.filter_map(|tag| tag.trim_start_matches('@').strip_prefix("exclusive:")).map(str::to_owned).collect()
}

struct Lowering<'a> {
    source: &'a Source,
    vocabulary: &'a Vocabulary,
    context: Context<'a>,
    identity: Option<String>,
    env: BTreeMap<String, BTreeMap<String, String>>,
}

impl Lowering<'_> {
    fn sentence(&mut self, step: &gherkin::Step, out: &mut Vec<Diagnostic>) -> Vec<Step> {
        let span = self.source.line_span(step.position.line);
        let matches = self.vocabulary.matches(&step.value);
        let (phrase, values) = match matches.as_slice() {
            [] => {
                let message = format!("no phrase matches `{}`", step.value);
                let help = format!("the nearest are {}", self.vocabulary.nearest(&step.value));
                out.push(Diagnostic::new(Code::UnknownPhrase, self.source, span, message).help(help));
                return Vec::new();
            }
            [one] => one.clone(),
            [first, second, ..] => {
                let message = format!(
                    "`{}` matches both `{}` and `{}`",
                    step.value, first.0.expression, second.0.expression
                );
                out.push(Diagnostic::new(Code::AmbiguousPhrase, self.source, span, message));
                return Vec::new();
            }
        };
        for (service, variables) in &phrase.env {
            self.env.entry(service.clone()).or_default().extend(variables.clone());
        }
        let Meaning::Steps(node) = &phrase.meaning else {
            argument::bind(self.source, step, &[], out);
            self.act_as(&values, span, out);
            return Vec::new();
        };
        let node = phrase.fill(node, &values);
        let mut found = Vec::new();
        let cell = Some(Cell::default());
        let mut reader = Reader {
            source: &phrase.source,
            context: self.context,
            out: &mut found,
            including: Vec::new(),
            cell,
        };
        let asked = reader.names_in(&node);
        let mut steps = reader.steps(&node, "steps");
        if let Some(bound) = argument::bind(self.source, step, &asked, out) {
            steps.insert(0, bound);
        }
        out.extend(found.into_iter().map(|d| d.related(self.source, span, "used by this sentence")));
        for lowered in &mut steps {
            lowered.change(&mut |lowered| {
                lowered.identity = lowered.identity.take().or_else(|| self.identity.clone());
                lowered.line = self.source.line(step.position.line).to_owned();
                lowered.place = self.source.place(span);
            });
        }
        steps
    }

    fn act_as(&mut self, values: &[String], span: Span, out: &mut Vec<Diagnostic>) {
        let name = values.first().cloned().unwrap_or_default();
        let known = &self.context.names.identities;
        if !known.contains(&name) {
            let help = crate::diagnostic::suggest(&name, known.iter().map(String::as_str));
            let message = format!("the topology has no identity `{name}`");
            out.push(Diagnostic::new(Code::UnknownIdentity, self.source, span, message).maybe_help(help));
        }
        self.identity = Some(name);
    }
}

#[cfg(test)]
mod tests;
