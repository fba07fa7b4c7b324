#![doc = include_str!("../README.md")]

mod alerting;
mod answer;
mod app;
mod approval_ledger;
mod autonomy_switch;
mod bootstrap;
mod clock;
mod closeout;
mod cockpit;
mod command;
mod config;
mod denial;
mod endpoint;
mod evidence_probe;
mod exchange;
mod failure;
mod held_schedule;
mod identity;
mod message_text;
mod metrics;
mod object_store;
mod open;
mod openapi;
mod operate;
mod page;
mod pieces;
mod rate_limit;
mod read;
mod request_log;
mod router;
mod schedule_rules;
mod serve;
mod server;
mod stored_answers;
mod tracing;
mod verb;
mod wire;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(code) = dispatch_probe::asked(&arguments) {
        return code;
    }
    // Before anything else: every TLS client takes the process's one provider.
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        return ExitCode::FAILURE;
    }
    verb::run(arguments)
}
