#![doc = include_str!("../README.md")]

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

mod config;
mod serve;

use config::Config;

/// Exit status of a wrong command line or a wrong setting.
const USAGE: u8 = 2;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(code) = dispatch_probe::asked(&arguments) {
        return code;
    }
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ["server", folder] = words.as_slice() else {
        complain("usage: dispatch-objects server <folder> | health <port> <path>");
        return ExitCode::from(USAGE);
    };
    let config = match Config::from_environment() {
        Ok(config) => config,
        Err(error) => {
            complain(&error.to_string());
            return ExitCode::from(USAGE);
        }
    };
    match serve::run(Path::new(folder), config).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("dispatch-objects failed: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Writes one line to standard error.
fn complain(text: &str) {
    // Ignored: there is nobody left to tell when standard error is closed.
    let _ = writeln!(std::io::stderr(), "{text}");
}
