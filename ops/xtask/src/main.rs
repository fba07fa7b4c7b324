//! Developer tasks: `cargo xtask bench lanes` measures how fast lanes are; the tidy rules are this crate's tests.

use std::process::ExitCode;

mod bench;

const USAGE: &str = "usage: cargo xtask bench lanes [--runs N]";

#[expect(clippy::print_stderr, reason = "the face of a developer's command")]
fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["bench", "lanes"] => bench::lanes(2),
        ["bench", "lanes", "--runs", runs] => match runs.parse() {
            Ok(runs) if runs > 0 => bench::lanes(runs),
            _ => Err(anyhow::anyhow!("`{runs}` is not a number of runs")),
        },
        _ => Err(anyhow::anyhow!(USAGE)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
