//! JSON Schemas (draft-07) of the project's files, made from the shapes. Editors read them.

use serde_json::{Map, Value, json};

use crate::catalog::{ACTIONS, ActionInfo};
use crate::fault::FAULTS;
use crate::parse::expect::document_of;
use crate::pattern::{MARKERS, PATTERN_KEYS};
use crate::shape::project::{BESIDE_USE, BLOCK, DRILL, STEP, USE, VOCABULARY};
use crate::shape::{Named, Object, Shape, doc_of, gate, topology};
use crate::topology::compose_keys;

/// The kinds of files there are schemas for, with what each is of.
pub const KINDS: &[(&str, &str)] = &[
    ("drill", "a drill or a block under `drills/`"),
    ("vocabulary", "`features/vocabulary.yaml`"),
    ("topology", "`ops/compose.yaml` with its `x-drillyard` keys"),
    ("gate", "a gate, `*.gate.yaml`"),
];

/// A whole number with a unit, and not zero.
const DURATION: &str = r"^\s*0*[1-9][0-9]*\s*(ms|s|m|min|h)\s*$";
const MOMENT: &str =
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$";

/// The schema of a kind; nothing when there is no such kind.
#[must_use]
pub fn of(kind: &str) -> Option<Value> {
    let (title, body, maker) = match kind {
        "drill" => {
            let maker = Maker { hole: r"\$\{matrix\." };
            let body = json!({
                "type": "object",
                "if": { "required": ["block"] },
                "then": maker.object(&BLOCK),
                "else": maker.object(&DRILL),
            });
            ("A drill, or a block that drills include", body, maker)
        }
        "vocabulary" => {
            let maker = Maker { hole: r"\$\{" };
            ("Sentences that features may use", maker.object(&VOCABULARY), maker)
        }
        "topology" => {
            let maker = Maker { hole: r"^\$\$never$" };
            ("The topology: a Compose file with x-drillyard keys", maker.topology(), maker)
        }
        "gate" => {
            let maker = Maker { hole: r"^\$\$never$" };
            ("What a candidate has to prove", maker.object(&gate::GATE), maker)
        }
        _ => return None,
    };
    let mut schema = Map::new();
    schema.insert("$schema".to_owned(), json!("http://json-schema.org/draft-07/schema#"));
    schema.insert("title".to_owned(), json!(title));
    if let Value::Object(body) = body {
        schema.extend(body);
    }
    if ["drill", "vocabulary"].contains(&kind) {
        schema.insert("definitions".to_owned(), maker.definitions());
    }
    Some(Value::Object(schema))
}

/// The committed text of a kind's schema.
#[must_use]
pub fn text(kind: &str) -> Option<String> {
    of(kind).map(|schema| format!("{schema:#}\n"))
}

/// Makes schemas for a text in which some values are filled in before it is read.
struct Maker {
    /// What such a value looks like, a regular expression.
    hole: &'static str,
}

impl Maker {
    /// A value that is not text, or a hole that becomes one.
    fn typed(&self, schema: &Value) -> Value {
        json!({ "anyOf": [schema, { "type": "string", "pattern": self.hole }] })
    }

    fn form(&self, pattern: &str) -> Value {
        json!({ "type": "string", "pattern": format!("({pattern})|{}", self.hole) })
    }

