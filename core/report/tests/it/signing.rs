//! A signed bundle: who signed it is shown, and what does not fit the signature is found.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use drillyard_report::mask::Masker;
use drillyard_report::sign::{KeyError, PRIVATE_FILE, PUBLIC_FILE, PublicKey, Signer};
use drillyard_report::verify::{Problem, Signed, Trust, verify, verify_with};
use ed25519_dalek::pkcs8::DecodePublicKey as _;
use ed25519_dalek::{Signature, Verifier as _, VerifyingKey};
use serde_json::{Value, json};

use crate::story;

fn signed(runs: &Path, signer: Signer) -> PathBuf {
    let mut bundle = story::begin(runs, Masker::default()).signed_by(signer);
    for stamped in story::stamped(story::events()) {
        bundle.record(&stamped).expect("it is recorded");
    }
    bundle.finish().expect("the bundle is complete").dir
}

fn envelope(dir: &Path) -> Value {
    serde_json::from_slice(&fs::read(dir.join("manifest.dsse.json")).expect("it")).expect("an envelope")
}

fn bytes(value: &Value) -> Vec<u8> {
    STANDARD.decode(value.as_str().expect("a text")).expect("base64")
}

#[test]
fn the_envelope_is_what_the_specification_says_byte_by_byte() {
    let runs = tempfile::tempdir().expect("a folder");
    let dir = signed(runs.path(), Signer::generate().expect("a key"));
    let envelope = envelope(&dir);
    let (kind, payload) = (envelope["payloadType"].as_str().expect("a type"), bytes(&envelope["payload"]));
    assert_eq!(kind, "application/vnd.in-toto+json");
    // Built from the specification's words alone, not with the function that signs.
    let mut signed = b"DSSEv1 28 application/vnd.in-toto+json ".to_vec();
    signed.extend(payload.len().to_string().bytes());
    signed.push(b' ');
    signed.extend(&payload);
    let pem = fs::read_to_string(dir.join("keys/evidence.pub.pem")).expect("the public half");
    let key = VerifyingKey::from_public_key_pem(&pem).expect("SPKI");
    let signature = Signature::from_slice(&bytes(&envelope["signatures"][0]["sig"])).expect("64 bytes");
    key.verify(&signed, &signature).expect("it holds");

    let statement: Value = serde_json::from_slice(&payload).expect("JSON");
    assert_eq!(statement["_type"], "https://in-toto.io/Statement/v1");
    assert_eq!(statement["predicateType"], "https://in-toto.io/attestation/test-result/v0.1");
    let manifest = story::sha256(&fs::read_to_string(dir.join("manifest.json")).expect("it"));
    let subject = json!({ "name": "manifest.json", "digest": { "sha256": manifest } });
    assert!(statement["subject"].as_array().expect("subjects").contains(&subject));
    assert_eq!(statement["predicate"]["result"], "FAILED");
    assert_eq!(statement["predicate"]["passedTests"], json!([story::QUIET]));
    assert_eq!(statement["predicate"]["failedTests"], json!([story::STUCK]));
}

#[test]
fn a_pinned_key_accepts_its_own_bundles_only() {
    let runs = tempfile::tempdir().expect("a folder");
    let signer = Signer::generate().expect("a key");
    let (own, foreign) = (signer.public(), Signer::generate().expect("a key").public());
    let dir = signed(runs.path(), signer);
    let by = |pinned| Signed::By { key: own.id(), pinned };
    assert_eq!(verify(&dir).expect("it holds").signed, by(false));
    let pinned = Trust { key: Some(own.clone()) };
    assert_eq!(verify_with(&dir, &pinned).expect("it holds").signed, by(true));
    let problems = verify_with(&dir, &Trust { key: Some(foreign) }).expect_err("another hand");
    assert!(
        matches!(&problems[..], [Problem::Signature { detail }] if detail.contains(&own.id())),
        "{problems:?}"
    );

    fs::remove_file(dir.join("manifest.dsse.json")).expect("it was there");
    let problems = verify_with(&dir, &pinned).expect_err("nobody signed");
    assert_eq!(problems, [Problem::Unsigned { key: own.id() }]);
    let problems = verify(&dir).expect_err("the bundle carries a key, so it was signed");
    assert_eq!(problems, [Problem::Missing { file: "manifest.dsse.json".to_owned() }]);
}

#[test]
fn the_signature_of_another_run_and_an_altered_payload_are_refused() {
    let (runs, others) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let keys = tempfile::tempdir().expect("a folder");
    let key = || Signer::load_or_generate(keys.path()).expect("the key");
    let dir = signed(runs.path(), key());
    let other = {
        let mut bundle = story::begin(others.path(), Masker::default()).signed_by(key());
        let events = story::events();
        for stamped in story::stamped(events).into_iter().take(4) {
            bundle.record(&stamped).expect("it is recorded");
        }
        bundle.finish().expect("the bundle is complete").dir
    };
    fs::copy(other.join("manifest.dsse.json"), dir.join("manifest.dsse.json")).expect("it copies");
    let problems = verify(&dir).expect_err("it is of another run");
    assert!(
        matches!(&problems[..], [Problem::Signature { detail }] if detail.contains("another manifest")),
        "{problems:?}"
    );

    let mut altered = envelope(&other);
    let payload = String::from_utf8(bytes(&altered["payload"])).expect("JSON").replace("FAILED", "PASSED");
    altered["payload"] = json!(STANDARD.encode(payload));
    fs::write(other.join("manifest.dsse.json"), altered.to_string()).expect("it writes");
    assert!(matches!(&verify(&other).expect_err("altered")[..], [Problem::Signature { .. }]));
}

#[test]
fn the_first_use_makes_a_key_that_only_its_owner_reads_and_the_next_use_takes_it() {
    let state = tempfile::tempdir().expect("a folder");
    let keys = state.path().join("keys");
    let first = Signer::load_or_generate(&keys).expect("a key").public();
    assert_eq!(Signer::load_or_generate(&keys).expect("the same").public(), first);
    assert_eq!(PublicKey::load(&keys.join(PUBLIC_FILE)).expect("SPKI"), first);
    let private = keys.join(PRIVATE_FILE);
    let mode = |path: &Path| fs::metadata(path).expect("it").permissions().mode() & 0o777;
    assert_eq!((mode(&private), mode(&keys)), (0o600, 0o700));
    fs::set_permissions(&private, fs::Permissions::from_mode(0o644)).expect("it is ours");
    assert!(matches!(Signer::load(&private), Err(KeyError::Exposed { .. })));
    fs::set_permissions(&private, fs::Permissions::from_mode(0o600)).expect("it is ours");
    fs::write(&private, "not a key").expect("it writes");
    assert!(matches!(Signer::load(&private), Err(KeyError::NotAKey { .. })));
}
