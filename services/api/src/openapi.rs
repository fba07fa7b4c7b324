//! The OpenAPI 3.1 document of this service, made from the list of endpoints, the domain's tool table, its payload
//! schemas and its error codes. Nothing is listed here that the router does not route.

mod component;
mod operation;
mod parameter;
mod request;
mod success;

use serde_json::{Map, Value, json};

use crate::endpoint::{self, Endpoint};

/// The whole document.
pub fn document() -> Value {
    let mut paths = Map::new();
    for endpoint in endpoint::ALL {
        let path = paths.entry(endpoint.route()).or_insert_with(|| json!({}));
        path[endpoint.method().to_lowercase()] = operation::describe(endpoint);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Dispatch API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Commands and reads on field-service tickets. Every command takes an Idempotency-Key and \
                            replays its answer when the key is sent again.",
            "x-contract-hash": dispatch_domain::tool::surface_hash(),
        },
        "servers": [{ "url": "/" }],
        "tags": TAGS.iter().map(|(name, what)| json!({ "name": name, "description": what })).collect::<Vec<_>>(),
        "paths": paths,
        "components": {
            "schemas": component::schemas(),
            "responses": component::responses(),
            "headers": component::headers(),
            "parameters": parameter::components(),
            "securitySchemes": component::security_schemes(),
        },
    })
}

/// The document as it is committed: indented, with a final newline.
pub fn text() -> String {
    format!("{:#}\n", document())
}

/// Kinds of operations.
const TAGS: &[(&str, &str)] = &[
    ("commands", "Change something, leave an audit event, need an idempotency key"),
    ("reads", "Answer an identified caller"),
    ("operations", "Answer operators and probes"),
];

fn tag(endpoint: &Endpoint) -> &'static str {
    match endpoint {
        Endpoint::Command(_) => "commands",
        Endpoint::Read(_) => "reads",
        Endpoint::Operation(_) | Endpoint::Open(_) => "operations",
    }
}

#[cfg(test)]
mod tests;
