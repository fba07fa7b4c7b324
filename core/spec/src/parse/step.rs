//! Steps, blocks and their inclusion.

use std::time::Duration;

use serde_json::Value;

use crate::code::Code;
use crate::diagnostic::{Diagnostic, suggest};
use crate::drill::{ACTIONS, Action, NameUse, Save, SnapshotSpec, Step};
use crate::fields::{Fields, text, wrong_type};
use crate::node::{Kind, Node};
use crate::parse::Reader;
use crate::source::{Source, Span};
use crate::template::{Path, Template};

/// Bound for one attempt of a step that does not give its own.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the work that is left may take, where the step does not say.
pub const DRAIN_WITHIN: Duration = Duration::from_secs(10);

/// Actions that take as long as they say get a bound that lies beyond it.
fn default_timeout(action: &Action) -> Duration {
    match action {
        Action::Human(human) => human.deadline + DEFAULT_TIMEOUT,
        Action::Load(load) => load.duration + DEFAULT_TIMEOUT,
        _ => DEFAULT_TIMEOUT,
    }
}

/// Keys of a step beside its action.
pub const STEP_KEYS: &[&str] = &[
    "id",
    "title",
    "covers",
    "as",
    "when",
    "expect",
    "save",
    "within",
    "stays_for",
    "timeout",
    "snapshot",
    "undocumented",
    "with",
];

