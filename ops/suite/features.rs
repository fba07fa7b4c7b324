//! Each scenario as a test: `cargo test --test features -- backlog`.

fn main() -> std::process::ExitCode {
    drillyard::suite::features()
}
