//! The process itself: wrong settings, the start line, and stopping on a signal.

#![expect(clippy::unwrap_used, reason = "a process that cannot be started should end the test")]

use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
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

/// Sends one HTTP request and reads the whole answer.
fn ask(port: u16, path: &str, token: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let length = body.len();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\
         accept: application/json, text/event-stream\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    std::io::read_to_string(stream).unwrap()
}

#[test]
fn no_token_is_ever_written_to_the_log() {
    let (shared, api, wrong) = ("shared-secret-71c2", "api-secret-93ab", "wrong-secret-55de");
    let settings = [
        ("OPENCLAW_GATEWAY_TOKEN", shared),
        ("DISPATCH_GATEWAY_API_TOKEN", api),
        ("DISPATCH_GATEWAY_PORT", "0"),
        // Nobody listens there: every call fails, and failures are what gets logged at length.
        ("DISPATCH_API_URL", "http://127.0.0.1:1"),
    ];
    let mut child = gateway(&settings);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut log: Vec<String> = Vec::new();
    let port = loop {
        let line = lines.next().unwrap();
        let started: Value = serde_json::from_str(&line).unwrap();
        log.push(line);
        if let Some(port) = started["port"].as_u64() {
            break u16::try_from(port).unwrap();
        }
    };
    let call = r#"{"tool":"dispatcher_cockpit","args":{"actor_id":"d1","actor_role":"dispatcher"}}"#;
    let mcp = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"dispatcher_cockpit","arguments":{"actor_id":"d1"}}}"#;
    for token in [shared, wrong] {
        let answers = [ask(port, "/tools/invoke", token, call), ask(port, "/mcp", token, mcp)];
        assert!(
            answers.iter().all(|answer| answer.contains("DISPATCH_API_UNREACHABLE") == (token == shared)),
            "{answers:?}"
        );
    }
    terminate(&child);
    log.extend(lines);
    log.push(std::io::read_to_string(child.stderr.take().unwrap()).unwrap());
    let log = log.join("\n");
    child.wait().unwrap();
    assert!(log.contains("DISPATCH_API_UNREACHABLE"), "{log}");
    assert!([shared, api, wrong].iter().all(|secret| !log.contains(secret)), "{log}");
}
