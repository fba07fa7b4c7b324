//! `dispatch-gateway mcp-stdio` as a child process.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

struct Client {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Client {
    #[expect(clippy::disallowed_methods, reason = "this test is about the process")]
    fn start(settings: &[(&str, &str)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_dispatch-gateway"))
            .arg("mcp-stdio")
            .env_clear()
            .envs(settings.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, input, output }
    }

    fn send(&mut self, message: &Value) {
        writeln!(self.input, "{message}").unwrap();
    }

    fn ask(&mut self, id: u64, method: &str, params: &Value) -> Value {
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(answer["id"], id, "{line}");
        answer
    }
}

#[test]
fn a_session_on_the_standard_streams_ends_when_the_client_closes_them() {
    let mut client = Client::start(&[("OPENCLAW_GATEWAY_TOKEN", "t")]);
    let hello = json!({
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "test", "version": "1" }
    });
    assert_eq!(client.ask(1, "initialize", &hello)["result"]["serverInfo"]["name"], "dispatch-gateway");
    client.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
    let tools = client.ask(2, "tools/list", &json!({}));
    assert_eq!(tools["result"]["tools"][0]["name"], "dispatch_contract_status", "no API, no bridge tools");
    let params = json!({ "name": "dispatch_contract_status", "arguments": {} });
    let called = client.ask(3, "tools/call", &params);
    assert_eq!(called["result"]["structuredContent"]["configured"], false);
    drop(client.input);
    assert_eq!(client.child.wait().unwrap().code(), Some(0));
    let log = std::io::read_to_string(client.child.stderr.take().unwrap()).unwrap();
    assert!(log.contains("mcp-stdio started"), "the log goes to standard error: {log}");
}

#[test]
fn without_anybody_to_act_for_it_does_not_start() {
    let settings = [
        [("DISPATCH_AUTH_JWT_SECRET", "a secret of some length"), ("DISPATCH_MCP_TOKEN", "")],
        [("OPENCLAW_GATEWAY_TOKEN", "t"), ("DISPATCH_MCP_TOKEN", "another")],
    ];
    for settings in settings {
        let mut client = Client::start(&settings);
        drop(client.input);
        assert_eq!(client.child.wait().unwrap().code(), Some(1));
        let log = std::io::read_to_string(client.child.stderr.take().unwrap()).unwrap();
        assert!(log.contains("DISPATCH_MCP_TOKEN") && !log.contains("another"), "{log}");
    }
}
