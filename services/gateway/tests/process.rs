//! The process itself: wrong settings, the start line, and stopping on a signal.

#![expect(clippy::unwrap_used, reason = "a process that cannot be started should end the test")]

use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

#[expect(clippy::disallowed_methods, reason = "this test is about the process")]
fn gateway(settings: &[(&str, &str)]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_dispatch-gateway"))
        .env_clear()
        .envs(settings.iter().copied())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[expect(clippy::disallowed_methods, reason = "this test is about the process")]
fn terminate(child: &Child) {
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
}

#[test]
fn wrong_settings_are_all_reported_and_end_with_two() {
    let output = gateway(&[("DISPATCH_GATEWAY_PORT", "x"), ("DISPATCH_GATEWAY_TIMEOUT_MS", "99")]);
    let output = output.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let line: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!((line["level"].as_str(), line["problems"].as_array().map(Vec::len)), (Some("error"), Some(3)));
}

#[test]
fn the_start_line_names_the_real_port_and_a_signal_ends_the_process() {
    let settings = [("OPENCLAW_GATEWAY_TOKEN", "t"), ("DISPATCH_GATEWAY_PORT", "0")];
    let mut child = gateway(&settings);
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let started = lines
        .map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap())
        .find(|line| line["message"] == "dispatch-gateway started")
        .unwrap();
    let port = u16::try_from(started["port"].as_u64().unwrap()).unwrap();
    assert_ne!(port, 0);
    // An idle connection must not hold the process up.
    let _idle = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let asked = Instant::now();
    terminate(&child);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(asked.elapsed() < Duration::from_secs(5));
}
