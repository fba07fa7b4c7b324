//! What a service says it answers: its OpenAPI document, and the manifest of the tools behind the gateway.
//!
//! Both are paper. They are read as far as a check of requests needs them: paths, methods, query parameters, bodies.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use regex::Regex;
use serde_json::Value;

use crate::diagnostic::nearest;
use crate::openapi::Document;

pub mod fit;

/// Everything requests are held against.
#[derive(Debug, Clone, Default)]
pub struct Contracts {
    /// By service.
    pub services: BTreeMap<String, Arc<Contract>>,
    /// Tools behind the gateway, where the topology names a manifest.
    pub tools: Option<Arc<Tools>>,
    /// Tables of the databases, where the topology names their SQL files.
    pub tables: BTreeSet<String>,
}

/// Names of the tables that SQL text creates, without their schema.
#[must_use]
pub fn tables(sql: &str) -> Vec<String> {
    static CREATE: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(
            r#"(?im)^\s*create\s+(?:unlogged\s+)?table\s+(?:if\s+not\s+exists\s+)?(?:"?\w+"?\.)?"?(\w+)"?"#,
        )
        .ok()
    });
    let found = CREATE.as_ref().map(|create| create.captures_iter(sql));
    found.into_iter().flatten().map(|found| found[1].to_owned()).collect()
}

/// What a service says it answers.
#[derive(Debug)]
pub struct Contract {
    /// The document's path in the project.
    pub file: String,
    /// What can be asked, in the order of the document.
    pub operations: Vec<Operation>,
    document: Arc<Document>,
}

/// One method on one path.
#[derive(Debug)]
pub struct Operation {
    /// Method in capitals.
    pub method: String,
    /// Path as the document writes it: `/tickets/{ticketId}`.
    pub path: String,
    /// One line, where the document has one.
    pub summary: String,
    /// Names of its query parameters; nothing where the document does not declare any.
    pub query: Vec<String>,
    /// Whether a request without a body is refused.
    pub body_needed: bool,
    /// JSON pointer to the schema of its JSON body.
    body: Option<String>,
}

/// Tools that can be called.
#[derive(Debug)]
pub struct Tools {
    /// The manifest's path in the project.
    pub file: String,
    /// Each with its names and arguments.
    pub entries: Vec<ToolEntry>,
}

/// One tool of a manifest.
#[derive(Debug)]
pub struct ToolEntry {
    /// Every name it is called by.
    pub names: Vec<String>,
    /// What it does, in a line.
    pub description: String,
    /// JSON Schema of its arguments.
    pub schema: Value,
}

/// Why a request is not one of a contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// A sentence.
    pub message: String,
    /// The way out.
    pub help: Option<String>,
}

const METHODS: &[&str] = &["get", "post", "put", "patch", "delete", "head", "options"];

impl Contract {
    /// What an OpenAPI document says of requests.
    #[must_use]
    pub fn of(document: Arc<Document>) -> Self {
        let mut operations = Vec::new();
        let root = document.root();
        for (path, item) in root["paths"].as_object().into_iter().flatten() {
            for method in METHODS {
                let Some(found) = item.get(method) else { continue };
                let at = format!("/paths/{}/{method}", escaped(path));
                let whole = format!("{}{path}", document.base());
                operations.push(operation((root, item, found), method, (whole, at)));
            }
        }
        Self { file: document.path().to_owned(), operations, document }
    }

    /// The operation a request is of; `path` may hold templates and a query.
    ///
    /// # Errors
    /// No operation has that path, or none on it that method.
    pub fn find(&self, method: &str, path: &str) -> Result<&Operation, Unknown> {
        let path = path.split(['?', '#']).next().unwrap_or(path);
        let on_path: Vec<&Operation> = self.operations.iter().filter(|one| leads(&one.path, path)).collect();
        if let Some(found) = on_path.iter().find(|one| one.method == method) {
            return Ok(found);
        }
        let known = |operations: &[&Operation]| {
            operations.iter().map(|one| one.method.clone()).collect::<Vec<_>>().join(", ")
        };
        if !on_path.is_empty() {
            let message = format!("`{}` has no {method} on `{path}`", self.file);
            return Err(Unknown { message, help: Some(format!("it has {}", known(&on_path))) });
        }
        let shown = shape_of(path);
        let paths: Vec<String> = self.operations.iter().map(|one| shape_of(&one.path)).collect();
        let near = nearest(&shown, paths.iter().map(String::as_str));
        let meant = near.and_then(|near| paths.iter().position(|path| path == near));
        let help = meant.map(|at| format!("did you mean `{}`?", self.operations[at].path));
        let help = help.or_else(|| Some("`drillyard explain DY110` tells what is looked at".to_owned()));
        Err(Unknown { message: format!("`{}` has no path `{path}`", self.file), help })
    }

