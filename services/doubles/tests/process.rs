//! The binary as a drill starts it: a free port, the start line, a call over loopback, the end by a signal.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

fn start(arguments: &[&str], port: &str) -> Child {
    #[expect(clippy::disallowed_methods, reason = "the test is about the process itself")]
    let mut command = Command::new(env!("CARGO_BIN_EXE_dispatch-doubles"));
    command.args(arguments).env("DISPATCH_DOUBLE_PORT", port);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn signal(child: &Child, name: &str) {
    #[expect(clippy::disallowed_methods, reason = "the test is about the process itself")]
    let status = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

#[test]
fn it_says_its_real_port_serves_and_ends_on_sigterm() {
    let mut child = start(&["sms"], "0");
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let started: serde_json::Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(started["message"], "dispatch-doubles started");
    assert_eq!(started["double"], "sms");
    let port = u16::try_from(started["port"].as_u64().unwrap()).unwrap();
    assert_ne!(port, 0);

    let mut connection = TcpStream::connect(("127.0.0.1", port)).unwrap();
    connection.write_all(b"GET /readyz HTTP/1.1\r\nHost: double\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.ends_with(r#"{"ready":true}"#), "{answer}");

    signal(&child, "-TERM");
    assert!(child.wait().unwrap().success());
    assert!(lines.next().unwrap().unwrap().contains("dispatch-doubles stopped"));
}

#[test]
fn an_unknown_double_and_a_wrong_port_are_told_apart_from_a_failure() {
    for (arguments, port, complaint) in
        [(&["pager"][..], "0", "unknown double `pager`"), (&["sms"][..], "no", "DISPATCH_DOUBLE_PORT=\"no\"")]
    {
        let output = start(arguments, port).wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains(complaint), "{output:?}");
    }
}
