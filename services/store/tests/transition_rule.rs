//! The history rule of the database is the domain's transition table, letter by letter.

use dispatch_domain::transition;

const MIGRATION: &str = include_str!("../migrations/0004_transition_rule.sql");
const HEADER: &str = "-- Generated from the domain's transition table; a test keeps the two equal.\n";

#[test]
fn the_migration_carries_the_domain_table() {
    assert_eq!(MIGRATION, format!("{HEADER}{}", transition::constraint_sql()));
}
