//! Sentences and the steps they stand for: the built-in vocabulary and the team's own, composed without code.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use cucumber_expressions::Expression;
use regex::Regex;

use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::fields::{Fields, text, wrong_type};
use crate::node::{self, Kind, Node};
use crate::source::{Source, Span};

/// One sentence form and what it stands for.
#[derive(Debug, Clone)]
pub struct Phrase {
    /// The cucumber expression, such as `I create a ticket {string}`.
    pub expression: String,
    /// Names of its parameters, in order.
    pub args: Vec<String>,
    /// Where it is defined; steps of the phrase are read from this text.
    pub source: Source,
    /// Where its expression is written.
    pub span: Span,
    /// Environment by service that a scenario using it adds to its lane.
    pub env: BTreeMap<String, BTreeMap<String, String>>,
    /// What it does.
    pub meaning: Meaning,
    regex: Regex,
    /// What every sentence of it begins with; compared before the regex, which costs far more.
    lead: String,
}

/// What a phrase does.
#[derive(Debug, Clone)]
pub enum Meaning {
    /// The following sentences act as the identity named by the first parameter.
    ActAs,
    /// Steps, with `${name}` of a parameter filled in before they are read.
    Steps(Node),
}

/// All phrases a feature may use.
#[derive(Debug, Clone, Default)]
pub struct Vocabulary {
    /// Built-in ones first, then the team's.
    pub phrases: Vec<Phrase>,
}

/// The text of the built-in vocabulary.
pub const BUILT_IN: &str = include_str!("phrase/built_in.yaml");

/// Where the team's own phrases are.
pub const VOCABULARY_PATH: &str = "features/vocabulary.yaml";

impl Vocabulary {
    /// The built-in phrases and those of `team`.
    pub fn read(team: Option<&Source>, out: &mut Vec<Diagnostic>) -> Self {
        static BUILT_IN_PHRASES: LazyLock<(Vocabulary, Vec<Diagnostic>)> = LazyLock::new(|| {
            let (mut vocabulary, mut out) = (Vocabulary::default(), Vec::new());
            vocabulary.add(&Source::new("built-in vocabulary", BUILT_IN), &mut out);
            (vocabulary, out)
        });
        let (mut vocabulary, found) = BUILT_IN_PHRASES.clone();
        out.extend(found);
        if let Some(source) = team {
            vocabulary.add(source, out);
        }
        vocabulary
    }

    fn add(&mut self, source: &Source, out: &mut Vec<Diagnostic>) {
        let Some(root) = node::parse(source, out) else { return };
        let Some(mut fields) = Fields::open(source, &root, "a vocabulary", out) else { return };
        let phrases = fields.require("phrases", out);
        fields.finish(out);
        let Some(Node { kind: Kind::List(items), .. }) = phrases else {
            if let Some(node) = phrases {
                out.push(wrong_type(source, node, "phrases", "a list"));
            }
            return;
        };
        for item in items {
            if let Some(phrase) = read_phrase(source, item, out) {
                self.phrases.push(phrase);
            }
        }
    }

    /// The phrases that match `sentence`, each with the values of its parameters.
    #[must_use]
    pub fn matches(&self, sentence: &str) -> Vec<(&Phrase, Vec<String>)> {
        self.phrases.iter().filter_map(|phrase| Some((phrase, phrase.values(sentence)?))).collect()
    }

    /// The three phrases nearest to `sentence`, for a message.
    #[must_use]
    pub fn nearest(&self, sentence: &str) -> String {
        let mut ranked: Vec<(usize, &str)> = self
            .phrases
            .iter()
            .map(|p| {
                (
                    strsim::damerau_levenshtein(&sentence.to_lowercase(), &p.expression.to_lowercase()),
                    p.expression.as_str(),
                )
            })
            .collect();
        ranked.sort_unstable();
        ranked.iter().take(3).map(|(_, expression)| format!("`{expression}`")).collect::<Vec<_>>().join(", ")
    }
}

