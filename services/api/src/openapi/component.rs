//! The named parts that operations refer to.

mod autonomy;
mod directory;
mod operations;
mod shape;
mod ticket;
mod work;

use dispatch_domain::error_code::Dimension;
use dispatch_domain::{ErrorCode, FieldCode, Role};
use serde_json::{Map, Value, json};

use super::operation::codes;

/// Statuses that error answers have.
const ERROR_STATUSES: &[u16] = &[400, 401, 403, 404, 405, 408, 409, 413, 429, 500, 503];

/// Every schema by name.
pub(super) fn schemas() -> Map<String, Value> {
    let mut schemas = Map::new();
    let parts = [
        ticket::schemas(),
        work::schemas(),
        directory::schemas(),
        autonomy::schemas(),
        operations::schemas(),
        vec![("Error", error())],
    ];
    for (name, schema) in parts.into_iter().flatten() {
        schemas.insert(name.to_owned(), schema);
    }
    schemas
}

/// The one body of every error: details of the refusal stand beside the members named here.
fn error() -> Value {
    json!({
        "type": "object",
        "required": ["error"],
        "additionalProperties": false,
        "properties": {
            "error": {
                "type": "object",
                "required": ["code", "message", "request_id"],
                "properties": {
                    "code": { "type": "string", "enum": ErrorCode::ALL },
                    "message": { "type": "string" },
                    "request_id": { "type": ["string", "null"], "description": "The idempotency key as sent" },
                    "correlation_id": { "type": "string" },
                    "policy_error": {
                        "type": "object",
                        "required": ["dimension"],
                        "properties": { "dimension": { "type": "string", "enum": Dimension::ALL } },
                    },
                    "validation_errors": {
                        "type": "array",
                        "items": shape::closed(&[
                            ("message", shape::text()),
                            ("path", shape::text()),
                            ("schema_path", shape::text()),
                        ]),
                    },
                    "fields": {
                        "type": "array",
                        "items": shape::closed(&[
                            ("field", shape::text()),
                            ("code", shape::word(FieldCode::ALL)),
                            ("message", shape::text()),
                        ]),
                    },
                    "allowed_roles": { "type": "array", "items": { "type": "string", "enum": Role::ALL } },
                },
            },
        },
    })
}

/// One response per error status, with the codes that go with it.
pub(super) fn responses() -> Map<String, Value> {
    ERROR_STATUSES
        .iter()
        .map(|status| {
            let mut response = super::success::plain("Error");
            response["description"] = codes(*status).join(", ").into();
            if matches!(status, 429 | 503) {
                response["headers"]["Retry-After"] = json!({ "$ref": "#/components/headers/RetryAfter" });
            }
            if *status == 405 {
                response["headers"]["Allow"] = json!({ "$ref": "#/components/headers/Allow" });
            }
            (format!("Error{status}"), response)
        })
        .collect()
}

/// Response headers.
pub(super) fn headers() -> Value {
    let header = |what: &str, schema: Value| json!({ "description": what, "schema": schema });
    json!({
        "CorrelationId": header("Sent by the caller, or made.", json!({ "type": "string" })),
        "Traceparent": header("The caller's, when it was valid.", json!({ "type": "string" })),
        "IdempotencyReplayed": header("`true` on a stored answer.", json!({ "type": "string", "const": "true" })),
        "ETag": header("Version of the ticket, for If-Match.", json!({ "type": "string" })),
        "RetryAfter": header("Seconds after which to try again.", json!({ "type": "integer", "minimum": 1 })),
        "Allow": header("Methods of the path.", json!({ "type": "string" })),
    })
}

/// Ways to say who is asking.
pub(super) fn security_schemes() -> Value {
    json!({
        "bearer": {
            "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
            "description": "HS256 with a shared secret, or RS256, ES256 and EdDSA with a key of the configured set.",
        },
        "actorId": {
            "type": "apiKey", "in": "header", "name": "X-Actor-Id",
            "description": "Development headers; never in production.",
        },
        "actorRole": {
            "type": "apiKey", "in": "header", "name": "X-Actor-Role",
            "description": "Development headers; never in production.",
        },
    })
}
