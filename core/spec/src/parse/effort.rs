//! Actions that reach beyond the lane or take their time: `exec`, `human`, `load`.

use std::time::Duration;

use crate::code::Code;
use crate::diagnostic::{Diagnostic, suggest};
use crate::drill::{Action, Exec, Human, Load};
use crate::fields::{Fields, text, wrong_type};
use crate::node::{Kind, Node};
use crate::parse::Reader;
use crate::template::Path;

/// Most requests per second of `load`. The runner and the services share a machine; beyond this the runner measures
/// itself.
const MOST_RATE: u64 = 2_000;
/// Longest `load`.
const LONGEST_LOAD: Duration = Duration::from_secs(600);

impl<'a> Reader<'a, '_> {
    /// Reads `exec:`. The program is one the topology grants.
    pub fn exec(&mut self, node: &'a Node) -> Option<Action> {
        let mut fields = Fields::open(self.source, node, "`exec`", self.out)?;
        let run = fields.require("run", self.out);
        let env = fields.take("env").map(|node| self.pairs(node, "env")).unwrap_or_default();
        let stdin = fields.take("stdin").map(Node::to_value);
        fields.finish(self.out);
        let run = run?;
        let Kind::List(words) = &run.kind else {
            let diagnostic = wrong_type(self.source, run, "run", "a list of the program and its arguments");
            self.out.push(diagnostic.help("for example `run: [git, --version]`; no shell reads it"));
            return None;
        };
        let Some((first, args)) = words.split_first() else {
            self.bad(run.span, "`run` names no program", "for example `run: [git, --version]`");
            return None;
        };
        let program = text(self.source, first, "run", self.out)?;
        let granted = &self.context.names.programs;
        if !granted.contains(&program) {
            let message = format!("the topology does not grant the program `{program}`");
            let help = suggest(&program, granted.iter().map(String::as_str));
            let help = help
                .unwrap_or_else(|| format!("add it to the topology: `x-drillyard: {{ exec: [{program}] }}`"));
            self.out.push(Diagnostic::new(Code::NotGranted, self.source, first.span, message).help(help));
        }
        Some(Action::Exec(Exec { program, args: args.iter().map(Node::to_value).collect(), env, stdin }))
    }

    /// Reads `human:`.
    pub fn human(&mut self, node: &'a Node) -> Option<Action> {
        let mut fields = Fields::open(self.source, node, "a human step", self.out)?;
        let owner =
            fields.require("owner", self.out).and_then(|node| text(self.source, node, "owner", self.out));
        let ask = fields.require("ask", self.out).and_then(|node| text(self.source, node, "ask", self.out));
        let deadline = fields.require("deadline", self.out);
        fields.finish(self.out);
        let deadline = crate::fields::duration(self.source, deadline?, "deadline", self.out);
        Some(Action::Human(Human { owner: owner?, ask: ask?, deadline: deadline? }))
    }

    /// A path in an answer.
    fn collected(&mut self, node: &Node) -> Option<Path> {
        let written = text(self.source, node, "collect", self.out)?;
        match Path::parse(&written) {
            Ok(path) => Some(path),
            Err(message) => {
                self.bad(node.span, message, "for example `collect: body.id`");
                None
            }
        }
    }

    /// Reads `load:`.
    pub fn load(&mut self, node: &'a Node) -> Option<Action> {
        let mut fields = Fields::open(self.source, node, "a load", self.out)?;
        let request = fields.require("request", self.out);
        let rate = fields.require("rate", self.out);
        let duration = fields.require("duration", self.out);
        let collect = fields.take("collect").and_then(|node| self.collected(node));
        fields.finish(self.out);
        let request = request.and_then(|node| self.request(node));
        let (rate, length) = (rate?, duration?);
        let duration = crate::fields::duration(self.source, length, "duration", self.out)?;
        if duration > LONGEST_LOAD {
            self.bad(length.span, "a load lasts at most 10 minutes", "a longer one is no drill any more");
        }
        let number = if let Kind::Number(number) = &rate.kind { number.as_u64() } else { None };
        let allowed =
            number.filter(|rate| (1..=MOST_RATE).contains(rate)).and_then(|rate| u32::try_from(rate).ok());
        let Some(allowed) = allowed else {
            self.bad(
                rate.span,
                format!("`rate` is a whole number from 1 to {MOST_RATE}"),
                "requests per second",
            );
            return None;
        };
        if u128::from(allowed) * duration.as_millis() < 1_000 {
            self.bad(
                rate.span,
                "not one request would be sent",
                "give it a higher rate or a longer duration",
            );
        }
        Some(Action::Load(Load { request: request?, rate: allowed, duration, collect }))
    }
}
