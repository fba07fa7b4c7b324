//! `bootstrap`: runs the topology's bootstrap job and writes its evidence.

use std::fs;
use std::path::{Path, PathBuf};

use drillyard_engine::action::job::last_document;
use drillyard_engine::event::EventSink;
use drillyard_engine::stack::{LaneRequest, Stack};
use serde_json::{Value, json};

use crate::command::keeper::{ask, socket};
use crate::command::{Common, Ground, complain, options_from_environment, print, runtime, stack};
use crate::exit;
use crate::harness::stack_options;
use crate::root::{Loaded, Root};

/// The name of the job, by convention.
pub const JOB: &str = "bootstrap";

/// Bootstraps the stack that is up; where none is, one that is raised for it and taken down again.
#[must_use]
pub fn run(common: &Common, out: Option<&Path>, ground: &Ground) -> u8 {
    let (root, loaded) = match common.load_checked() {
        Ok(loaded) => loaded,
        Err(code) => return code,
    };
    let known = loaded.project.topology.as_ref().is_some_and(|t| t.names().jobs.contains(JOB));
    if !known {
        return complain(exit::TEXT_WRONG, "the topology has no one-shot job `bootstrap`");
    }
    let answer = if stack::current(&root).is_some() {
        ask(&socket(&root), &json!({ "do": "job", "name": JOB })).map_err(|error| error.to_string())
    } else {
        print("no stack is up, so one is raised for the bootstrap and taken down again");
        on_a_fresh_stack(&root, &loaded, ground)
    };
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return complain(exit::NOT_RAISED, &error),
    };
    let output = answer["output"].as_str().unwrap_or_default();
    print(output);
    if answer["exit"] != json!(0) {
        let reason = answer["error"].as_str().unwrap_or("the bootstrap ended with an error");
        return complain(exit::FAILED, reason);
    }
    match write_evidence(&root, out, output) {
        Ok(path) => {
            print(&format!("bootstrap evidence: {}", path.display()));
            exit::PASSED
        }
        Err(error) => complain(exit::FAILED, &error),
    }
}

/// Writes the document that the job printed last.
///
/// # Errors
/// The job printed no document, or it cannot be written.
pub fn write_evidence(root: &Root, out: Option<&Path>, output: &str) -> Result<PathBuf, String> {
    let document = last_document(output);
    if document.is_null() {
        return Err("the bootstrap printed no evidence".to_owned());
    }
    let path = out.map_or_else(|| root.state().join("bootstrap-evidence.json"), Path::to_owned);
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent {
        fs::create_dir_all(parent).map_err(|error| format!("{}: {error}", parent.display()))?;
    }
    let text = serde_json::to_string_pretty(&document).map_err(|error| error.to_string())?;
    fs::write(&path, format!("{text}\n")).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(path)
}

fn on_a_fresh_stack(root: &Root, loaded: &Loaded, ground: &Ground) -> Result<Value, String> {
    let topology = loaded.project.topology.as_ref().ok_or("the topology could not be read")?;
    let run_id = format!("bootstrap-{}", std::process::id());
    let options = stack_options(root, &run_id, &ground.over(options_from_environment()));
    let run_dir = options.run_dir.clone();
    let runtime = runtime().map_err(|_| "no runtime".to_owned())?;
    runtime.block_on(async {
        let (events, _receiver) = EventSink::channel();
        let stack = Stack::raise(topology, options, events).await.map_err(|error| error.full())?;
        let answer = match stack.lane(LaneRequest::new(JOB)).await {
            Ok(lane) => {
                let answer = lane.run_job(JOB).await.map_err(|error| error.full());
                lane.close().await;
                answer
            }
            Err(error) => Err(error.full()),
        };
        let residue = stack.down().await;
        let outcome = answer?;
        if residue.is_empty() {
            // The job's output has been read; its log is of no more use.
            let _ = fs::remove_dir_all(&run_dir);
            Ok(json!({ "exit": outcome.exit, "output": outcome.output }))
        } else {
            Err(format!("left behind: {}", residue.join(", ")))
        }
    })
}
