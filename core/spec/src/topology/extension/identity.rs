//! Who can act, from `identities` of `x-drillyard`.

use std::collections::BTreeMap;

use crate::diagnostic::Diagnostic;
use crate::fields::{Fields, text, wrong_type};
use crate::node::{Kind, Node};
use crate::source::Source;
use crate::topology::read::Spans;
use crate::topology::{Credential, Identity};

/// Every identity by name.
pub(super) fn identities(
    source: &Source,
    node: &Node,
    spans: &mut Spans,
    out: &mut Vec<Diagnostic>,
) -> BTreeMap<String, Identity> {
    let mut found = BTreeMap::new();
    let Kind::Map(entries) = &node.kind else {
        out.push(wrong_type(source, node, "identities", "a mapping of name to identity"));
        return found;
    };
    for (key, node) in entries {
        if let Some(credential) = credential(source, node, spans, out) {
            found.insert(key.name.clone(), Identity { place: source.place(key.span), credential });
        }
    }
    found
}

fn credential(
    source: &Source,
    node: &Node,
    spans: &mut Spans,
    out: &mut Vec<Diagnostic>,
) -> Option<Credential> {
    let mut fields = Fields::open(source, node, "an identity", out)?;
    if let Some(bearer) = fields.take("bearer") {
        fields.finish(out);
        let secret = text(source, bearer, "bearer", out)?;
        spans.signed_with.push((secret.clone(), bearer.span));
        return Some(Credential::Bearer { secret });
    }
    let claims = fields.require("claims", out);
    let secret = fields.require("secret", out);
    fields.finish(out);
    let (claims, secret) = (claims?, secret?);
    let name = text(source, secret, "secret", out)?;
    spans.signed_with.push((name.clone(), secret.span));
    let serde_json::Value::Object(claims_value) = claims.to_value() else {
        out.push(wrong_type(source, claims, "claims", "a mapping of claims"));
        return None;
    };
    Some(Credential::Signed { claims: claims_value, secret: name })
}
