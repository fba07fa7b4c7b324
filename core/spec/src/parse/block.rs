//! Blocks: files of steps that drills lay out with `use:`.

use crate::code::Code;
use crate::diagnostic::{Diagnostic, suggest};
use crate::drill::{Action, NameUse, Step};
use crate::fields::{Fields, text};
use crate::node::{self, Kind, Node};
use crate::parse::Reader;
use crate::parse::step::quiet_step;
use crate::source::Span;
use crate::template::Path;

impl<'a> Reader<'a, '_> {
    /// `use:` of a drill: one name or a list, each bare or as `{ block: …, with: … }`.
    pub fn uses(&mut self, node: &'a Node) -> Vec<Step> {
        match &node.kind {
            Kind::List(items) => items.iter().flat_map(|item| self.use_one(item, None)).collect(),
            _ => self.use_one(node, None),
        }
    }

    pub(super) fn included(&mut self, mut fields: Fields<'a>, value: &'a Node) -> Vec<Step> {
        let with = fields.take("with");
        let covers = fields.text("covers", self.out);
        let identity = fields.take("as").and_then(|node| self.identity(node));
        fields.text("title", self.out);
        self.refuse_ignored(&fields, "it would be ignored; write it on a step of the block");
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
        let asked = args.iter().map(|arg| NameUse {
            name: arg.clone(),
            path: Path::default(),
            whole: true,
            source: self.source.clone(),
            span,
        });
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
