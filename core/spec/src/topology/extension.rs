//! The `x-drillyard` keys: of the file, and of one service.

use std::collections::BTreeMap;

use super::document::document;
use super::interpolate::Interpolated;
use super::read::{Spans, interpolated};
use super::{
    About, Alerts, DEFAULT_START_TIMEOUT, DocumentPath, Endpoint, ObjectStore, Postgres, Process, Ready,
    Scope, Secret, Service, Topology,
};
use crate::code::Code;
use crate::diagnostic::{Diagnostic, suggest};
use crate::fields::{Fields, text, wrong_type};
use crate::node::{Kind, Node};
use crate::source::{Place, Source, Span};
use crate::template::{Path, Segment, Template};

mod identity;

/// Names a header's template may ask for.
const HEADER_NAMES: &[&str] = &["fresh.uuid", "lane.name", "lane.bucket", "run.seed"];
/// Methods a step can use.
const METHODS: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

/// A service of which only the name is known.
pub fn bare_service(name: &str, place: Place) -> Service {
    Service {
        name: name.to_owned(),
        place,
        image: None,
        command: Vec::new(),
        environment: Vec::new(),
        depends_on: Vec::new(),
        process: None,
        scope: Scope::Lane,
        ready: Ready::Tcp,
        port: None,
        port_env: None,
        host_env: None,
        start_timeout: DEFAULT_START_TIMEOUT,
        openapi: None,
    }
}

/// Reads `x-drillyard` of the file into a topology without services.
pub fn file(source: &Source, node: Option<&Node>, spans: &mut Spans, out: &mut Vec<Diagnostic>) -> Topology {
    let key = |name: &str| Path(vec![Segment::Key(name.to_owned())]);
    let mut topology = Topology {
        file: String::new(),
        name: None,
        services: Vec::new(),
        secrets: Vec::new(),
        identities: BTreeMap::new(),
        tools: None,
        tool_operations: None,
        alerts: Alerts { list: key("alerts"), code: key("code") },
        headers: BTreeMap::new(),
        programs: Vec::new(),
        drained: None,
        documents: Vec::new(),
        text_sha256: String::new(),
    };
    let Some(node) = node else { return topology };
    let Some(mut fields) = Fields::open(source, node, "`x-drillyard`", out) else { return topology };
    for (name, span) in fields.texts("secrets", out) {
        spans.secrets.insert(name.clone(), span);
        topology.secrets.push(Secret { name, shared: false });
    }
    if let Some(node) = fields.take("identities") {
        topology.identities = identity::identities(source, node, spans, out);
    }
    if let Some((endpoint, operations)) =
        fields.take("tools").and_then(|node| endpoint(source, node, spans, out))
    {
        (topology.tools, topology.tool_operations) = (Some(endpoint), operations);
    }
    if let Some(mut alerts) =
        fields.take("alerts").and_then(|node| Fields::open(source, node, "`alerts`", out))
    {
        topology.alerts.list = path(source, alerts.take("list"), "list", out).unwrap_or(topology.alerts.list);
        topology.alerts.code = path(source, alerts.take("code"), "code", out).unwrap_or(topology.alerts.code);
        alerts.finish(out);
    }
    if let Some(mut http) = fields.take("http").and_then(|node| Fields::open(source, node, "`http`", out)) {
        topology.headers = http.take("headers").map(|node| headers(source, node, out)).unwrap_or_default();
        http.finish(out);
    }
    topology.programs = fields.texts("exec", out).into_iter().map(|(program, _)| program).collect();
    topology.drained = fields.text("drained", out);
    fields.finish(out);
    topology
}

fn path(source: &Source, node: Option<&Node>, name: &str, out: &mut Vec<Diagnostic>) -> Option<Path> {
    let node = node?;
    let written = text(source, node, name, out)?;
    Path::parse(&written).map_err(|why| out.push(Diagnostic::new(Code::BadPath, source, node.span, why))).ok()
}

/// Where tools are called, and the service whose operations they stand for.
fn endpoint(
    source: &Source,
    node: &Node,
    spans: &mut Spans,
    out: &mut Vec<Diagnostic>,
) -> Option<(Endpoint, Option<String>)> {
    let mut fields = Fields::open(source, node, "`tools`", out)?;
    let service = fields.require("service", out);
    let path = fields.require("path", out);
    let operations = fields.take("operations_of");
    if let Some(node) = fields.take("manifest") {
        document(source, (node, "manifest", About::Tools), spans, out);
    }
    fields.finish(out);
    let operations = operations.and_then(|node| {
        let name = text(source, node, "operations_of", out)?;
        spans.mentioned.push((name.clone(), node.span));
        Some(name)
    });
    let (service, path) = (service?, path?);
    let name = text(source, service, "service", out)?;
    spans.mentioned.push((name.clone(), service.span));
    let route = slash_path(source, path, "path", out)?;
    Some((Endpoint { service: name, path: route }, operations))
}

