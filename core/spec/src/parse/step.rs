//! Steps, blocks and their inclusion.

use std::time::Duration;

use serde_json::Value;

use crate::code::Code;
use crate::diagnostic::{Diagnostic, suggest};
use crate::drill::{ACTIONS, Action, NameUse, Save, SnapshotSpec, Step};
use crate::fields::{Fields, text, wrong_type};
use crate::node::{self, Kind, Node};
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
        fields.finish(self.out);
        let mut action = action?;
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

    fn identity(&mut self, node: &Node) -> Option<String> {
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

    /// `use:` of a drill: one name or a list, each bare or as `{ block: …, with: … }`.
    pub fn uses(&mut self, node: &'a Node) -> Vec<Step> {
        match &node.kind {
            Kind::List(items) => items.iter().flat_map(|item| self.use_one(item, None)).collect(),
            _ => self.use_one(node, None),
        }
    }

    fn included(&mut self, mut fields: Fields<'a>, value: &'a Node) -> Vec<Step> {
        let with = fields.take("with");
        let covers = fields.text("covers", self.out);
        let identity = fields.take("as").and_then(|node| self.identity(node));
        fields.take("title");
        fields.finish(self.out);
        let mut steps = self.use_one(value, with);
        for step in &mut steps {
            step.covers = step.covers.take().or_else(|| covers.clone());
            step.change(&mut |step| step.identity = step.identity.take().or_else(|| identity.clone()));
        }
        steps
    }

    fn use_one(&mut self, node: &'a Node, with: Option<&'a Node>) -> Vec<Step> {
        let (name_node, with) = match &node.kind {
            Kind::Map(_) => {
                let Some(mut fields) = Fields::open(self.source, node, "an inclusion", self.out) else {
                    return Vec::new();
                };
                let block = fields.require("block", self.out);
                let inner = fields.take("with");
                fields.finish(self.out);
                let Some(block) = block else { return Vec::new() };
                (block, inner.or(with))
            }
            _ => (node, with),
        };
        let Some(name) = text(self.source, name_node, "use", self.out) else { return Vec::new() };
        self.include(&name, name_node.span, with)
    }

    /// Lays out the steps of the block `name`, with its arguments bound first.
    pub fn include(&mut self, name: &str, span: Span, with: Option<&'a Node>) -> Vec<Step> {
        if !self.inside(name, span) {
            return Vec::new();
        }
        let path = format!("drills/{name}.yaml");
        let Some(block) = self.context.texts.get(&path) else {
            let known = self
                .context
                .texts
                .iter()
                .filter_map(|s| s.path().strip_prefix("drills/")?.strip_suffix(".yaml"));
            let help = suggest(name, known.filter(|n| n.contains('/')));
            self.out.push(
                Diagnostic::new(Code::UnknownBlock, self.source, span, format!("there is no block `{name}`"))
                    .maybe_help(help),
            );
            return Vec::new();
        };
        if self.including.contains(&path) {
            let chain = self.including.iter().chain([&path]).cloned().collect::<Vec<_>>().join(" → ");
            self.out.push(Diagnostic::new(
                Code::BlockCycle,
                self.source,
                span,
                format!("the block includes itself: {chain}"),
            ));
            return Vec::new();
        }
        let mut steps = Vec::new();
        let mut given = Vec::new();
        if let Some(node) = with {
            if let Kind::Map(entries) = &node.kind {
                given = entries.iter().map(|(key, _)| (key.name.clone(), key.span)).collect();
            }
            steps.extend(self.bind_step(node));
        }
        // The block's own mistakes are reported when its file is read, so that they appear once.
        let mut quiet = Vec::new();
        let Some(root) = node::parse(block, &mut quiet) else { return steps };
        let mut including = self.including.clone();
        including.push(path);
        let mut inner = Reader {
            source: block,
            context: self.context,
            out: &mut quiet,
            including,
            cell: self.cell.clone(),
        };
        let (args, body) = inner.block(&root);
        self.out.extend(quiet.into_iter().filter(|d| d.code == Code::BlockCycle));
        for (argument, at) in given.iter().filter(|(argument, _)| !args.contains(argument)) {
            let message = format!("the block `{name}` has no argument `{argument}`");
            let help = suggest(argument, args.iter().map(String::as_str));
            self.out.push(Diagnostic::new(Code::BlockArguments, self.source, *at, message).maybe_help(help));
        }
        let asked = args.iter().map(|arg| NameUse { name: arg.clone(), source: self.source.clone(), span });
        steps.push(quiet_step(self.source, span, Action::Let(Vec::new()), asked.collect()));
        steps.extend(body);
        steps
    }

    /// Reads a file with `block:` by itself, to report its mistakes.
    pub fn block_alone(&mut self, root: &'a Node) {
        let before = self.out.len();
        let (_, steps) = self.block(root);
        let binds = root.get("vars").is_some();
        if steps.is_empty() && !binds && self.out.len() == before {
            self.out.push(Diagnostic::new(
                Code::NoSteps,
                self.source,
                root.span,
                "the block has no step and binds no name",
            ));
        }
    }

    fn block(&mut self, root: &'a Node) -> (Vec<String>, Vec<Step>) {
        if root.get("block").is_none() {
            let message = "this file is not a block, so it cannot be included";
            self.out.push(
                Diagnostic::new(Code::NotABlock, self.source, root.span, message)
                    .help("a block begins with `block: NAME`"),
            );
            return (Vec::new(), Vec::new());
        }
        // The tree of an included file lives as long as this call, so its reader borrows it afresh.
        let Some(mut fields) = Fields::open(self.source, root, "a block", self.out) else {
            return (Vec::new(), Vec::new());
        };
        fields.text("block", self.out);
        fields.text("title", self.out);
        let args = fields.texts("args", self.out).into_iter().map(|(name, _)| name).collect();
        let mut steps: Vec<Step> =
            fields.take("vars").and_then(|node| self.bind_step(node)).into_iter().collect();
        if let Some(node) = fields.take("steps") {
            steps.extend(self.steps(node, "steps"));
        }
        fields.finish(self.out);
        (args, steps)
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
        Ok(template) => uses.extend(template.names().map(|name| NameUse {
            name: name.to_owned(),
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