impl<'a> Reader<'a, '_> {
    /// Reads a list of steps; included blocks are laid out in their place.
    pub fn steps(&mut self, node: &'a Node, name: &str) -> Vec<Step> {
        let Kind::List(items) = &node.kind else {
            self.out.push(wrong_type(self.source, node, name, "a list of steps"));
            return Vec::new();
        };
        items.iter().flat_map(|item| self.step(item)).collect()
    }

    /// Reads one step. An inclusion gives several.
    pub fn step(&mut self, node: &'a Node) -> Vec<Step> {
        let Some(mut fields) = Fields::open(self.source, node, "a step", self.out) else { return Vec::new() };
        fields.also_known(STEP_KEYS);
        fields.also_known(&["use"]);
        for info in ACTIONS {
            fields.also_known(&[info.name]);
        }
        let written: Vec<_> = fields
            .remaining()
            .into_iter()
            .filter(|(key, _)| key.name == "use" || ACTIONS.iter().any(|info| info.name == key.name))
            .collect();
        let Some((key, value)) = written.first().copied() else {
            self.report_no_action(&fields);
            return Vec::new();
        };
        if let Some((second, _)) = written.get(1) {
            let message = format!("the step has two actions, `{}` and `{}`", key.name, second.name);
            self.out.push(
                Diagnostic::new(Code::TwoActions, self.source, second.span, message)
                    .related(self.source, key.span, "the first is here")
                    .help("make two steps of it"),
            );
        }
        for (other, _) in &written {
            fields.mark(&other.name);
        }
        let when = fields.take("when").map(|node| self.when(node)).unwrap_or_default();
        let mut steps = if key.name == "use" {
            self.included(fields, value)
        } else {
            self.plain_step(fields, &key.name, (key.span, value)).into_iter().collect()
        };
        if !when.here {
            return Vec::new();
        }
        for step in &mut steps {
            step.change(&mut |step| {
                if step.backends.is_empty() {
                    step.backends.clone_from(&when.backends);
                }
            });
        }
        steps
    }

    /// Keys that steps have and this sort of step does not read.
    pub(super) fn refuse_ignored(&mut self, fields: &Fields<'a>, help: &str) {
        for (key, _) in fields.remaining() {
            if STEP_KEYS.contains(&key.name.as_str()) {
                let message = format!("`{}` has no meaning on this step", key.name);
                self.out.push(Diagnostic::new(Code::UnknownKey, self.source, key.span, message).help(help));
            }
        }
    }

    fn report_no_action(&mut self, fields: &Fields<'a>) {
        let names = || ACTIONS.iter().map(|info| info.name).chain(["use"]);
        let stranger =
            fields.remaining().into_iter().find(|(key, _)| !STEP_KEYS.contains(&key.name.as_str()));
        let diagnostic = match stranger {
            Some((key, _)) => Diagnostic::new(
                Code::UnknownKey,
                self.source,
                key.span,
                format!("a step has no key `{}`", key.name),
            )
            .maybe_help(suggest(&key.name, names().chain(STEP_KEYS.iter().copied()))),
            None => Diagnostic::new(Code::NoAction, self.source, fields.head(), "the step does nothing")
                .help(format!("give it one of {}", names().collect::<Vec<_>>().join(", "))),
        };
        self.out.push(diagnostic);
    }

    fn plain_step(
        &mut self,
        mut fields: Fields<'a>,
        name: &str,
        (key, value): (Span, &'a Node),
    ) -> Option<Step> {
        let action = self.action(name, value);
        let id = fields.text("id", self.out);
        let title = fields.text("title", self.out);
        let covers = fields.text("covers", self.out);
        let identity = fields.take("as").and_then(|node| self.identity(node));
        let within = fields.duration("within", self.out);
        let stays_for = fields.duration("stays_for", self.out);
        let timeout = fields.duration("timeout", self.out);
        let info = ACTIONS.iter().find(|info| info.name == name)?;
        let expected = fields.take("expect");
        let mut expect = expected.map(|node| self.expectations(node, info)).unwrap_or_default();
        let save = fields.take("save").map(|node| self.saves(node, info)).unwrap_or_default();
        let snapshot = fields.take("snapshot").and_then(|node| self.snapshot(node, info));
        let undocumented = fields.take("undocumented");
        let mut uses = self.own_names(name, value);
        if let Some(node) = expected {
            uses.extend(self.names_in(node));
        }
        let place = self.source.place(fields.head());
        let line = self.source.line(place.line).to_owned();
        self.refuse_ignored(&fields, "only `use` takes arguments; `let` binds names for a plain step");
        fields.finish(self.out);
        let mut action = action?;
        if undocumented.is_none() {
            self.check_contract(&action, (key, value), &expect);
        }
        let implied = matches!(action, Action::Drained(_) | Action::Human(_));
        if (within.is_some() || stays_for.is_some()) && expect.is_empty() && !implied {
            let message = "a wait needs an expectation to wait for, and there is none";
            self.out.push(Diagnostic::new(Code::EmptyExpect, self.source, key, message));
        }
        for step in action.inner_mut().into_iter().flatten() {
            step.change(&mut |step| step.identity = step.identity.take().or_else(|| identity.clone()));
        }
        let checked = !expect.is_empty() || snapshot.is_some() || implied;
        self.imply_success(&action, &mut expect, key);
        expect.extend(self.imply_documented(&action, undocumented, key));
        let title = title.unwrap_or_else(|| action.describe());
        let within = within.or_else(|| matches!(action, Action::Drained(_)).then_some(DRAIN_WITHIN));
        let timeout = timeout.unwrap_or_else(|| default_timeout(&action));
        let backends = Vec::new();
        Some(Step {
            id,
            title,
            place,
            line,
            covers,
            identity,
            action,
            expect,
            checked,
            save,
            within,
            stays_for,
            timeout,
            backends,
            snapshot,
            uses,
        })
    }

    pub(super) fn identity(&mut self, node: &Node) -> Option<String> {
        let name = text(self.source, node, "as", self.out)?;
        let known = &self.context.names.identities;
        if !known.contains(&name) {
            let message = format!("the topology has no identity `{name}`");
            let help = suggest(&name, known.iter().map(String::as_str));
            self.out.push(
                Diagnostic::new(Code::UnknownIdentity, self.source, node.span, message).maybe_help(help),
            );
        }
        Some(name)
    }

    /// Reports a path whose first segment is no field of the action's answer.
    fn answer_path(&mut self, node: &Node, name: &str, fields: &[&'static str]) -> Option<(Path, String)> {
        let written = text(self.source, node, name, self.out)?;
        match Path::parse(&written) {
            Ok(path) => {
                let field = written.split(['.', '[']).next().unwrap_or_default();
                if !fields.contains(&field) {
                    let message = format!("the answer has no field `{field}`");
                    let help = suggest(field, fields.iter().copied());
                    self.out.push(
                        Diagnostic::new(Code::UnknownField, self.source, node.span, message).maybe_help(help),
                    );
                    return None;
                }
                Some((path, written))
            }
            Err(message) => {
                self.out.push(Diagnostic::new(Code::BadPath, self.source, node.span, message));
                None
            }
        }
    }

    fn saves(&mut self, node: &Node, info: &crate::drill::ActionInfo) -> Vec<Save> {
        let Kind::Map(entries) = &node.kind else {
            self.out.push(wrong_type(self.source, node, "save", "a mapping of name to path"));
            return Vec::new();
        };
        entries
            .iter()
            .filter_map(|(key, value)| {
                let (value, secret) = match &value.kind {
                    Kind::Map(_) => {
                        let mut fields = Fields::open(self.source, value, "what is saved", self.out)?;
                        let secret = fields.require("secret", self.out);
                        fields.finish(self.out);
                        (secret?, true)
                    }
                    _ => (value, false),
                };
                let (path, text) = self.answer_path(value, &key.name, info.fields)?;
                Some(Save { name: key.name.clone(), path, text, place: self.source.place(key.span), secret })
            })
            .collect()
    }

    /// `snapshot: name`, or `snapshot: { name: …, of: body.alerts }`.
    fn snapshot(&mut self, node: &'a Node, info: &crate::drill::ActionInfo) -> Option<SnapshotSpec> {
        let place = self.source.place(node.span);
        let default = if info.fields.contains(&"body") { "body" } else { info.fields.first().copied()? };
        let (name, path) = if let Kind::Map(_) = node.kind {
            let mut fields = Fields::open(self.source, node, "a snapshot", self.out)?;
            let name = fields.require("name", self.out).and_then(|n| text(self.source, n, "name", self.out));
            let of = fields.take("of").and_then(|n| self.answer_path(n, "of", info.fields));
            fields.finish(self.out);
            (name?, of.map_or_else(|| Path::parse(default).unwrap_or_default(), |(path, _)| path))
        } else {
            (text(self.source, node, "snapshot", self.out)?, Path::parse(default).unwrap_or_default())
        };
        if !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')) {
            let message = format!("`{name}` is not a file name of letters, digits, `-` and `_`");
            self.out.push(Diagnostic::new(Code::WrongType, self.source, node.span, message));
            return None;
        }
        Some(SnapshotSpec { name, path, place })
    }

    /// Names that the templates under `node` ask for; broken templates are reported.
    pub fn names_in(&mut self, node: &Node) -> Vec<NameUse> {
        let mut uses = Vec::new();
        names_in(self.source, node, &mut uses, self.out);
        uses
    }

    /// A step that binds the names of a mapping.
    pub fn bind_step(&mut self, node: &'a Node) -> Option<Step> {
        let action = self.action("let", node)?;
        let uses = self.names_in(node);
        Some(quiet_step(self.source, node.span, action, uses))
    }
}

