//! A recorded request as a step: the service behind the host, who asked, and a body without secrets.

use std::collections::BTreeMap;

use drillyard_spec::topology::{Credential, Topology};
use serde_json::{Map, Value, json};
use url::Url;

use super::mask::{MASKED, is_secret_name, is_secret_value};
use super::{DraftError, StepDraft};

/// A request as somebody sent it.
#[derive(Debug, Clone, Default)]
pub struct Recorded {
    /// Method in capitals.
    pub method: String,
    /// Whole address.
    pub url: String,
    /// Headers as sent.
    pub headers: Vec<(String, String)>,
    /// Body as sent.
    pub body: Option<String>,
}

/// What requests are written for.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// The stack.
    pub topology: &'a Topology,
    /// The service of hosts that belong to none.
    pub service: Option<&'a str>,
    /// Who acts, where the request does not tell.
    pub identity: Option<&'a str>,
}

/// Headers a client sends by itself, or that the harness sends.
const OWN_HEADERS: &[&str] = &[
    "accept",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "connection",
    "content-length",
    "cookie",
    "dnt",
    "host",
    "if-none-match",
    "if-modified-since",
    "keep-alive",
    "origin",
    "pragma",
    "priority",
    "referer",
    "te",
    "traceparent",
    "tracestate",
    "upgrade-insecure-requests",
    "user-agent",
    "x-requested-with",
];

/// Turns recorded requests into steps; the values of secrets become names under `vars`.
#[derive(Debug)]
pub struct Writer<'a> {
    wanted: Wanted<'a>,
    /// Names bound before the steps.
    pub vars: Map<String, Value>,
    /// Values that were saved, with their names.
    pub saved: BTreeMap<String, String>,
}

impl<'a> Writer<'a> {
    /// A writer that has written nothing.
    #[must_use]
    pub fn new(wanted: Wanted<'a>) -> Self {
        Self { wanted, vars: Map::new(), saved: BTreeMap::new() }
    }

