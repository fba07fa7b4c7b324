//! An OpenAPI document (3.0 or 3.1), and whether an answer is one that it allows. Pure: text in, mismatches out.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use crate::pattern::Mismatch;

mod route;

use route::Route;

/// Methods an OpenAPI path item can have.
const METHODS: &[&str] = &["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// How many references in a row are followed.
const MOST_REFERENCES: usize = 16;

/// What a service promises to answer.
pub struct Document {
    path: String,
    root: Value,
    /// Path in front of all routes, from the first of `servers`.
    base: String,
    routes: Vec<Route>,
    /// Schemas by the pointer they are found under; each is compiled when it is first needed.
    compiled: Mutex<HashMap<String, Arc<Validator>>>,
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document").field("path", &self.path).field("routes", &self.routes.len()).finish()
    }
}

impl Document {
    /// Reads the document found at `path` of the project.
    ///
    /// # Errors
    /// A sentence on why the text is no OpenAPI document with at least one path.
    pub fn parse(path: &str, text: &str) -> Result<Self, String> {
        let mut root: Value =
            serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))?;
        let version = root["openapi"].as_str().unwrap_or_default().to_owned();
        if !version.starts_with("3.") {
            return Err("it has no `openapi: 3.…`".to_owned());
        }
        if version.starts_with("3.0") {
            nullable(&mut root);
        }
        let Some(paths) = root["paths"].as_object().filter(|paths| !paths.is_empty()) else {
            return Err("it has no `paths`".to_owned());
        };
        let routes = paths.keys().map(|path| Route::parse(path)).collect();
        let server = root["servers"][0]["url"].as_str().unwrap_or_default();
        let after_host =
            server.split_once("://").map_or(server, |(_, rest)| rest.find('/').map_or("", |at| &rest[at..]));
        let base = after_host.trim_end_matches('/').to_owned();
        Ok(Self { path: path.to_owned(), root, base, routes, compiled: Mutex::default() })
    }

    /// Path of the document in the project.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The whole document.
    #[must_use]
    pub const fn root(&self) -> &Value {
        &self.root
    }

    /// Path in front of all routes.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Everything about `answer` that the document does not allow. `asked` has the `method` and `path` of the request,
    /// or the `tool` that was called; with `off` nothing is asked. The answer has `status`, `body` and, of a request,
    /// `headers`.
    #[must_use]
    pub fn compare(&self, asked: &Value, answer: &Value) -> Vec<Mismatch> {
        if asked.get("off").is_some() {
            return Vec::new();
        }
        let wrong = match asked["tool"].as_str() {
            Some(tool) => self.of_tool(tool, answer),
            None => self.of_request(asked, answer),
        };
        wrong.into_iter().map(|wrong| wrong.shown(&self.path)).collect()
    }

    fn of_request(&self, asked: &Value, answer: &Value) -> Vec<Wrong> {
        let method = asked["method"].as_str().unwrap_or_default().to_ascii_lowercase();
        let asked = as_text(&asked["path"]);
        let path = asked.split(['?', '#']).next().unwrap_or_default();
        let inner =
            path.strip_prefix(self.base.as_str()).filter(|rest| rest.starts_with('/')).unwrap_or(path);
        let Some(route) = route::best(&self.routes, inner) else {
            return vec![Wrong::new("path", "/paths", "a documented path", path)];
        };
        let item = format!("/paths/{}", escape(&route.template));
        let pointer = format!("{item}/{method}");
        if self.root.pointer(&pointer).is_none() {
            // A service answers HEAD for GET without saying so (RFC 9110 section 9.3.2).
            let shown = format!("{} {path}", method.to_ascii_uppercase());
            return match method.as_str() {
                "head" => Vec::new(),
                _ => vec![Wrong::new("method", &item, "a documented method", &shown)],
            };
        }
        self.of_operation(&pointer, answer, method != "head")
    }

    /// A tool is found by its operation's `x-tool-name` or `operationId`, dots and underscores alike. A tool without
    /// an operation is the gateway's own. Several operations may share a tool: one of them has to allow the answer.
    fn of_tool(&self, tool: &str, answer: &Value) -> Vec<Wrong> {
        let plain = |name: &str| name.replace('.', "_");
        let wanted = plain(tool);
        // The gateway's own refusals never reached an operation.
        if !answer["details"]["status"].is_number() {
            return Vec::new();
        }
        let mut first: Option<Vec<Wrong>> = None;
        for pointer in self.operations() {
            let operation = &self.root.pointer(&pointer).unwrap_or(&Value::Null);
            let names = [&operation["x-tool-name"], &operation["operationId"]];
            if !names.into_iter().filter_map(Value::as_str).any(|name| plain(name) == wanted) {
                continue;
            }
            let success = answer["is_error"] != json!(true);
            let wrong = self.of_operation(&pointer, answer, success);
            if wrong.is_empty() {
                return wrong;
            }
            first.get_or_insert(wrong);
        }
        first.unwrap_or_default()
    }

    fn operations(&self) -> Vec<String> {
        let paths = self.root["paths"].as_object().into_iter().flatten();
        let pointers = paths.flat_map(|(path, item)| {
            METHODS
                .iter()
                .filter(|method| item.get(**method).is_some())
                .map(move |method| format!("/paths/{}/{method}", escape(path)))
        });
        pointers.collect()
    }

    fn of_operation(&self, pointer: &str, answer: &Value, with_body: bool) -> Vec<Wrong> {
        let status = answer["status"].as_u64().unwrap_or_default();
        let responses = format!("{pointer}/responses");
        let candidates = [status.to_string(), format!("{}XX", status / 100), "default".to_owned()];
        let found = candidates.iter().find_map(|name| self.followed(&format!("{responses}/{name}")));
        let Some(response) = found else {
            return vec![Wrong::new("status", &responses, "a documented status", &status.to_string())];
        };
        if with_body { self.of_body(&response, answer) } else { Vec::new() }
    }

    fn of_body(&self, response: &str, answer: &Value) -> Vec<Wrong> {
        let pointer = format!("{response}/content");
        let content =
            self.root.pointer(&pointer).and_then(Value::as_object).filter(|types| !types.is_empty());
        let body = &answer["body"];
        let Some(content) = content else {
            if body.is_null() {
                return Vec::new();
            }
            return vec![Wrong::new("body", response, "no body", &body.to_string())];
        };
        let said = answer["headers"]["content-type"].as_str().map(media_type);
        if body.is_null() && said.is_none() && answer.get("headers").is_some() {
            return vec![Wrong::new("body", &pointer, "a body", "nothing")];
        }
        let fits = |name: &&String| said.as_deref().is_none_or(|said| media_fits(&media_type(name), said));
        let Some(name) = content.keys().find(fits) else {
            let said = said.unwrap_or_default();
            return vec![Wrong::new("headers.content-type", &pointer, "a documented content type", &said)];
        };
        let schema = format!("{pointer}/{}/schema", escape(name));
        if !media_type(name).ends_with("json") || self.root.pointer(&schema).is_none() {
            return Vec::new();
        }
        self.of_schema(&schema, body)
    }

    fn of_schema(&self, pointer: &str, body: &Value) -> Vec<Wrong> {
        let validator = match self.validator(pointer) {
            Ok(validator) => validator,
            Err(error) => return vec![Wrong::new("schema", pointer, "a JSON Schema", &error)],
        };
        let wrong = validator.iter_errors(body).map(|error| {
            let at = error.instance_path().to_string();
            let actual = body.pointer(&at).unwrap_or(body).to_string();
            Wrong::new(&format!("body{}", at.replace('/', ".")), pointer, &error.to_string(), &actual)
        });
        wrong.collect()
    }

    fn validator(&self, pointer: &str) -> Result<Arc<Validator>, String> {
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(validator) = compiled.get(pointer) {
            return Ok(validator.clone());
        }
        // References are written from the document's root, so the schema stands in a root with the same components.
        let mut schema = self.root.pointer(pointer).cloned().unwrap_or_default();
        if let Value::Object(members) = &mut schema {
            members.insert("components".to_owned(), json!({ "schemas": self.root["components"]["schemas"] }));
        }
        let validator = Arc::new(jsonschema::validator_for(&schema).map_err(|error| error.to_string())?);
        compiled.insert(pointer.to_owned(), validator.clone());
        Ok(validator)
    }

    /// The pointer of what is at `pointer`, behind its references.
    fn followed(&self, pointer: &str) -> Option<String> {
        let mut pointer = pointer.to_owned();
        for _ in 0..MOST_REFERENCES {
            let found = self.root.pointer(&pointer)?;
            match found.get("$ref").and_then(Value::as_str).and_then(|reference| reference.strip_prefix('#'))
            {
                Some(next) => next.clone_into(&mut pointer),
                None => return Some(pointer),
            }
        }
        None
    }
}

