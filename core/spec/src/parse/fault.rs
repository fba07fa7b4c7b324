//! The `fault` action.

use std::time::Duration;

use crate::code::Code;
use crate::diagnostic::{Diagnostic, suggest};
use crate::drill::{Action, Drill, Step};
use crate::fault::{
    DatabaseFault, EdgeName, FAULTS, Family, Fault, FaultInfo, FaultStep, HttpFault, ObjectFault,
    ServiceFault, What, WireFault,
};
use crate::fields::{Fields, text, wrong_type};
use crate::node::{Kind, Node};
use crate::parse::Reader;
use crate::source::{Place, Span};

/// Values beside the target; which of them a kind needs and may have stands in the catalog.
#[derive(Default)]
struct Given {
    delay: Option<Duration>,
    jitter: Option<Duration>,
    per_second: Option<u64>,
    bytes: Option<u64>,
    answer: Option<u64>,
    times: Option<u64>,
    table: Option<String>,
    key: Option<String>,
}

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
            let names = || FAULTS.iter().map(|info| info.name).chain(["heal", "witness"]);
            let help = stranger.and_then(|(key, _)| suggest(&key.name, names()));
            let help = help.unwrap_or_else(|| format!("one of {}", names().collect::<Vec<_>>().join(", ")));
            self.bad_fault(fields.head(), "there is no such fault", &help);
            return None;
        };
        let name = fields.text("name", self.out);
        let head = fields.head();
        let given = self.given(&mut fields, info);
        fields.finish(self.out);
        let what = self.what(info, target, (given, head))?;
        let mut fault = Fault { name: String::new(), kind: info.name, what };
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
                "table" => given.table = fields.text("table", self.out),
                "key" => given.key = fields.text("key", self.out),
                "per_second" => {
                    given.per_second = fields.take("per_second").and_then(|n| self.count(n, "per_second"))
                }
                "bytes" => given.bytes = fields.take("bytes").and_then(|n| self.count(n, "bytes")),
                "answer" => given.answer = fields.take("answer").and_then(|n| self.count(n, "answer")),
                _ => given.times = fields.take("times").and_then(|n| self.count(n, "times")),
            }
        }
        given
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

    fn what(&mut self, info: &FaultInfo, target: &Node, (given, head): (Given, Span)) -> Option<What> {
        let written = text(self.source, target, "the target", self.out)?;
        let times = given.times.and_then(|times| u32::try_from(times).ok());
        let key = given.key.clone().unwrap_or_default();
        let what = match info.family {
            Family::Service => {
                let fault = service_fault(info.name)?;
                self.one_of(&written, target.span, "process")
                    .then_some(What::Service { service: written, fault })
            }
            Family::Wire => {
                let edge = self.edge(&written, target.span);
                edge.zip(wire_fault(info.name, &given)).map(|(edge, fault)| What::Wire { edge, fault })
            }
            Family::Http => {
                let edge = self.edge(&written, target.span);
                edge.zip(http_fault(info.name, &given)).map(|(edge, fault)| What::Http { edge, fault, times })
            }
            Family::Database => {
                let known = self.one_of(&written, target.span, "database");
                let fault = database_fault(info.name, &given);
                fault.filter(|_| known).map(|fault| What::Database { service: written, fault })
            }
            Family::Objects => {
                let known = self.one_of(&written, target.span, "object store");
                let fault = object_fault(info.name).filter(|_| known)?;
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
            _ => given.table.is_some(),
        };
        for key in info.needs.iter().filter(|key| !there(key)) {
            let message = format!("the fault `{}` needs the key `{key}`", info.name);
            self.out.push(Diagnostic::new(Code::MissingKey, self.source, head, message));
        }
        if given.answer.is_some_and(|status| !(200..=599).contains(&status)) {
            self.bad_fault(head, "`answer` is an HTTP status from 200 to 599", "for example 503");
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
                Action::Fault(FaultStep::Heal(name) | FaultStep::Witness(name))
                    if !names.contains(&name.as_str()) =>
                {
                    strangers.push((name, &step.place));
                }
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

fn service_fault(name: &str) -> Option<ServiceFault> {
    match name {
        "kill" => Some(ServiceFault::Kill),
        "stop" => Some(ServiceFault::Stop),
        "pause" => Some(ServiceFault::Pause),
        "restart" => Some(ServiceFault::Restart),
        _ => None,
    }
}

fn wire_fault(name: &str, given: &Given) -> Option<WireFault> {
    Some(match name {
        "latency" => WireFault::Latency { delay: given.delay?, jitter: given.jitter.unwrap_or_default() },
        "bandwidth" => WireFault::Bandwidth { per_second: given.per_second? },
        "reset" => WireFault::Reset,
        "blackhole" => WireFault::Blackhole,
        "slice" => WireFault::Slice { bytes: usize::try_from(given.bytes?).ok()? },
        "limit" => WireFault::Limit { bytes: given.bytes? },
        "partition" => WireFault::Partition,
        _ => return None,
    })
}

fn http_fault(name: &str, given: &Given) -> Option<HttpFault> {
    Some(match name {
        "status" => HttpFault::Status(u16::try_from(given.answer?).ok()?),
        "slow-headers" => HttpFault::SlowHeaders(given.delay?),
        "truncated-body" => HttpFault::TruncatedBody(usize::try_from(given.bytes?).ok()?),
        "duplicate" => HttpFault::Duplicate,
        "lost-answer" => HttpFault::LostAnswer,
        _ => return None,
    })
}

fn database_fault(name: &str, given: &Given) -> Option<DatabaseFault> {
    Some(match name {
        "terminate-backends" => DatabaseFault::TerminateBackends,
        "lock-table" => DatabaseFault::LockTable(given.table.clone()?),
        "slow-table" => DatabaseFault::SlowTable { table: given.table.clone()?, delay: given.delay? },
        "read-only" => DatabaseFault::ReadOnly,
        _ => return None,
    })
}

fn object_fault(name: &str) -> Option<ObjectFault> {
    Some(match name {
        "object-forbidden" => ObjectFault::Forbidden,
        "object-slow-down" => ObjectFault::SlowDown,
        "object-missing" => ObjectFault::Missing,
        "object-truncated" => ObjectFault::Truncated,
        "object-wrong-checksum" => ObjectFault::WrongChecksum,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::{Context, Names, drill};
    use crate::source::Texts;

    /// Code, line and help of a mistake.
    type Complaint = (Code, usize, Option<String>);

    fn read(steps: &str) -> Result<Vec<FaultStep>, Vec<Complaint>> {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let names = Names {
            services: set(&["api", "db", "objects"]),
            databases: set(&["db"]),
            processes: set(&["api"]),
            object_stores: set(&["objects"]),
            edges: [("api".to_owned(), "db".to_owned())].into(),
            ..Names::default()
        };
        let mut texts = Texts::default();
        let check = "- http: { get: api/x }\n  expect: { status: 200 }\n";
        texts.insert("drills/x.yaml", &format!("drill: x\ntitle: A title\nsteps:\n{check}{steps}"));
        let source = texts.get("drills/x.yaml").unwrap().clone();
        let mut out = Vec::new();
        let drill = drill(&source, Context { texts: &texts, names: &names }, &mut out);
        if !out.is_empty() {
            return Err(out.into_iter().map(|d| (d.code, d.place.line, d.help)).collect());
        }
        let steps = drill.into_iter().flat_map(|drill| drill.steps).filter_map(|step| match step.action {
            Action::Fault(step) => Some(step),
            _ => None,
        });
        Ok(steps.collect())
    }

    #[test]
    fn every_row_of_the_catalog_can_be_written() {
        for info in FAULTS {
            let target = match info.family {
                Family::Service => "api",
                Family::Wire | Family::Http => "api -> db",
                Family::Database => "db",
                Family::Objects => "objects",
            };
            let value = |key: &str| match key {
                "delay" | "jitter" => "5ms",
                "table" | "key" => "a",
                "answer" => "503",
                _ => "3",
            };
            let keys = info.needs.iter().chain(info.may).map(|key| format!(", {key}: {}", value(key)));
            let rest: String = keys.collect();
            let steps = read(&format!(
                "- fault: {{ {}: {target}{rest} }}\n- fault: {{ heal: {target} }}\n",
                info.name
            ));
            let steps = steps.unwrap_or_else(|out| panic!("{}: {out:?}", info.name));
            let FaultStep::Inject(fault) = &steps[0] else { panic!("{}", info.name) };
            assert_eq!((fault.kind, fault.name.as_str()), (info.name, target));
            assert_eq!(steps[1], FaultStep::Heal(target.to_owned()));
        }
    }

    #[test]
    fn mistakes_are_found_with_their_place_and_the_way_out() {
        let first = |steps: &str| read(steps).unwrap_err().remove(0);
        let (code, line, help) = first("- fault: { kil: api }\n");
        assert_eq!((code, line), (Code::BadAction, 6));
        assert!(help.unwrap().contains("kill"));
        assert_eq!(first("- fault: { kill: db }\n").0, Code::UnknownService);
        assert_eq!(first("- fault: { read-only: api }\n").0, Code::UnknownService);
        let (code, _, help) = first("- fault: { reset: db -> api }\n");
        assert_eq!(code, Code::UnknownService);
        assert!(help.unwrap().contains("api -> db"));
        assert_eq!(first("- fault: { latency: api -> db }\n").0, Code::MissingKey);
        assert_eq!(first("- fault: { reset: api -> db, times: 2 }\n").0, Code::UnknownKey);
        assert_eq!(first("- fault: { status: api -> db, answer: 700 }\n").0, Code::BadAction);
        assert_eq!(first("- fault: { status: api -> db, answer: 503, times: 0 }\n").0, Code::WrongType);
        assert_eq!(first("- fault: { kill: api, stop: api }\n").0, Code::BadAction);
        assert_eq!(first("- fault: { heal: api }\n").0, Code::UnknownName);
    }
}
