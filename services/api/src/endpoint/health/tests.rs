use dispatch_domain::{TicketState, transition};

use super::*;

const DEVELOPMENT: Profile = Profile { production: false, require_head: false, require_checksum: false };
const STRICT: Profile = Profile { production: true, require_head: true, require_checksum: true };

fn migrated() -> SchemaFacts {
    let pair = |(from, to): (Option<TicketState>, TicketState)| {
        (from.map(|state| state.as_str().to_owned()), to.as_str().to_owned())
    };
    SchemaFacts {
        tickets_table: true,
        immutable_column: true,
        artifacts_table: true,
        state_labels: Some(TicketState::ALL.iter().map(|state| state.as_str().to_owned()).collect()),
        transition_constraint: true,
        allowed_moves: Some(transition::pairs().map(pair).collect()),
    }
}

fn body(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap()
}

fn failed_names(facts: &SchemaFacts, profile: &Profile) -> Vec<String> {
    let answer = judged(facts, profile);
    let failures = body(&answer)["failures"].as_array().unwrap().clone();
    assert_eq!(answer.status == 200, failures.is_empty());
    failures.iter().map(|failure| failure["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_migrated_database_is_healthy_in_both_profiles() {
    for profile in [&DEVELOPMENT, &STRICT] {
        let answer = judged(&migrated(), profile);
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(body(&answer)["status"], "ok");
    }
    let shown = body(&judged(&migrated(), &DEVELOPMENT))["checks"]["artifact_integrity"].clone();
    assert_eq!(shown["evidence_head_verification_enabled"], "warn");
    assert_eq!(shown["evidence_head_verification_mode"], "disabled");
    assert_eq!(shown["evidence_checksum_enforcement_mode"], "optional");
}

#[test]
fn evidence_rules_must_be_on_in_production() {
    let lax = Profile { production: true, ..DEVELOPMENT };
    assert_eq!(
        failed_names(&migrated(), &lax),
        ["evidence_head_verification_enabled", "evidence_checksum_enforcement_enabled"]
    );
}

#[test]
fn a_missing_and_an_extra_pair_are_named() {
    let mut facts = migrated();
    let moves = facts.allowed_moves.as_mut().unwrap();
    moves.remove(&(None, "NEW".to_owned()));
    moves.insert((Some("CLOSED".to_owned()), "NEW".to_owned()));
    assert_eq!(failed_names(&facts, &DEVELOPMENT), ["NULL->NEW", "CLOSED->NEW"]);
}

#[test]
fn without_the_rule_every_pair_fails() {
    let facts = SchemaFacts { transition_constraint: false, allowed_moves: None, ..migrated() };
    let failed = failed_names(&facts, &DEVELOPMENT);
    assert_eq!(failed.iter().filter(|name| name.contains("->")).count(), 58);
    assert!(failed.contains(&"transition_constraint".to_owned()));
    assert!(failed.contains(&"cpv_close_transition_present_for_override".to_owned()));
}

#[test]
fn an_empty_database_is_unhealthy_and_a_silent_one_is_down() {
    assert!(failed_names(&SchemaFacts::default(), &DEVELOPMENT).contains(&"tickets_table".to_owned()));
    let answer = down("connection refused");
    assert_eq!(answer.status, 503);
    assert_eq!(
        body(&answer)["failures"],
        json!([{ "name": "database_connectivity", "status": "fail", "reason": "connection refused" }])
    );
    assert_eq!(body(&answer)["checks"].as_object().unwrap().len(), 1);
}
