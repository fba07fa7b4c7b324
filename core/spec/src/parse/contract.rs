//! Requests and tool calls held against what the services say of themselves.

use serde_json::Value;

use crate::code::Code;
use crate::contract::fit::{Misfit, misfits};
use crate::contract::{Contract, ToolEntry};
use crate::diagnostic::{Diagnostic, suggest};
use crate::drill::{Action, Body, Check, Expectation, Http, Tool};
use crate::node::{Key, Kind, Node};
use crate::parse::Reader;
use crate::source::Span;

/// What a step says beforehand of the answer it will get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hoped {
    /// It is carried out.
    Success,
    /// It is understood and refused, so its address is right.
    Refusal,
    /// Anything, an unknown address included.
    Anything,
}

/// A status that says that there is no such address or method.
const NOT_THERE: &[u64] = &[404, 405, 501];

fn hoped(expect: &[Expectation]) -> Hoped {
    let mut hoped = Hoped::Success;
    for one in expect.iter().filter(|one| matches!(one.check, Check::Fits)) {
        match (one.field.as_str(), &one.pattern) {
            ("status" | "http_status", Value::Number(status)) => match status.as_u64() {
                Some(200..=299) => {}
                Some(status) if !NOT_THERE.contains(&status) => hoped = Hoped::Refusal,
                _ => return Hoped::Anything,
            },
            ("status" | "http_status", Value::String(marker)) if marker == "#2xx" => {}
            ("status" | "http_status", _) => return Hoped::Anything,
            ("ok", Value::Bool(true)) | ("is_error", Value::Bool(false)) => {}
            ("ok" | "is_error" | "error", _) => return Hoped::Anything,
            _ => {}
        }
    }
    hoped
}

impl<'a> Reader<'a, '_> {
    /// Reports a request that no operation answers, and what of it does not fit where success is expected. `node` is
    /// what stands under the action's key.
    pub fn check_contract(&mut self, action: &Action, (key, node): (Span, &'a Node), expect: &[Expectation]) {
        match action {
            Action::Http(http) => self.check_request(http, (key, node), hoped(expect)),
            Action::Load(load) => {
                if let Some(request) = node.get("request") {
                    self.check_request(&load.request, (key, request), Hoped::Success);
                }
            }
            Action::Tool(tool) => self.check_tool(tool, node, hoped(expect)),
            _ => {}
        }
    }

    fn check_request(&mut self, http: &Http, (key, node): (Span, &'a Node), hoped: Hoped) {
        let Some(contract) = self.context.names.contracts.services.get(&http.target.service).cloned() else {
            return;
        };
        if hoped == Hoped::Anything || matches!(http.method, "HEAD" | "OPTIONS") {
            return;
        }
        let method = http.method.to_lowercase();
        let address = node.get(&method).map_or(key, |target| target.span);
        let operation = match contract.find(http.method, &http.target.path) {
            Ok(operation) => operation,
            Err(unknown) => {
                let diagnostic = Diagnostic::new(Code::NotAnswered, self.source, address, unknown.message);
                self.out.push(diagnostic.maybe_help(unknown.help));
                return;
            }
        };
        if let (Some(Node { kind: Kind::Map(entries), .. }), false) =
            (node.get("query"), operation.query.is_empty())
        {
            for (key, _) in entries.iter().filter(|(key, _)| !key.name.contains("${")) {
                self.check_parameter(key, (&operation.query, &operation.path));
            }
        }
        if hoped != Hoped::Success {
            return;
        }
        let schema = contract.body(operation);
        match (&http.body, node.get("body"), schema) {
            (Body::Json(_), Some(body), Some(schema)) => {
                let found = misfits(contract.document(), schema, (body, "body"));
                self.complain_of_body(found, &contract);
            }
            (Body::Json(_), Some(body), None) => {
                let message = format!("{} `{}` takes no JSON body", http.method, operation.path);
                self.out.push(Diagnostic::new(Code::BadBody, self.source, body.span, message));
            }
            (Body::Empty, _, Some(_)) if operation.body_needed => {
                let message = format!("{} `{}` needs a body", http.method, operation.path);
                self.out.push(
                    Diagnostic::new(Code::BadBody, self.source, address, message)
                        .help("add `body:`; `body: {}` where it has no member that is needed"),
                );
            }
            _ => {}
        }
    }

    fn check_parameter(&mut self, key: &Key, (known, path): (&[String], &str)) {
        if known.contains(&key.name) {
            return;
        }
        let message = format!("`{path}` has no query parameter `{}`", key.name);
        let help = suggest(&key.name, known.iter().map(String::as_str));
        self.out.push(Diagnostic::new(Code::NotAnswered, self.source, key.span, message).maybe_help(help));
    }

    fn complain_of_body(&mut self, found: Vec<Misfit>, contract: &Contract) {
        for Misfit { span, message, help } in found {
            let message = format!("{message}, says `{}`", contract.file);
            self.out.push(Diagnostic::new(Code::BadBody, self.source, span, message).maybe_help(help));
        }
    }

    fn check_tool(&mut self, tool: &Tool, node: &'a Node, hoped: Hoped) {
        let Some(tools) = self.context.names.contracts.tools.clone() else { return };
        if hoped == Hoped::Anything || tool.name.contains("${") {
            return;
        }
        let Some(entry) = tools.find(&tool.name) else {
            let span = node.get("call").map_or(node.span, |call| call.span);
            let known = tools.entries.iter().flat_map(|entry| entry.names.iter().map(String::as_str));
            let message = format!("`{}` has no tool `{}`", tools.file, tool.name);
            let help = suggest(&tool.name, known);
            self.out.push(Diagnostic::new(Code::NotAnswered, self.source, span, message).maybe_help(help));
            return;
        };
        if hoped == Hoped::Success {
            let found = misfits(&Value::Null, &entry.schema, (&arguments(node, entry), "the tool"));
            for Misfit { span, message, help } in found {
                let message = format!("{message}, says `{}`", tools.file);
                self.out.push(Diagnostic::new(Code::BadBody, self.source, span, message).maybe_help(help));
            }
        }
    }
}

/// The arguments of a call. A tool with a `payload` also takes the payload's members beside the other arguments.
fn arguments(node: &Node, entry: &ToolEntry) -> Node {
    let Kind::Map(entries) = &node.kind else { return node.clone() };
    let own = entries.iter().filter(|(key, _)| key.name != "call");
    let known = |name: &str| entry.schema["properties"].get(name).is_some();
    let wraps = known("payload") && node.get("payload").is_none();
    let (beside, own): (Vec<_>, Vec<_>) = own.cloned().partition(|(key, _)| wraps && !known(&key.name));
    let mut all = own;
    if !beside.is_empty() {
        let span = beside[0].0.span;
        all.push((Key { name: "payload".to_owned(), span }, Node { span, kind: Kind::Map(beside) }));
    }
    Node { span: node.span, kind: Kind::Map(all) }
}
