//! The process backend, on real processes: PostgreSQL, the S3 server and services that are this very binary.
//!
//! The binary has its own main: as `reap` it is the reaper, as `serve`, `seed`, `job` and `die` it is a service of the
//! topology, as `hold` it is a runner that gets killed, as `measure` it prints how long lanes take.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

use std::process::ExitCode;

mod edges;
mod faults;
mod measure;
mod roles;
mod tests;
mod world;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    let rest: Vec<&str> = args.iter().skip(2).map(String::as_str).collect();
    match args.get(1).map(String::as_str) {
        Some("reap") => roles::reap(rest[0]),
        Some("serve") => roles::serve(),
        Some("seed") => roles::seed(),
        Some("job") => roles::job(),
        Some("die") => roles::die(),
        Some("escape") => roles::escape(),
        Some("hold") => roles::hold(rest[0]),
        Some("hold-paused") => roles::hold_paused(rest[0]),
        Some("measure-edges") => {
            edges::measure();
            ExitCode::SUCCESS
        }
        Some("measure") => measure::measure(&rest),
        _ => {
            let trials = tests::all().into_iter().chain(faults::all()).chain(edges::all()).collect();
            libtest_mimic::run(&libtest_mimic::Arguments::from_args(), trials).exit_code()
        }
    }
}
