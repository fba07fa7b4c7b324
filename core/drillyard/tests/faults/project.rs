//! A project of its own for each test, and what its runs leave on the machine.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use sha2::{Digest, Sha256};

const TOPOLOGY: &str = r#"
name: faulty
services:
  postgres:
    image: postgres:15
    environment: { POSTGRES_USER: tiny, POSTGRES_PASSWORD: "${TINY_PASSWORD:-tiny}", POSTGRES_DB: tiny }
    x-drillyard: { process: { builtin: postgres }, lane_database: TINY_DATABASE }
  objects:
    x-drillyard: { process: { builtin: s3 }, lane_bucket: TINY_BUCKET }
  back:
    environment: { PORT: "8080", MOOD: calm, DATABASE: "${TINY_DATABASE:-tiny}", BUCKET: "${TINY_BUCKET:-tiny}" }
    x-drillyard: { process: { program: SELF, args: [serve] }, scope: lane, ready: { http: /readyz }, port_env: PORT }
  front:
    environment: { PORT: "8081", BACK: "http://back:8080" }
    x-drillyard: { process: { program: SELF, args: [relay] }, scope: lane, ready: { http: /readyz }, port_env: PORT }
x-drillyard:
  secrets: [TINY_PASSWORD]
"#;

pub struct Project {
    pub dir: PathBuf,
    scratch: PathBuf,
}

impl Project {
    pub fn new(name: &str) -> Self {
        let tmp = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let dir = tmp.join(format!("f-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        let scratch = std::env::temp_dir().join(format!("dyf-{name}-{}", std::process::id()));
        fs::create_dir_all(&scratch).unwrap();
        let project = Self { dir, scratch };
        let own = std::env::current_exe().unwrap().display().to_string();
        project.write("ops/compose.yaml", &TOPOLOGY.replace("SELF", &own));
        let cache = tmp.join("cache");
        fs::create_dir_all(&cache).unwrap();
        fs::create_dir_all(project.dir.join("target/drillyard")).unwrap();
        symlink(&cache, project.dir.join("target/drillyard/cache")).unwrap();
        project
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.dir.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_drillyard"));
        command.arg("--project").arg(&self.dir).args(args).env_remove("CI").env("TMPDIR", &self.scratch);
        command.stdin(Stdio::null());
        command
    }

    pub fn run(&self, args: &[&str]) -> (i32, String) {
        let output = self.command(args).output().unwrap();
        let text =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        (output.status.code().unwrap_or(-1), text)
    }

    /// A run whose output goes to a file.
    pub fn spawn(&self, args: &[&str]) -> Run {
        let out = fs::File::create(self.dir.join("out.txt")).unwrap();
        Run(self.command(args).stdout(out.try_clone().unwrap()).stderr(out).spawn().unwrap())
    }

    pub fn said(&self) -> String {
        fs::read_to_string(self.dir.join("out.txt")).unwrap_or_default()
    }

    fn folders(&self, kind: &str) -> Vec<PathBuf> {
        let entries =
            fs::read_dir(self.dir.join("target/drillyard").join(kind)).into_iter().flatten().flatten();
        let mut folders: Vec<PathBuf> =
            entries.map(|entry| entry.path()).filter(|path| path.is_dir() && !path.is_symlink()).collect();
        folders.sort();
        folders
    }

    /// The journal of the last run, as lines; a line that was cut off is left out.
    pub fn journal(&self) -> Vec<String> {
        let Some(run) = self.folders("runs").pop() else { return Vec::new() };
        let text = fs::read(run.join("journal.jsonl")).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(str::to_owned).collect()
    }

    /// Faults of the last run that were injected and are not undone, by the ledger.
    pub fn open_faults(&self) -> usize {
        let Some(work) = self.folders("work").pop() else { return 0 };
        let text = fs::read_to_string(work.join("undo.jsonl")).unwrap_or_default();
        let entries: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let of = |kind: &str| entries.iter().filter(|entry| entry["kind"] == kind).count();
        of("fault") - of("healed")
    }

    /// Everything that a run can leave: processes by mark or folder, data folders, mounts, shared memory.
    pub fn traces(&self) -> Vec<String> {
        let runs: Vec<String> = self
            .folders("runs")
            .iter()
            .chain(&self.folders("work"))
            .filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()))
            .collect();
        let mut traces = processes(&runs);
        traces.extend(self.folders("work").iter().flat_map(|work| data_below(work)));
        let scratches = runs.iter().flat_map(|run| {
            ["/dev/shm", "/tmp"].map(|parent| Path::new(parent).join(format!("drillyard-{run}")))
        });
        traces.extend(scratches.filter(|path| path.exists()).map(|path| path.display().to_string()));
        traces.extend(
            fs::read_dir(&self.scratch).unwrap().flatten().map(|entry| entry.path().display().to_string()),
        );
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        let ours = |line: &&str| runs.iter().any(|run| line.contains(run.as_str()));
        traces.extend(mounts.lines().filter(ours).map(|line| format!("mount {line}")));
        traces
    }

