//! Rebuilds the crate when a migration file is added, which the compiler alone would not notice.

#![expect(clippy::print_stdout, reason = "a build script speaks to cargo over standard output")]

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
