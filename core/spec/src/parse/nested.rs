//! Actions that hold steps: `parallel`, `each`, `always`, `defer`.

use std::time::Duration;

use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::drill::{Action, Always, Each, NameUse, Step};
use crate::fields::{Fields, text, wrong_type};
use crate::node::{Kind, Node};
use crate::parse::Reader;
use crate::source::Span;

/// Pause between two looks at an invariant that does not give its own.
const DEFAULT_EVERY: Duration = Duration::from_millis(100);

impl<'a> Reader<'a, '_> {
    fn empty_loop(&mut self, span: Span, message: &str) {
        self.out.push(Diagnostic::new(Code::EmptyLoop, self.source, span, message));
    }

    /// Reads `parallel:`, a list of lists of steps.
    pub fn parallel(&mut self, node: &'a Node) -> Option<Action> {
        let Kind::List(branches) = &node.kind else {
            self.out.push(wrong_type(self.source, node, "parallel", "a list of lists of steps"));
            return None;
        };
        if branches.len() < 2 {
            self.empty_loop(node.span, "`parallel` needs at least two branches; one runs beside nothing");
        }
        let branches =
            branches.iter().map(|branch| self.some_steps(branch, "a branch of `parallel`")).collect();
        Some(Action::Parallel(branches))
    }

    /// Steps of which at least one is written; a `when` may leave none of them in a cell.
    fn some_steps(&mut self, node: &'a Node, what: &str) -> Vec<Step> {
        if let Kind::List(items) = &node.kind
            && items.is_empty()
        {
            self.empty_loop(node.span, &format!("{what} has no step"));
        }
        self.steps(node, what)
    }

    /// Reads `each:`.
    pub fn each(&mut self, node: &'a Node) -> Option<Action> {
        let mut fields = Fields::open(self.source, node, "a loop", self.out)?;
        let of = fields.require("of", self.out);
        let name = fields.require("as", self.out).and_then(|node| text(self.source, node, "as", self.out));
        let steps = fields.require("steps", self.out);
        fields.finish(self.out);
        let (of, steps) = (of?, steps?);
        match &of.kind {
            Kind::List(items) if items.is_empty() => {
                self.empty_loop(of.span, "the list is empty, so nothing is done")
            }
            Kind::List(_) => {}
            Kind::Text(text) if text.trim_start().starts_with("${") => {}
            _ => self.out.push(wrong_type(self.source, of, "of", "a list, or a template that gives one")),
        }
        let steps = self.some_steps(steps, "`each`");
        Some(Action::Each(Each { of: of.to_value(), name: name?, steps }))
    }

    /// Reads `always:`.
    pub fn always(&mut self, node: &'a Node) -> Option<Action> {
        let mut fields = Fields::open(self.source, node, "an invariant", self.out)?;
        let holds = fields.require("holds", self.out);
        let every = fields.duration("every", self.out).unwrap_or(DEFAULT_EVERY);
        let during = fields.require("during", self.out);
        let head = fields.head();
        fields.finish(self.out);
        let holds = self.some_steps(holds?, "`holds`");
        let during = self.some_steps(during?, "`during`");
        if !holds.is_empty() && !holds.iter().any(|step| step.checked) {
            let message = "`holds` checks nothing, so it could not be violated";
            self.out.push(
                Diagnostic::new(Code::NoChecks, self.source, head, message)
                    .help("add `expect:` to a step of it"),
            );
        }
        if holds
            .iter()
            .any(|step| !step.action.inner().is_empty() || step.snapshot.is_some() || step.within.is_some())
        {
            self.bad(
                head,
                "a step of `holds` is one look",
                "without `within`, `snapshot` or steps inside of it",
            );
        }
        Some(Action::Always(Always { holds, every, during }))
    }

    /// Reads `defer:`, a step or a list of steps.
    pub fn defer(&mut self, node: &'a Node) -> Option<Action> {
        let steps = match &node.kind {
            Kind::List(_) => self.some_steps(node, "`defer`"),
            _ => self.step(node),
        };
        Some(Action::Defer(steps))
    }

    /// Names an action's own templates ask for. Steps inside of it ask for theirs themselves.
    pub fn own_names(&mut self, name: &str, node: &Node) -> Vec<NameUse> {
        match name {
            "parallel" | "always" | "defer" => Vec::new(),
            "each" => node.get("of").map(|of| self.names_in(of)).unwrap_or_default(),
            _ => self.names_in(node),
        }
    }
}
