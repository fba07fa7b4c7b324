//! A target: a system that is up already, and what drills may do to it.

use std::collections::{BTreeMap, BTreeSet};

use crate::code::Code;
use crate::diagnostic::{Diagnostic, suggest};
use crate::drill::{Action, ObjectOperation};
use crate::fields::{Fields, text, wrong_type};
use crate::node::{self, Kind, Node};
use crate::source::{Source, Span};
use crate::topology::Topology;
use crate::topology::interpolate::Interpolated;

/// Folder of the targets of a project.
pub const FOLDER: &str = "ops/targets";

/// A system that is up already.
#[derive(Debug, Clone)]
pub struct Target {
    /// Its name, which is also its file's.
    pub name: String,
    /// Its file, relative to the project's root.
    pub file: String,
    /// Whether it is one that people depend on: nothing is ever broken on purpose there.
    pub protected: bool,
    /// File of `NAME=value` lines, relative to the project's root, for variables the environment does not give.
    pub env_file: Option<String>,
    /// Base URL by service.
    pub services: BTreeMap<String, Interpolated>,
    /// URL of the database, with credentials.
    pub database: Option<Interpolated>,
    /// The bucket, with credentials.
    pub objects: Option<Objects>,
    /// Values of the topology's secrets.
    pub secrets: BTreeMap<String, Interpolated>,
    /// What drills may do.
    pub allow: BTreeSet<Allowance>,
}

/// A bucket and how to reach it.
#[derive(Debug, Clone)]
pub struct Objects {
    /// Base URL.
    pub endpoint: Interpolated,
    /// The bucket.
    pub bucket: Interpolated,
    /// Access key.
    pub access_key: Interpolated,
    /// Secret key.
    pub secret_key: Interpolated,
}

/// Something a drill may only do to a system that is up already when the target allows it by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Allowance {
    /// HTTP requests other than GET and HEAD, and tool calls.
    Requests,
    /// Statements that are no query.
    Statements,
    /// Writing and removing objects.
    Objects,
    /// One-shot jobs.
    Jobs,
    /// Requests at a rate.
    Load,
    /// Scripting what a double answers.
    Doubles,
    /// Programs of the runner's machine.
    Programs,
    /// Breaking things on purpose.
    Faults,
}

/// Every allowance with its word.
const ALLOWANCES: [(&str, Allowance); 8] = [
    ("requests", Allowance::Requests),
    ("statements", Allowance::Statements),
    ("objects", Allowance::Objects),
    ("jobs", Allowance::Jobs),
    ("load", Allowance::Load),
    ("doubles", Allowance::Doubles),
    ("programs", Allowance::Programs),
    ("faults", Allowance::Faults),
];

impl Allowance {
    /// Its word under `allow`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        ALLOWANCES.iter().find(|(_, allowance)| *allowance == self).map_or("", |(word, _)| word)
    }

    /// What an action needs to be allowed; nothing when it only looks.
    #[must_use]
    pub fn needed_by(action: &Action) -> Option<Self> {
        match action {
            Action::Http(http) if matches!(http.method, "GET" | "HEAD") => None,
            Action::Http(_) | Action::Tool(_) => Some(Self::Requests),
            Action::Sql(sql) => (!sql.query).then_some(Self::Statements),
            Action::Object(object) => match object.operation {
                ObjectOperation::Get | ObjectOperation::Head | ObjectOperation::List => None,
                _ => Some(Self::Objects),
            },
            Action::Job(_) => Some(Self::Jobs),
            Action::Load(_) => Some(Self::Load),
            Action::Double(_) => Some(Self::Doubles),
            Action::Exec(_) => Some(Self::Programs),
            Action::Fault(_) => Some(Self::Faults),
            _ => None,
        }
    }
}

/// Reads a target file. Every mistake is reported; a target is given only when there is none.
pub fn parse(source: &Source, topology: Option<&Topology>, out: &mut Vec<Diagnostic>) -> Option<Target> {
    let before = out.len();
    let root = node::parse(source, out)?;
    let mut fields = Fields::open(source, &root, "a target", out)?;
    let name = fields.require("target", out).and_then(|node| text(source, node, "target", out));
    let protected = fields.boolean("protected", out);
    let acknowledged = fields.text("i_know_this_is_protected", out);
    let env_file = fields.text("env_file", out);
    let services = fields.require("services", out).map(|node| table(source, node, "services", out));
    let database = fields.take("database").and_then(|node| value(source, node, "database", out));
    let objects = fields.take("objects").and_then(|node| objects(source, node, out));
    let secrets = fields.take("secrets").map(|node| table(source, node, "secrets", out)).unwrap_or_default();
    let allow = fields.texts("allow", out);
    fields.finish(out);
    let services = services.unwrap_or_default();
    if let Some(topology) = topology {
        known(source, topology, (&services, &secrets), out);
    }
    let name = name.unwrap_or_default();
    let looks = is_production(&name)
        || services.iter().any(|(_, _, url)| is_production(host(&url.with_defaults())))
        || database.as_ref().is_some_and(|url| is_production(host(&url.with_defaults())));
    let protected = protected.unwrap_or(false) || looks;
    let allow = allowed(source, (&name, protected, acknowledged.as_deref()), &allow, out);
    file_name(source, (&name, root.span), out);
    let plain = |list: Vec<Row>| list.into_iter().map(|(name, _, value)| (name, value)).collect();
    let file = source.path().to_string();
    let (services, secrets) = (plain(services), plain(secrets));
    let target = Target { name, file, protected, env_file, services, database, objects, secrets, allow };
    (out.len() == before).then_some(target)
}

