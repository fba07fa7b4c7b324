//! Every kind of fault, at the command: its witness sees it, one that hits nothing proves nothing, and nothing is left
//! however the runner ends.
//!
//! The binary has its own main: as `serve` and `relay` it is a service of the topology, as `prove-aborts COUNT SEED` it
//! ends that many runs at random instants and prints what came of it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]
#![expect(clippy::disallowed_methods, reason = "the command is a process")]

use std::process::ExitCode;

mod aborts;
mod cases;
mod project;
mod roles;
mod trials;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    match args.get(1).map(String::as_str) {
        Some("serve") => roles::serve(),
        Some("relay") => roles::relay(),
        Some("prove-aborts") => aborts::prove(&args[2..]),
        _ => libtest_mimic::run(&libtest_mimic::Arguments::from_args(), trials::all()).exit_code(),
    }
}
