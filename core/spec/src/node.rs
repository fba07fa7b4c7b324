//! YAML as a tree in which every node remembers where it was written.

use std::fmt;
use std::sync::Arc;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::{DuplicateKeyPolicy, Spanned};

use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::source::{Source, Span};

/// A YAML value with its place.
#[derive(Debug, Clone)]
pub struct Node {
    /// Byte range of the value.
    pub span: Span,
    /// The value.
    pub kind: Kind,
}

/// What a [`Node`] holds.
#[derive(Debug, Clone)]
pub enum Kind {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`; `yes` and `on` are strings here.
    Bool(bool),
    /// Any number.
    Number(Number),
    /// A string, quoted or plain.
    Text(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in the order written; a repeated key appears twice.
    Map(Vec<(Key, Node)>),
}

/// A key of a mapping.
#[derive(Debug, Clone)]
pub struct Key {
    /// The key's text.
    pub name: String,
    /// Where it was written.
    pub span: Span,
}

impl Node {
    /// What the node is, in the words of a message.
    #[must_use]
    pub fn describe(&self) -> &'static str {
        match self.kind {
            Kind::Null => "nothing",
            Kind::Bool(_) => "a boolean",
            Kind::Number(_) => "a number",
            Kind::Text(_) => "text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a mapping",
        }
    }

    /// The value without places. A repeated key keeps its last value; [`parse`] has reported it.
    #[must_use]
    pub fn to_value(&self) -> Value {
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(b) => Value::Bool(*b),
            Kind::Number(n) => Value::Number(n.clone()),
            Kind::Text(s) => Value::String(s.clone()),
            Kind::List(items) => Value::Array(items.iter().map(Node::to_value).collect()),
            Kind::Map(entries) => Value::Object(
                entries.iter().map(|(k, v)| (k.name.clone(), v.to_value())).collect::<Map<_, _>>(),
            ),
        }
    }

    /// Entry of a mapping by key.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Node> {
        let Kind::Map(entries) = &self.kind else { return None };
        entries.iter().find(|(k, _)| k.name == name).map(|(_, v)| v)
    }

    /// The tree with holes filled in. Text that is one hole and nothing else becomes the value itself; elsewhere the
    /// value is put in as text.
    #[must_use]
    pub fn filled(&self, holes: &[(String, Kind)]) -> Self {
        let kind = match &self.kind {
            Kind::Text(text) => holes
                .iter()
                .find(|(hole, _)| hole == text)
                .map_or_else(|| Kind::Text(fill_text(text, holes)), |(_, value)| value.clone()),
            Kind::List(items) => Kind::List(items.iter().map(|item| item.filled(holes)).collect()),
            Kind::Map(entries) => Kind::Map(
                entries
                    .iter()
                    .map(|(key, value)| {
                        (Key { name: fill_text(&key.name, holes), span: key.span }, value.filled(holes))
                    })
                    .collect(),
            ),
            other => other.clone(),
        };
        Self { span: self.span, kind }
    }

    /// A scalar as text; nothing of a list, a mapping or `null`.
    #[must_use]
    pub fn scalar(&self) -> Option<String> {
        match &self.kind {
            Kind::Text(text) => Some(text.clone()),
            Kind::Number(number) => Some(number.to_string()),
            Kind::Bool(value) => Some(value.to_string()),
            Kind::Null | Kind::List(_) | Kind::Map(_) => None,
        }
    }

    /// The text, if this is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        if let Kind::Text(text) = &self.kind { Some(text) } else { None }
    }
}

fn fill_text(text: &str, holes: &[(String, Kind)]) -> String {
    if !text.contains("${") {
        return text.to_owned();
    }
    holes.iter().fold(text.to_owned(), |text, (hole, value)| {
        let value = Node { span: Span::default(), kind: value.clone() };
        text.replace(hole, &value.scalar().unwrap_or_default())
    })
}

/// Reads one YAML document. Syntax errors, an empty document and repeated keys are reported; the tree is given
/// whenever the syntax allows one, so that later checks can go on. A text is read once, however often it is asked for.
pub fn parse(source: &Source, out: &mut Vec<Diagnostic>) -> Option<Arc<Node>> {
    let (node, found) = source.yaml(|| {
        let mut found = Vec::new();
        (read(source, &mut found).map(Arc::new), found)
    });
    out.extend(found.iter().cloned());
    node.clone()
}

fn read(source: &Source, out: &mut Vec<Diagnostic>) -> Option<Node> {
    let options = serde_saphyr::options! {
        with_snippet: false,
        strict_booleans: true,
        no_schema: false,
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        budget: serde_saphyr::budget! {
            max_depth: 64, max_nodes: 50_000, max_aliases: 200, max_documents: 1,
            max_total_scalar_bytes: 4 << 20
        },
    };
    match serde_saphyr::from_str_with_options::<Node>(source.text(), options) {
        Ok(node) if matches!(node.kind, Kind::Null) => {
            out.push(
                Diagnostic::new(Code::EmptyFile, source, Span::default(), "the file says nothing")
                    .help("a file with only comments or blank lines proves nothing; write it or remove it"),
            );
            None
        }
        Ok(node) => {
            report_repeated_keys(source, &node, out);
            Some(node)
        }
        Err(error) => {
            let span = error.location().map_or(Span::default(), |at| to_span(&at, source));
            let message = error.without_snippet().to_string();
            let message = message.lines().next().unwrap_or("not YAML");
            // The place is shown beside the message already.
            let message = message.split(" at line ").next().unwrap_or(message).to_owned();
            out.push(Diagnostic::new(Code::NotYaml, source, span, message));
            None
        }
    }
}

/// Syntax errors come with a line and a column, and not always with a byte offset.
fn to_span(at: &serde_saphyr::Location, source: &Source) -> Span {
    let line = usize::try_from(at.line()).unwrap_or(1).max(1);
    let column = usize::try_from(at.column()).unwrap_or(1).max(1);
    let text = source.line(line);
    let within = text.char_indices().nth(column - 1).map_or(text.len(), |(offset, _)| offset);
    let start = source.line_start(line) + within;
    Span { start, end: start + text[within..].chars().next().map_or(0, char::len_utf8) }
}

fn report_repeated_keys(source: &Source, node: &Node, out: &mut Vec<Diagnostic>) {
    match &node.kind {
        Kind::List(items) => items.iter().for_each(|item| report_repeated_keys(source, item, out)),
        Kind::Map(entries) => {
            for (index, (key, value)) in entries.iter().enumerate() {
                if let Some((first, _)) = entries[..index].iter().find(|(k, _)| k.name == key.name) {
                    let message = format!("`{}` is written twice in one mapping", key.name);
                    out.push(
                        Diagnostic::new(Code::RepeatedKey, source, key.span, message)
                            .related(source, first.span, "first written here")
                            .help("remove one of the two; the last would silently win"),
                    );
                }
                report_repeated_keys(source, value, out);
            }
        }
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) => {}
    }
}

fn span_of(location: &serde_saphyr::Location) -> Span {
    let span = location.span();
    let start = span.byte_offset().and_then(|v| usize::try_from(v).ok()).unwrap_or(0);
    let len = span.byte_len().and_then(|v| usize::try_from(v).ok()).unwrap_or(0);
    Span::new(start, len)
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Kind>::deserialize(deserializer)?;
        Ok(Self { span: span_of(&spanned.referenced), kind: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<String>::deserialize(deserializer)?;
        Ok(Self { span: span_of(&spanned.referenced), name: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KindVisitor)
    }
}

struct KindVisitor;

impl<'de> Visitor<'de> for KindVisitor {
    type Value = Kind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Kind, E> {
        Ok(Kind::Null)
    }

    fn visit_none<E>(self) -> Result<Kind, E> {
        Ok(Kind::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Kind, E> {
        Ok(Kind::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Kind, E> {
        Ok(Kind::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Kind, E> {
        Ok(Kind::Number(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Kind, E> {
        Number::from_f64(value)
            .map(Kind::Number)
            .ok_or_else(|| E::custom("infinity and not-a-number have no meaning in a drill"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Kind, E> {
        Ok(Kind::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Kind, E> {
        Ok(Kind::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Kind, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Kind::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Kind, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry::<Key, Node>()? {
            entries.push(entry);
        }
        Ok(Kind::Map(entries))
    }
}