/// Name, where it is written, and value.
type Row = (String, Span, Interpolated);

fn value(source: &Source, node: &Node, name: &str, out: &mut Vec<Diagnostic>) -> Option<Interpolated> {
    crate::topology::interpolated(source, node, name, out)
}

fn table(source: &Source, node: &Node, name: &str, out: &mut Vec<Diagnostic>) -> Vec<Row> {
    let Kind::Map(entries) = &node.kind else {
        out.push(wrong_type(source, node, name, "a mapping of name to value"));
        return Vec::new();
    };
    let rows = entries.iter();
    rows.filter_map(|(key, node)| Some((key.name.clone(), key.span, value(source, node, &key.name, out)?)))
        .collect()
}

fn objects(source: &Source, node: &Node, out: &mut Vec<Diagnostic>) -> Option<Objects> {
    let mut fields = Fields::open(source, node, "`objects`", out)?;
    let mut part = |name: &'static str| {
        let node = fields.require(name, out)?;
        value(source, node, name, out)
    };
    let (endpoint, bucket) = (part("endpoint"), part("bucket"));
    let (access_key, secret_key) = (part("access_key"), part("secret_key"));
    fields.finish(out);
    Some(Objects { endpoint: endpoint?, bucket: bucket?, access_key: access_key?, secret_key: secret_key? })
}

/// Services and secrets have to be the topology's: a misspelt one would never be asked.
fn known(
    source: &Source,
    topology: &Topology,
    (services, secrets): (&[Row], &[Row]),
    out: &mut Vec<Diagnostic>,
) {
    let mut unknown = |kind: &str, (name, span, _): &Row, all: Vec<&str>| {
        if !all.contains(&name.as_str()) {
            let message = format!("the topology has no {kind} `{name}`");
            let found = Diagnostic::new(Code::BadTarget, source, *span, message);
            out.push(found.maybe_help(suggest(name, all)));
        }
    };
    let names = || topology.services.iter().map(|service| service.name.as_str()).collect();
    services.iter().for_each(|row| unknown("service", row, names()));
    let names = || topology.secrets.iter().map(|secret| secret.name.as_str()).collect();
    secrets.iter().for_each(|row| unknown("secret", row, names()));
}

/// The words under `allow`. What people depend on has to be named once more, and is never broken or loaded on purpose.
fn allowed(
    source: &Source,
    (name, protected, acknowledged): (&str, bool, Option<&str>),
    words: &[(String, Span)],
    out: &mut Vec<Diagnostic>,
) -> BTreeSet<Allowance> {
    let mut allow = BTreeSet::new();
    for (word, span) in words {
        let Some((_, allowance)) = ALLOWANCES.iter().find(|(known, _)| known == word) else {
            let found =
                Diagnostic::new(Code::BadTarget, source, *span, format!("nothing is called `{word}` here"));
            out.push(found.maybe_help(suggest(word, ALLOWANCES.iter().map(|(known, _)| *known))));
            continue;
        };
        if protected && matches!(allowance, Allowance::Faults | Allowance::Load) {
            let message = format!("`{name}` is protected, so `{word}` can never be allowed there");
            let help = "a target is protected by `protected: true`, or when its name or a host says `prod`";
            out.push(Diagnostic::new(Code::BadTarget, source, *span, message).help(help));
        } else if protected && acknowledged != Some(name) {
            let message = format!("`{name}` is protected, so `{word}` is not allowed by naming it alone");
            let help = format!("write `i_know_this_is_protected: {name}` as well, if it is meant");
            out.push(Diagnostic::new(Code::BadTarget, source, *span, message).help(help));
        }
        allow.insert(*allowance);
    }
    allow
}

fn file_name(source: &Source, (name, span): (&str, Span), out: &mut Vec<Diagnostic>) {
    let stem =
        source.path().rsplit('/').next().and_then(|file| file.strip_suffix(".yaml")).unwrap_or_default();
    if !name.is_empty() && stem != name {
        let message = format!("the file is called `{stem}` and the target `{name}`");
        out.push(
            Diagnostic::new(Code::BadTarget, source, span, message)
                .help("a target is found by its name, so both have to be the same"),
        );
    }
}

/// Host of a URL, without credentials and port.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or(rest);
    let host = authority.rsplit('@').next().unwrap_or(authority);
    host.split(':').next().unwrap_or(host)
}

/// Whether one of a name's words says that people depend on it.
fn is_production(name: &str) -> bool {
    let words = name.split(|c: char| !c.is_ascii_alphabetic()).map(str::to_ascii_lowercase);
    words.into_iter().any(|word| matches!(word.as_str(), "prod" | "production" | "live"))
}

#[cfg(test)]
mod tests;
