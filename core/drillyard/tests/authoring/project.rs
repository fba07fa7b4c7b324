//! A project of a test's own, and the command run in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

pub const TOPOLOGY: &str = r#"
name: tiny
services:
  postgres:
    image: postgres:15
    environment: { POSTGRES_USER: tiny, POSTGRES_PASSWORD: "${TINY_PASSWORD:-tiny}", POSTGRES_DB: tiny }
    x-drillyard: { process: { builtin: postgres }, lane_database: TINY_DATABASE, tables: db }
  shop:
    image: shop:1
    expose: ["8080"]
    environment: { PORT: "8080", DB: "postgres:5432/${TINY_DATABASE:-tiny}" }
    x-drillyard:
      process: { program: python3, args: [service.py] }
      ready: { http: /up }
      port_env: PORT
      openapi: openapi.json
x-drillyard:
  secrets: [TINY_PASSWORD]
  identities:
    clerk: { secret: TINY_PASSWORD, claims: { role: clerk } }
  tools: { service: shop, path: /tools, manifest: tools.json }
  exec: [sh]
"#;

/// A service of a few lines, so that a lane is quick.
const SERVICE: &str = r#"
import json, os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Shop(BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"state": "UP", "path": self.path}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        pass

ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Shop).serve_forever()
"#;

const OPENAPI: &str = r#"{
  "openapi": "3.1.0",
  "paths": {
    "/up": { "get": { "responses": { "200": { "content": { "application/json": {} } } } } },
    "/a": { "get": { "responses": { "200": { "content": { "application/json": {} } } } } },
    "/orders": { "post": {
      "requestBody": { "required": true, "content": { "application/json": { "schema": {
        "type": "object", "required": ["item"],
        "properties": { "item": { "type": "string" }, "count": { "type": "integer" } }
      } } } },
      "responses": { "201": {} }
    } }
  }
}"#;

const TOOLS: &str = r#"{ "tools": [{ "name": "order.create", "chat_name": "order_create", "description": "Order a thing.",
  "input_schema": { "type": "object", "required": ["item"], "properties": { "item": { "type": "string" } } } }] }"#;

pub const GOOD: &str = "drill: good\ntitle: One is one\ntags: [quick]\nsteps:\n- sql: { query: select 1 as n }\n  expect: { rows: [{ n: 1 }] }\n";

/// A project in a folder of its own; initialised databases are shared between the tests.
pub struct Project {
    pub dir: PathBuf,
    /// Its own folder for temporary files, short enough for a socket's path.
    scratch: PathBuf,
}

impl Project {
    pub fn new(name: &str) -> Self {
        let tmp = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let dir = tmp.join(format!("authoring-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        let scratch = std::env::temp_dir().join(format!("da-{name}-{}", std::process::id()));
        fs::create_dir_all(&scratch).unwrap();
        fs::create_dir_all(dir.join("target/drillyard")).unwrap();
        let cache = tmp.join("cache");
        fs::create_dir_all(&cache).unwrap();
        std::os::unix::fs::symlink(&cache, dir.join("target/drillyard/cache")).unwrap();
        let project = Self { dir: dir.canonicalize().unwrap(), scratch };
        project.write("ops/compose.yaml", TOPOLOGY);
        project.write("openapi.json", OPENAPI);
        project.write("tools.json", TOOLS);
        project.write("service.py", SERVICE);
        project.write("db/1.sql", "create table orders (id uuid);\n");
        project
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.dir.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.dir.join(path)).unwrap_or_default()
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_drillyard"));
        command.arg("--project").arg(&self.dir).args(args).env_remove("CI").env("TMPDIR", &self.scratch);
        for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
            command.env_remove(variable);
        }
        command.stdin(Stdio::null());
        command
    }

    pub fn run(&self, args: &[&str]) -> (i32, String) {
        let output = self.command(args).output().unwrap();
        let text =
            [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        (output.status.code().unwrap_or(-1), text)
    }

    pub fn journal(&self) -> String {
        self.read("target/drillyard/runs/latest/journal.jsonl")
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
        let _ = fs::remove_dir_all(&self.scratch);
    }
}

/// Waits until something holds.
#[track_caller]
pub fn until(what: &str, bound: Duration, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < bound, "{what} did not happen within {bound:?}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}