fn slash_path(source: &Source, node: &Node, name: &str, out: &mut Vec<Diagnostic>) -> Option<String> {
    let route = text(source, node, name, out)?;
    if !route.starts_with('/') {
        let message = format!("`{name}` begins with a slash");
        out.push(
            Diagnostic::new(Code::BadTopology, source, node.span, message).help(format!("write `/{route}`")),
        );
        return None;
    }
    Some(route)
}

fn headers(
    source: &Source,
    node: &Node,
    out: &mut Vec<Diagnostic>,
) -> BTreeMap<String, Vec<(String, String)>> {
    let mut by_method = BTreeMap::new();
    let Kind::Map(methods) = &node.kind else {
        out.push(wrong_type(source, node, "headers", "a mapping of method to headers"));
        return by_method;
    };
    for (method, node) in methods {
        if !METHODS.contains(&method.name.as_str()) {
            let message = format!("`{}` is no method", method.name);
            out.push(
                Diagnostic::new(Code::UnknownName, source, method.span, message)
                    .maybe_help(suggest(&method.name, METHODS.iter().copied())),
            );
        }
        let Kind::Map(entries) = &node.kind else {
            out.push(wrong_type(source, node, &method.name, "a mapping of header to value"));
            continue;
        };
        let values = entries
            .iter()
            .filter_map(|(key, node)| Some((key.name.clone(), header(source, node, &key.name, out)?)));
        by_method.insert(method.name.clone(), values.collect());
    }
    by_method
}

/// A header's template. In the file `${` is written `$${`, because Compose reads the text first.
fn header(source: &Source, node: &Node, name: &str, out: &mut Vec<Diagnostic>) -> Option<String> {
    let value = interpolated(source, node, name, out)?;
    if let Some(variable) = value.names().first() {
        let message = format!("`{variable}` is a Compose variable, which a header cannot have");
        out.push(
            Diagnostic::new(Code::BadTemplate, source, node.span, message)
                .help("write `$${fresh.uuid}`, with two dollar signs, for a value made at each request"),
        );
        return None;
    }
    let template_text = value.with_defaults();
    let template = Template::parse(&template_text)
        .map_err(|why| out.push(Diagnostic::new(Code::BadTemplate, source, node.span, why)))
        .ok()?;
    for unknown in template.names().filter(|name| !HEADER_NAMES.contains(name)) {
        let message = format!("`{unknown}` is not known here");
        out.push(
            Diagnostic::new(Code::UnknownName, source, node.span, message)
                .maybe_help(suggest(unknown, HEADER_NAMES.iter().copied())),
        );
    }
    Some(template_text)
}

/// Reads `x-drillyard` of one service.
pub fn service(
    source: &Source,
    mut service: Service,
    node: Option<&Node>,
    spans: &mut Spans,
    out: &mut Vec<Diagnostic>,
) -> Service {
    let Some(node) = node else { return service };
    let Some(mut fields) = Fields::open(source, node, "`x-drillyard` of a service", out) else {
        return service;
    };
    service.openapi = fields
        .take("openapi")
        .and_then(|node| Some(DocumentPath { path: text(source, node, "openapi", out)?, span: node.span }));
    service.process = fields
        .require("process", out)
        .and_then(|node| process(source, node, &service.name, spans, out))
        .map(|process| built_in(source, process, &mut fields, out));
    let default = match service.process {
        Some(Process::Postgres(_) | Process::ObjectStore(_)) => Scope::Shared,
        _ => Scope::Lane,
    };
    service.scope = fields.take("scope").and_then(|node| scope(source, node, out)).unwrap_or(default);
    match &service.process {
        Some(Process::Postgres(_)) => service.port = Some(5432),
        Some(Process::ObjectStore(_)) => service.port = Some(9000),
        _ => {
            let written = fields.require("ready", out);
            service.ready = written.and_then(|node| ready(source, node, out)).unwrap_or(Ready::Tcp);
            service.host_env = fields.text("host_env", out);
            if let Some(node) = fields.take("port_env") {
                service.port_env = text(source, node, "port_env", out);
                service.port = listens_on(source, &service, node.span, out);
            }
        }
    }
    service.start_timeout = fields.duration("start_timeout", out).unwrap_or(DEFAULT_START_TIMEOUT);
    if let Some(node) = fields.take("tables") {
        let about = About::Tables(service.name.clone());
        document(source, (node, "tables", about), spans, out);
    }
    check_alone(source, &service, fields.head(), out);
    fields.finish(out);
    service
}

