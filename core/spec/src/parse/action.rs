//! The actions of steps.

use serde_json::{Map, Value};

use crate::code::Code;
use crate::diagnostic::{Diagnostic, suggest};
use crate::drill::{Action, Body, Http, Object, ObjectOperation, ServicePath, Sql, Tool};
use crate::fields::{Fields, text, wrong_type};
use crate::node::{Kind, Node};
use crate::parse::Reader;
use crate::source::Span;
use crate::template::Path;

const METHODS: &[(&str, &str)] = &[
    ("get", "GET"),
    ("post", "POST"),
    ("put", "PUT"),
    ("patch", "PATCH"),
    ("delete", "DELETE"),
    ("head", "HEAD"),
    ("options", "OPTIONS"),
];

const OPERATIONS: &[(&str, ObjectOperation)] = &[
    ("put", ObjectOperation::Put),
    ("get", ObjectOperation::Get),
    ("head", ObjectOperation::Head),
    ("list", ObjectOperation::List),
    ("delete", ObjectOperation::Delete),
];

impl<'a> Reader<'a, '_> {
    /// Reads the value of the action `name`.
    pub fn action(&mut self, name: &str, node: &'a Node) -> Option<Action> {
        match name {
            "http" => self.http(node),
            "tool" => self.tool(node),
            "sql" => self.sql(node),
            "object" => self.object(node),
            "alerts" => self.alerts(node),
            "job" => self.job(node),
            "fault" => self.fault(node),
            "logs" => self.logs(node),
            "metrics" => self.metrics(node),
            "double" => self.double(node),
            "drained" => self.drained(node),
            "exec" => self.exec(node),
            "human" => self.human(node),
            "load" => self.load(node),
            "parallel" => self.parallel(node),
            "each" => self.each(node),
            "always" => self.always(node),
            "defer" => self.defer(node),
            "last" => self.last(node),
            "let" => self.bind(node),
            "note" => text(self.source, node, "note", self.out).map(Action::Note),
            _ => None,
        }
    }

    /// Reports an action that cannot be carried out.
    pub fn bad(&mut self, span: Span, message: impl Into<String>, help: &str) {
        self.out.push(Diagnostic::new(Code::BadAction, self.source, span, message).help(help));
    }

    fn http(&mut self, node: &'a Node) -> Option<Action> {
        self.request(node).map(Action::Http)
    }

    /// A request as it stands under `http`.
    pub fn request(&mut self, node: &'a Node) -> Option<Http> {
        let mut fields = Fields::open(self.source, node, "an HTTP action", self.out)?;
        let mut found = None;
        for (key, method) in METHODS {
            let Some((written, value)) = fields.take_entry(key) else { continue };
            if found.is_some() {
                self.bad(written.span, "an HTTP action has one method", "make two steps of it");
            } else {
                found = Some((*method, value));
            }
        }
        let query = fields.take("query").map(|n| self.pairs(n, "query")).unwrap_or_default();
        let headers = fields.take("headers").map(|n| self.pairs(n, "headers")).unwrap_or_default();
        let json = fields.take("body");
        let raw = fields.text("text", self.out);
        if let (Some(json), Some(_)) = (json, &raw) {
            self.bad(json.span, "`body` and `text` are both given", "keep one of them");
        }
        let head = fields.head();
        fields.finish(self.out);
        let Some((method, target)) = found else {
            self.bad(
                head,
                "an HTTP action needs a method",
                "for example `http: { get: dispatch-api/readyz }`",
            );
            return None;
        };
        let target = self.service_path(target, "the address")?;
        let body = match (json, raw) {
            (Some(node), _) => Body::Json(node.to_value()),
            (None, Some(text)) => Body::Text(text),
            (None, None) => Body::Empty,
        };
        Some(Http { method, target, query, headers, body })
    }

    /// A mapping as names and values.
    pub fn pairs(&mut self, node: &Node, name: &str) -> Vec<(String, Value)> {
        let Kind::Map(entries) = &node.kind else {
            self.out.push(wrong_type(self.source, node, name, "a mapping"));
            return Vec::new();
        };
        entries.iter().map(|(key, value)| (key.name.clone(), value.to_value())).collect()
    }

    /// `service/path`, with the service checked against the topology.
    pub fn service_path(&mut self, node: &Node, name: &str) -> Option<ServicePath> {
        let written = text(self.source, node, name, self.out)?;
        let Some((service, path)) = written.split_once('/') else {
            self.bad(
                node.span,
                format!("`{written}` is not SERVICE/PATH"),
                "for example `dispatch-api/tickets`",
            );
            return None;
        };
        if written.contains("://") || service.is_empty() {
            let help = "addresses begin with a service's name, so that the same drill runs on any stack";
            self.bad(node.span, format!("`{written}` is not SERVICE/PATH"), help);
            return None;
        }
        self.known_service(service, node.span)
            .then(|| ServicePath { service: service.to_owned(), path: format!("/{path}") })
    }

    fn tool(&mut self, node: &'a Node) -> Option<Action> {
        let mut fields = Fields::open(self.source, node, "a tool action", self.out)?;
        let name = fields.require("call", self.out).and_then(|n| text(self.source, n, "call", self.out));
        let args: Map<String, Value> =
            fields.remaining().into_iter().map(|(key, value)| (key.name.clone(), value.to_value())).collect();
        Some(Action::Tool(Tool { name: name?, args: Value::Object(args) }))
    }

    fn sql(&mut self, node: &'a Node) -> Option<Action> {
        let mut fields = Fields::open(self.source, node, "an SQL action", self.out)?;
        let query = fields.text("query", self.out);
        let execute = fields.text("execute", self.out);
        let params = match fields.take("params") {
            None => Vec::new(),
            Some(Node { kind: Kind::List(items), .. }) => items.iter().map(Node::to_value).collect(),
            Some(other) => {
                self.out.push(wrong_type(self.source, other, "params", "a list"));
                Vec::new()
            }
        };
        let service = self.database(&mut fields)?;
        let head = fields.head();
        fields.finish(self.out);
        match (query, execute) {
            (Some(statement), None) => Some(Action::Sql(Sql { service, statement, query: true, params })),
            (None, Some(statement)) => Some(Action::Sql(Sql { service, statement, query: false, params })),
            _ => {
                self.bad(
                    head,
                    "an SQL action has either `query` or `execute`",
                    "`query` gives rows back, `execute` a count",
                );
                None
            }
        }
    }

    /// The database service under `on`, or the topology's first.
    pub fn database(&mut self, fields: &mut Fields<'a>) -> Option<String> {
        if let Some(node) = fields.take("on") {
            let name = text(self.source, node, "on", self.out)?;
            self.known_service(&name, node.span);
            return Some(name);
        }
        let first = self.context.names.databases.iter().next().cloned();
        if first.is_none() {
            self.bad(
                fields.head(),
                "the topology has no database",
                "mark one with `lane_database` in the topology",
            );
        }
        first
    }

    fn object(&mut self, node: &'a Node) -> Option<Action> {
        let mut fields = Fields::open(self.source, node, "an object action", self.out)?;
        let mut found = None;
        for (key, operation) in OPERATIONS {
            let Some((written, value)) = fields.take_entry(key) else { continue };
            if found.is_some() {
                self.bad(written.span, "an object action has one operation", "make two steps of it");
            }
            found = found.or(Some((*operation, value)));
        }
        let raw = fields.text("text", self.out);
        let json = fields.take("json");
        let content_type = fields.text("content_type", self.out);
        let head = fields.head();
        fields.finish(self.out);
        let Some((operation, key)) = found else {
            self.bad(
                head,
                "an object action needs an operation",
                "one of `put`, `get`, `head`, `list`, `delete` with a key",
            );
            return None;
        };
        let key = match (&key.kind, operation) {
            (Kind::Null, ObjectOperation::List) => String::new(),
            _ => text(self.source, key, "the key", self.out)?,
        };
        let content = match (json, raw) {
            (Some(node), _) => Body::Json(node.to_value()),
            (None, Some(text)) => Body::Text(text),
            (None, None) => Body::Empty,
        };
        Some(Action::Object(Object { operation, key, content, content_type }))
    }

    fn alerts(&mut self, node: &'a Node) -> Option<Action> {
        let target = if let Kind::Map(_) = node.kind {
            let mut fields = Fields::open(self.source, node, "an alerts action", self.out)?;
            let on = fields.require("on", self.out);
            fields.finish(self.out);
            on?
        } else {
            node
        };
        self.service_path(target, "alerts").map(Action::Alerts)
    }

    fn job(&mut self, node: &Node) -> Option<Action> {
        let name = text(self.source, node, "job", self.out)?;
        let jobs = &self.context.names.jobs;
        if !jobs.contains(&name) {
            let help = suggest(&name, jobs.iter().map(String::as_str));
            let message = format!("the topology has no one-shot job `{name}`");
            self.out.push(
                Diagnostic::new(Code::UnknownService, self.source, node.span, message).maybe_help(help),
            );
        }
        Some(Action::Job(name))
    }

    /// `last: answer`, or a path into it, which becomes the field `value`.
    fn last(&mut self, node: &Node) -> Option<Action> {
        let written = text(self.source, node, "last", self.out)?;
        if written == "answer" {
            return Some(Action::Last(Path::default()));
        }
        match Path::parse(&written) {
            Ok(path) => Some(Action::Last(path)),
            Err(message) => {
                self.out.push(Diagnostic::new(Code::BadPath, self.source, node.span, message));
                None
            }
        }
    }

    fn bind(&mut self, node: &Node) -> Option<Action> {
        let Kind::Map(entries) = &node.kind else {
            self.out.push(wrong_type(self.source, node, "let", "a mapping of name to value"));
            return None;
        };
        Some(Action::Let(entries.iter().map(|(key, value)| (key.name.clone(), value.to_value())).collect()))
    }
}
