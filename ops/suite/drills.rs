//! Each drill as a test: `cargo test --test drills -- stuck-scheduling`.

fn main() -> std::process::ExitCode {
    drillyard::suite::drills()
}