/// Takes the keys that only a built-in service has.
fn built_in(
    source: &Source,
    process: Process,
    fields: &mut Fields<'_>,
    out: &mut Vec<Diagnostic>,
) -> Process {
    match process {
        Process::Postgres(mut postgres) => {
            postgres.lane_database = fields.text("lane_database", out);
            postgres.durable = fields.take("durability").is_some_and(|node| durable(source, node, out));
            Process::Postgres(postgres)
        }
        Process::ObjectStore(mut store) => {
            store.lane_bucket = fields.text("lane_bucket", out);
            store.access_key_env = fields.text("access_key_env", out).unwrap_or(store.access_key_env);
            store.secret_key_env = fields.text("secret_key_env", out).unwrap_or(store.secret_key_env);
            Process::ObjectStore(store)
        }
        other => other,
    }
}

fn check_alone(source: &Source, service: &Service, span: Span, out: &mut Vec<Diagnostic>) {
    let mut bad = |message: String, help: &str| {
        out.push(Diagnostic::new(Code::BadTopology, source, span, message).help(help));
    };
    let name = &service.name;
    let built_in = matches!(service.process, Some(Process::Postgres(_) | Process::ObjectStore(_)));
    if built_in && service.scope != Scope::Shared {
        bad(
            format!("`{name}` is built in and can only be shared"),
            "lanes get a database and a bucket of their own in it",
        );
    }
    if service.scope == Scope::Template && !service.is_job() {
        bad(format!("`{name}` prepares the template, so it is a job"), "write `ready: {exit: 0}`");
    }
    if service.scope == Scope::Shared && service.is_job() {
        bad(
            format!("`{name}` is a job, and jobs are not shared"),
            "write `scope: template` or `scope: lane`",
        );
    }
    if matches!(service.ready, Ready::Http(_) | Ready::Tcp)
        && service.process.is_some()
        && service.port.is_none()
    {
        bad(
            format!("`{name}` is asked for readiness on a port, but has none"),
            "name the variable that holds its port in `port_env`",
        );
    }
    if let Some(host_env) = service.host_env.as_deref().filter(|host_env| service.setting(host_env).is_none())
    {
        bad(
            format!("`host_env` is `{host_env}`, which is not in the environment of `{name}`"),
            "set it under `environment`",
        );
    }
}

fn listens_on(source: &Source, service: &Service, span: Span, out: &mut Vec<Diagnostic>) -> Option<u16> {
    let variable = service.port_env.as_deref()?;
    let value = service.setting(variable).and_then(|setting| setting.value.as_ref());
    let port = value.and_then(|value| value.with_defaults().parse().ok()).filter(|port| *port != 0);
    if port.is_none() {
        let message = format!(
            "`port_env` is `{variable}`, which is not a port in the environment of `{}`",
            service.name
        );
        out.push(
            Diagnostic::new(Code::BadTopology, source, span, message)
                .help(format!("set it under `environment`, for example `{variable}: \"8080\"`")),
        );
    }
    port
}

fn process(
    source: &Source,
    node: &Node,
    service: &str,
    spans: &mut Spans,
    out: &mut Vec<Diagnostic>,
) -> Option<Process> {
    let mut fields = Fields::open(source, node, "`process`", out)?;
    let builtin = fields.take("builtin");
    let (cargo, program) = (fields.take("cargo"), fields.take("program"));
    let args = if builtin.is_none() { fields.take_entry("args") } else { None };
    fields.finish(out);
    let args = args.map(|(key, node)| {
        spans.values.insert((service.to_owned(), "args".to_owned()), key.span);
        arguments(source, node, out)
    });
    let args = args.unwrap_or_default();
    match (builtin, cargo, program) {
        (Some(node), None, None) => builtin_process(source, node, out),
        (None, Some(node), None) => Some(Process::Cargo { binary: text(source, node, "cargo", out)?, args }),
        (None, None, Some(node)) => {
            Some(Process::Program { program: text(source, node, "program", out)?, args })
        }
        _ => {
            out.push(
                Diagnostic::new(
                    Code::BadTopology,
                    source,
                    node.span,
                    "`process` has one of `builtin`, `cargo` and `program`",
                )
                .help("for example `process: {cargo: my-service, args: [serve]}`"),
            );
            None
        }
    }
}

