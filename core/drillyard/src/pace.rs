//! How long units took the last time, so that a run can say how long it may still take.

use std::collections::BTreeMap;

use drillyard_report::history::History;

use crate::root::Root;
use crate::select::Task;

/// Microseconds by unit, from the latest run; nothing for what did not run in it.
#[must_use]
pub fn of(root: &Root, tasks: &[Task]) -> BTreeMap<String, u64> {
    let Ok(history) = History::read(&root.runs().join("latest")) else { return BTreeMap::new() };
    let took = |task: &Task| {
        let id = &task.drill().id;
        let end = history.units.iter().rev().find(|unit| unit.unit.id == *id)?.end.as_ref()?;
        Some((id.clone(), end.took_us))
    };
    tasks.iter().filter_map(took).collect()
}