    /// Whether it was made of that very document.
    #[must_use]
    pub fn is_of(&self, document: &Arc<Document>) -> bool {
        Arc::ptr_eq(&self.document, document)
    }

    /// The schema of an operation's JSON body.
    #[must_use]
    pub fn body(&self, operation: &Operation) -> Option<&Value> {
        self.document().pointer(operation.body.as_ref()?)
    }

    /// The whole document, which references lead into.
    #[must_use]
    pub fn document(&self) -> &Value {
        self.document.root()
    }
}

fn operation(
    (document, item, found): (&Value, &Value, &Value),
    method: &str,
    (path, at): (String, String),
) -> Operation {
    let declared = [item, found].into_iter().filter_map(|of| of.get("parameters")?.as_array()).flatten();
    let query = declared
        .map(|parameter| fit::follow(document, parameter))
        .filter(|parameter| parameter["in"] == "query")
        .filter_map(|parameter| parameter["name"].as_str().map(str::to_owned))
        .collect();
    let content = found.pointer("/requestBody/content/application~1json/schema");
    Operation {
        method: method.to_uppercase(),
        path,
        summary: found["summary"].as_str().unwrap_or_default().to_owned(),
        query,
        body_needed: found.pointer("/requestBody/required") == Some(&Value::Bool(true)),
        body: content.map(|_| format!("{at}/requestBody/content/application~1json/schema")),
    }
}

fn escaped(path: &str) -> String {
    path.replace('~', "~0").replace('/', "~1")
}

/// Whether a path as a drill writes it is one of `template`. What a drill fills in at run time may be anything.
fn leads(template: &str, path: &str) -> bool {
    let (wanted, given): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
    wanted.len() == given.len()
        && wanted.iter().zip(given).all(|(wanted, given)| {
            given.contains("${") || wanted == &given || (wanted.starts_with('{') && !given.is_empty())
        })
}

/// A path with the same word for everything that is filled in.
fn shape_of(path: &str) -> String {
    let plain = |part: &str| if part.contains('{') { "*".to_owned() } else { part.to_owned() };
    path.split('/').map(plain).collect::<Vec<_>>().join("/")
}

impl Tools {
    /// Reads a manifest: `{ "tools": [{ "name", "input_schema" }] }`, as gateways and MCP servers list them.
    ///
    /// # Errors
    /// A sentence when the text is no such manifest.
    pub fn read(file: &str, text: &str) -> Result<Self, String> {
        let manifest: Value = serde_json::from_str(text).map_err(|error| format!("not JSON: {error}"))?;
        let listed = manifest.get("tools").and_then(Value::as_array).ok_or("it has no list `tools`")?;
        let entry = |tool: &Value| {
            let names = ["name", "chat_name"].iter().filter_map(|key| tool[key].as_str().map(str::to_owned));
            let schema = ["input_schema", "inputSchema"].iter().find_map(|key| tool.get(key));
            ToolEntry {
                names: names.collect(),
                description: tool["description"].as_str().unwrap_or_default().to_owned(),
                schema: schema.cloned().unwrap_or(Value::Bool(true)),
            }
        };
        let entries: Vec<ToolEntry> = listed.iter().map(entry).collect();
        if entries.iter().any(|entry| entry.names.is_empty()) {
            return Err("a tool of it has no `name`".to_owned());
        }
        Ok(Self { file: file.to_owned(), entries })
    }

    /// The tool of that name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&ToolEntry> {
        self.entries.iter().find(|entry| entry.names.iter().any(|known| known == name))
    }
}

#[cfg(test)]
mod tests;