fn read_phrase(source: &Source, node: &Node, out: &mut Vec<Diagnostic>) -> Option<Phrase> {
    let mut fields = Fields::open(source, node, "a phrase", out)?;
    let expression = fields.require("phrase", out);
    let args: Vec<String> = fields.texts("args", out).into_iter().map(|(arg, _)| arg).collect();
    let act_as = fields.boolean("act_as", out).unwrap_or(false);
    let env = fields.take("env").map(|n| read_env(source, n, out)).unwrap_or_default();
    let steps = fields.take("steps");
    let head = fields.head();
    fields.finish(out);
    let expression_node = expression?;
    let expression = text(source, expression_node, "phrase", out)?;
    let regex = match Expression::regex(expression.as_str()) {
        Ok(regex) => regex,
        Err(error) => {
            out.push(Diagnostic::new(
                Code::BadPhrase,
                source,
                expression_node.span,
                format!("not a cucumber expression: {error}"),
            ));
            return None;
        }
    };
    let meaning = match (act_as, steps) {
        (true, None) => Meaning::ActAs,
        (false, Some(steps)) => Meaning::Steps(steps.clone()),
        (false, None) if !env.is_empty() => Meaning::Steps(Node { span: head, kind: Kind::List(Vec::new()) }),
        _ => {
            out.push(Diagnostic::new(
                Code::BadPhrase,
                source,
                head,
                "a phrase has either `steps` or `act_as`",
            ));
            return None;
        }
    };
    let phrase = Phrase {
        lead: lead(&expression),
        expression,
        args,
        source: source.clone(),
        span: expression_node.span,
        env,
        meaning,
        regex,
    };
    let wanted = phrase.parameters();
    if wanted != phrase.args.len() {
        let message =
            format!("the phrase has {wanted} parameters and {} names under `args`", phrase.args.len());
        out.push(
            Diagnostic::new(Code::BadPhrase, source, phrase.span, message)
                .help("name each parameter once, in order"),
        );
        return None;
    }
    Some(phrase)
}

fn read_env(
    source: &Source,
    node: &Node,
    out: &mut Vec<Diagnostic>,
) -> BTreeMap<String, BTreeMap<String, String>> {
    let Kind::Map(services) = &node.kind else {
        out.push(wrong_type(source, node, "env", "a mapping of service to variables"));
        return BTreeMap::new();
    };
    services
        .iter()
        .map(|(service, variables)| {
            let Kind::Map(entries) = &variables.kind else {
                out.push(wrong_type(source, variables, &service.name, "a mapping of variables"));
                return (service.name.clone(), BTreeMap::new());
            };
            let mut values = BTreeMap::new();
            for (key, value) in entries {
                match value.scalar() {
                    Some(scalar) => drop(values.insert(key.name.clone(), scalar)),
                    None => out.push(wrong_type(source, value, &key.name, "text, a number or a boolean")),
                }
            }
            (service.name.clone(), values)
        })
        .collect()
}

/// The words of an expression before its first parameter, option or alternative.
fn lead(expression: &str) -> String {
    let special = expression.find(['{', '(', '/', '\\']).unwrap_or(expression.len());
    let plain = &expression[..special];
    // Of `a/b` the `a` is one of two.
    let whole = if expression[special..].starts_with('/') {
        plain.rfind(' ').map_or(0, |at| at + 1)
    } else {
        special
    };
    plain[..whole].to_owned()
}

impl Phrase {
    /// How many parameters the expression has. `{string}` is two groups of the regex, one for each kind of quote.
    fn parameters(&self) -> usize {
        self.regex.capture_names().skip(1).filter(|name| name.is_none_or(|n| n.ends_with("_0"))).count()
    }

    fn values(&self, sentence: &str) -> Option<Vec<String>> {
        if !sentence.starts_with(&self.lead) {
            return None;
        }
        let captures = self.regex.captures(sentence)?;
        let mut values = Vec::new();
        let groups: Vec<(Option<&str>, Option<&str>)> = self
            .regex
            .capture_names()
            .enumerate()
            .skip(1)
            .map(|(index, name)| (name, captures.get(index).map(|m| m.as_str())))
            .collect();
        for (name, found) in groups {
            match name {
                Some(name) if !name.ends_with("_0") => {
                    // The second kind of quote of the same parameter.
                    if let (Some(value), Some(last)) = (found, values.last_mut()) {
                        *last = value.to_owned();
                    }
                }
                _ => values.push(found.unwrap_or_default().to_owned()),
            }
        }
        Some(values)
    }

    /// The phrase's steps with its parameters filled in.
    #[must_use]
    pub fn fill(&self, steps: &Node, values: &[String]) -> Node {
        // A number that stands alone stays a number.
        let kind = |value: &String| {
            value
                .parse::<i64>()
                .map_or_else(|_| Kind::Text(value.clone()), |number| Kind::Number(number.into()))
        };
        let holes: Vec<(String, Kind)> =
            self.args.iter().map(|arg| format!("${{{arg}}}")).zip(values.iter().map(kind)).collect();
        steps.filled(&holes)
    }
}