    fn shape(&self, shape: &Shape) -> Value {
        match shape {
            Shape::Any => json!({}),
            Shape::Text | Shape::Name(_) if !matches!(shape, Shape::Name(Named::Address)) => {
                json!({ "type": "string", "pattern": r"\S" })
            }
            Shape::Name(_) => self.form(r"^(?!.*://)[^/]+/.*$"),
            Shape::Text => json!({ "type": "string" }),
            Shape::Scalar => json!({ "type": ["string", "number", "boolean"] }),
            Shape::Words(words) => json!({ "enum": words }),
            Shape::Bool => self.typed(&json!({ "type": "boolean" })),
            Shape::True => self.typed(&json!({ "const": true })),
            Shape::Null => json!({ "type": "null" }),
            Shape::Count(least, most) => {
                self.typed(&json!({ "type": "integer", "minimum": least, "maximum": most }))
            }
            Shape::Duration => self.form(DURATION),
            Shape::Moment => self.form(MOMENT),
            Shape::Form(pattern) => self.form(pattern),
            Shape::Command => {
                json!({ "type": "array", "items": [self.shape(&Shape::Text)], "additionalItems": true, "minItems": 1 })
            }
            Shape::List(least, of) => {
                json!({ "type": "array", "items": self.shape(of), "minItems": least })
            }
            Shape::Map(least, of) => {
                json!({ "type": "object", "additionalProperties": self.shape(of), "minProperties": least })
            }
            Shape::Object(object) => self.object(object),
            Shape::Either(shapes) => {
                json!({ "anyOf": shapes.iter().map(|one| self.shape(one)).collect::<Vec<_>>() })
            }
            Shape::Action(name) => json!({ "$ref": format!("#/definitions/{name}") }),
            Shape::Fault => json!({ "$ref": "#/definitions/fault" }),
            Shape::Step => json!({ "$ref": "#/definitions/step" }),
            Shape::Pattern => json!({ "$ref": "#/definitions/pattern" }),
            Shape::Expect => json!({ "type": "object", "minProperties": 1 }),
            Shape::Save => json!({ "type": "object" }),
        }
    }

    fn described(&self, shape: &Shape, doc: Option<&str>) -> Value {
        let mut schema = self.shape(shape);
        if let (Some(doc), Value::Object(members)) = (doc, &mut schema) {
            // Draft-07 ignores what stands beside a reference, so the reference is put inside.
            if let Some(reference) = members.remove("$ref") {
                members.insert("allOf".to_owned(), json!([{ "$ref": reference }]));
            }
            members.insert("description".to_owned(), json!(doc));
        }
        schema
    }

    fn object(&self, object: &Object) -> Value {
        let mut schema = self.members(object, object.docs);
        if !object.one_of.is_empty() {
            schema.insert("anyOf".to_owned(), json!([self.exactly_one(object.one_of), self.has_hole()]));
        }
        Value::Object(schema)
    }

    fn members(&self, object: &Object, docs: &[(&'static str, &'static str)]) -> Map<String, Value> {
        let property = |member: &crate::shape::Member| {
            (member.name.to_owned(), self.described(&member.shape, doc_of(docs, member.name)))
        };
        let properties: Map<String, Value> = object.members.iter().map(property).collect();
        let needed: Vec<&str> =
            object.members.iter().filter(|member| member.needed).map(|member| member.name).collect();
        let mut schema = Map::new();
        schema.insert("type".to_owned(), json!("object"));
        schema.insert("properties".to_owned(), Value::Object(properties));
        if !needed.is_empty() {
            schema.insert("required".to_owned(), json!(needed));
        }
        if !object.open {
            schema.insert("patternProperties".to_owned(), json!({ (self.hole): {} }));
            schema.insert("additionalProperties".to_owned(), json!(false));
        }
        schema
    }

    fn exactly_one<S: AsRef<str>>(&self, names: &[S]) -> Value {
        let required: Vec<Value> = names.iter().map(|name| json!({ "required": [name.as_ref()] })).collect();
        json!({ "oneOf": required })
    }

    /// A mapping one of whose keys is filled in later: which one it will be is not known.
    fn has_hole(&self) -> Value {
        json!({ "not": { "propertyNames": { "not": { "pattern": self.hole } } } })
    }

    fn definitions(&self) -> Value {
        let mut all = Map::new();
        all.insert("step".to_owned(), self.step());
        all.insert("pattern".to_owned(), pattern());
        for info in ACTIONS {
            let schema = match info.shape {
                Shape::Fault => self.fault(),
                Shape::Object(object) => {
                    let mut schema = self.members(object, info.keys);
                    if !object.one_of.is_empty() {
                        let either = json!([self.exactly_one(object.one_of), self.has_hole()]);
                        schema.insert("anyOf".to_owned(), either);
                    }
                    Value::Object(schema)
                }
                ref other => self.shape(other),
            };
            all.insert(info.name.to_owned(), described_as(schema, info.summary));
        }
        Value::Object(all)
    }

