//! `needs:` of drills: names become units, and none needs itself.

use std::collections::{BTreeMap, BTreeSet};

use crate::code::Code;
use crate::diagnostic::{Diagnostic, suggest};
use crate::drill::{Drill, Need};

/// Replaces the names in `needs:` by full names of units, those of a drill with a matrix by all of its cells.
pub fn resolve(drills: &mut [Drill], out: &mut Vec<Diagnostic>) {
    let units: Vec<String> = drills.iter().map(|drill| drill.id.clone()).collect();
    let files: BTreeSet<&str> = units.iter().map(|unit| file_of(unit)).collect();
    for drill in drills.iter_mut() {
        let mut found = Vec::new();
        for need in std::mem::take(&mut drill.needs) {
            let full = if need.unit.starts_with("drills/") {
                need.unit.clone()
            } else {
                format!("drills/{}", need.unit)
            };
            let meant: Vec<&String> =
                units.iter().filter(|unit| **unit == full || file_of(unit) == full).collect();
            if meant.is_empty() {
                let message = format!("there is no drill `{}`", need.unit);
                let known = files.iter().map(|file| file.strip_prefix("drills/").unwrap_or(file));
                let help = suggest(&need.unit, known);
                out.push(
                    Diagnostic::new(Code::UnknownDrill, &need.source, need.span, message).maybe_help(help),
                );
            }
            found.extend(meant.into_iter().map(|unit| Need { unit: unit.clone(), ..need.clone() }));
        }
        drill.needs = found;
    }
    let graph: BTreeMap<&str, &[Need]> =
        drills.iter().map(|drill| (drill.id.as_str(), drill.needs.as_slice())).collect();
    for (unit, needs) in &graph {
        if let Some(need) = needs.iter().find(|need| leads_to(&need.unit, unit, &graph, &mut BTreeSet::new()))
        {
            let message = format!("`{unit}` needs itself, by way of `{}`", need.unit);
            out.push(Diagnostic::new(Code::NeedCycle, &need.source, need.span, message));
        }
    }
}

/// The drill a unit is a cell of.
fn file_of(unit: &str) -> &str {
    unit.split_once(": ").map_or(unit, |(file, _)| file)
}

fn leads_to<'a>(
    from: &'a str,
    to: &str,
    graph: &BTreeMap<&'a str, &'a [Need]>,
    seen: &mut BTreeSet<&'a str>,
) -> bool {
    if from == to {
        return true;
    }
    seen.insert(from)
        && graph.get(from).is_some_and(|needs| needs.iter().any(|need| leads_to(&need.unit, to, graph, seen)))
}
