//! A stack, its lanes and the units run on it, from raising to the sealed evidence.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use drillyard_engine::event::{Event, EventSink};
use drillyard_engine::run::{Ground, SecretKeeper, UnitOutcome, leave_out, run_drill};
use drillyard_engine::stack::{Backend, LaneRequest, Stack, StackError, StackOptions};
use drillyard_engine::verdict::Verdict;
use drillyard_report::bundle::{BundleError, BundleWriter};
use drillyard_report::format::console::{Console, Look};
use drillyard_report::mask::Masker;
use drillyard_report::sign::{KeyError, Signer};
use drillyard_spec::project::documents_named;
use futures::StreamExt as _;
use jiff::Timestamp;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::command::{self, bootstrap};
use crate::desk;
use crate::exit::Tally;
use crate::facts;
use crate::memory;
use crate::pace;
use crate::recorder::Recorder;
use crate::root::{Loaded, Root};
use crate::scenario::run_scenario;
use crate::schedule::{self, Schedule};
use crate::select::Task;
use crate::snapshots::{Used, compare_with};
use crate::target;

/// How a run is made.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// What the stack is made of.
    pub backend: Backend,
    /// The target to attach to, by name, on that backend.
    pub target: Option<String>,
    /// Address of the container engine, where it is not the usual one.
    pub engine_host: Option<String>,
    /// Seed of everything that is drawn.
    pub seed: u64,
    /// Lanes at a time; nothing means one for each core.
    pub jobs: Option<usize>,
    /// Keep the lanes of units that do not pass.
    pub keep: bool,
    /// How often every unit runs; more than once finds those that are flaky.
    pub repeat: usize,
    /// PostgreSQL's programs, where they are not found by themselves.
    pub pg_bin: Option<PathBuf>,
    /// Service binaries, where they are not to be built.
    pub bin_dir: Option<PathBuf>,
    /// Private key that signs the evidence, where it is not the project's own.
    pub signing_key: Option<PathBuf>,
    /// On CI snapshots are only compared.
    pub ci: bool,
    /// How the console looks.
    pub look: Look,
}

/// What a run tells the world, and how the world stops it.
pub struct Surroundings<W> {
    /// Where the console writes.
    pub out: W,
    /// Called with a unit's name when the console has shown how it ended.
    pub on_unit: Box<dyn FnMut(&str) + Send>,
    /// Cancelled to end the run early.
    pub interrupted: CancellationToken,
}

/// A raised stack with a journal.
pub struct Harness {
    stack: Stack,
    ground: Ground,
    recorder: Recorder,
    tally: Mutex<Tally>,
    kept: Mutex<Vec<String>>,
    schedule: Schedule,
    used_snapshots: Used,
    begun: Instant,
    jobs: usize,
    attachments: Vec<(String, Vec<u8>)>,
    run_dir: PathBuf,
}

/// What a finished run leaves.
#[derive(Debug)]
pub struct Finished {
    /// The exit code.
    pub exit_code: u8,
    /// One sentence.
    pub summary: String,
    /// Where the evidence is.
    pub bundle: PathBuf,
}

