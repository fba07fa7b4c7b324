//! The in-toto statement about a run: which binaries were tested, with what result.

use serde_json::{Map, Value, json};

use crate::manifest::{MANIFEST, Manifest};
use crate::record::Outcome;

/// Type of the statement.
pub const STATEMENT: &str = "https://in-toto.io/Statement/v1";

/// Type of its predicate.
pub const TEST_RESULT: &str = "https://in-toto.io/attestation/test-result/v0.1";

/// The statement that a manifest gives; `manifest_sha256` is the digest of its canonical bytes.
///
/// Subjects are the binaries by name and the manifest. A run is `PASSED` only when all of it passed; `WARNED` when
/// nothing but a snapshot waits for a reviewer; everything else, and a run that never ended, is `FAILED`.
#[must_use]
pub fn of_run(manifest: &Manifest, manifest_sha256: &str) -> Value {
    let mut subject: Vec<Value> =
        digests(manifest, "binaries_sha256").map(|(name, digest)| resource(name, digest)).collect();
    subject.push(resource(MANIFEST, &json!(manifest_sha256)));
    let named = |fits: fn(Outcome) -> bool| -> Vec<&str> {
        manifest.units.iter().filter(|unit| fits(unit.verdict)).map(|unit| unit.unit.as_str()).collect()
    };
    let configuration: Vec<Value> =
        digests(manifest, "texts_sha256").map(|(name, digest)| resource(name, digest)).collect();
    json!({
        "_type": STATEMENT,
        "subject": subject,
        "predicateType": TEST_RESULT,
        "predicate": {
            "result": result(manifest),
            "configuration": configuration,
            "passedTests": named(|verdict| verdict == Outcome::Passed),
            "warnedTests": named(|verdict| verdict == Outcome::Snapshot),
            "failedTests": named(|verdict| verdict > Outcome::Snapshot),
        },
    })
}

fn result(manifest: &Manifest) -> &'static str {
    use drillyard_engine::verdict::exit;
    match manifest.exit_code {
        Some(exit::PASSED) => "PASSED",
        Some(exit::SNAPSHOT) => "WARNED",
        _ => "FAILED",
    }
}

fn resource(name: &str, sha256: &Value) -> Value {
    json!({ "name": name, "digest": { "sha256": sha256 } })
}

fn digests<'a>(manifest: &'a Manifest, fact: &str) -> impl Iterator<Item = (&'a str, &'a Value)> {
    let members = manifest.facts.get(fact).and_then(Value::as_object).into_iter().flat_map(Map::iter);
    members.filter(|(_, digest)| digest.is_string()).map(|(name, digest)| (name.as_str(), digest))
}
