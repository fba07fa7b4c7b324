//! The gateway's process: read settings, serve, stop on a signal.

use dispatch_gateway::config::Config;
use dispatch_gateway::{json_log, serve};
use serde_json::json;
use std::process::ExitCode;

/// Exit code of wrong settings.
const EXIT_CONFIG: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        json_log::error(json!({ "message": "a TLS provider was already installed" }));
        return ExitCode::FAILURE;
    }
    let config = match Config::from_environment() {
        Ok(config) => config,
        Err(problems) => {
            json_log::error(
                json!({ "message": "dispatch-gateway settings are wrong", "problems": problems.0 }),
            );
            return ExitCode::from(EXIT_CONFIG);
        }
    };
    match serve::run(config, serve::stop_signal()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            json_log::error(json!({ "message": "dispatch-gateway failed", "error": format!("{error:#}") }));
            ExitCode::FAILURE
        }
    }
}
