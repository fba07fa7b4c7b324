//! The gateway's process: read settings, serve, stop on a signal. `mcp-stdio` serves the standard streams instead.

use dispatch_gateway::config::Config;
use dispatch_gateway::{catalog, json_log, mcp, serve};
use serde_json::json;
use std::io::Write;
use std::process::ExitCode;

/// Exit code of wrong settings.
const EXIT_CONFIG: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(code) = dispatch_probe::asked(&arguments) {
        return code;
    }
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        json_log::error(json!({ "message": "a TLS provider was already installed" }));
        return ExitCode::FAILURE;
    }
    if arguments == ["manifest"] {
        return match writeln!(std::io::stdout().lock(), "{:#}", catalog::manifest()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        };
    }
    let Some(mode) = mode(&arguments) else {
        json_log::error(json!({ "message": "usage: dispatch-gateway [serve | mcp-stdio | manifest]" }));
        return ExitCode::from(EXIT_CONFIG);
    };
    let config = match Config::from_environment() {
        Ok(config) => config,
        Err(problems) => {
            json_log::error(
                json!({ "message": "dispatch-gateway settings are wrong", "problems": problems.0 }),
            );
            return ExitCode::from(EXIT_CONFIG);
        }
    };
    let ended = match mode {
        Mode::Http => serve::run(config, serve::stop_signal()).await,
        Mode::McpStdio => mcp::stdio::run(config, serve::stop_signal()).await,
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            json_log::error(json!({ "message": "dispatch-gateway failed", "error": format!("{error:#}") }));
            ExitCode::FAILURE
        }
    }
}

enum Mode {
    Http,
    McpStdio,
}

fn mode(arguments: &[String]) -> Option<Mode> {
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] | ["serve"] => Some(Mode::Http),
        ["mcp-stdio"] => Some(Mode::McpStdio),
        _ => None,
    }
}
