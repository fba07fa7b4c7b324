//! Stored hashes come from these formulas; every published vector has to be met.

use dispatch_domain::intake::Identity;
use dispatch_domain::{canonical, parse_uuid, region};
use serde_json::Value;

fn vectors() -> Value {
    serde_json::from_str(include_str!("data/hash-vectors.json")).expect("the vectors are JSON")
}

#[test]
fn canonical_text_and_hash_of_every_vector() {
    let document = vectors();
    let vectors = document["vectors"].as_array().unwrap();
    assert_eq!(vectors.len(), 7);
    for vector in vectors {
        let name = &vector["name"];
        let expected = vector["canonical"].as_str().unwrap();
        let input = vector["input"].as_str().unwrap_or(expected);
        let value: Value = serde_json::from_str(input).unwrap();
        assert_eq!(canonical::text(&value), expected, "{name}");
        assert_eq!(canonical::hash(&value), vector["sha256"].as_str().unwrap(), "{name}");
    }
}

#[test]
fn identity_signature_is_built_from_the_request() {
    let document = vectors();
    let vector =
        document["vectors"].as_array().unwrap().iter().find(|vector| !vector["request_excerpt"].is_null());
    let vector = vector.unwrap();
    let request = |name: &str| vector["request_excerpt"][name].as_str().unwrap();
    let phone = dispatch_domain::intake::normalise_phone(request("contact_phone"));
    let identity = Identity {
        account_id: parse_uuid(request("account_id")).unwrap(),
        site_id: parse_uuid(request("site_id")).unwrap(),
        incident_type: request("incident_type"),
        summary: request("summary"),
        customer_name: request("customer_name"),
        phone: phone.as_deref(),
        email: None,
    };
    assert_eq!(identity.signature(), vector["sha256"].as_str().unwrap());
}

#[test]
fn region_weights() {
    for (code, weight) in vectors()["region_weights"].as_object().unwrap() {
        assert_eq!(u64::from(region::weight(Some(code))), weight.as_u64().unwrap(), "{code}");
    }
}
