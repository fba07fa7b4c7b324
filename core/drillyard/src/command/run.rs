//! `run`: drills and scenarios, each in a lane of its own.

use drillyard_report::format::console::Look;
use drillyard_report::snapshot;
use std::io::IsTerminal as _;
use std::path::PathBuf;

use crate::command::{Common, Ground, complain, options_from_environment, print, runtime};
use crate::exit;
use crate::harness::{Finished, Harness, HarnessError, RunOptions, Surroundings};
use crate::interrupt;
use crate::root::{Loaded, Root};
use crate::select::{Filter, Task, select};
use crate::until;

/// What was asked for.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Which units.
    pub filter: Filter,
    /// Lanes at a time.
    pub jobs: Option<usize>,
    /// Seed.
    pub seed: Option<u64>,
    /// Keep lanes of units that do not pass until Enter is pressed.
    pub keep: bool,
    /// How often every unit runs.
    pub repeat: usize,
    /// Stop after this step.
    pub until: Option<String>,
    /// Private key that signs the evidence.
    pub key: Option<PathBuf>,
    /// Where programs are found.
    pub ground: Ground,
}

/// Options of a run on a terminal.
#[must_use]
pub fn options(common: &Common, asked: &Asked) -> RunOptions {
    let environment = asked.ground.over(options_from_environment());
    RunOptions {
        seed: asked.seed.unwrap_or(environment.seed),
        jobs: asked.jobs,
        keep: asked.keep,
        repeat: asked.repeat.max(1),
        signing_key: asked.key.clone().or(environment.signing_key),
        look: Look { color: common.color(), terminal: std::io::stdout().is_terminal() },
        ..environment
    }
}

/// Runs what was asked for.
#[must_use]
pub fn run(common: &Common, asked: Asked) -> u8 {
    let (root, loaded) = match common.load_checked() {
        Ok(loaded) => loaded,
        Err(code) => return code,
    };
    let mut tasks = match select(&loaded.project, &asked.filter) {
        Ok(tasks) => tasks,
        Err(error) => return complain(exit::NOTHING_PROVED, &error.to_string()),
    };
    if tasks.is_empty() {
        let text = "nothing matches, so nothing would be proved; `drillyard list` shows what there is";
        return complain(exit::NOTHING_PROVED, text);
    }
    if let Some(Err(error)) = asked.until.as_deref().map(|step| until::cut(&mut tasks, step)) {
        return complain(exit::NOTHING_PROVED, &error);
    }
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(code) => return code,
    };
    let options = options(common, &asked);
    let whole = asked.filter.is_empty() && asked.until.is_none();
    let run = Run { root, loaded, tasks, whole, bootstrap: false };
    run.carry_out_on(&runtime, options)
}

/// A run and how its end is shown.
pub struct Run {
    /// The project.
    pub root: Root,
    /// Its texts.
    pub loaded: Loaded,
    /// The units.
    pub tasks: Vec<Task>,
    /// Whether these are all units of the project, so that a snapshot nobody compared is a stray one.
    pub whole: bool,
    /// Whether to bootstrap a lane first and keep its evidence.
    pub bootstrap: bool,
}

impl Run {
    /// Raises the stack, runs the units and seals the evidence; gives the exit code.
    ///
    /// All of it is a task of the runtime: on the thread that waits for the runtime every answer of a service would
    /// have to be handed over from another.
    #[must_use]
    pub fn carry_out_on(self, runtime: &tokio::runtime::Runtime, options: RunOptions) -> u8 {
        let done = runtime.block_on(runtime.spawn(async move { self.carry_out(&options).await }));
        done.unwrap_or_else(|error| complain(exit::INTERNAL, &format!("the run broke off: {error}")))
    }

    async fn carry_out(&self, options: &RunOptions) -> u8 {
        let interrupted = match interrupt::token() {
            Ok(token) => token,
            Err(error) => return complain(exit::INTERNAL, &format!("no signal handler: {error}")),
        };
        print(&format!("seed {}", options.seed));
        let world = Surroundings {
            out: std::io::stdout(),
            on_unit: Box::new(|_| {}),
            interrupted: interrupted.clone(),
        };
        let raising = Harness::raise((&self.root, &self.loaded), &self.tasks, options, world);
        let mut harness = match raising.await {
            Ok(harness) => harness,
            Err(error) => return complain(code_of(&error), &error.to_string()),
        };
        let bootstrapped = if self.bootstrap { harness.bootstrap(&self.root).await } else { Ok(None) };
        match &bootstrapped {
            Ok(Some(path)) => print(&format!("bootstrap evidence: {}", path.display())),
            Ok(None) => {}
            // The drills still tell more about what is wrong.
            Err(error) => {
                complain(exit::NOT_RAISED, &format!("the bootstrap failed: {error}"));
            }
        }
        harness.run_rounds(&self.tasks, options.repeat).await;
        if options.keep && harness.has_kept() && !interrupted.is_cancelled() {
            harness.kept().iter().for_each(|kept| print(kept));
            wait_for_enter(&interrupted).await;
        }
        let used = harness.used_snapshots();
        match harness.finish().await {
            Ok(finished) => {
                let code = self.show_end(&finished, &used);
                if bootstrapped.is_err() && code == exit::PASSED { exit::NOT_RAISED } else { code }
            }
            Err(error) => complain(code_of(&error), &error.to_string()),
        }
    }

    fn show_end(&self, finished: &Finished, used: &std::collections::BTreeSet<String>) -> u8 {
        print(&format!("evidence: {}", finished.bundle.display()));
        let strays = match snapshot::unreferenced(self.root.path(), used) {
            Ok(strays) if self.whole && finished.exit_code == exit::PASSED => strays,
            Ok(_) => Vec::new(),
            Err(error) => return complain(exit::INTERNAL, &error.to_string()),
        };
        for stray in &strays {
            complain(
                exit::SNAPSHOT,
                &format!("{stray}: no drill or scenario compares this snapshot; remove it"),
            );
        }
        if strays.is_empty() { finished.exit_code } else { exit::SNAPSHOT }
    }
}

/// The exit code of an error of the harness.
#[must_use]
pub fn code_of(error: &HarnessError) -> u8 {
    match error {
        HarnessError::NoTopology
        | HarnessError::Target(_)
        | HarnessError::Redactions(_)
        | HarnessError::Key(_) => exit::TEXT_WRONG,
        HarnessError::Stack(_) => exit::NOT_RAISED,
        HarnessError::Evidence(_) | HarnessError::Recorder(_) => exit::INTERNAL,
    }
}

async fn wait_for_enter(interrupted: &tokio_util::sync::CancellationToken) {
    print("lanes are kept; press Enter to take everything down");
    let line = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        // End of input counts as Enter.
        let _ = std::io::stdin().read_line(&mut line);
    });
    tokio::select! {
        _ = line => {}
        () = interrupted.cancelled() => {}
    }
}
