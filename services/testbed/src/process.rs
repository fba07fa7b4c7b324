//! A program under test.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::{Database, eventually};

/// The binary of another package, beside this test's own ones; built first where it is not there.
#[must_use]
pub fn program_beside(own: &str, name: &str) -> PathBuf {
    let program = Path::new(own).with_file_name(name);
    if !program.exists() {
        let cargo = option_env!("CARGO").unwrap_or("cargo");
        #[expect(clippy::disallowed_methods, reason = "starting processes is what this crate is for")]
        let built = Command::new(cargo).args(["build", "--workspace", "--bins"]).status().unwrap();
        assert!(built.success() && program.exists(), "{} cannot be built", program.display());
    }
    program
}

/// A child process whose JSON lines are collected while it runs. Dropping it kills it.
#[derive(Debug)]
pub struct Process {
    child: Child,
    lines: Arc<Mutex<Vec<Value>>>,
}

impl Process {
    /// Starts a program. It inherits the environment and ends with the test process, as the database does.
    pub fn start<'a>(
        database: &Database,
        program: &Path,
        arguments: &[&str],
        environment: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let mut command = prepared(database, program, arguments, environment);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines: Arc<Mutex<Vec<Value>>> = Arc::default();
        collect(child.stdout.take().unwrap(), Arc::clone(&lines));
        collect(child.stderr.take().unwrap(), Arc::clone(&lines));
        Self { child, lines }
    }

    /// Runs a program to its end.
    pub fn run<'a>(
        database: &Database,
        program: &Path,
        arguments: &[&str],
        environment: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Output {
        prepared(database, program, arguments, environment).output().unwrap()
    }

    /// Every line so far; one that is no JSON as `{"text": …}`.
    #[must_use]
    pub fn lines(&self) -> Vec<Value> {
        self.lines.lock().unwrap().clone()
    }

    /// Waits for a line that `wanted` likes.
    pub async fn line(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        eventually(async || {
            let lines = self.lines();
            lines
                .iter()
                .find(|line| wanted(line))
                .cloned()
                .ok_or_else(|| format!("no such line in {lines:#?}"))
        })
        .await
    }

    /// Waits for a line about an event.
    pub async fn event(&self, event: &str) -> Value {
        self.line(|line| line["event"] == event).await
    }

    /// The port it says it listens on.
    pub async fn port(&self) -> u64 {
        self.line(|line| line["port"].is_u64()).await["port"].as_u64().unwrap()
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
    }

    /// Asks it to end.
    pub fn terminate(&self) {
        self.signal(Signal::SIGTERM);
    }

    /// Ends it at once, as kill -9 does.
    pub fn kill(&mut self) {
        // Ignored: it may have ended already.
        let _ = self.child.kill();
        self.child.wait().unwrap();
    }

    /// Whether it has not ended.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for its end, however long that takes.
    pub async fn end(&mut self) -> ExitStatus {
        let mut pace = tokio::time::interval(Duration::from_millis(50));
        loop {
            pace.tick().await;
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
        }
    }

    /// Waits for its end, with patience.
    pub async fn exit(&mut self) -> ExitStatus {
        eventually(async || self.child.try_wait().unwrap().ok_or_else(|| "it never ended".to_owned())).await
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Ignored: most tests have ended it themselves.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn prepared<'a>(
    database: &Database,
    program: &Path,
    arguments: &[&str],
    environment: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Command {
    #[expect(clippy::disallowed_methods, reason = "starting processes is what this crate is for")]
    let mut command = Command::new(program);
    command.args(arguments).envs(environment);
    database.watchdog().join(&mut command);
    command
}

fn collect(stream: impl Read + Send + 'static, lines: Arc<Mutex<Vec<Value>>>) {
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            let line = serde_json::from_str(&line).unwrap_or_else(|_| json!({ "text": line }));
            lines.lock().unwrap().push(line);
        }
    });
}
