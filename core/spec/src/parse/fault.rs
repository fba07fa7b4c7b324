//! The `fault` action.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::code::Code;
use crate::diagnostic::{Diagnostic, suggest};
use crate::drill::{Action, Drill, Step};
use crate::fault::{EdgeName, FAULTS, Family, Fault, FaultInfo, FaultStep, LANE, Recovered, What};
use crate::fields::{Fields, parse_duration, text, wrong_type};
use crate::node::{Kind, Node};
use crate::parse::Reader;
use crate::source::{Place, Span};

mod kind;
#[cfg(test)]
mod tests;

use kind::Given;

/// Longest time before a fault that happens at a moment of its own; a step's attempt has ten seconds by default.
const LATEST: Duration = Duration::from_secs(600);

impl<'a> Reader<'a, '_> {
    /// `fault: { KIND: TARGET, … }`, `fault: { witness: NAME }` or `fault: { heal: NAME }`.
    pub fn fault(&mut self, node: &'a Node) -> Option<Action> {
        let mut fields = Fields::open(self.source, node, "a fault", self.out)?;
        if let Some(name) = fields.text("heal", self.out) {
            fields.finish(self.out);
            return Some(Action::Fault(FaultStep::Heal(name)));
        }
        if let Some(name) = fields.text("witness", self.out) {
            fields.finish(self.out);
            return Some(Action::Fault(FaultStep::Witness(name)));
        }
        if let Some(name) = fields.text("recovered", self.out) {
            let acknowledged = fields.take("acknowledged").map(Node::to_value);
            let kept = fields.take("kept").map(Node::to_value);
            let head = fields.head();
            fields.finish(self.out);
            if acknowledged.is_some() != kept.is_some() {
                let help =
                    "`acknowledged` is what was promised, `kept` is what is there; each a number or a list";
                self.bad_fault(
                    head,
                    "`acknowledged` and `kept` are compared, so both are given or none",
                    help,
                );
            }
            return Some(Action::Fault(FaultStep::Recovered(Recovered { name, acknowledged, kept })));
        }
        let mut found: Option<(&FaultInfo, &'a Node)> = None;
        for info in FAULTS {
            let Some((key, value)) = fields.take_entry(info.name) else { continue };
            if found.is_some() {
                self.bad_fault(
                    key.span,
                    "a fault is of one kind",
                    "make two steps of it, each with a `name`",
                );
            }
            found = found.or(Some((info, value)));
        }
        let Some((info, target)) = found else {
            let stranger = fields.remaining().into_iter().find(|(_, value)| value.as_text().is_some());
            let names = || FAULTS.iter().map(|info| info.name).chain(["heal", "witness", "recovered"]);
            let help = stranger.and_then(|(key, _)| suggest(&key.name, names()));
            let help = help.unwrap_or_else(|| format!("one of {}", names().collect::<Vec<_>>().join(", ")));
            self.bad_fault(fields.head(), "there is no such fault", &help);
            return None;
        };
        let name = fields.text("name", self.out);
        let after = fields.take("after").and_then(|node| self.moment(node));
        let head = fields.head();
        let given = self.given(&mut fields, info);
        fields.finish(self.out);
        let what = self.what(info, target, (given, head))?;
        let mut fault = Fault { name: String::new(), kind: info.name, what, after };
        fault.name = name.unwrap_or_else(|| fault.target());
        Some(Action::Fault(FaultStep::Inject(fault)))
    }

    fn bad_fault(&mut self, span: Span, message: impl Into<String>, help: &str) {
        self.out.push(Diagnostic::new(Code::BadAction, self.source, span, message).help(help));
    }

    /// Takes the keys that `info` knows; every other one is unknown and reported as such.
    fn given(&mut self, fields: &mut Fields<'a>, info: &FaultInfo) -> Given {
        let mut given = Given::default();
        for key in info.needs.iter().chain(info.may) {
            match *key {
                "delay" => given.delay = fields.duration("delay", self.out),
                "jitter" => given.jitter = fields.duration("jitter", self.out),
                "table" => given.table = fields.take("table").and_then(|node| self.table(node)),
                "key" => given.key = fields.text("key", self.out),
                "per_second" => {
                    given.per_second = fields.take("per_second").and_then(|n| self.count(n, "per_second"))
                }
                "bytes" => given.bytes = fields.take("bytes").and_then(|n| self.count(n, "bytes")),
                "answer" => given.answer = fields.take("answer").and_then(|n| self.count(n, "answer")),
                "room" => given.room = fields.take("room").and_then(|n| self.amount(n, "room")),
                "left" => given.left = fields.take("left").and_then(|n| self.amount(n, "left")),
                "percent" => given.percent = fields.take("percent").and_then(|n| self.count(n, "percent")),
                "set" => given.set = fields.take("set").map(|node| self.variables(node)),
                "by" => given.by_ms = fields.take("by").and_then(|node| self.shift(node)),
                _ => given.times = fields.take("times").and_then(|n| self.count(n, "times")),
            }
        }
        given
    }

    /// A table of the database; checked where the topology names the SQL files that create them.
    fn table(&mut self, node: &Node) -> Option<String> {
        let name = text(self.source, node, "table", self.out)?;
        let known = &self.context.names.contracts.tables;
        let bare = name.rsplit('.').next().unwrap_or(&name);
        if !known.is_empty() && !name.contains("${") && !known.contains(bare) {
            let message = format!("no migration creates a table `{name}`");
            let help = suggest(&name, known.iter().map(String::as_str));
            self.out
                .push(Diagnostic::new(Code::UnknownName, self.source, node.span, message).maybe_help(help));
        }
        Some(name)
    }

    /// A whole number from 1 to 4,294,967,295.
    fn count(&mut self, node: &Node, name: &str) -> Option<u64> {
        let number = if let Kind::Number(number) = &node.kind { number.as_u64() } else { None };
        let number = number.filter(|number| (1..=u64::from(u32::MAX)).contains(number));
        if number.is_none() {
            self.out.push(wrong_type(self.source, node, name, "a whole number of at least 1"));
        }
        number
    }

    /// A whole number from 0 on.
    fn amount(&mut self, node: &Node, name: &str) -> Option<u64> {
        let number = if let Kind::Number(number) = &node.kind { number.as_u64() } else { None };
        if number.is_none() {
            self.out.push(wrong_type(self.source, node, name, "a whole number of at least 0"));
        }
        number
    }

    /// Variables and what they are set to; numbers and booleans as they are written.
    fn variables(&mut self, node: &Node) -> BTreeMap<String, String> {
        let Kind::Map(entries) = &node.kind else {
            self.out.push(wrong_type(self.source, node, "set", "a mapping of variables to values"));
            return BTreeMap::new();
        };
        if entries.is_empty() {
            self.bad_fault(node.span, "`set` names no variable", "for example `set: { LOG_LEVEL: silent }`");
        }
        let mut variables = BTreeMap::new();
        for (key, value) in entries {
            match value.scalar() {
                Some(value) => drop(variables.insert(key.name.clone(), value)),
                None => self.out.push(wrong_type(self.source, value, &key.name, "a text, number or boolean")),
            }
        }
        variables
    }

    /// A duration that may be negative, in milliseconds.
    fn shift(&mut self, node: &Node) -> Option<i64> {
        let written = node.as_text().unwrap_or_default().trim();
        let (behind, length) = match written.strip_prefix('-') {
            Some(length) => (true, length),
            None => (false, written.strip_prefix('+').unwrap_or(written)),
        };
        let ms = parse_duration(length).and_then(|length| i64::try_from(length.as_millis()).ok());
        if ms.is_none() {
            let message = "`by` is a duration with a unit, behind with `-`";
            self.out.push(
                Diagnostic::new(Code::BadDuration, self.source, node.span, message)
                    .help("for example `1h` or `-5m`"),
            );
        }
        ms.map(|ms| if behind { -ms } else { ms })
    }

    /// Two durations with `..` between them, the smaller first.
    fn moment(&mut self, node: &Node) -> Option<(Duration, Duration)> {
        let written = node.as_text().unwrap_or_default();
        let bounds = written
            .split_once("..")
            .and_then(|(least, most)| Some((parse_duration(least)?, parse_duration(most)?)))
            .filter(|(least, most)| least < most && *most <= LATEST);
        if bounds.is_none() {
            let message =
                "`after` is two durations with `..` between them, the smaller first, of at most ten minutes";
            self.out.push(
                Diagnostic::new(Code::BadDuration, self.source, node.span, message)
                    .help("for example `after: 0ms..2s`"),
            );
        }
        bounds
    }

    fn what(&mut self, info: &FaultInfo, target: &Node, (given, head): (Given, Span)) -> Option<What> {
        let written = text(self.source, target, "the target", self.out)?;
        let times = given.times.and_then(|times| u32::try_from(times).ok());
        let key = given.key.clone().unwrap_or_default();
        let what = match info.family {
            Family::Service | Family::Resources | Family::Time => {
                let known = self.one_of(&written, target.span, "process");
                let fault = kind::service(info.name, &given).filter(|_| known);
                fault.map(|fault| What::Service { service: written, fault })
            }
            Family::Isolation if written == LANE => Some(What::Isolation { service: None }),
            Family::Isolation => {
                let known = self.one_of(&written, target.span, "process");
                known.then_some(What::Isolation { service: Some(written) })
            }
            Family::Wire => {
                let edge = self.edge(&written, target.span);
                edge.zip(kind::wire(info.name, &given)).map(|(edge, fault)| What::Wire { edge, fault })
            }
            Family::Http => {
                let edge = self.edge(&written, target.span);
                edge.zip(kind::http(info.name, &given)).map(|(edge, fault)| What::Http { edge, fault, times })
            }
            Family::Database => {
                let known = self.one_of(&written, target.span, "database");
                let fault = kind::database(info.name, &given);
                fault.filter(|_| known).map(|fault| What::Database { service: written, fault })
            }
            Family::Objects => {
                let known = self.one_of(&written, target.span, "object store");
                let fault = kind::object(info.name).filter(|_| known)?;
                Some(What::Objects { service: written, fault, key, times })
            }
        };
        self.complain_of_missing(info, &given, head);
        what
    }

    fn complain_of_missing(&mut self, info: &FaultInfo, given: &Given, head: Span) {
        let there = |key: &str| match key {
            "delay" => given.delay.is_some(),
            "per_second" => given.per_second.is_some(),
            "bytes" => given.bytes.is_some(),
            "answer" => given.answer.is_some(),
            "set" => given.set.is_some(),
            "room" => given.room.is_some(),
            "percent" => given.percent.is_some(),
            "by" => given.by_ms.is_some(),
            _ => given.table.is_some(),
        };
        for key in info.needs.iter().filter(|key| !there(key)) {
            let message = format!("the fault `{}` needs the key `{key}`", info.name);
            self.out.push(Diagnostic::new(Code::MissingKey, self.source, head, message));
        }
        if given.answer.is_some_and(|status| !(200..=599).contains(&status)) {
            self.bad_fault(head, "`answer` is an HTTP status from 200 to 599", "for example 503");
        }
        if given.percent.is_some_and(|percent| percent > 99) {
            self.bad_fault(head, "`percent` is a share of one processor from 1 to 99", "for example 10");
        }
    }

    /// Whether the target is a service of the right sort; reports one that is not.
    fn one_of(&mut self, name: &str, span: Span, sort: &str) -> bool {
        let names = self.context.names;
        let known = match sort {
            "database" => &names.databases,
            "object store" => &names.object_stores,
            _ => &names.processes,
        };
        if known.contains(name) {
            return true;
        }
        let help = suggest(name, known.iter().map(String::as_str));
        let message = format!("the topology has no {sort} `{name}` of a lane's own");
        self.out.push(Diagnostic::new(Code::UnknownService, self.source, span, message).maybe_help(help));
        false
    }

    /// `FROM -> TO`, an edge of the topology.
    fn edge(&mut self, written: &str, span: Span) -> Option<EdgeName> {
        let edges = &self.context.names.edges;
        let found = written.split_once("->").map(|(from, to)| (from.trim().to_owned(), to.trim().to_owned()));
        if let Some((from, to)) = found.filter(|edge| edges.contains(edge)) {
            return Some(EdgeName { from, to });
        }
        let known: Vec<String> = edges.iter().map(|(from, to)| format!("{from} -> {to}")).collect();
        let help = suggest(written, known.iter().map(String::as_str));
        let help = help.unwrap_or_else(|| format!("there are {}", known.join(", ")));
        let message = format!("`{written}` is no edge of the topology");
        self.out.push(Diagnostic::new(Code::UnknownService, self.source, span, message).help(help));
        None
    }

    /// Reports a fault that is healed or asked about before anything of that name has happened.
    pub fn check_faults(&mut self, drill: &Drill) {
        let mut names: Vec<&str> = Vec::new();
        let mut steps = Vec::new();
        [&drill.steady, &drill.steps, &drill.finally].into_iter().for_each(|list| flat(list, &mut steps));
        let mut strangers: Vec<(&str, &Place)> = Vec::new();
        for step in steps {
            match &step.action {
                Action::Fault(FaultStep::Inject(fault)) => names.push(&fault.name),
                Action::Fault(
                    FaultStep::Heal(name)
                    | FaultStep::Witness(name)
                    | FaultStep::Recovered(Recovered { name, .. }),
                ) if !names.contains(&name.as_str()) => strangers.push((name, &step.place)),
                _ => {}
            }
        }
        for (name, place) in strangers {
            let message = format!("no step before this one lets a fault named `{name}` happen");
            let mut diagnostic = Diagnostic::new(Code::UnknownName, self.source, Span::default(), message);
            diagnostic.place = place.clone();
            self.out.push(diagnostic.maybe_help(suggest(name, names.iter().copied())));
        }
    }
}

/// Every step, those inside of others too, in the order written.
fn flat<'s>(steps: &'s [Step], out: &mut Vec<&'s Step>) {
    for step in steps {
        out.push(step);
        step.action.inner().into_iter().for_each(|inner| flat(inner, out));
    }
}
