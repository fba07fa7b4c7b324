//! A small topology and a place to raise it in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use drillyard_engine::event::EventSink;
use drillyard_engine::stack::{Backend, LaneRequest, Stack, StackError, StackOptions};
use drillyard_spec::source::Source;
use drillyard_spec::topology::{self, Topology};

/// `SELF` stands for this binary.
pub const TOPOLOGY: &str = r#"
services:
  postgres:
    environment: { POSTGRES_USER: shop, POSTGRES_PASSWORD: "${DATABASE_PASSWORD:-x}", POSTGRES_DB: shop }
    healthcheck: { test: [CMD, pg_isready] }
    x-drillyard: { process: { builtin: postgres }, lane_database: SHOP_DATABASE }
  objects:
    x-drillyard: { process: { builtin: s3 }, lane_bucket: SHOP_BUCKET }
  prepare:
    depends_on: { postgres: { condition: service_healthy } }
    environment: { DATABASE_URL: "postgres://shop:${DATABASE_PASSWORD:-x}@postgres:5432/${SHOP_DATABASE:-shop}" }
    x-drillyard: { process: { program: SELF, args: [seed] }, scope: template, ready: { exit: 0 } }
  back:
    depends_on: { prepare: { condition: service_completed_successfully } }
    environment:
      PORT: 8080
      BIND: 0.0.0.0
      BUCKET: ${SHOP_BUCKET:-shop}
      SIGN: ${SIGN:?needs a secret}
      DATABASE_URL: postgres://shop:${DATABASE_PASSWORD:-x}@postgres:5432/${SHOP_DATABASE:-shop}
      OBJECTS: http://objects:9000
    healthcheck: { test: [CMD, "true"] }
    x-drillyard: { process: { program: SELF, args: [serve] }, ready: { http: /readyz }, port_env: PORT, host_env: BIND }
  front:
    depends_on: { back: { condition: service_healthy } }
    environment: { LISTEN: 9090, BACK: "http://back:8080/readyz" }
    x-drillyard: { process: { program: SELF, args: [serve] }, ready: { log: "listens on" }, port_env: LISTEN }
  report:
    environment: { BACK: "http://back:8080/readyz" }
    x-drillyard: { process: { program: SELF, args: [job] }, ready: { exit: 0 } }
x-drillyard:
  secrets: [SIGN, DATABASE_PASSWORD]
  identities:
    clerk: { claims: { sub: clerk-1, role: clerk }, secret: SIGN }
    machine: { bearer: SIGN }
"#;

static NUMBER: AtomicUsize = AtomicUsize::new(0);

/// A folder of its own for one run; removed at the end.
pub struct World {
    pub run_id: String,
    pub run_dir: PathBuf,
}

impl World {
    pub fn new() -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Self::named(&format!("t{}-{number}", std::process::id()))
    }

    pub fn named(run_id: &str) -> Self {
        let run_dir = base().join(format!("runs/{run_id}"));
        Self { run_id: run_id.to_owned(), run_dir }
    }

    pub fn options(&self) -> StackOptions {
        StackOptions {
            backend: Backend::Process,
            engine_host: None,
            attached: None,
            run_id: self.run_id.clone(),
            run_dir: self.run_dir.clone(),
            cache_dir: base().join("cache"),
            project_root: base(),
            bin_dir: None,
            profile: "dev".to_owned(),
            pg_bin: None,
            reaper: std::env::current_exe().unwrap(),
            search_path: "/usr/local/bin:/usr/bin:/bin".to_owned(),
            variables: BTreeMap::new(),
            scratch_dir: PathBuf::from("/tmp"),
        }
    }

    pub async fn raise(&self, text: &str) -> Result<Stack, StackError> {
        self.raise_with(text, self.options()).await
    }

    pub async fn raise_with(&self, text: &str, options: StackOptions) -> Result<Stack, StackError> {
        Stack::raise(&read(text), options, EventSink::channel().0).await
    }

    /// Everything of the run that is there now: processes by mark or folder, and data folders.
    pub fn traces(&self) -> Vec<String> {
        let mut traces = marked(&self.run_id);
        let folders = ["pg", "s3"].map(|name| self.run_dir.join(name));
        let scratch = PathBuf::from(format!("/tmp/drillyard-{}", self.run_id));
        traces.extend(
            folders
                .iter()
                .chain([&scratch])
                .filter(|path| path.exists())
                .map(|path| path.display().to_string()),
        );
        traces
    }

    /// Waits until nothing of the run is there; gives what still is after `bound`.
    pub fn gone_within(&self, bound: Duration) -> Vec<String> {
        let begun = Instant::now();
        loop {
            let traces = self.traces();
            if traces.is_empty() || begun.elapsed() > bound {
                return traces;
            }
            drillyard_engine::clock::sleep_blocking(Duration::from_millis(10));
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln_logs(&self.run_dir);
        }
        let _ = std::fs::remove_dir_all(&self.run_dir);
    }
}

#[expect(clippy::print_stderr, reason = "a failing test shows where its logs were")]
fn eprintln_logs(run_dir: &Path) {
    for entry in std::fs::read_dir(run_dir.join("logs")).into_iter().flatten().flatten() {
        eprintln!(
            "--- {}\n{}",
            entry.path().display(),
            std::fs::read_to_string(entry.path()).unwrap_or_default()
        );
    }
}

pub fn base() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
}

pub fn read(text: &str) -> Topology {
    let text = text.replace("SELF", &std::env::current_exe().unwrap().display().to_string());
    let mut out = Vec::new();
    let topology = topology::parse(&Source::new("compose.yaml", &text), &mut out);
    assert!(out.is_empty(), "{out:#?}");
    topology.unwrap()
}

pub fn request(name: &str) -> LaneRequest {
    LaneRequest::new(name)
}

/// Living processes that carry the mark of a run, or work in a folder with its name.
pub fn marked(run_id: &str) -> Vec<String> {
    let mark = format!("DRILLYARD_RUN={run_id}");
    let pids = std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let folder = std::fs::read_link(format!("/proc/{pid}/cwd")).unwrap_or_default();
        let marked = environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes());
        marked || folder.components().any(|part| part.as_os_str().to_string_lossy().ends_with(run_id))
    })
    .filter(|pid| *pid != std::process::id())
    .filter_map(|pid| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let zombie = stat.rsplit_once(')')?.1.trim_start().starts_with('Z');
        (!zombie).then(|| format!("process {stat}"))
    })
    .collect()
}

/// Runs a test body on a runtime of its own.
pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(work)
}

/// A GET without a client; gives the body.
pub fn get(url: &str) -> std::io::Result<String> {
    use std::io::{Read, Write};
    let rest = url.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut stream = std::net::TcpStream::connect(host)?;
    stream
        .write_all(format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
}
