//! Scenarios on the `cucumber` crate: it walks the sentences, the engine carries out the steps each one stands for.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt;
use std::panic::{self, PanicHookInfo};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use cucumber::event::{Cucumber as CucumberEvent, Event as Metadata};
use cucumber::{Cucumber, World, Writer, cli, gherkin, parser, runner, step, writer};
use drillyard_engine::event::{Phase, UnitKind};
use drillyard_engine::run::{Ground, UnitOutcome, UnitRun, begin};
use drillyard_engine::stack::Stack;
use drillyard_engine::verdict::Verdict;
use drillyard_spec::drill::Step;
use drillyard_spec::feature::Scenario;
use futures::future::LocalBoxFuture;
use futures::{FutureExt as _, stream};
use regex::Regex;
use tokio::runtime::Handle;

/// Runs one scenario in a lane of its own.
pub async fn run_scenario(stack: &Stack, scenario: &Scenario, ground: &Ground) -> UnitOutcome {
    let run = match begin(stack, &scenario.drill, UnitKind::Scenario, ground).await {
        Ok(run) => run,
        Err(outcome) => return outcome,
    };
    let mut steps = scenario.drill.steps.iter().cloned();
    let sentences: VecDeque<Vec<Step>> =
        scenario.sentences.iter().map(|sentence| steps.by_ref().take(sentence.steps).collect()).collect();
    let stage = Stage { run, sentences, runtime: Handle::current(), budget: scenario.drill.budget };
    let feature = scenario.feature.clone();
    // The runner's futures stay on one thread; the engine's own work goes on in the runtime.
    let played = tokio::task::spawn_blocking(move || play(stage, feature)).await;
    match played {
        Ok(Some((mut run, left))) => {
            if let Some(reason) = scenario.drill.cut.as_ref().filter(|_| run.so_far() <= Verdict::Snapshot) {
                run.explain(Verdict::Inconclusive, reason.clone());
            } else if left > 0 && run.so_far() <= Verdict::Snapshot {
                run.explain(Verdict::Aborted, format!("{left} sentences were never reached"));
            }
            run.finish().await
        }
        Ok(None) | Err(_) => {
            let reason = Some("the scenario's runner broke off".to_owned());
            UnitOutcome::new(scenario.drill.id.clone(), Verdict::Aborted, reason)
        }
    }
}

/// What a scenario needs to be played.
struct Stage {
    run: UnitRun,
    sentences: VecDeque<Vec<Step>>,
    runtime: Handle,
    budget: Duration,
}

/// Where the stage waits before the first sentence and after the last.
type Wings = Arc<Mutex<Option<Stage>>>;

/// Plays the one scenario of `feature`; gives the run back with the number of sentences not reached.
fn play(stage: Stage, feature: gherkin::Feature) -> Option<(UnitRun, usize)> {
    let wings: Wings = Arc::new(Mutex::new(Some(stage)));
    let _hook = QuietHook::hold();
    let (entrance, exit) = (wings.clone(), wings.clone());
    let every = Regex::new("").ok()?;
    let cucumber =
        Cucumber::<Play, One, gherkin::Feature, _, Unheard>::custom(One, runner::Basic::default(), Unheard)
            .with_default_cli()
            .before(move |_, _, _, world| {
                world.stage = entrance.lock().unwrap_or_else(PoisonError::into_inner).take();
                async {}.boxed_local()
            })
            .after(move |_, _, _, _, world| {
                let stage = world.and_then(|world| world.stage.take());
                *exit.lock().unwrap_or_else(PoisonError::into_inner) = stage;
                async {}.boxed_local()
            })
            .given(every.clone(), sentence)
            .when(every.clone(), sentence)
            .then(every, sentence);
    futures::executor::block_on(cucumber.run(feature));
    let stage = wings.lock().unwrap_or_else(PoisonError::into_inner).take()?;
    Some((stage.run, stage.sentences.len()))
}

/// The world of one scenario.
#[derive(Default)]
struct Play {
    stage: Option<Stage>,
}

impl fmt::Debug for Play {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Play").field("on_stage", &self.stage.is_some()).finish()
    }
}

impl World for Play {
    type Error = Infallible;

    async fn new() -> Result<Self, Self::Error> {
        Ok(Self::default())
    }
}

/// Plays the next sentence. A step that goes wrong ends the scenario by the runner's own means, a panic it catches;
/// what went wrong has been reported as an event already.
fn sentence(world: &mut Play, _: step::Context) -> LocalBoxFuture<'_, ()> {
    async move {
        let mut stage = world.stage.take().expect("the stage is set before the first sentence");
        let steps = stage.sentences.pop_front().unwrap_or_default();
        let runtime = stage.runtime.clone();
        let played = runtime.spawn(async move {
            let work = stage.run.sentence(&steps, Phase::Steps);
            let verdict = match tokio::time::timeout(stage.budget, work).await {
                Ok(verdict) => verdict,
                Err(_) => {
                    let reason = format!("the budget of {} s is used up", stage.budget.as_secs());
                    stage.run.explain(Verdict::Failed, reason);
                    Verdict::Failed
                }
            };
            (stage, verdict)
        });
        let (stage, verdict) = played.await.expect("the engine does not panic in a step");
        world.stage = Some(stage);
        assert!(verdict <= Verdict::Snapshot, "{}", verdict.as_str());
    }
    .boxed_local()
}

/// A parser that has its one feature already.
struct One;

impl cucumber::Parser<gherkin::Feature> for One {
    type Cli = cli::Empty;
    type Output = stream::Iter<std::array::IntoIter<parser::Result<gherkin::Feature>, 1>>;

    fn parse(self, feature: gherkin::Feature, _: cli::Empty) -> Self::Output {
        stream::iter([Ok(feature)])
    }
}

/// A writer that says nothing: the engine's events have said it.
struct Unheard;

impl Writer<Play> for Unheard {
    type Cli = cli::Empty;

    async fn handle_event(&mut self, _: parser::Result<Metadata<CucumberEvent<Play>>>, _: &cli::Empty) {}
}

impl writer::Normalized for Unheard {}
impl writer::NonTransforming for Unheard {}

type Hook = Box<dyn Fn(&PanicHookInfo<'_>) + Send + Sync>;

/// The runner swaps the process-wide panic hook for a silent one and back. With several scenarios at once the last to
/// end could put back the silent one, so the last guard to go puts back what was there before the first.
struct QuietHook;

static PLAYING: AtomicUsize = AtomicUsize::new(0);
static BEFORE: OnceLock<Hook> = OnceLock::new();

impl QuietHook {
    fn hold() -> Self {
        BEFORE.get_or_init(panic::take_hook);
        PLAYING.fetch_add(1, Ordering::SeqCst);
        Self
    }
}

impl Drop for QuietHook {
    fn drop(&mut self) {
        if PLAYING.fetch_sub(1, Ordering::SeqCst) == 1 {
            panic::set_hook(Box::new(|info| {
                if let Some(before) = BEFORE.get() {
                    before(info);
                }
            }));
        }
    }
}