    /// Waits until nothing of the runs is there; gives what still is after `bound`.
    pub fn gone_within(&self, bound: Duration) -> Vec<String> {
        let begun = Instant::now();
        loop {
            let traces = self.traces();
            if traces.is_empty() || begun.elapsed() > bound {
                return traces;
            }
            pause();
        }
    }
}

/// A run that is ended with the test that began it, whatever becomes of the test.
pub struct Run(Child);

impl Run {
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// Waits for the end of the run; gives its exit code.
    pub fn ended(&mut self, bound: Duration) -> Option<i32> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status.code();
            }
            assert!(begun.elapsed() < bound, "the run did not end within {bound:?}");
            pause();
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // One that has ended cannot be killed, and need not be.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
        let _ = fs::remove_dir_all(&self.scratch);
    }
}

pub fn pause() {
    std::thread::sleep(Duration::from_millis(10));
}

/// Waits for a condition with a bound.
pub fn until(what: &str, bound: Duration, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < bound, "{what} did not happen within {bound:?}");
        pause();
    }
}

/// Folders of a run that hold data; logs and the ledger may stay.
fn data_below(work: &Path) -> Vec<String> {
    let entries = fs::read_dir(work).into_iter().flatten().flatten().map(|entry| entry.path());
    entries
        .filter(|path| path.is_dir() && !path.ends_with("logs"))
        .map(|path| path.display().to_string())
        .collect()
}

fn processes(runs: &[String]) -> Vec<String> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let of_run = |pid: &u32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let folder = fs::read_link(format!("/proc/{pid}/cwd")).unwrap_or_default().display().to_string();
        let marked = environment
            .split(|byte| *byte == 0)
            .any(|variable| runs.iter().any(|run| variable == format!("DRILLYARD_RUN={run}").as_bytes()));
        marked || runs.iter().any(|run| folder.contains(run.as_str()))
    };
    pids.filter(of_run)
        .filter_map(|pid| {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            let ended = stat.rsplit_once(')')?.1.trim_start().starts_with(['Z', 'X']);
            (!ended).then(|| format!("process {stat}"))
        })
        .collect()
}

/// Checks every line of a journal against its own seal and the line before; gives how many there are.
pub fn chain(lines: &[String]) -> Result<usize, String> {
    let mut before = "0".repeat(64);
    for (number, line) in lines.iter().enumerate() {
        let wrong = |what: &str| format!("line {}: {what}", number + 1);
        let record: Value = serde_json::from_str(line).map_err(|error| wrong(&error.to_string()))?;
        let (open, _) = line.rsplit_once(",\"sha256\":\"").ok_or_else(|| wrong("no seal"))?;
        let digest: String =
            Sha256::digest(format!("{open}}}")).iter().map(|byte| format!("{byte:02x}")).collect();
        if record["sha256"] != digest.as_str() {
            return Err(wrong("the seal does not hold"));
        }
        if record["prev"] != before.as_str() {
            return Err(wrong("it does not follow the one before"));
        }
        before = digest;
    }
    Ok(lines.len())
}
