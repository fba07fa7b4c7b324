//! `demo`: the whole tour, from nothing to evidence.

use crate::command::run::{Asked, Run, options};
use crate::command::{Common, Ground, bootstrap, complain, print, runtime, stack};
use crate::exit;
use crate::select::{Filter, select};

/// Bootstraps a stack, runs every drill and scenario on private lanes of it, and shows where the evidence is.
#[must_use]
pub fn run(common: &Common, keep_stack: bool, ground: &Ground) -> u8 {
    let (root, loaded) = match common.load_checked() {
        Ok(loaded) => loaded,
        Err(code) => return code,
    };
    let tasks = match select(&loaded.project, &Filter::default()) {
        Ok(tasks) => tasks,
        Err(error) => return complain(exit::TEXT_WRONG, &error.to_string()),
    };
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(code) => return code,
    };
    let asked = Asked { ground: ground.clone(), ..Asked::default() };
    let run = Run { root, loaded, tasks, whole: true, bootstrap: true };
    let code = run.carry_out_on(&runtime, options(common, &asked));
    drop(runtime);
    if !keep_stack {
        return code;
    }
    if code != exit::PASSED {
        return complain(code, "the stack is not kept, because the tour did not pass");
    }
    let up = stack::up(common, ground);
    if up != exit::PASSED {
        return up;
    }
    let bootstrapped = bootstrap::run(common, None, ground);
    print("`drillyard stack status` shows the stack, `drillyard stack down` takes it down");
    bootstrapped
}