fn arguments(source: &Source, node: &Node, out: &mut Vec<Diagnostic>) -> Vec<Interpolated> {
    let Kind::List(items) = &node.kind else {
        out.push(wrong_type(source, node, "args", "a list of arguments"));
        return Vec::new();
    };
    items.iter().filter_map(|item| interpolated(source, item, "args", out)).collect()
}

fn builtin_process(source: &Source, node: &Node, out: &mut Vec<Diagnostic>) -> Option<Process> {
    let name = text(source, node, "builtin", out)?;
    match name.as_str() {
        "postgres" => Some(Process::Postgres(Postgres { lane_database: None, durable: false })),
        "s3" => Some(Process::ObjectStore(ObjectStore {
            lane_bucket: None,
            access_key_env: "MINIO_ROOT_USER".to_owned(),
            secret_key_env: "MINIO_ROOT_PASSWORD".to_owned(),
        })),
        _ => {
            out.push(
                Diagnostic::new(
                    Code::BadTopology,
                    source,
                    node.span,
                    format!("nothing called `{name}` is built in"),
                )
                .maybe_help(suggest(&name, ["postgres", "s3"])),
            );
            None
        }
    }
}

fn durable(source: &Source, node: &Node, out: &mut Vec<Diagnostic>) -> bool {
    match text(source, node, "durability", out).as_deref() {
        Some("full") => true,
        Some("none") | None => false,
        Some(word) => {
            let message = format!("there is no durability `{word}`");
            out.push(
                Diagnostic::new(Code::BadTopology, source, node.span, message).help("write `full` or `none`"),
            );
            false
        }
    }
}

fn scope(source: &Source, node: &Node, out: &mut Vec<Diagnostic>) -> Option<Scope> {
    let word = text(source, node, "scope", out)?;
    match word.as_str() {
        "shared" => Some(Scope::Shared),
        "lane" => Some(Scope::Lane),
        "template" => Some(Scope::Template),
        _ => {
            out.push(
                Diagnostic::new(Code::BadTopology, source, node.span, format!("there is no scope `{word}`"))
                    .maybe_help(suggest(&word, ["shared", "lane", "template"])),
            );
            None
        }
    }
}

fn ready(source: &Source, node: &Node, out: &mut Vec<Diagnostic>) -> Option<Ready> {
    let mut fields = Fields::open(source, node, "`ready`", out)?;
    let (http, tcp, log, exit) =
        (fields.take("http"), fields.take("tcp"), fields.take("log"), fields.take("exit"));
    fields.finish(out);
    match (http, tcp, log, exit) {
        (Some(node), None, None, None) => slash_path(source, node, "http", out).map(Ready::Http),
        (None, Some(node), None, None) => match node.kind {
            Kind::Bool(true) => Some(Ready::Tcp),
            _ => {
                out.push(wrong_type(source, node, "tcp", "`true`"));
                None
            }
        },
        (None, None, Some(node), None) => {
            let pattern = text(source, node, "log", out)?;
            regex::Regex::new(&pattern)
                .map(Ready::Log)
                .map_err(|why| {
                    let why = why.to_string();
                    let last = why.lines().last().unwrap_or("it cannot be read").trim().to_owned();
                    out.push(Diagnostic::new(
                        Code::BadTopology,
                        source,
                        node.span,
                        format!("`log` is no pattern: {last}"),
                    ));
                })
                .ok()
        }
        (None, None, None, Some(node)) => {
            let code = if let Kind::Number(number) = &node.kind { number.as_i64() } else { None };
            let code = code.and_then(|code| i32::try_from(code).ok()).filter(|code| (0..256).contains(code));
            if code.is_none() {
                out.push(wrong_type(source, node, "exit", "an exit code from 0 to 255"));
            }
            code.map(Ready::Exit)
        }
        _ => {
            out.push(
                Diagnostic::new(
                    Code::BadTopology,
                    source,
                    node.span,
                    "`ready` has one of `http`, `tcp`, `log` and `exit`",
                )
                .help("for example `ready: {http: /readyz}`"),
            );
            None
        }
    }
}
