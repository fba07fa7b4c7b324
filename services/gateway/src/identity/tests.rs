use super::*;
use jsonwebtoken::{EncodingKey, Header};
use serde_json::json;

const SECRET: &str = "a secret of some length for tests only";

fn doorkeeper() -> Doorkeeper {
    let settings = |name: &str| match name {
        "OPENCLAW_GATEWAY_TOKEN" => Some("shared".to_owned()),
        "DISPATCH_AUTH_JWT_SECRET" => Some(SECRET.to_owned()),
        "DISPATCH_AUTH_JWT_ISSUER" => Some("issuer".to_owned()),
        "DISPATCH_AUTH_JWT_AUDIENCE" => Some("dispatch".to_owned()),
        _ => None,
    };
    Doorkeeper::new(&Config::from_lookup(settings).unwrap())
}

fn claims() -> Value {
    json!({ "sub": " d1 ", "role": "Tech", "exp": 4_000_000_000_u64, "iss": "issuer", "aud": ["dispatch", "x"] })
}

fn header(claims: &Value, secret: &str) -> String {
    let key = EncodingKey::from_secret(secret.as_bytes());
    format!("bearer {}", jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &key).unwrap())
}

fn known(claims: &Value) -> bool {
    doorkeeper().recognise(Some(&header(claims, SECRET))).is_some()
}

#[test]
fn the_shared_token_is_recognised_and_nothing_near_it() {
    let door = doorkeeper();
    assert!(matches!(door.recognise(Some("Bearer shared")), Some(Caller::Shared)));
    for other in [
        None,
        Some(""),
        Some("shared"),
        Some("Bearer "),
        Some("Bearer share"),
        Some("Basic shared"),
        Some("Bearer shared x"),
    ] {
        assert!(door.recognise(other).is_none(), "{other:?}");
    }
}

#[test]
fn a_signed_token_says_who_calls() {
    let Some(Caller::Own(identity)) = doorkeeper().recognise(Some(&header(&claims(), SECRET))) else {
        panic!("the token is valid");
    };
    assert_eq!((identity.actor_id.as_str(), identity.role), ("d1", Role::Technician));
    assert_eq!(identity.actor_type, ActorType::Agent);
}

#[test]
fn expired_foreign_or_incomplete_tokens_are_refused() {
    assert!(doorkeeper().recognise(Some(&header(&claims(), "another secret"))).is_none());
    for (claim, value) in [
        ("exp", json!(1)),
        ("exp", Value::Null),
        ("nbf", json!(4_000_000_000_u64)),
        ("iss", json!("other")),
        ("aud", json!("other")),
        ("sub", json!(" ")),
        ("role", json!("boss")),
        ("actor_type", json!("ROBOT")),
    ] {
        let mut claims = claims();
        assert!(known(&claims));
        claims[claim] = value;
        assert!(!known(&claims), "{claim}");
    }
}
