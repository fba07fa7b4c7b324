//! Rebuilds the crate when a migration file is added, which the compiler alone would not notice.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
