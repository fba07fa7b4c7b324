//! `exec`: a program the topology grants.

use std::process::Stdio;

use drillyard_spec::drill::Exec;
use drillyard_spec::template::fill_value;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::action::http::as_text;
use crate::action::job::last_document;
use crate::action::{Done, Scene};

/// Most of each stream that an answer keeps; the end of it.
const KEPT_BYTES: usize = 64 * 1024;

/// Runs the program to its end. The answer has `exit` (nothing when a signal ended it), `stdout` and `stderr` as text,
/// the lines of both as `output`, and `json`: the last JSON object on standard output.
pub async fn perform(wanted: &Exec, scene: &Scene<'_>) -> Done {
    let filled = wanted
        .args
        .iter()
        .map(|arg| Ok(as_text(fill_value(arg, scene.names)?)))
        .collect::<Result<Vec<_>, String>>();
    let args = match filled {
        Ok(args) => args,
        Err(reason) => return Done::unresolved("exec", reason),
    };
    let what = json!({ "exec": wanted.program, "args": args });
    // The drill was refused before the run if it asks for more; a topology that has changed since is asked again.
    let granted = scene.lane.programs().contains(&wanted.program);
    let answer = if granted {
        run(wanted, args, scene).await
    } else {
        Err(format!("the topology does not grant the program `{}`", wanted.program))
    };
    Done { what, answer }
}

async fn run(wanted: &Exec, args: Vec<String>, scene: &Scene<'_>) -> Result<Value, String> {
    let stdin = wanted.stdin.as_ref().map(|stdin| fill_value(stdin, scene.names)).transpose()?;
    let mut command = Command::from(scene.lane.command(&wanted.program));
    command.args(args).kill_on_drop(true).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.stdin(if stdin.is_some() { Stdio::piped() } else { Stdio::null() });
    for (name, value) in &wanted.env {
        command.env(name, as_text(fill_value(value, scene.names)?));
    }
    let mut child =
        command.spawn().map_err(|error| format!("`{}` cannot be started: {error}", wanted.program))?;
    let mut pipe = child.stdin.take();
    let feed = async {
        if let (Some(pipe), Some(text)) = (pipe.as_mut(), stdin) {
            // A program need not read what it is given.
            let _ = pipe.write_all(as_text(text).as_bytes()).await;
        }
        drop(pipe);
    };
    let ((), output) = tokio::join!(feed, child.wait_with_output());
    let output = output.map_err(|error| error.to_string())?;
    let (stdout, stderr) = (kept(&output.stdout), kept(&output.stderr));
    let lines: Vec<&str> = stdout.lines().chain(stderr.lines()).collect();
    Ok(json!({
        "exit": output.status.code(), "output": lines, "json": last_document(&stdout), "stdout": stdout, "stderr": stderr,
    }))
}

fn kept(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(KEPT_BYTES)..]).into_owned()
}
