#![doc = include_str!("../README.md")]

use std::process::ExitCode;

mod config;
mod serve;
mod sms;

use config::Config;

/// One fake third party.
struct Double {
    /// The verb that starts it.
    verb: &'static str,
    /// One line for the usage text.
    about: &'static str,
    /// Its routes, with fresh state.
    routes: fn() -> axum::Router,
}

/// Every double, by its verb.
const DOUBLES: [Double; 1] =
    [Double { verb: "sms", about: "an SMS provider that accepts messages", routes: sms::routes }];

/// Exit status of a wrong command line or a wrong setting.
const USAGE: u8 = 2;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(code) = dispatch_probe::asked(&arguments) {
        return code;
    }
    let verb = arguments.first().cloned().unwrap_or_default();
    let Some(double) = DOUBLES.iter().find(|double| double.verb == verb) else {
        serve::complain(&usage(&verb));
        return ExitCode::from(USAGE);
    };
    let config = match Config::from_environment() {
        Ok(config) => config,
        Err(error) => {
            serve::complain(&error.to_string());
            return ExitCode::from(USAGE);
        }
    };
    match serve::run(double.verb, &config, (double.routes)()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            serve::complain(&format!("dispatch-doubles failed: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn usage(verb: &str) -> String {
    let known: Vec<String> =
        DOUBLES.iter().map(|double| format!("  {}  {}", double.verb, double.about)).collect();
    format!("unknown double `{verb}`; usage: dispatch-doubles <double>\n{}", known.join("\n"))
}
