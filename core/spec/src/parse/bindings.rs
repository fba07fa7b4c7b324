//! Every name a drill asks for is bound before it is asked for, and step ids are unique.

use std::collections::{BTreeMap, BTreeSet};

use crate::code::Code;
use crate::diagnostic::{Diagnostic, suggest};
use crate::drill::{Action, Drill, Step};

/// Names that need no binding.
pub const BUILT_IN: &[&str] = &["fresh.uuid", "lane.name", "lane.bucket", "run.seed"];

/// Reports unbound names and repeated step ids, each place once.
pub fn check(drill: &Drill, out: &mut Vec<Diagnostic>) {
    let mut bound: BTreeSet<&str> = BUILT_IN.iter().copied().collect();
    // The steady state is checked before any step has bound a name.
    walk(&drill.steady, &mut bound, out);
    walk(&drill.steps, &mut bound, out);
    walk(&drill.finally, &mut bound, out);
    let mut ids: BTreeMap<&str, &Step> = BTreeMap::new();
    for step in drill.every_step() {
        let Some(id) = step.id.as_deref() else { continue };
        if let Some(first) = ids.get(id) {
            // Blocks may be laid out twice; only ids of the drill's own text have to be unique.
            if first.place != step.place && first.place.file == step.place.file {
                out.push(repeated_id(id, first, step));
            }
        } else {
            ids.insert(id, step);
        }
    }
}

fn repeated_id(id: &str, first: &Step, step: &Step) -> Diagnostic {
    Diagnostic {
        code: Code::RepeatedName,
        message: format!("two steps have the id `{id}`"),
        place: step.place.clone(),
        span: crate::source::Span::default(),
        help: Some(format!("the first is at {}", first.place)),
        related: Vec::new(),
    }
}

fn walk<'a>(steps: &'a [Step], bound: &mut BTreeSet<&'a str>, out: &mut Vec<Diagnostic>) {
    for step in steps {
        for usage in &step.uses {
            if bound.contains(usage.name.as_str()) {
                continue;
            }
            let message = format!("`{}` is not bound here", usage.name);
            let diagnostic = Diagnostic::new(Code::UnknownName, &usage.source, usage.span, message)
                .maybe_help(suggest(&usage.name, bound.iter().copied()));
            if !out.contains(&diagnostic) {
                out.push(diagnostic);
            }
        }
        match &step.action {
            Action::Let(names) => bound.extend(names.iter().map(|(name, _)| name.as_str())),
            Action::Each(each) => {
                bound.insert(&each.name);
                walk(&each.steps, bound, out);
            }
            // No branch may count on what another one binds; what comes after may.
            Action::Parallel(branches) => {
                let before = bound.clone();
                for branch in branches {
                    let mut own = before.clone();
                    walk(branch, &mut own, out);
                    bound.extend(own);
                }
            }
            // The looks keep what they save to themselves.
            Action::Always(always) => {
                walk(&always.holds, &mut bound.clone(), out);
                walk(&always.during, bound, out);
            }
            Action::Defer(steps) => walk(steps, &mut bound.clone(), out),
            _ => {}
        }
        bound.extend(step.save.iter().map(|save| save.name.as_str()));
    }
}
