//! `plan`: what a run would do, without doing it.

use std::collections::BTreeMap;

use drillyard_engine::event::UnitKind;
use drillyard_spec::drill::{Action, Drill};
use drillyard_spec::fault::FaultStep;
use drillyard_spec::topology::{Scope, Topology};
use serde::Serialize;

use crate::command::run::{Asked, options};
use crate::command::{Common, complain, print};
use crate::exit;
use crate::harness;
use crate::pace;
use crate::schedule::in_order;
use crate::select::select;
use crate::until;

/// A run that was not made.
#[derive(Serialize)]
struct Plan {
    backend: &'static str,
    seed: u64,
    jobs: usize,
    repeat: usize,
    shared: Vec<String>,
    template_jobs: Vec<String>,
    lane_services: Vec<String>,
    edges: Vec<String>,
    units: Vec<Unit>,
    /// No run of these units takes longer than that, lanes aside.
    budget_s: u64,
    /// What the same units took the last time, where all of them are known.
    last_took_s: Option<u64>,
}

/// A unit of a plan.
#[derive(Serialize)]
struct Unit {
    unit: String,
    kind: &'static str,
    title: String,
    place: String,
    tags: Vec<String>,
    budget_s: u64,
    last_took_ms: Option<u64>,
    needs: Vec<String>,
    exclusive: Vec<String>,
    steps: usize,
    checks: usize,
    snapshots: Vec<String>,
    faults: Vec<String>,
    proxied_edges: Vec<String>,
    env: BTreeMap<String, BTreeMap<String, String>>,
    cut: Option<String>,
}

/// Shows what `run` with the same words would do.
#[must_use]
pub fn run(common: &Common, asked: &Asked, json: bool) -> u8 {
    let (root, loaded) = match common.load_checked() {
        Ok(loaded) => loaded,
        Err(code) => return code,
    };
    let mut tasks = match select(&loaded.project, &asked.filter) {
        Ok(tasks) => tasks,
        Err(error) => return complain(exit::NOTHING_PROVED, &error.to_string()),
    };
    if tasks.is_empty() {
        return complain(exit::NOTHING_PROVED, "nothing matches, so nothing would be run");
    }
    if let Some(Err(error)) = asked.until.as_deref().map(|step| until::cut(&mut tasks, step)) {
        return complain(exit::NOTHING_PROVED, &error);
    }
    let Some(topology) = &loaded.project.topology else { return exit::TEXT_WRONG };
    let options = options(common, asked);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let took = pace::of(&root, &tasks);
    let unit = |task: &crate::select::Task| unit(task.drill(), task.kind(), &took);
    let units: Vec<Unit> = in_order(&tasks).into_iter().map(unit).collect();
    let (jobs, repeat) = (harness::jobs(&options, cores), options.repeat);
    let budget: u64 = units.iter().map(|unit| unit.budget_s).sum();
    let known: Option<u64> = units.iter().map(|unit| unit.last_took_ms).sum();
    let spread = |seconds: u64| (seconds * repeat as u64).div_ceil(jobs as u64);
    let plan = Plan {
        backend: options.backend.as_str(),
        seed: options.seed,
        jobs,
        repeat,
        shared: of_scope(topology, Scope::Shared),
        template_jobs: of_scope(topology, Scope::Template),
        lane_services: of_scope(topology, Scope::Lane),
        edges: topology.names().edges.iter().map(|(from, to)| format!("{from} -> {to}")).collect(),
        budget_s: spread(budget),
        last_took_s: known.map(|millis| spread(millis.div_ceil(1_000))),
        units,
    };
    print(&if json { document(&plan) } else { text(&plan) });
    exit::PASSED
}

fn document(plan: &Plan) -> String {
    serde_json::to_string_pretty(plan).unwrap_or_default()
}

fn of_scope(topology: &Topology, scope: Scope) -> Vec<String> {
    let there =
        topology.services.iter().filter(|service| service.process.is_some() && service.scope == scope);
    there
        .filter(|service| scope == Scope::Template || !service.is_job())
        .map(|service| service.name.clone())
        .collect()
}

fn unit(drill: &Drill, kind: UnitKind, took: &BTreeMap<String, u64>) -> Unit {
    let all = drill.every_step();
    let injected = || {
        all.iter().filter_map(|step| match &step.action {
            Action::Fault(FaultStep::Inject(fault)) => Some(fault),
            _ => None,
        })
    };
    let mut edges: Vec<String> =
        injected().filter_map(|fault| fault.edge().map(|(edge, _)| edge.to_string())).collect();
    edges.sort();
    edges.dedup();
    Unit {
        unit: drill.id.clone(),
        kind: kind.as_str(),
        title: drill.title.clone(),
        place: drill.place.to_string(),
        tags: drill.tags.clone(),
        budget_s: drill.budget.as_secs(),
        last_took_ms: took.get(&drill.id).map(|micros| micros / 1_000),
        needs: drill.needs.iter().map(|need| need.unit.clone()).collect(),
        exclusive: drill.exclusive.clone(),
        steps: all.iter().filter(|step| !matches!(step.action, Action::Let(_))).count(),
        checks: all.iter().filter(|step| step.checked).count(),
        snapshots: all.iter().filter_map(|step| Some(step.snapshot.as_ref()?.name.clone())).collect(),
        faults: injected().map(drillyard_spec::fault::Fault::describe).collect(),
        proxied_edges: edges,
        env: drill.env.clone(),
        cut: drill.cut.clone(),
    }
}

fn text(plan: &Plan) -> String {
    let Plan { backend, seed, jobs, repeat, .. } = plan;
    let times = if *repeat > 1 { format!(", {repeat} times each") } else { String::new() };
    let mut lines = vec![
        format!("backend {backend}, seed {seed}, {jobs} lanes at a time{times}"),
        format!("shared: {}", listed(&plan.shared)),
        format!("prepared once: {}", listed(&plan.template_jobs)),
        format!("in every lane: {}", listed(&plan.lane_services)),
        format!("edges: {}", listed(&plan.edges)),
        String::new(),
    ];
    for unit in &plan.units {
        let last = unit.last_took_ms.map_or_else(String::new, |ms| format!(", {ms} ms the last time"));
        let Unit { unit: id, title, steps, checks, budget_s, .. } = unit;
        lines.push(format!("{id}  {title}"));
        lines.push(format!("    {steps} steps, {checks} with a check, at most {budget_s} s{last}"));
        for (what, items) in [
            ("after", &unit.needs),
            ("never beside others with", &unit.exclusive),
            ("faults", &unit.faults),
            ("through a proxy", &unit.proxied_edges),
            ("snapshots", &unit.snapshots),
        ] {
            if !items.is_empty() {
                lines.push(format!("    {what}: {}", listed(items)));
            }
        }
        for (service, variables) in &unit.env {
            let names: Vec<String> =
                variables.iter().map(|(name, value)| format!("{name}={value}")).collect();
            lines.push(format!("    {service} gets {}", names.join(", ")));
        }
        lines.extend(unit.cut.iter().map(|cut| format!("    {cut}")));
    }
    lines.push(String::new());
    let last = plan.last_took_s.map_or_else(String::new, |s| format!("; about {s} s, as the last time"));
    lines.push(format!("{} units, at most {} s in all{last}", plan.units.len(), plan.budget_s));
    lines.join("\n")
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}
