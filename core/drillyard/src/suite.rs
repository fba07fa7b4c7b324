//! `cargo test`: each drill and each scenario is a test of its own name, all on one stack.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use drillyard_engine::event::UnitKind;
use drillyard_engine::run::UnitOutcome;
use drillyard_engine::verdict::Verdict;
use drillyard_report::format::console::Look;
use libtest_mimic::{Arguments, Failed, Trial};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::exit;
use crate::harness::{Harness, RunOptions, Surroundings};
use crate::render::{self, Style};
use crate::root::{Loaded, Root};
use crate::select::{Filter, Task, select};

/// Runs the drills of the project as tests; the `main` of a test target without a harness.
#[must_use]
pub fn drills() -> ExitCode {
    main(UnitKind::Drill)
}

/// Runs the scenarios of the project as tests; the `main` of a test target without a harness.
#[must_use]
pub fn features() -> ExitCode {
    main(UnitKind::Scenario)
}

fn main(kind: UnitKind) -> ExitCode {
    match run(kind) {
        Ok(code) => ExitCode::from(code),
        Err(message) => {
            say(&message);
            ExitCode::from(exit::TEXT_WRONG)
        }
    }
}

#[expect(clippy::print_stderr, reason = "the face of a test target speaks to the terminal")]
fn say(text: &str) {
    eprintln!("{}", text.trim_end());
}

fn run(kind: UnitKind) -> Result<u8, String> {
    let arguments = Arguments::from_args();
    crate::command::backend_from_environment().map_err(|error| format!("DRILLYARD_BACKEND: {error}"))?;
    let here = std::env::current_dir().map_err(|error| error.to_string())?;
    let root = Root::find(&here).map_err(|error| error.to_string())?;
    let loaded = root.load().map_err(|error| error.to_string())?;
    if !loaded.project.diagnostics.is_empty() {
        return Err(render::render(
            &loaded.project.diagnostics,
            &loaded.texts,
            Style::Human { color: false },
        ));
    }
    let tasks: Vec<Task> = select(&loaded.project, &Filter::default())
        .map_err(|error| error.to_string())?
        .into_iter()
        .filter(|task| task.kind() == kind)
        .collect();
    if tasks.is_empty() {
        return Err("there is nothing to run, and nothing would be proved".to_owned());
    }
    if !arguments.list {
        crate::command::build_reaper(&root)?;
    }
    crate::command::install_tls();
    let stage = Arc::new(Stage::new(root, loaded, tasks.clone()).map_err(|error| error.to_string())?);
    let trials = tasks.into_iter().map(|task| trial(task, stage.clone())).collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    if arguments.list {
        return Ok(exit::PASSED);
    }
    if conclusion.num_passed + conclusion.num_failed == 0 {
        say("no test has this name, and nothing would be proved");
        return Ok(exit::NOTHING_PROVED);
    }
    let finished = stage.finish();
    Ok(if conclusion.has_failed() { exit::FAILED } else { finished })
}

fn trial(task: Task, stage: Arc<Stage>) -> Trial {
    let name = task.drill().id.clone();
    let word = task.kind().as_str();
    Trial::test(name, move || stage.play(&task)).with_kind(word)
}

/// The one stack of a test target, raised by the first test that needs it.
struct Stage {
    runtime: Runtime,
    root: Root,
    loaded: Loaded,
    tasks: Vec<Task>,
    /// What came of each unit, once it has been run.
    turns: BTreeMap<String, Turn>,
    raised: Mutex<Raised>,
    output: Output,
}

type Turn = Mutex<Option<Result<UnitOutcome, String>>>;

enum Raised {
    NotYet,
    Up(Arc<Harness>),
    Failed(String),
}