    fn step(&self) -> Value {
        let mut schema = self.members(&STEP, STEP.docs);
        let mut actions: Vec<&str> = ACTIONS.iter().map(|info| info.name).collect();
        if let Some(Value::Object(properties)) = schema.get_mut("properties") {
            for info in ACTIONS {
                let reference = format!("#/definitions/{}", info.name);
                let described = json!({ "allOf": [{ "$ref": reference }], "description": info.summary });
                properties.insert(info.name.to_owned(), described);
            }
            properties
                .insert("use".to_owned(), self.described(&USE, Some("lays out the steps of a block here")));
        }
        actions.push("use");
        schema.insert("anyOf".to_owned(), json!([self.exactly_one(&actions), self.has_hole()]));
        let mut rules: Vec<Value> = ACTIONS.iter().map(|info| self.rule_of(info)).collect();
        rules.push(json!({
            "if": { "required": ["use"] },
            "then": { "propertyNames": { "enum": BESIDE_USE } },
            "else": { "properties": { "with": false } },
        }));
        schema.insert("allOf".to_owned(), Value::Array(rules));
        schema
            .insert("defaultSnippets".to_owned(), Value::Array(ACTIONS.iter().filter_map(snippet).collect()));
        Value::Object(schema)
    }

    /// What of an answer may be expected and saved depends on the action.
    fn rule_of(&self, info: &ActionInfo) -> Value {
        let expect = if info.fields.is_empty() { json!(false) } else { self.expect(info) };
        let save = if info.fields.is_empty() { json!(false) } else { self.save(info) };
        json!({ "if": { "required": [info.name] }, "then": { "properties": { "expect": expect, "save": save } } })
    }

    fn expect(&self, info: &ActionInfo) -> Value {
        let field = |name: &&str| {
            let schema = match *name {
                "fires" | "clears" => json!({ "type": "string" }),
                "only" => json!({ "type": "array" }),
                "none" => self.typed(&json!({ "const": true })),
                _ => self.shape(&Shape::Pattern),
            };
            ((*name).to_owned(), schema)
        };
        let mut fields: Map<String, Value> = info.fields.iter().map(field).collect();
        if document_of(info).is_some() {
            let doc = "JSONPath (RFC 9535) to pattern, over the answer's document";
            fields.insert(
                "jsonpath".to_owned(),
                described_as(self.shape(&Shape::Map(1, &Shape::Pattern)), doc),
            );
            let schema = described_as(json!({ "type": "string" }), "a JSON Schema the document conforms to");
            fields.insert("schema".to_owned(), schema);
        }
        json!({
            "type": "object", "minProperties": 1, "properties": fields,
            "patternProperties": { (self.hole): {} }, "additionalProperties": false,
        })
    }

    fn save(&self, info: &ActionInfo) -> Value {
        let path = self.form(&format!(r"^({})([.\[]|$)", info.fields.join("|")));
        let secret = json!({
            "type": "object", "properties": { "secret": path }, "required": ["secret"],
            "additionalProperties": false,
        });
        json!({ "type": "object", "additionalProperties": { "anyOf": [path, secret] } })
    }