    /// The service an address is on.
    ///
    /// # Errors
    /// None is, and none was given for such a case.
    pub fn service(&self, url: &Url) -> Result<&'a str, DraftError> {
        let topology = self.wanted.topology;
        let host = url.host_str().unwrap_or_default();
        let port = url.port_or_known_default();
        let local = ["localhost", "127.0.0.1", "0.0.0.0", "[::1]"].contains(&host);
        let found = topology.services.iter().find(|service| {
            service.name == host || (local && service.port.is_some() && service.port == port)
        });
        match (found, self.wanted.service) {
            (Some(service), _) => Ok(&service.name),
            (None, Some(service)) => Ok(service),
            (None, None) => {
                let known: Vec<String> = topology
                    .services
                    .iter()
                    .filter_map(|service| Some(format!("{} ({})", service.name, service.port?)))
                    .collect();
                let at = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
                Err(DraftError::UnknownHost(at, known.join(", ")))
            }
        }
    }

    /// The step of a request; what is expected is the caller's to say.
    ///
    /// # Errors
    /// The address cannot be read, or its host is no service.
    pub fn step(&mut self, request: &Recorded) -> Result<StepDraft, DraftError> {
        let url = Url::parse(&request.url)
            .map_err(|error| DraftError::Unreadable(format!("`{}` is no address: {error}", request.url)))?;
        let service = self.service(&url)?;
        let segments = url.path().split('/').map(|segment| self.filled_text(segment)).collect::<Vec<_>>();
        let mut http = Map::new();
        let path = segments.join("/");
        http.insert(request.method.to_lowercase(), json!(format!("{service}{path}")));
        let mut query = Map::new();
        for (name, value) in url.query_pairs() {
            let value = if is_secret_name(&name) { self.secret(&name) } else { self.filled_text(&value) };
            query.insert(name.into_owned(), json!(value));
        }
        if !query.is_empty() {
            http.insert("query".to_owned(), Value::Object(query));
        }
        let headers = self.headers(request);
        if !headers.is_empty() {
            http.insert("headers".to_owned(), Value::Object(headers));
        }
        if let Some(body) = request.body.as_deref().filter(|body| !body.trim().is_empty()) {
            match serde_json::from_str::<Value>(body) {
                Ok(document) => http.insert("body".to_owned(), self.body(&document)),
                Err(_) => http.insert("text".to_owned(), json!(self.filled_text(body))),
            };
        }
        let identity = self.identity(request);
        Ok(StepDraft { identity, action: ("http".to_owned(), Value::Object(http)), ..StepDraft::default() })
    }

    fn headers(&mut self, request: &Recorded) -> Map<String, Value> {
        let given: Vec<String> = self
            .wanted
            .topology
            .headers
            .get(&request.method)
            .into_iter()
            .flatten()
            .map(|(name, _)| name.to_lowercase())
            .collect();
        let is_json = request.body.as_deref().is_some_and(|body| serde_json::from_str::<Value>(body).is_ok());
        let mut kept = Map::new();
        for (name, value) in &request.headers {
            let lower = name.to_lowercase();
            let own = OWN_HEADERS.contains(&lower.as_str())
                || lower.starts_with(':')
                || lower.starts_with("sec-")
                || given.contains(&lower)
                || (lower == "content-type" && (is_json || request.body.is_none()));
            let signs = lower == "authorization";
            if own || (signs && !self.wanted.topology.identities.is_empty()) {
                continue;
            }
            let value = if is_secret_name(&lower) || is_secret_value(value) {
                self.secret(&lower)
            } else {
                self.filled_text(value)
            };
            kept.insert(lower, json!(value));
        }
        kept
    }

    /// The name of a secret, bound to a placeholder.
    fn secret(&mut self, name: &str) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
        let name: String = name.chars().map(plain).collect();
        self.vars.insert(name.clone(), json!(MASKED));
        format!("${{{name}}}")
    }

    /// Text with what was saved before as its name.
    fn filled_text(&self, text: &str) -> String {
        if let Some(name) = self.saved.get(text) {
            return format!("${{{name}}}");
        }
        let escaped = text.replace("${", "$${");
        let long = |value: &&String| value.len() >= 8;
        self.saved
            .keys()
            .filter(long)
            .fold(escaped, |text, value| text.replace(value.as_str(), &format!("${{{}}}", self.saved[value])))
    }

    fn body(&mut self, value: &Value) -> Value {
        match value {
            Value::String(text) if is_secret_value(text) => json!(self.secret("token")),
            Value::String(text) => json!(self.filled_text(text)),
            Value::Array(items) => items.iter().map(|item| self.body(item)).collect(),
            Value::Object(members) => {
                let mut body = Map::new();
                for (key, member) in members {
                    let scalar = member.is_string() || member.is_number();
                    let value = if scalar && is_secret_name(key) {
                        json!(self.secret(key))
                    } else {
                        self.body(member)
                    };
                    body.insert(key.replace("${", "$${"), value);
                }
                Value::Object(body)
            }
            other => other.clone(),
        }
    }

    /// The identity that sends what was sent: the one given, the one whose role the token claims, or the first.
    fn identity(&self, request: &Recorded) -> Option<String> {
        let signed = request.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        let given = self.wanted.identity.map(str::to_owned);
        let Some((_, token)) = signed else { return given };
        let identities = &self.wanted.topology.identities;
        let claimed = claims(token).and_then(|claims| Some(claims.get("role")?.as_str()?.to_lowercase()));
        let by_role = claimed.and_then(|role| {
            let of_role = |credential: &Credential| match credential {
                Credential::Signed { claims, .. } => {
                    claims.get("role").and_then(Value::as_str) == Some(&role)
                }
                Credential::Bearer { .. } => false,
            };
            identities
                .iter()
                .find(|(_, identity)| of_role(&identity.credential))
                .map(|(name, _)| name.clone())
        });
        given.or(by_role).or_else(|| identities.keys().next().cloned())
    }
}

/// The claims of a signed token; nobody checks the signature, since only the role's name is wanted.
fn claims(token: &str) -> Option<Value> {
    let part = token.trim_start_matches("Bearer ").split('.').nth(1)?;
    let mut bits = 0_u32;
    let mut held = 0_u32;
    let mut bytes = Vec::new();
    for c in part.bytes() {
        let six = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'-' | b'+' => 62,
            b'_' | b'/' => 63,
            _ => return None,
        };
        held = (held << 6) | u32::from(six);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from((held >> bits) & 0xff).ok()?);
            held &= (1 << bits) - 1;
        }
    }
    serde_json::from_slice(&bytes).ok()
}
