//! `stack up`, `status`, `logs`, `restart` and `down`: a stack that stays up in the background.

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use drillyard_engine::clock;
use drillyard_engine::stack::Backend;
use serde_json::{Value, json};

use crate::command::keeper::{ask, folder, socket};
use crate::command::{Common, Ground, complain, options_from_environment, print};
use crate::exit;
use crate::root::Root;

/// Bound for the stack to come up, builds included.
const UP_WITHIN: Duration = Duration::from_secs(900);
/// Bound for the stack to go down.
const DOWN_WITHIN: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(50);

/// The keeper's answer to `status`, when a stack is up.
#[must_use]
pub fn current(root: &Root) -> Option<Value> {
    ask(&socket(root), &json!({ "do": "status" })).ok()
}

/// Raises the stack in the background.
#[must_use]
pub fn up(common: &Common, ground: &Ground) -> u8 {
    let root = match common.root() {
        Ok(root) => root,
        Err(code) => return code,
    };
    if ground.over(options_from_environment()).backend == Backend::Attached {
        let text =
            "a target is up already and is not ours to raise; `stack up` is for processes and containers";
        return complain(exit::TEXT_WRONG, text);
    }
    if let Some(status) = current(&root) {
        print("the stack is up already");
        show(&status);
        return exit::PASSED;
    }
    let log = folder(&root).join("keeper.log");
    let mut child = match start_keeper(&root, ground, &log) {
        Ok(child) => child,
        Err(error) => {
            return complain(exit::NOT_RAISED, &format!("the keeper could not be started: {error}"));
        }
    };
    let begun = Instant::now();
    while begun.elapsed() < UP_WITHIN {
        if let Some(status) = current(&root) {
            show(&status);
            return exit::PASSED;
        }
        if let Ok(Some(ended)) = child.try_wait() {
            let text = fs::read_to_string(&log).unwrap_or_default();
            return complain(
                ended.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(exit::NOT_RAISED),
                &text,
            );
        }
        clock::sleep_blocking(PAUSE);
    }
    complain(exit::NOT_RAISED, &format!("the stack did not come up; see {}", log.display()))
}

#[expect(clippy::disallowed_methods, reason = "the keeper is this very program, which then starts the stack")]
fn start_keeper(root: &Root, ground: &Ground, log: &Path) -> std::io::Result<Child> {
    fs::create_dir_all(folder(root))?;
    let out = File::create(log)?;
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("--project").arg(root.path()).arg("keeper");
    if let Some(backend) = ground.backend {
        command.args(["--backend", backend.as_str()]);
    }
    for (flag, value) in [("--pg-bin", &ground.pg_bin), ("--bin-dir", &ground.bin_dir)] {
        if let Some(value) = value {
            command.arg(flag).arg(value);
        }
    }
    command.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out);
    // A group of its own, so that Ctrl-C in this terminal does not reach it.
    command.process_group(0).spawn()
}

fn show(status: &Value) {
    for service in status["services"].as_array().into_iter().flatten() {
        let ready = if service["ready"] == json!(true) { "ready" } else { "not ready" };
        let text = |key: &str| service[key].as_str().unwrap_or_default().to_owned();
        print(&format!("{:<18} {ready:<10} {}", text("service"), text("url")));
    }
    // Services that were listed above with their address need no second line.
    let listed = |line: &str| {
        let shown = status["services"].as_array().into_iter().flatten();
        shown.filter_map(|service| service["url"].as_str()).any(|url| line.ends_with(url))
    };
    for line in status["connections"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !listed(line) {
            print(line);
        }
    }
    if let Some(died) = status["died"].as_str() {
        print(&format!("died: {died}"));
    }
}

/// Shows what is up.
#[must_use]
pub fn status(common: &Common, as_json: bool) -> u8 {
    let root = match common.root() {
        Ok(root) => root,
        Err(code) => return code,
    };
    let Some(status) = current(&root) else {
        if as_json {
            print(&json!({ "up": false }).to_string());
        }
        return complain(exit::NOT_RAISED, "no stack is up; `drillyard stack up` raises one");
    };
    if as_json {
        let mut status = status;
        status["up"] = json!(true);
        print(&status.to_string());
    } else {
        show(&status);
    }
    exit::PASSED
}

/// Shows the last lines of the services' logs, and what follows them where that is asked for.
#[must_use]
pub fn logs(common: &Common, service: Option<&str>, (tail, follow): (usize, bool)) -> u8 {
    let root = match common.root() {
        Ok(root) => root,
        Err(code) => return code,
    };
    let Some(status) = current(&root) else {
        return complain(exit::NOT_RAISED, "no stack is up; `drillyard stack up` raises one");
    };
    let mut shown = Vec::new();
    for log in status["logs"].as_array().into_iter().flatten() {
        let name = log["name"].as_str().unwrap_or_default();
        if service.is_some_and(|service| !name.contains(service)) {
            continue;
        }
        let bytes = fs::read(log["file"].as_str().unwrap_or_default()).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().collect();
        for line in &lines[lines.len().saturating_sub(tail)..] {
            print(&format!("{name} | {line}"));
        }
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        shown.push((name.to_owned(), log["file"].as_str().unwrap_or_default().to_owned(), whole));
    }
    if shown.is_empty() {
        return complain(exit::NOTHING_PROVED, "no service of this name has a log");
    }
    while follow && socket(&root).exists() {
        clock::sleep_blocking(PAUSE);
        shown.iter_mut().for_each(show_news);
    }
    exit::PASSED
}

/// Shows whole lines that were written to a log since the byte that was reached.
fn show_news((name, file, reached): &mut (String, String, usize)) {
    let bytes = fs::read(&*file).unwrap_or_default();
    let news = bytes.get(*reached..).unwrap_or_default();
    let Some(end) = news.iter().rposition(|byte| *byte == b'\n') else { return };
    for line in String::from_utf8_lossy(&news[..end]).lines() {
        print(&format!("{name} | {line}"));
    }
    *reached += end + 1;
}

/// Stops and starts one service.
#[must_use]
pub fn restart(common: &Common, service: &str) -> u8 {
    let root = match common.root() {
        Ok(root) => root,
        Err(code) => return code,
    };
    match ask(&socket(&root), &json!({ "do": "restart", "service": service })) {
        Err(_) => complain(exit::NOT_RAISED, "no stack is up; `drillyard stack up` raises one"),
        Ok(answer) => match answer["error"].as_str() {
            Some(error) => complain(exit::FAILED, error),
            None => {
                print(&format!("{service} is ready again"));
                exit::PASSED
            }
        },
    }
}

/// Takes the stack down.
#[must_use]
pub fn down(common: &Common) -> u8 {
    let root = match common.root() {
        Ok(root) => root,
        Err(code) => return code,
    };
    if ask(&socket(&root), &json!({ "do": "down" })).is_err() {
        print("no stack is up");
        return exit::PASSED;
    }
    let begun = Instant::now();
    while begun.elapsed() < DOWN_WITHIN {
        if !socket(&root).exists() {
            print("the stack is down");
            return exit::PASSED;
        }
        clock::sleep_blocking(PAUSE);
    }
    complain(
        exit::RESIDUE,
        &format!("the stack did not go down; see {}", folder(&root).join("keeper.log").display()),
    )
}
