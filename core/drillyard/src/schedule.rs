//! Which units may run at the same time, and which wait for others.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use drillyard_spec::drill::Drill;
use tokio::sync::{Mutex as Gate, OwnedMutexGuard, watch};

use crate::select::Task;

/// Keys that are held and units that have ended.
#[derive(Debug)]
pub struct Schedule {
    gates: Mutex<BTreeMap<String, Arc<Gate<()>>>>,
    /// Whether a unit that has ended passed.
    ended: watch::Sender<BTreeMap<String, bool>>,
}

impl Default for Schedule {
    fn default() -> Self {
        Self { gates: Mutex::default(), ended: watch::Sender::new(BTreeMap::new()) }
    }
}

impl Schedule {
    /// Waits until nobody else holds any of the unit's exclusive keys. Keys are taken in order, so that two units never
    /// wait for each other.
    pub async fn hold(&self, drill: &Drill) -> Vec<OwnedMutexGuard<()>> {
        let keys: BTreeSet<&String> = drill.exclusive.iter().collect();
        let mut held = Vec::new();
        for key in keys {
            let gate = {
                let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
                gates.entry(key.clone()).or_default().clone()
            };
            held.push(gate.lock_owned().await);
        }
        held
    }

    /// Forgets which units have ended, for another round.
    pub fn begin_again(&self) {
        self.ended.send_modify(BTreeMap::clear);
    }

    /// Says that a unit has ended.
    pub fn ended(&self, unit: &str, passed: bool) {
        self.ended.send_modify(|ended| {
            ended.insert(unit.to_owned(), passed);
        });
    }

    /// Waits for the units a drill needs, of those in `running`; gives the first that did not pass.
    pub async fn unmet(&self, drill: &Drill, running: &BTreeSet<&str>) -> Option<String> {
        let needed: Vec<&str> =
            drill.needs.iter().map(|need| need.unit.as_str()).filter(|unit| running.contains(unit)).collect();
        let mut news = self.ended.subscribe();
        let all = |ended: &BTreeMap<String, bool>| needed.iter().all(|unit| ended.contains_key(*unit));
        let ended = news.wait_for(all).await.ok()?;
        needed.iter().find(|unit| ended.get(**unit) != Some(&true)).map(|unit| (*unit).to_owned())
    }
}

/// The tasks in an order in which those that are needed come before those that need them. The first to begin is then
/// never the last to be waited for, however few run at a time.
#[must_use]
pub fn in_order(tasks: &[Task]) -> Vec<&Task> {
    let by_name: BTreeMap<&str, &Task> = tasks.iter().map(|task| (task.drill().id.as_str(), task)).collect();
    let mut seen = BTreeSet::new();
    let mut order = Vec::new();
    for task in tasks {
        visit(task, &by_name, &mut seen, &mut order);
    }
    order
}

fn visit<'a>(
    task: &'a Task,
    all: &BTreeMap<&'a str, &'a Task>,
    seen: &mut BTreeSet<&'a str>,
    order: &mut Vec<&'a Task>,
) {
    // Drills that need each other have been refused when they were read.
    if !seen.insert(&task.drill().id) {
        return;
    }
    for need in &task.drill().needs {
        if let Some(needed) = all.get(need.unit.as_str()) {
            visit(needed, all, seen, order);
        }
    }
    order.push(task);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use drillyard_spec::project::Project;
    use drillyard_spec::source::Texts;

    use super::*;
    use crate::select::{Filter, select};

    const COMPOSE: &str = "name: t\nservices:\n  postgres:\n    image: postgres:15\n    environment: { POSTGRES_USER: t, POSTGRES_PASSWORD: t, POSTGRES_DB: t }\n    x-drillyard: { process: { builtin: postgres }, lane_database: D }\n";

    fn tasks(drills: &[(&str, &str)]) -> Vec<Task> {
        let mut texts = Texts::default();
        texts.insert("ops/compose.yaml", COMPOSE);
        for (name, head) in drills {
            let steps = "steps:\n- sql: { query: select 1 }\n  expect: { row_count: 1 }\n";
            texts.insert(&format!("drills/{name}.yaml"), &format!("drill: {name}\ntitle: T\n{head}{steps}"));
        }
        let project = Project::read(&texts);
        assert_eq!(project.diagnostics, []);
        select(&project, &Filter::default()).unwrap()
    }

    #[test]
    fn needed_units_come_first() {
        let tasks = tasks(&[("a", "needs: [c]\n"), ("b", ""), ("c", "needs: [d]\n"), ("d", "")]);
        let order: Vec<&str> = in_order(&tasks).into_iter().map(|task| task.drill().id.as_str()).collect();
        assert_eq!(order, ["drills/d", "drills/c", "drills/a", "drills/b"]);
    }

    #[tokio::test]
    async fn a_unit_waits_for_what_it_needs_and_does_not_begin_when_that_failed() {
        let tasks = tasks(&[("a", "needs: [b]\n"), ("b", "")]);
        let (schedule, running) = (Schedule::default(), BTreeSet::from(["drills/a", "drills/b"]));
        let waiting = schedule.unmet(tasks[0].drill(), &running);
        tokio::pin!(waiting);
        assert!(tokio::time::timeout(Duration::from_millis(20), &mut waiting).await.is_err());
        schedule.ended("drills/b", false);
        assert_eq!(waiting.await.as_deref(), Some("drills/b"));
        schedule.ended("drills/b", true);
        assert_eq!(schedule.unmet(tasks[0].drill(), &running).await, None);
        // What was not chosen cannot be waited for.
        assert_eq!(Schedule::default().unmet(tasks[0].drill(), &BTreeSet::from(["drills/a"])).await, None);
    }

    #[tokio::test]
    async fn units_with_a_key_in_common_never_hold_it_together() {
        let tasks =
            tasks(&[("a", "exclusive: [x, y]\n"), ("b", "exclusive: [y, z]\n"), ("c", "exclusive: [z]\n")]);
        let schedule = Schedule::default();
        let held = schedule.hold(tasks[0].drill()).await;
        let other = schedule.hold(tasks[1].drill());
        tokio::pin!(other);
        assert!(tokio::time::timeout(Duration::from_millis(20), &mut other).await.is_err());
        schedule.hold(tasks[2].drill()).await;
        drop(held);
        assert_eq!(other.await.len(), 2);
    }
}
