//! From Compose text to services, as far as Compose itself goes.

use std::collections::{BTreeMap, BTreeSet};

use super::interpolate::Interpolated;
use super::{Condition, Dependency, Document, Service, Setting, Topology, compose_keys, extension};
use crate::code::Code;
use crate::diagnostic::{Diagnostic, suggest};
use crate::fields::{Fields, text, wrong_type};
use crate::node::{self, Kind, Node};
use crate::parse::sha256_hex;
use crate::source::{Source, Span};

/// Where things were written, for checks that come after reading.
#[derive(Debug, Default)]
pub struct Spans {
    /// Service by name.
    pub services: BTreeMap<String, Span>,
    /// `depends_on` entry by service and dependency.
    pub depends: BTreeMap<(String, String), Span>,
    /// Environment value by service and variable; arguments under `args`.
    pub values: BTreeMap<(String, String), Span>,
    /// Services that have a health check.
    pub healthchecks: BTreeSet<String>,
    /// Secrets by name.
    pub secrets: BTreeMap<String, Span>,
    /// Services that `x-drillyard` mentions by name, with the place.
    pub mentioned: Vec<(String, Span)>,
    /// Secrets that identities mention, with the place.
    pub signed_with: Vec<(String, Span)>,
    /// Documents of what is answered.
    pub documents: Vec<Document>,
}

/// Reads the whole file.
pub fn topology(source: &Source, out: &mut Vec<Diagnostic>) -> Option<(Topology, Spans)> {
    let root = node::parse(source, out)?;
    let mut fields = Fields::open(source, &root, "a Compose file", out)?;
    let mut spans = Spans::default();
    let services = fields.require("services", out);
    let name = fields.text("name", out);
    if let Some((key, _)) = fields.take_entry("include") {
        out.push(
            Diagnostic::new(Code::BadTopology, source, key.span, "`include` is not followed")
                .help("a topology is one file; write the services here"),
        );
    }
    for key in compose_keys::FILE {
        let _ = fields.take(key);
    }
    let extension = fields.take("x-drillyard");
    skip_extensions(&mut fields);
    fields.finish(out);

    let services = services.map(|node| read_services(source, node, &mut spans, out)).unwrap_or_default();
    let mut topology = extension::file(source, extension, &mut spans, out);
    topology.file = source.path().to_string();
    topology.name = name;
    topology.services = services;
    topology.documents = std::mem::take(&mut spans.documents);
    topology.text_sha256 = sha256_hex(source.text());
    Some((topology, spans))
}

/// Marks keys that begin with `x-`, which belong to other tools.
pub fn skip_extensions(fields: &mut Fields<'_>) {
    for (key, _) in fields.remaining() {
        if key.name.starts_with("x-") {
            fields.mark(&key.name);
        }
    }
}

fn read_services(source: &Source, node: &Node, spans: &mut Spans, out: &mut Vec<Diagnostic>) -> Vec<Service> {
    let Kind::Map(entries) = &node.kind else {
        out.push(wrong_type(source, node, "services", "a mapping of name to service"));
        return Vec::new();
    };
    if entries.is_empty() {
        out.push(Diagnostic::new(Code::BadTopology, source, node.span, "the topology has no service"));
    }
    let mut services = Vec::new();
    for (key, node) in entries {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if key.name.is_empty() || !key.name.chars().all(plain) {
            out.push(
                Diagnostic::new(
                    Code::BadTopology,
                    source,
                    key.span,
                    format!("`{}` is no service name", key.name),
                )
                .help("names are small letters, digits and `-`, because they are host names, too"),
            );
        }
        spans.services.insert(key.name.clone(), key.span);
        services.extend(service(source, &key.name, node, spans, out));
    }
    services
}

fn service(
    source: &Source,
    name: &str,
    node: &Node,
    spans: &mut Spans,
    out: &mut Vec<Diagnostic>,
) -> Option<Service> {
    let mut fields = Fields::open(source, node, "a service", out)?;
    for (key, help) in compose_keys::NOT_FOLLOWED {
        if let Some((key, _)) = fields.take_entry(key) {
            let message = format!("`{}` is not followed", key.name);
            out.push(Diagnostic::new(Code::BadTopology, source, key.span, message).help(*help));
        }
    }
    let image = fields.take("image").and_then(|node| interpolated(source, node, "image", out));
    let command = fields.take("command").map(|node| command(source, node, out)).unwrap_or_default();
    let environment = fields
        .take("environment")
        .map(|node| environment(source, name, node, spans, out))
        .unwrap_or_default();
    let depends_on =
        fields.take("depends_on").map(|node| depends_on(source, name, node, spans, out)).unwrap_or_default();
    if fields.take("healthcheck").is_some() {
        spans.healthchecks.insert(name.to_owned());
    }
    for key in compose_keys::SERVICE {
        let _ = fields.take(key);
    }
    let extension = fields.take("x-drillyard");
    skip_extensions(&mut fields);
    fields.finish(out);
    let place = source.place(spans.services.get(name).copied().unwrap_or(node.span));
    let service = Service { image, command, environment, depends_on, ..extension::bare_service(name, place) };
    Some(extension::service(source, service, extension, spans, out))
}

