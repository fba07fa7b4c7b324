#![doc = include_str!("../README.md")]

use std::process::ExitCode;

mod api;
mod backoff;
mod config;
mod context;
mod job;
mod life;
mod log;
mod ops;
mod quiet_hours;
mod sms;
mod stats;

use config::{Config, RunMode};

/// Exit status of settings that cannot be used.
const USAGE: u8 = 2;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(code) = dispatch_probe::asked(&arguments) {
        return code;
    }
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        log::plain_error("another TLS provider is installed already");
        return ExitCode::FAILURE;
    }
    let config = match Config::from_environment() {
        Ok(config) => config,
        Err(error) => {
            log::plain_error(&error.to_string());
            return ExitCode::from(USAGE);
        }
    };
    let ended = match config.mode {
        RunMode::Forever => life::run_until_told(config).await,
        RunMode::Passes(passes) => life::run_passes(config, passes).await,
    };
    match ended {
        Ok(status) => status,
        Err(error) => {
            log::plain_error(&format!("dispatch-worker failed: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
