//! Which units an expression means, and which expressions are refused.

use super::*;

fn known() -> BTreeSet<&'static str> {
    BTreeSet::from(["alert", "slow", "smoke", "on-call"])
}

fn holds(text: &str, tags: &[&str]) -> bool {
    Expression::parse(text, &known()).unwrap().holds(&tags.iter().copied().collect())
}

#[test]
fn not_binds_closer_than_and_and_that_closer_than_or() {
    assert!(holds("alert and not slow", &["alert"]));
    assert!(!holds("alert and not slow", &["alert", "slow"]));
    assert!(holds("smoke or alert and slow", &["smoke"]));
    assert!(!holds("(smoke or alert) and slow", &["smoke"]));
    assert!(holds("not not @on-call", &["on-call"]));
    assert!(holds("!slow", &[]));
}

#[test]
fn an_unknown_tag_is_refused_with_the_nearest() {
    let wrong = Expression::parse("alert and not slwo", &known()).unwrap_err();
    assert_eq!(wrong, SelectError::UnknownTag("slwo".to_owned(), "did you mean `slow`?".to_owned()));
}

#[test]
fn what_is_no_expression_is_refused() {
    for text in ["", "alert and", "and alert", "(alert", "alert slow", "alert)", "not"] {
        assert!(matches!(Expression::parse(text, &known()), Err(SelectError::Expression(..))), "{text}");
    }
}