impl Stage {
    fn new(root: Root, loaded: Loaded, tasks: Vec<Task>) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let turns = tasks.iter().map(|task| (task.drill().id.clone(), Turn::default())).collect();
        Ok(Self {
            runtime,
            root,
            loaded,
            tasks,
            turns,
            raised: Mutex::new(Raised::NotYet),
            output: Output::default(),
        })
    }

    fn harness(&self) -> Result<Arc<Harness>, String> {
        let mut raised = self.raised.lock().unwrap_or_else(PoisonError::into_inner);
        if let Raised::NotYet = &*raised {
            let options = RunOptions { look: Look::default(), ..crate::command::options_from_environment() };
            let (out, shown) = (self.output.clone(), self.output.clone());
            let on_unit = Box::new(move |unit: &str| shown.cut(unit));
            let harness = self.runtime.block_on(async {
                let interrupted = crate::interrupt::token().unwrap_or_else(|_| CancellationToken::new());
                let world = Surroundings { out, on_unit, interrupted };
                Harness::raise((&self.root, &self.loaded), &self.tasks, &options, world).await
            });
            *raised = match harness {
                Ok(harness) => Raised::Up(Arc::new(harness)),
                Err(error) => Raised::Failed(error.to_string()),
            };
        }
        match &*raised {
            Raised::Up(harness) => Ok(harness.clone()),
            Raised::Failed(reason) => Err(reason.clone()),
            Raised::NotYet => Err("the stack was not raised".to_owned()),
        }
    }

    /// Runs a unit once, after those it needs, whichever test asks first; who comes later gets the same outcome.
    ///
    /// Units that need each other were refused when they were read, so nobody waits in a ring.
    fn outcome(&self, task: &Task) -> Result<UnitOutcome, String> {
        let turn = self.turns.get(&task.drill().id).ok_or("the unit is not of this project")?;
        let mut kept = turn.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(outcome) = &*kept {
            return outcome.clone();
        }
        let harness = self.harness();
        let outcome = harness.and_then(|harness| {
            for need in &task.drill().needs {
                let Some(needed) = self.tasks.iter().find(|task| task.drill().id == need.unit) else {
                    continue;
                };
                if self.outcome(needed)?.verdict != Verdict::Passed {
                    return Ok(harness.leave_out(task, &need.unit));
                }
            }
            Ok(self.runtime.block_on(harness.run(task)))
        });
        *kept = Some(outcome.clone());
        outcome
    }

    fn play(&self, task: &Task) -> Result<(), Failed> {
        let outcome = self.outcome(task)?;
        if outcome.verdict == Verdict::Passed && outcome.residue.is_empty() {
            return Ok(());
        }
        // The recorder shows a unit when its last event has arrived, which may be a moment later than here.
        let shown = self.output.wait_for(&outcome.unit);
        let mut text = format!("{}: {}\n{shown}", outcome.unit, outcome.verdict.as_str());
        for line in outcome.reason.iter().chain(&outcome.residue) {
            text.push_str(&format!("\n{line}"));
        }
        Err(text.into())
    }

    fn finish(&self) -> u8 {
        let raised = std::mem::replace(
            &mut *self.raised.lock().unwrap_or_else(PoisonError::into_inner),
            Raised::NotYet,
        );
        let Raised::Up(harness) = raised else { return exit::NOT_RAISED };
        let Some(harness) = Arc::into_inner(harness) else { return exit::INTERNAL };
        match self.runtime.block_on(harness.finish()) {
            Ok(finished) => {
                say(&format!("evidence: {}", finished.bundle.display()));
                finished.exit_code
            }
            Err(error) => {
                say(&error.to_string());
                exit::INTERNAL
            }
        }
    }
}

/// What the console wrote, cut into one piece for each unit.
#[derive(Clone, Default)]
struct Output {
    shared: Arc<(Mutex<Written>, Condvar)>,
}

#[derive(Default)]
struct Written {
    open: Vec<u8>,
    units: BTreeMap<String, String>,
}

/// The recorder is behind a unit's end by no more than a write to disk.
const SHOWN_WITHIN: Duration = Duration::from_secs(5);

impl Output {
    fn cut(&self, unit: &str) {
        let (written, shown) = &*self.shared;
        let mut written = written.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&std::mem::take(&mut written.open)).into_owned();
        written.units.insert(unit.to_owned(), text);
        shown.notify_all();
    }

    fn wait_for(&self, unit: &str) -> String {
        let (written, shown) = &*self.shared;
        let written = written.lock().unwrap_or_else(PoisonError::into_inner);
        let missing = |written: &mut Written| !written.units.contains_key(unit);
        let waited = shown.wait_timeout_while(written, SHOWN_WITHIN, missing);
        let (mut written, _) = waited.unwrap_or_else(PoisonError::into_inner);
        written.units.remove(unit).unwrap_or_default()
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner).open.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