/// A list of words, or one line in which blanks separate them.
fn command(source: &Source, node: &Node, out: &mut Vec<Diagnostic>) -> Vec<Interpolated> {
    match &node.kind {
        Kind::List(items) => {
            items.iter().filter_map(|item| interpolated(source, item, "command", out)).collect()
        }
        Kind::Text(line) if line.contains(['"', '\'', '\\']) => {
            let message = "a command with quotes is not taken apart";
            out.push(
                Diagnostic::new(Code::BadTopology, source, node.span, message)
                    .help("write it as a list: `command: [server, /data]`"),
            );
            Vec::new()
        }
        Kind::Text(line) => line
            .split_whitespace()
            .filter_map(|word| parse_interpolated(source, node.span, word, out))
            .collect(),
        Kind::Null => Vec::new(),
        _ => {
            out.push(wrong_type(source, node, "command", "a list of words or one line of text"));
            Vec::new()
        }
    }
}

fn environment(
    source: &Source,
    service: &str,
    node: &Node,
    spans: &mut Spans,
    out: &mut Vec<Diagnostic>,
) -> Vec<Setting> {
    let mut settings = Vec::new();
    let mut add = |name: &str, span: Span, value: Option<Interpolated>| {
        spans.values.insert((service.to_owned(), name.to_owned()), span);
        settings.push(Setting { name: name.to_owned(), value, place: source.place(span) });
    };
    match &node.kind {
        Kind::Map(entries) => {
            for (key, value) in entries {
                match value.kind {
                    Kind::Null => add(&key.name, key.span, None),
                    _ => add(&key.name, value.span, interpolated(source, value, &key.name, out)),
                }
            }
        }
        Kind::List(items) => {
            for item in items {
                let Some(entry) = text(source, item, "environment", out) else { continue };
                match entry.split_once('=') {
                    Some((name, value)) => {
                        add(name, item.span, parse_interpolated(source, item.span, value, out))
                    }
                    None => add(&entry, item.span, None),
                }
            }
        }
        _ => out.push(wrong_type(
            source,
            node,
            "environment",
            "a mapping of variables or a list of `NAME=value`",
        )),
    }
    settings
}

/// A scalar with variables in it.
pub fn interpolated(
    source: &Source,
    node: &Node,
    name: &str,
    out: &mut Vec<Diagnostic>,
) -> Option<Interpolated> {
    let text = match &node.kind {
        Kind::Text(text) => text.clone(),
        Kind::Number(number) => number.to_string(),
        Kind::Bool(value) => value.to_string(),
        Kind::Null | Kind::List(_) | Kind::Map(_) => {
            out.push(wrong_type(source, node, name, "text, a number or a boolean"));
            return None;
        }
    };
    parse_interpolated(source, node.span, &text, out)
}

fn parse_interpolated(
    source: &Source,
    span: Span,
    text: &str,
    out: &mut Vec<Diagnostic>,
) -> Option<Interpolated> {
    Interpolated::parse(text)
        .map_err(|why| {
            out.push(Diagnostic::new(Code::BadTemplate, source, span, why).help(
                "Compose knows `${NAME}`, `${NAME:-default}`, `${NAME:?message}`, `${NAME:+other}` and `$$`",
            ));
        })
        .ok()
}

fn depends_on(
    source: &Source,
    service: &str,
    node: &Node,
    spans: &mut Spans,
    out: &mut Vec<Diagnostic>,
) -> Vec<Dependency> {
    let mut found = Vec::new();
    match &node.kind {
        Kind::List(items) => {
            for item in items {
                if let Some(name) = text(source, item, "depends_on", out) {
                    found.push((name, Condition::Started, item.span));
                }
            }
        }
        Kind::Map(entries) => {
            for (key, node) in entries {
                let condition = condition(source, node, out).unwrap_or(Condition::Started);
                found.push((key.name.clone(), condition, key.span));
            }
        }
        _ => out.push(wrong_type(
            source,
            node,
            "depends_on",
            "a list of services or a mapping of service to condition",
        )),
    }
    found
        .into_iter()
        .map(|(name, condition, span)| {
            spans.depends.insert((service.to_owned(), name.clone()), span);
            Dependency { service: name, condition, place: source.place(span) }
        })
        .collect()
}

fn condition(source: &Source, node: &Node, out: &mut Vec<Diagnostic>) -> Option<Condition> {
    const CONDITIONS: [(&str, Condition); 3] = [
        ("service_started", Condition::Started),
        ("service_healthy", Condition::Healthy),
        ("service_completed_successfully", Condition::Completed),
    ];
    let mut fields = Fields::open(source, node, "a dependency", out)?;
    let written = fields.require("condition", out);
    let _ = (fields.take("restart"), fields.take("required"));
    fields.finish(out);
    let written = written?;
    let word = text(source, written, "condition", out)?;
    let known = CONDITIONS.iter().find(|(name, _)| *name == word).map(|(_, condition)| *condition);
    if known.is_none() {
        out.push(
            Diagnostic::new(
                Code::BadTopology,
                source,
                written.span,
                format!("there is no condition `{word}`"),
            )
            .maybe_help(suggest(&word, CONDITIONS.iter().map(|(name, _)| *name))),
        );
    }
    known
}
