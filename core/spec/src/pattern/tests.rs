//! What patterns accept, and what they say about the rest.

use super::*;
use serde_json::json;

fn fits(pattern: &Value, actual: &Value) -> bool {
    compare(pattern, Some(actual), "body").is_empty()
}

#[test]
fn objects_are_closed_unless_they_say_otherwise() {
    let actual = json!({"id": "1f0e3dad-9990-4345-9b0f-0a5f5a1b2c3d", "state": "NEW"});
    assert!(fits(&json!({"id": "#uuid", "state": "NEW"}), &actual));
    assert!(!fits(&json!({"id": "#uuid"}), &actual));
    assert!(fits(&json!({"id": "#uuid", "...": "any"}), &actual));
    assert!(!fits(&json!({"gone": "#any", "...": "any"}), &actual));
    assert!(fits(&json!({"gone": "#absent", "...": "any"}), &actual));
}

#[test]
fn every_mismatch_is_reported_with_its_path() {
    let found = compare(&json!({"a": 1, "b": ["x", "y"]}), Some(&json!({"a": 2, "b": ["x"]})), "body");
    let paths: Vec<&str> = found.iter().map(|m| m.path.as_str()).collect();
    assert_eq!(paths, ["body.a", "body.b"]);
}

#[test]
fn markers_check_the_kind_and_the_bound() {
    assert!(fits(&json!("#int > 0"), &json!(3)));
    assert!(!fits(&json!("#int > 0"), &json!(0)));
    assert!(!fits(&json!("#int"), &json!(1.5)));
    assert!(fits(&json!("#time"), &json!("2026-12-05T10:00:00.000Z")));
    assert!(!fits(&json!("#time"), &json!("2026-12-05")));
    assert!(fits(&json!("#list >= 1"), &json!([1])));
    assert!(!fits(&json!("#list >= 1"), &json!([])));
    assert!(fits(&json!("##literal"), &json!("#literal")));
    assert!(fits(&json!("#regex ^a+$"), &json!("aaa")));
    assert!(fits(&json!(["a", "..."]), &json!(["a", "b"])));
}

#[test]
fn unknown_markers_are_errors_and_never_match() {
    assert!(Marker::parse("#uid").unwrap().is_err());
    assert!(Marker::parse("#uuid 7").unwrap().is_err());
    assert!(!fits(&json!("#uid"), &json!("#uid")));
}

#[test]
fn sets_fit_in_any_order_and_each_element_once() {
    let set = json!({ "#set": [{ "n": "#int" }, { "n": 1 }] });
    assert!(fits(&set, &json!([{ "n": 1 }, { "n": 2 }])));
    assert!(fits(&set, &json!([{ "n": 2 }, { "n": 1 }])));
    assert!(!fits(&set, &json!([{ "n": 2 }, { "n": 2 }])));
    assert!(!fits(&set, &json!([{ "n": 1 }])));
    assert!(!fits(&set, &json!([{ "n": 1 }, { "n": 2 }, { "n": 3 }])));
    assert!(!fits(&set, &json!({ "n": 1 })));
    assert!(fits(&json!({ "#set": [] }), &json!([])));
}

#[test]
fn one_of_several_patterns_is_enough() {
    let choice = json!({ "#oneof": ["NEW", "#int > 3", "#null"] });
    assert!(fits(&choice, &json!("NEW")));
    assert!(fits(&choice, &json!(4)));
    assert!(fits(&choice, &json!(null)));
    assert!(!fits(&choice, &json!("OLD")));
    assert!(!compare(&choice, None, "body").is_empty());
}

#[test]
fn numbers_near_another_fit_and_those_further_away_do_not() {
    assert!(fits(&json!("#approx 100 +- 5"), &json!(104.9)));
    assert!(!fits(&json!("#approx 100 ± 5"), &json!(105.1)));
    assert!(fits(&json!("#approx 200 +- 10%"), &json!(181)));
    assert!(!fits(&json!("#approx 200 +- 10%"), &json!("200")));
    assert!(Marker::parse("#approx 3").unwrap().is_err());
    assert!(Marker::parse("#approx 3 +- -1").unwrap().is_err());
}

#[test]
fn whole_numbers_are_compared_digit_by_digit() {
    assert!(!fits(&json!(9_007_199_254_740_993_u64), &json!(9_007_199_254_740_992_u64)));
    assert!(!fits(&json!("#int > 9007199254740992"), &json!(9_007_199_254_740_992_u64)));
    assert!(fits(&json!("#int > 9007199254740992"), &json!(9_007_199_254_740_993_u64)));
    assert!(fits(&json!(1), &json!(1.0)));
    assert!(!fits(&json!(0.1), &json!(0.100_000_000_000_001)));
}