/// One thing that the document does not allow.
struct Wrong {
    path: String,
    pointer: String,
    expected: String,
    actual: String,
}

impl Wrong {
    fn new(path: &str, pointer: &str, expected: &str, actual: &str) -> Self {
        let [path, pointer, expected, actual] = [path, pointer, expected, actual].map(str::to_owned);
        Self { path, pointer, expected, actual }
    }

    fn shown(self, document: &str) -> Mismatch {
        let Self { path, pointer, expected, actual } = self;
        let expected = format!("{expected} ({document}#{pointer})");
        Mismatch { path: format!("openapi {path}"), expected, actual: Some(actual) }
    }
}

fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A key as a part of a JSON pointer (RFC 6901 section 3).
fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// A content type without its parameters, in small letters.
fn media_type(text: &str) -> String {
    text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn media_fits(documented: &str, said: &str) -> bool {
    documented == said
        || documented == "*/*"
        || documented.strip_suffix("/*").is_some_and(|kind| said.split('/').next() == Some(kind))
}

/// OpenAPI 3.0 says `nullable: true` where JSON Schema has the type `null`.
fn nullable(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.values_mut().for_each(nullable);
            if members.get("nullable") == Some(&json!(true)) {
                may_be_null(members);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(nullable),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn may_be_null(schema: &mut Map<String, Value>) {
    schema.remove("nullable");
    let own = std::mem::take(schema);
    schema.insert("anyOf".to_owned(), json!([own, { "type": "null" }]));
}

#[cfg(test)]
mod tests;
