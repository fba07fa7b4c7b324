//! The history rule of the database is the domain's transition table, letter by letter.

use std::fs;
use std::path::{Path, PathBuf};

use dispatch_domain::transition;

const HEADER: &str = "-- Generated from the domain's transition table; a test keeps the two equal.\n";

#[test]
fn the_latest_rule_of_the_migrations_is_the_domain_table() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let texts = files.iter().rev().map(|file| fs::read_to_string(file).unwrap());
    let latest = texts.into_iter().find(|text| text.starts_with(HEADER));
    let rule = format!("{HEADER}{}", transition::constraint_sql());
    assert!(latest == Some(rule), "`cargo xtask generate` writes a migration with the new rule");
}