/// Why a run could not begin or its evidence could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum HarnessError {
    /// The topology was not read; the diagnostics say why.
    #[error("the topology could not be read")]
    NoTopology,
    /// The stack was not raised.
    #[error("the stack could not be raised: {}", .0.full())]
    Stack(#[from] StackError),
    /// The target cannot be used.
    #[error("{0}")]
    Target(String),
    /// The redaction rules cannot be read.
    #[error("the redactions cannot be read: {0}")]
    Redactions(String),
    /// Evidence could not be written.
    #[error("the evidence could not be kept: {0}")]
    Evidence(#[from] BundleError),
    /// The key that signs the evidence cannot be used.
    #[error("the evidence could not be signed: {0}")]
    Key(#[from] KeyError),
    /// The recorder ended before the run.
    #[error("the evidence could not be kept: {0}")]
    Recorder(String),
}

/// The name of a run: its beginning in UTC and a part of its seed, so that names sort by time.
fn run_name(seed: u64) -> String {
    format!("{}-{:04x}-{}", Timestamp::now().strftime("%Y%m%d-%H%M%S"), seed & 0xffff, std::process::id())
}

impl Harness {
    /// Raises the shared part of the stack and begins the journal.
    ///
    /// # Errors
    /// The stack cannot be raised, or the journal cannot be begun. Whatever was started is gone again.
    pub async fn raise<W: Write + Send + 'static>(
        (root, loaded): (&Root, &Loaded),
        tasks: &[Task],
        options: &RunOptions,
        world: Surroundings<W>,
    ) -> Result<Self, HarnessError> {
        let topology = loaded.project.topology.as_ref().ok_or(HarnessError::NoTopology)?;
        let begun = Instant::now();
        let attached = target::attach((root, loaded), options)?;
        let run_id = run_name(options.seed);
        let masker = Masker::default();
        let signer = signer(root, options.signing_key.as_deref())?;
        let bundle = BundleWriter::create(&root.runs(), &run_id, masker.clone())?.signed_by(signer);
        let (events, receiver) = EventSink::channel();
        let Surroundings { out, on_unit, interrupted } = world;
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let jobs = jobs(options, cores);
        let console = Console::new(out, options.look, masker.clone()).expecting(jobs, pace::of(root, tasks));
        let recorder = Recorder::start(receiver, bundle, console, on_unit);
        let mut facts = facts::gather(root.path(), &loaded.texts, tasks);
        facts.insert("seed".to_owned(), json!(options.seed));
        facts.insert("backend".to_owned(), json!(options.backend.as_str()));
        facts.insert("topology_sha256".to_owned(), json!(topology.text_sha256));
        let units = tasks.len() * options.repeat.max(1);
        let mut stack_options = stack_options(root, &run_id, options);
        stack_options.attached = attached;
        let run_dir = stack_options.run_dir.clone();
        let raised = Stack::raise(topology, stack_options, events.clone()).await;
        let stack = match raised {
            Ok(stack) => stack,
            Err(error) => {
                events.emit(Event::RunStarted { run_id, facts, units });
                abandon(&events, recorder, &error);
                return Err(error.into());
            }
        };
        let secret: SecretKeeper = Arc::new(move |name: &str, value: &str| {
            // A value too short to be searched for is no secret the stack made.
            let _ = masker.add(name, value);
        });
        for (name, value) in stack.secrets() {
            secret(&name, &value);
        }
        facts.insert("binaries_sha256".to_owned(), json!(stack.digests().await?));
        events.emit(Event::RunStarted { run_id, facts, units });
        let used_snapshots = Used::default();
        let snapshots = compare_with(root, options.ci, used_snapshots.clone())?;
        let ground = Ground {
            seed: options.seed,
            events,
            snapshots,
            interrupted,
            keep_failed: options.keep,
            secret,
            desk: desk::desk(options.ci),
            backend: options.backend.as_str(),
            rerun: root.rerun(),
        };
        let attachments = texts_as_run(loaded, tasks);
        Ok(Self {
            stack,
            ground,
            recorder,
            tally: Mutex::default(),
            kept: Mutex::default(),
            schedule: Schedule::default(),
            used_snapshots,
            begun,
            jobs,
            attachments,
            run_dir,
        })
    }

    /// The stack.
    #[must_use]
    pub fn stack(&self) -> &Stack {
        &self.stack
    }

    /// Where events go.
    #[must_use]
    pub fn events(&self) -> &EventSink {
        &self.ground.events
    }

    /// Runs the topology's bootstrap job in a lane of its own and keeps its evidence; nothing when there is no such job.
    ///
    /// # Errors
    /// What the job or the lane said.
    pub async fn bootstrap(&mut self, root: &Root) -> Result<Option<PathBuf>, String> {
        if !self.stack.topology().names().jobs.contains(bootstrap::JOB) {
            return Ok(None);
        }
        let lane = self.stack.lane(LaneRequest::new(bootstrap::JOB)).await.map_err(|error| error.full())?;
        let outcome = lane.run_job(bootstrap::JOB).await;
        let residue = lane.close().await;
        self.tally.get_mut().unwrap_or_else(PoisonError::into_inner).residue.extend(residue);
        let outcome = outcome.map_err(|error| error.full())?;
        if outcome.exit != Some(0) {
            return Err(outcome.output);
        }
        let path = bootstrap::write_evidence(root, None, &outcome.output)?;
        let text = std::fs::read(&path).map_err(|error| error.to_string())?;
        self.attachments.push(("bootstrap-evidence.json".to_owned(), text));
        Ok(Some(path))
    }

    /// Runs one unit in a lane of its own and counts it.
    pub async fn run(&self, task: &Task) -> UnitOutcome {
        let _held = self.schedule.hold(task.drill()).await;
        let outcome = match task {
            Task::Drill(drill) => run_drill(&self.stack, drill, task.kind(), &self.ground).await,
            Task::Scenario(scenario) => run_scenario(&self.stack, scenario, &self.ground).await,
        };
        self.count(&outcome);
        outcome
    }

    fn count(&self, outcome: &UnitOutcome) {
        self.schedule.ended(&outcome.unit, outcome.verdict == Verdict::Passed);
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.count(&outcome.unit, outcome.verdict);
        tally.residue.extend(outcome.residue.iter().cloned());
        let kept = outcome.kept.iter().map(|kept| format!("{}: {kept}", outcome.unit));
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).extend(kept);
    }

    /// How to reach the lanes that were kept, with their passwords: for the terminal, never for evidence.
    #[must_use]
    pub fn kept(&self) -> Vec<String> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Runs all units so often, one round after the other.
    pub async fn run_rounds(&self, tasks: &[Task], rounds: usize) {
        for _ in 0..rounds.max(1) {
            self.schedule.begin_again();
            self.run_all(tasks).await;
        }
    }

    /// Reports a unit that is not begun because one it needs did not pass.
    pub fn leave_out(&self, task: &Task, needed: &str) -> UnitOutcome {
        let reason = format!("it needs `{needed}`, which did not pass");
        let outcome = leave_out(task.drill(), task.kind(), &self.ground, reason);
        self.count(&outcome);
        outcome
    }

    /// Runs all units, as many at a time as there are lanes, each after those it needs; an interruption begins no
    /// further one.
    pub async fn run_all(&self, tasks: &[Task]) {
        let running: BTreeSet<&str> = tasks.iter().map(|task| task.drill().id.as_str()).collect();
        futures::stream::iter(schedule::in_order(tasks))
            .for_each_concurrent(self.jobs, |task| {
                let running = &running;
                async move {
                    if self.ground.interrupted.is_cancelled() {
                        return;
                    }
                    if let Some(unit) = self.schedule.unmet(task.drill(), running).await {
                        self.leave_out(task, &unit);
                    } else {
                        self.run(task).await;
                    }
                }
            })
            .await;
    }

    /// Whether a lane was kept for somebody to look at.
    #[must_use]
    pub fn has_kept(&self) -> bool {
        !self.kept().is_empty()
    }

    /// Snapshots that were compared, as paths relative to the project's root.
    #[must_use]
    pub fn used_snapshots(&self) -> BTreeSet<String> {
        self.used_snapshots.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes the stack down, reports the end and seals the evidence.
    ///
    /// # Errors
    /// The evidence could not be written, or a secret value was found in it.
    pub async fn finish(self) -> Result<Finished, HarnessError> {
        let residue = self.stack.down().await;
        let mut tally = self.tally.into_inner().unwrap_or_else(PoisonError::into_inner);
        tally.residue.extend(residue.iter().cloned());
        tally.interrupted = self.ground.interrupted.is_cancelled();
        let events = &self.ground.events;
        events.emit(Event::StackStopped { residue: tally.residue.clone() });
        let (exit_code, summary) = (tally.exit_code(), tally.summary());
        let took = self.begun.elapsed();
        events.emit(Event::RunFinished { counts: tally.counts, exit_code, summary: summary.clone(), took });
        let joined = self.recorder.join();
        let (mut bundle, problems) =
            joined.ok_or_else(|| HarnessError::Recorder("the recorder broke off".to_owned()))?;
        if let Some(problem) = problems.into_iter().next() {
            return Err(HarnessError::Recorder(problem));
        }
        for (path, text) in &self.attachments {
            bundle.attach(path, text)?;
        }
        let logs = self.run_dir.join("logs");
        for name in drillyard_report::bundle::list(&logs).unwrap_or_default() {
            bundle.attach_file(&format!("logs/{name}"), &logs.join(&name))?;
        }
        // The logs are in the bundle now; what cannot be removed does no harm.
        let _ = std::fs::remove_dir_all(&self.run_dir);
        let finished = bundle.finish()?;
        Ok(Finished { exit_code, summary, bundle: finished.dir })
    }
}

/// Lanes at a time: as asked for, otherwise one for each core; and as many as memory holds, where that is known. Those
/// who share a system that is up already take turns.
pub(crate) fn jobs(options: &RunOptions, cores: usize) -> usize {
    let by_itself = match options.backend {
        Backend::Attached => 1,
        Backend::Process | Backend::Container => cores.min(memory::lanes().unwrap_or(cores)),
    };
    options.jobs.unwrap_or(by_itself).max(1)
}

/// The key that signs the project's evidence: the given one, or the project's own, which the first use generates.
///
/// # Errors
/// The key cannot be read or made.
pub fn signer(root: &Root, given: Option<&Path>) -> Result<Signer, KeyError> {
    match given {
        Some(path) => Signer::load(path),
        None => Signer::load_or_generate(&root.state().join("keys")),
    }
}

/// What the stack needs to know of the machine, the project and the run.
#[must_use]
pub fn stack_options(root: &Root, run_id: &str, options: &RunOptions) -> StackOptions {
    let (profile, reaper) = command::this_build();
    StackOptions {
        backend: options.backend,
        engine_host: options.engine_host.clone(),
        attached: None,
        run_id: run_id.to_owned(),
        run_dir: root.state().join("work").join(run_id),
        cache_dir: root.state().join("cache"),
        project_root: root.path().to_owned(),
        bin_dir: options.bin_dir.clone(),
        profile,
        pg_bin: options.pg_bin.clone(),
        reaper,
        search_path: command::search_path(),
        variables: BTreeMap::new(),
        scratch_dir: std::env::temp_dir(),
    }
}

/// Ends the journal of a run whose stack was not raised. The bundle is kept unsealed: there is nothing to vouch for.
fn abandon(events: &EventSink, recorder: Recorder, error: &StackError) {
    let (counts, took) = (drillyard_engine::event::Counts::default(), std::time::Duration::ZERO);
    let summary = format!("the stack could not be raised: {}", error.full());
    events.emit(Event::RunFinished { counts, exit_code: crate::exit::NOT_RAISED, summary, took });
    let _ = recorder.join();
}

/// The texts a run was made from: the topology, the units' own files and every block and runbook.
fn texts_as_run(loaded: &Loaded, tasks: &[Task]) -> Vec<(String, Vec<u8>)> {
    let documents = documents_named(&loaded.texts);
    let units: BTreeSet<&str> = tasks.iter().map(|task| task.drill().place.file.as_ref()).collect();
    loaded
        .texts
        .iter()
        .filter(|source| {
            let path = source.path().as_ref();
            let block = path.starts_with("drills/") && path.matches('/').count() > 1;
            let named = documents.iter().any(|document| document == path);
            units.contains(path)
                || block
                || named
                || path.starts_with("ops/")
                || path == "features/vocabulary.yaml"
        })
        .map(|source| (format!("texts/{}", source.path()), source.text().as_bytes().to_vec()))
        .collect()
}