    fn fault(&self) -> Value {
        let mut properties = Map::new();
        let name = json!({ "type": "string", "pattern": r"\S" });
        for info in FAULTS {
            properties.insert(info.name.to_owned(), described_as(name.clone(), info.summary));
            for key in info.needs.iter().chain(info.may) {
                properties.insert((*key).to_owned(), self.shape(&crate::fault::shape_of(key)));
            }
        }
        for (key, doc) in crate::catalog::FAULT_KEYS {
            let counted = ["acknowledged", "kept"].contains(key);
            let value = if counted { json!({}) } else { name.clone() };
            properties.insert((*key).to_owned(), described_as(value, doc));
        }
        let kinds: Vec<&str> =
            FAULTS.iter().map(|info| info.name).chain(["witness", "heal", "recovered"]).collect();
        let rules: Vec<Value> = FAULTS
            .iter()
            .map(|info| {
                let allowed: Vec<&str> = [info.name, "name", "after"]
                    .into_iter()
                    .chain(info.needs.iter().chain(info.may).copied())
                    .collect();
                let keys = json!({ "anyOf": [{ "enum": allowed }, { "pattern": self.hole }] });
                let then = json!({ "required": info.needs, "propertyNames": keys });
                json!({ "if": { "required": [info.name] }, "then": then })
            })
            .chain(
                ["witness", "heal"]
                    .map(|key| json!({ "if": { "required": [key] }, "then": { "maxProperties": 1 } })),
            )
            .collect();
        json!({
            "type": "object",
            "properties": properties,
            "patternProperties": { (self.hole): {} },
            "additionalProperties": false,
            "anyOf": [self.exactly_one(&kinds), self.has_hole()],
            "allOf": rules,
        })
    }

    fn topology(&self) -> Value {
        let open: Map<String, Value> =
            compose_keys::SERVICE.iter().map(|key| ((*key).to_owned(), json!({}))).collect();
        let mut service = open;
        for (key, _) in compose_keys::NOT_FOLLOWED {
            service.shift_remove(*key);
        }
        let doc = "how the service runs without a container, who shares it, when it is ready";
        service.insert("x-drillyard".to_owned(), self.described(&topology::SERVICE, Some(doc)));
        let mut file: Map<String, Value> = compose_keys::FILE
            .iter()
            .filter(|key| **key != "include")
            .map(|key| ((*key).to_owned(), json!({})))
            .collect();
        file.insert(
            "services".to_owned(),
            json!({
                "type": "object", "minProperties": 1, "propertyNames": { "pattern": "^[a-z0-9-]+$" },
                "additionalProperties": {
                    "type": "object", "properties": service, "patternProperties": { "^x-": {} },
                    "additionalProperties": false,
                },
            }),
        );
        let extension = self.described(&Shape::Object(&topology::FILE), Some("what Compose cannot say"));
        file.insert("x-drillyard".to_owned(), extension);
        json!({
            "type": "object", "properties": file, "required": ["services"],
            "patternProperties": { "^x-": {} }, "additionalProperties": false,
        })
    }
}

/// What a value is expected to be, with the markers and keys there are.
fn pattern() -> Value {
    let name = |marker: &&str| marker.trim_start_matches('#').to_owned();
    let markers: Vec<String> = MARKERS.iter().map(name).collect();
    let keys: Vec<String> = PATTERN_KEYS.iter().map(name).collect();
    let itself = json!({ "$ref": "#/definitions/pattern" });
    let later = json!({ "type": "string", "pattern": r"\$\{" });
    let choices =
        |least: usize| json!({ "anyOf": [{ "type": "array", "items": itself, "minItems": least }, later] });
    json!({
        "description": "a value, a marker such as #uuid, or a mapping or list of patterns",
        "anyOf": [
            { "type": "string", "pattern": format!("^([^#]|##|$|#({})( |$))", markers.join("|")) },
            { "type": ["number", "boolean", "null"] },
            { "type": "array", "items": itself },
            {
                "type": "object",
                "properties": { "#set": choices(0), "#oneof": choices(1) },
                "patternProperties": { (format!("^#(?!({})$)", keys.join("|"))): false },
                "additionalProperties": itself,
            },
        ],
    })
}

fn described_as(mut schema: Value, doc: &str) -> Value {
    if let Value::Object(members) = &mut schema {
        members.insert("description".to_owned(), json!(doc));
    }
    schema
}

/// An action's example, for editors that offer whole steps.
fn snippet(info: &ActionInfo) -> Option<Value> {
    let source = crate::source::Source::new("example", info.example);
    let body = crate::node::parse(&source, &mut Vec::new())?.to_value();
    Some(json!({ "label": info.name, "description": info.summary, "body": body }))
}
