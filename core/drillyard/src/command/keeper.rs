//! `keeper`: holds a stack up and answers questions about it on a Unix socket, one JSON line each way.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use drillyard_engine::event::EventSink;
use drillyard_engine::stack::{Lane, LaneRequest, Stack, StackError};
use drillyard_spec::topology::{Ready, Topology};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;

use crate::command::{Common, Ground, complain, options_from_environment, runtime};
use crate::exit;
use crate::harness::stack_options;
use crate::interrupt;
use crate::root::Root;

/// Bound for callers that have asked, or connected and never ask, when the stack goes down.
const LAST_ANSWERS_WITHIN: std::time::Duration = std::time::Duration::from_secs(5);

/// Where the long-lived stack keeps its socket and its keeper's log.
#[must_use]
pub fn folder(root: &Root) -> PathBuf {
    root.state().join("stack")
}

/// The socket of the keeper.
#[must_use]
pub fn socket(root: &Root) -> PathBuf {
    folder(root).join("keeper.sock")
}

/// Raises a stack with one lane and holds it until asked to end, by the socket or a signal.
#[must_use]
pub fn run(common: &Common, ground: &Ground) -> u8 {
    let (root, loaded) = match common.load_checked() {
        Ok(loaded) => loaded,
        Err(code) => return code,
    };
    let Some(topology) = loaded.project.topology.as_ref() else { return exit::TEXT_WRONG };
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(code) => return code,
    };
    runtime.block_on(async {
        match hold(&root, topology, ground).await {
            Ok(residue) if residue.is_empty() => exit::PASSED,
            Ok(residue) => complain(exit::RESIDUE, &format!("left behind: {}", residue.join(", "))),
            Err(error) => complain(exit::NOT_RAISED, &error),
        }
    })
}

struct Kept {
    lane: Lane,
    stack: Stack,
    run_dir: PathBuf,
}

async fn hold(root: &Root, topology: &Topology, ground: &Ground) -> Result<Vec<String>, String> {
    let ending = interrupt::token().map_err(|error| error.to_string())?;
    let kept = raise(root, topology, ground).await.map_err(|error| error.full())?;
    let kept = Arc::new(kept);
    let path = socket(root);
    // A socket file of a keeper that was killed is in the way, and nobody listens on it any more.
    let _ = fs::remove_file(&path);
    let listener = UnixListener::bind(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let topology = Arc::new(topology.clone());
    let mut answers = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            () = ending.cancelled() => break,
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let (kept, topology, ending) = (kept.clone(), topology.clone(), ending.clone());
                answers.spawn(async move {
                    // A caller that breaks off loses its answer and nothing else.
                    let _ = answer(stream, &kept, &topology, &ending).await;
                });
            }
        }
    }
    drop(listener);
    // Whoever asked for the end still waits for the answer, and holds the stack until it is given.
    let given = async { while answers.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(LAST_ANSWERS_WITHIN, given).await;
    answers.shutdown().await;
    let kept = Arc::into_inner(kept).ok_or("a question is still being answered")?;
    let mut residue = kept.lane.close().await;
    residue.extend(kept.stack.down().await);
    if residue.is_empty() {
        // Logs and the ledger of a stack that left nothing are of no more use.
        let _ = fs::remove_dir_all(&kept.run_dir);
    }
    let _ = fs::remove_file(&path);
    Ok(residue)
}

async fn raise(root: &Root, topology: &Topology, ground: &Ground) -> Result<Kept, StackError> {
    let run_id = format!("stack-{}", std::process::id());
    let (events, mut receiver) = EventSink::channel();
    // Nobody reports on a stack that only stands there; events are taken so that they do not pile up.
    tokio::spawn(async move { while receiver.recv().await.is_some() {} });
    let options = stack_options(root, &run_id, &ground.over(options_from_environment()));
    let run_dir = options.run_dir.clone();
    let stack = Stack::raise(topology, options, events).await?;
    let lane = stack.lane(LaneRequest::new("stack")).await?;
    Ok(Kept { lane, stack, run_dir })
}

async fn answer(
    stream: UnixStream,
    kept: &Kept,
    topology: &Topology,
    ending: &CancellationToken,
) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    BufReader::new(read).read_line(&mut line).await?;
    let question: Value = serde_json::from_str(&line).unwrap_or(Value::Null);
    let answer = match question["do"].as_str() {
        Some("status") => status(kept, topology).await,
        Some("job") => job(kept, question["name"].as_str().unwrap_or_default()).await,
        Some("restart") => {
            let service = question["service"].as_str().unwrap_or_default();
            match kept.lane.restart(service).await {
                Ok(()) => json!({ "restarted": service }),
                Err(error) => json!({ "error": error.full() }),
            }
        }
        Some("down") => {
            ending.cancel();
            json!({ "pid": std::process::id() })
        }
        _ => json!({ "error": "unknown question" }),
    };
    write.write_all(format!("{answer}\n").as_bytes()).await
}

async fn status(kept: &Kept, topology: &Topology) -> Value {
    let mut services = Vec::new();
    for service in &topology.services {
        let Some(url) = kept.lane.url(&service.name) else { continue };
        let answers = match &service.ready {
            Ready::Http(path) => {
                reqwest::get(format!("{url}{path}")).await.is_ok_and(|r| r.status().is_success())
            }
            _ => true,
        };
        services.push(json!({ "service": service.name, "url": url, "ready": answers }));
    }
    let folder = kept.run_dir.join("logs");
    let names = drillyard_report::bundle::list(&folder).unwrap_or_default();
    let logs: Vec<Value> =
        names.into_iter().map(|name| json!({ "name": name, "file": folder.join(&name) })).collect();
    json!({
        "pid": std::process::id(),
        "backend": kept.stack.backend().as_str(),
        "services": services,
        "connections": kept.lane.connection_strings(),
        "died": kept.lane.service_down(),
        "logs": logs,
    })
}

async fn job(kept: &Kept, name: &str) -> Value {
    match kept.lane.run_job(name).await {
        Ok(outcome) => json!({ "exit": outcome.exit, "output": outcome.output }),
        Err(error) => json!({ "error": error.full() }),
    }
}

/// Asks the keeper behind `path` one question.
///
/// # Errors
/// Nobody listens there, or the answer is not JSON.
pub fn ask(path: &Path, question: &Value) -> std::io::Result<Value> {
    use std::io::{BufRead as _, Write as _};
    let mut stream = std::os::unix::net::UnixStream::connect(path)?;
    stream.write_all(format!("{question}\n").as_bytes())?;
    let mut line = String::new();
    std::io::BufReader::new(stream).read_line(&mut line)?;
    serde_json::from_str(&line).map_err(std::io::Error::other)
}