/// A step that only binds or asks for names.
#[must_use]
pub fn quiet_step(source: &Source, span: Span, action: Action, uses: Vec<NameUse>) -> Step {
    let place = source.place(span);
    Step {
        id: None,
        title: action.describe(),
        line: source.line(place.line).to_owned(),
        place,
        covers: None,
        identity: None,
        action,
        expect: Vec::new(),
        checked: false,
        save: Vec::new(),
        within: None,
        stays_for: None,
        timeout: DEFAULT_TIMEOUT,
        backends: Vec::new(),
        snapshot: None,
        uses,
    }
}

fn names_in(source: &Source, node: &Node, uses: &mut Vec<NameUse>, out: &mut Vec<Diagnostic>) {
    match &node.kind {
        Kind::Text(text) => template_names(source, text, node.span, (uses, out)),
        Kind::List(items) => items.iter().for_each(|item| names_in(source, item, uses, out)),
        Kind::Map(entries) => {
            for (key, value) in entries {
                template_names(source, &key.name, key.span, (uses, out));
                names_in(source, value, uses, out);
            }
        }
        Kind::Null | Kind::Bool(_) | Kind::Number(_) => {}
    }
}

fn template_names(
    source: &Source,
    text: &str,
    span: Span,
    (uses, out): (&mut Vec<NameUse>, &mut Vec<Diagnostic>),
) {
    if !text.contains("${") {
        return;
    }
    match Template::parse(text) {
        Ok(template) => uses.extend(template.uses().map(|(name, path)| NameUse {
            name: name.to_owned(),
            path: path.clone(),
            whole: template.is_whole(),
            source: source.clone(),
            span,
        })),
        Err(message) => out.push(Diagnostic::new(Code::BadTemplate, source, span, message)),
    }
}

/// The value of a literal that holds no template, for tests and defaults.
#[must_use]
pub fn literal(text: &str) -> Value {
    Value::String(text.to_owned())
}
