use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::{document, text};
use crate::endpoint::{self, Endpoint};

/// Set to 1, the test writes the committed file instead of comparing with it.
const REWRITE: &str = "DISPATCH_REWRITE_OPENAPI";

#[test]
fn the_committed_document_is_the_generated_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    #[expect(clippy::disallowed_methods, reason = "a test has no config.rs")]
    if std::env::var(REWRITE).is_ok_and(|value| value == "1") {
        std::fs::write(&path, text()).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == text(), "services/api/openapi.json is out of date; run this test with {REWRITE}=1");
}

#[test]
fn every_endpoint_is_described_and_nothing_else() {
    let document = document();
    let paths = document["paths"].as_object().unwrap();
    assert_eq!(
        paths.values().map(|path| path.as_object().unwrap().len()).sum::<usize>(),
        endpoint::ALL.len()
    );
    let mut ids = BTreeSet::new();
    for endpoint in endpoint::ALL {
        let operation = &paths[endpoint.route()][endpoint.method().to_lowercase()];
        assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{}", operation["operationId"]);
        assert_ne!(operation["summary"], "", "{} has no row in the list of answers", endpoint.route());
        assert_eq!(
            operation.get("requestBody").is_some(),
            matches!(endpoint, Endpoint::Command(_) | Endpoint::Operation(_))
        );
        assert_eq!(operation.get("security").is_none(), matches!(endpoint, Endpoint::Open(_)));
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document();
    let mut open = vec![&document];
    let mut seen = 0;
    while let Some(value) = open.pop() {
        match value {
            Value::Object(members) => open.extend(members.values()),
            Value::Array(items) => open.extend(items),
            _ => {}
        }
        if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
            assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
            seen += 1;
        }
    }
    assert!(seen > 100, "{seen}");
}
